"""Every regime with every start: what generation 1 is trained on, and from which weights."""

import pytest

from palimpsest.core.storage import read_texts
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

    trained_on, own, train, reserve = (
        read_texts(project.root / f"data/{name}.jsonl")
        for name in ("texts/g01/training", "texts/g01/texts", "human/train", "human/reserve")
    )
    humans = [text for text in trained_on if text in {*train, *reserve}]
    if human is None:
        assert len(trained_on) == len(train)
        assert set(trained_on) <= {*train, *own}
        assert 0 < len(humans) < len(trained_on)
    else:
        assert (len(humans), len(trained_on) - len(humans)) == (human, written)
        assert set(trained_on) - set(humans) <= set(own)
        assert set(humans) <= set(train if kind == "accumulate" else reserve)
