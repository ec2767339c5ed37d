"""Values of params.yaml that no stage would take."""

import pytest
import yaml

from palimpsest.dials import check_values
from palimpsest.errors import ParamsError
from palimpsest.experiments import flat
from tests.tiny import ROOT

DEFAULT = flat(yaml.safe_load((ROOT / "params.yaml").read_text()))


def test_the_default_can_be_meant():
    check_values(DEFAULT)
    check_values(DEFAULT | {"seeds.corpus": 3, "seeds.generate": None})


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("generate.temperature", float("nan"), "generate.temperature: want "),
        ("generate.temperature", "hot", "generate.temperature: want "),
        ("corpus.files.paths", "abc", "corpus.files.paths: want "),
        ("corpus.world.entities", 3, "corpus.world.entities: want >= 10"),
        ("pretrain.steps", -1, "pretrain.steps: want "),
        ("finetune.init", "other", "finetune.init: want "),
        ("embed.encoder.batch_size", 0, "embed.encoder.batch_size: want "),
        ("regime.real_fraction", 1.5, "regime.real_fraction: want "),
        ("model.layers", True, "model.layers: want "),
        ("score.lam", -1, "score.lam: want "),
        ("witness.prompts", "one", "witness.prompts: want "),
        ("seed", None, "seed: want a whole number >= 0, got None"),
        ("seeds.corpus", "x", "seeds.corpus: want a whole number >= 0, got 'x'"),
    ],
)
def test_what_cannot_be_meant_is_named(key, value, message):
    with pytest.raises(ParamsError, match=message):
        check_values(DEFAULT | {key: value})
