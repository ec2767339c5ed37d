"""Every regime with every start: what generation 1 learns from, and that it learns from there."""

import pytest

from palimpsest.artifacts import read_texts
from tests.stages.conftest import Project
from tests.tiny import turn


@pytest.mark.parametrize(
    ("kind", "human", "written"),
    [
        ("replace", 0, 20),
        ("accumulate", 40, 20),
        ("accumulate_subsample", None, None),  # 40 of 60, as drawn
        ("mix", 5, 15),
        ("fresh", 20, 0),
        ("filtered", 0, 10),
    ],
)
def test_a_regime_and_both_starts(
    project: Project, kind: str, human: int | None, written: int | None
) -> None:
    turn(project.params, "regime.kind", kind)
    turn(project.params, "regime.real_fraction", 0.25)
    models = []
    for init in ("previous", "base"):
        turn(project.params, "finetune.init", init)
        project.run("generate")
        project.run("finetune")
        models.append((project.root / "models/g01/model.safetensors").read_bytes())
    assert models[0] != models[1]

    learned, own, train, reserve = (
        read_texts(project.root / f"data/{name}.jsonl")
        for name in ("texts/g01/training", "texts/g01/texts", "human/train", "human/reserve")
    )
    humans = [text for text in learned if text in {*train, *reserve}]
    if human is None:
        assert len(learned) == len(train)
        assert set(learned) <= {*train, *own}
        assert 0 < len(humans) < len(learned)
    else:
        assert (len(humans), len(learned) - len(humans)) == (human, written)
        assert set(learned) - set(humans) <= set(own)
        assert set(humans) <= set(train if kind == "accumulate" else reserve)
