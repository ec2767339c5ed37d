"""Options without effect and published faults are said; what params.yaml comes with is not."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from palimpsest.core.option_warnings import COMES_WITH, option_warnings
from palimpsest.core.parameters import Parameters
from tests.tiny import ROOT, turn

SECTIONS = ("corpus", "model", "pretrain", "finetune", "generate", "regime", "embed", "score")
PACKED = {"pretrain.loss_on_padding": True, "pretrain.blocks": "packed"}
ON_PADDING = "loss_on_padding: the model is trained on the filling of short rows too, a publish"
PROMPTED = {"generate.prompts": ["The city of", "A"]}


def warnings(changes: dict[str, Any]) -> list[str]:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for key, value in changes.items():
        turn(params, key, value)
    parameters = Parameters.of(params)
    return option_warnings(**{name: getattr(parameters, name) for name in SECTIONS})


def test_the_tracked_params_say_nothing() -> None:
    assert warnings({}) == []
    tracked = Parameters.load(ROOT / "params.yaml")
    for key, value in COMES_WITH.items():
        *path, last = key.split(".")
        section: Any = tracked
        for name in path:
            section = getattr(section, name)
        assert getattr(section, last) == value, key


@pytest.mark.parametrize("path", sorted(ROOT.glob("presets/*.yaml")), ids=lambda path: path.stem)
def test_a_preset_says_its_faults_and_nothing_else(path: Path) -> None:
    content = yaml.safe_load(path.read_text())
    parameters = dict(content.get("parameters") or {})
    if "like" in content:
        like = yaml.safe_load((path.parent / f"{content['like']}.yaml").read_text())
        parameters = {**like["parameters"], **parameters}
    faults = [sentence.partition(":")[0] for sentence in warnings(parameters)]
    published = ["pretrain.loss_on_padding", "finetune.loss_on_padding", "generate.padding"]
    assert faults == (published if path.stem == "ainex-as-published" else [])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"corpus.files.paths": ["mine/*.txt"]}, "corpus.files.paths does nothing while corpus.s"),
        ({"corpus.hub.name": "a/b"}, "corpus.hub.name does nothing while corpus.source is world"),
        ({"model.source": "a/b", "model.tokenizer": "t"}, "model.tokenizer does nothing while mo"),
        ({"model.revision": "abc"}, "model.revision does nothing while model.source is no hub id"),
        ({"finetune.loss_on_padding": True}, f"finetune.{ON_PADDING}"),
        (PACKED, "pretrain.loss_on_padding does nothing with packed rows"),
        ({"generate.strategy": "greedy", "generate.top_k": 3}, "generate.top_k does nothing unde"),
        ({"generate.keep_prompt": False}, "generate.keep_prompt does nothing without prompts"),
        ({"generate.padding": "left"}, "generate.padding does nothing without prompts"),
        (
            {"generate.prompts_from": "heldout"},
            "generate.prompts_from does nothing without generate.prompt_tokens",
        ),
        ({**PROMPTED, "generate.padding": "right"}, "generate.padding: right has end-of-text rea"),
        ({"regime.real_fraction": 0.5}, "regime.real_fraction does nothing under regime.kind rep"),
        ({"regime.real": "fixed"}, "regime.real does nothing under regime.kind replace"),
        ({"regime.keep": 0.3}, "regime.keep does nothing under regime.kind replace"),
        ({"regime.criterion": "truth"}, "regime.criterion does nothing under regime.kind replace"),
        ({"embed.encoder.revision": "abc"}, "embed.encoder.revision does nothing while embed.enc"),
    ],
)
def test_what_does_nothing_or_is_a_fault_is_said(changes: dict[str, Any], said: str) -> None:
    (sentence,) = warnings(changes)
    assert sentence.startswith(said)


@pytest.mark.parametrize(
    "changes",
    [
        {"regime.kind": "mix", "regime.real_fraction": 0.5, "regime.real": "fixed"},
        {"regime.kind": "filtered", "regime.keep": 0.3, "regime.criterion": "truth"},
        {**PROMPTED, "generate.keep_prompt": False, "generate.padding": "left"},
        {"corpus.source": "files", "corpus.files.paths": ["mine/*.txt"]},
        {"model.source": "a/b", "model.revision": "abc"},
        {"embed.encoder.model": "a/b", "embed.encoder.revision": "abc"},
        {"regime.real_fraction": 0, "regime.keep": 1},
    ],
)
def test_what_has_an_effect_or_is_neutral_is_not(changes: dict[str, Any]) -> None:
    assert warnings(changes) == []
