"""A chain whose parameters were changed half-way is refused; what differs by design is not."""

import json
from typing import Any

import pytest

from palimpsest.core.errors import ParamsError
from palimpsest.core.parameters import Parameters
from palimpsest.core.provenance import portable
from palimpsest.core.storage import json_bytes
from tests.tiny import tiny_params, turn


def provenance(changes: dict[str, Any], generation: str) -> dict[str, Any]:
    """As the stages write it, of a run with some parameters changed."""
    params = tiny_params()
    for key, value in changes.items():
        turn(params, key, value)
    run = Parameters.of(params)
    regime = run.regime.changed(kind="fresh") if generation[0] == "n" else run.regime
    texts: dict[str, Any] = {"generate": run.generate.as_dict(), "regime": regime.as_dict()}
    if generation == "g00":
        texts = {"corpus": run.corpus.as_dict(), "documents": {"train": 40}}
    seed = run.seed_of("corpus" if generation == "g00" else "generate")
    matched = run.regime.match_tokens and generation != "g00"
    section = "pretrain" if generation == "g00" else "finetune"
    training = {section: getattr(run, section).as_dict(), "regime.match_tokens": matched}
    content = {
        "parameters": {"score": run.score.as_dict(), "seed": run.seed_of("corpus")},
        "made_with": {
            "texts": {**texts, "seed": seed},
            "model": {**training, "seed": run.seed_of("finetune")},
            "embeddings": {"embed": run.embed.as_dict(), "seed": run.seed_of("corpus")},
        },
    }
    read: dict[str, Any] = json.loads(json_bytes(portable(content)))
    return read


def check(changes: dict[str, Any], generation: str, now: dict[str, Any] | None = None) -> None:
    params = tiny_params()
    for key, value in (now or {}).items():
        turn(params, key, value)
    chain = {name: provenance(now or {}, name) for name in ("g00", "g01", "n01")}
    chain[generation] = provenance({**(now or {}), **changes}, generation)
    Parameters.of(params).check_made_with(chain)


def test_a_chain_of_one_kind_is_whole() -> None:
    check({}, "g01")
    seeds = {"seeds.corpus": 3, "seeds.generate": 4, "seeds.finetune": 5}
    check({}, "g01", seeds)
    check({}, "g00", {**seeds, "model.source": "/somewhere/mine", "embed.encoder.model": "/a/b"})


@pytest.mark.parametrize(
    ("generation", "key", "value", "said"),
    [
        ("g01", "generate.temperature", 0.5, "g01: generate.temperature of its texts: want 0.95"),
        ("n01", "generate.top_k", 5, "n01: generate.top_k of its texts: want 0, as params.yaml"),
        ("g01", "finetune.steps", 7, "g01: finetune.steps of its model: want 6, as params.yaml s"),
        ("g00", "pretrain.steps", 7, "g00: pretrain.steps of its model: want 6, as params.yaml s"),
        ("g00", "corpus.train", 41, "g00: corpus.train of its texts: want 40, as params.yaml say"),
        ("g01", "regime.kind", "mix", "g01: regime.kind of its texts: want 'replace', as params"),
        ("g01", "regime.match_tokens", False, "g01: regime.match_tokens of its model: want True"),
        ("g01", "embed.encoder.max_tokens", 9, "g01: embed.encoder.max_tokens of its embeddings"),
        ("g01", "score.lam", 2.0, "g01: score.lam of its scores: want 1.0, as params.yaml says, "),
        ("g01", "seeds.generate", 9, "g01: seed of its texts: want 0, as params.yaml says, got 9"),
        ("g01", "seeds.finetune", 9, "g01: seed of its model: want 0, as params.yaml says, got 9"),
        ("g00", "seeds.corpus", 9, "g00: seed of its embeddings: want 0, as params.yaml says"),
    ],
)
def test_another_value_names_generation_key_and_both(
    generation: str, key: str, value: Any, said: str
) -> None:
    with pytest.raises(ParamsError) as caught:
        check({key: value}, generation)
    assert str(caught.value).startswith(said)
    assert f"got {value!r}; it was changed half-way: dvc repro" in str(caught.value)


def test_what_an_old_provenance_does_not_name_is_not_compared() -> None:
    parameters = Parameters.of(tiny_params())
    parameters.check_made_with({"g01": {}, "g02": {"parameters": {"score": {"gone": 1}}}})
