"""Parameters beside their defaults, by hand."""

from palimpsest.report.reproduction import (
    Changed,
    Origin,
    changed_parameters,
    used_parameters,
)

FIRST = {
    "made_with": {
        "texts": {"corpus": {"train": 10}, "documents": {"train": 9}, "seed": 1},
        "model": {"pretrain": {"steps": None}},
    },
    "parameters": {"score": {"words": 100}},
}
LAST = {"made_with": {"texts": {"generate": {"temperature": 0.7}, "regime.match_tokens": True}},
        "parameters": {}}  # fmt: skip
DEFAULT = {
    "seed": 0,
    "corpus": {"train": 10},
    "pretrain": {"steps": 5},
    "generate": {"temperature": 1.0},
    "regime": {"match_tokens": True},
    "score": {"words": 100},
}


def test_the_parameters_of_all_stages_as_dotted_keys():
    assert used_parameters([FIRST, LAST]) == {
        "corpus.train": 10, "seed": 1, "pretrain.steps": None, "score.words": 100,
        "generate.temperature": 0.7, "regime.match_tokens": True,
    }  # fmt: skip


def test_those_that_differ_from_the_default():
    assert changed_parameters(used_parameters([FIRST, LAST]), DEFAULT) == [
        Changed("generate.temperature", "0.7", "1.0"),
        Changed("pretrain.steps", "null", "5"),
        Changed("seed", "1", "0"),
    ]
    assert changed_parameters({"generate.temperature": 1.0, "new.one": 3}, DEFAULT) == []


def test_an_origin_shows_the_fingerprint_and_not_the_parameters_of_inputs():
    origin = Origin.of("abc", FIRST, LAST, DEFAULT, {"numbers": "../a.json"})
    assert len(origin.changed) == 3
    assert origin.shown() == [("fingerprint", "abc")]
    nested = Origin({"seed": 0, "lm": {"k": None, "deep": {"x": [1, 2]}}, "empty": {}})
    assert nested.shown() == [("seed", "0"), ("lm.k", "–"), ("lm.deep.x", "[1, 2]")]
