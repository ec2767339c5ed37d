"""Presets: each is a params.yaml that can be meant; comments stay; published beside measured."""

import json
import re
import shutil
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import yaml

from palimpsest.core.config import flattened, nested
from palimpsest.core.errors import ParamsError, ProjectError
from palimpsest.core.parameters import Parameters, RegimeParams
from palimpsest.corpus.regimes import Sources, training_set
from palimpsest.experiments.presets import (
    PublishedNumber,
    load_preset,
    published_numbers,
    written,
)
from palimpsest.experiments.sweep import planned
from palimpsest.metrics.registry import REGISTRY
from tests.tiny import ROOT

PAPERS = (
    "ainex", "ainex-as-published", "drayson", "gerstgrasser", "linguistic-collapse", "shumailov",
    "smollm2", "smollm2-two-words",
)  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The presets, and the default params.yaml."""
    shutil.copytree(ROOT / "presets", tmp_path / "presets")
    shutil.copy(ROOT / "params.yaml", tmp_path / "params.yaml")
    return tmp_path


def use(project: Path, name: str, **parameters: object) -> None:
    """Writes the params.yaml of a preset."""
    text = written(project, {**load_preset(project, name).parameters, **parameters})
    (project / "params.yaml").write_text(text)


def test_quick_is_the_tracked_params_file() -> None:
    quick = (ROOT / "presets" / "quick.yaml").read_text()
    assert quick == (ROOT / "params.yaml").read_text()
    assert written(ROOT, {}) == quick


@pytest.mark.parametrize("name", ["quick", *PAPERS])
def test_every_preset_is_accepted_by_every_stage(project: Path, name: str) -> None:
    use(project, name)
    parameters = flattened(Parameters.load(project / "params.yaml").as_dict())
    for key, value in load_preset(project, name).parameters.items():
        expected = tuple(value) if isinstance(value, list) else value
        assert parameters[key] == expected, key


@pytest.mark.parametrize("control", [None, True])
@pytest.mark.parametrize("name", ["quick", *PAPERS])
def test_every_preset_has_human_text_for_its_chain(
    project: Path, name: str, control: bool | None
) -> None:
    preset = load_preset(project, name)
    use(project, name)
    null = preset.control_chain if control is None else control
    Parameters.load(project / "params.yaml").check_reserve(preset.generations, null)


REGIMES = [
    *({"regime.kind": kind} for kind in ("replace", "accumulate", "accumulate_subsample", "fresh")),
    *({"regime.kind": "mix", "regime.real": real} for real in ("fresh", "fixed")),
    *(
        {"regime.kind": "filtered", "regime.criterion": criterion}
        for criterion in ("likelihood", "deduplication", "nearest_human", "truth")
    ),
]
"""Every regime, with what makes it another one."""


def test_the_regimes_are_all_that_there_are() -> None:
    for field in ("kind", "real", "criterion"):
        known = get_args(RegimeParams.model_fields[field].annotation)
        assert {one[f"regime.{field}"] for one in REGIMES if f"regime.{field}" in one} == {*known}


@pytest.mark.parametrize("regime", REGIMES, ids=lambda regime: "-".join(regime.values()))
@pytest.mark.parametrize("name", ["quick", *PAPERS])
def test_every_regime_goes_with_every_preset_or_is_refused_by_its_name(
    project: Path, name: str, regime: dict[str, str]
) -> None:
    """Only the world has facts that a criterion of truth could ask for."""
    use(project, name, **regime)
    preset = load_preset(project, name)
    source = preset.parameters.get("corpus.source", "world")
    if regime.get("regime.criterion") == "truth" and source != "world":
        message = r"^regime\.criterion: want another one where corpus\.source is not world, got 'tr"
        with pytest.raises(ParamsError, match=message):
            Parameters.load(project / "params.yaml")
        return
    parameters = Parameters.load(project / "params.yaml")
    parameters.check_reserve(preset.generations, preset.control_chain)
    # and then it lasts: the training sets of the last generation can be made
    documents = [""] * parameters.generate.documents
    there = {
        "train": parameters.corpus.train or len(documents), "reserve": parameters.corpus.reserve,
    }  # fmt: skip
    control = parameters.regime.changed(kind="fresh")
    for one in (parameters.regime, *[control] * preset.control_chain):
        human = [""] * there.get(one.humans or "", 0)
        ready = Sources(documents, human, pool=[], scores=[0.0] * len(documents))
        assert training_set(one, preset.generations, ready, np.random.default_rng(0))


def test_every_file_is_a_preset_or_a_sweep() -> None:
    names = {path.stem for path in (ROOT / "presets").glob("*")}
    assert {name for name in names if not name.endswith("-sweep")} == {"quick", *PAPERS}
    assert all(path.suffix == ".yaml" for path in (ROOT / "presets").iterdir())


@pytest.mark.parametrize("name", PAPERS)
def test_a_preset_says_what_was_published(name: str) -> None:
    preset = load_preset(ROOT, name)
    assert preset.published
    for entry in preset.published:
        assert {"generation", "metric", "value"} <= entry.keys()
        assert entry["metric"] in REGISTRY
        assert entry["parameters"].keys() <= preset.parameters.keys()
    assert (ROOT / "presets" / f"{name}.yaml").read_text().startswith("# ")
    assert preset.control_chain


def test_the_default_has_nothing_published() -> None:
    quick = load_preset(ROOT, "quick")
    assert (quick.parameters, quick.published) == ({}, ())
    assert (quick.generations, quick.control_chain) == (20, False)


def test_a_preset_like_another_differs_in_what_it_says(project: Path) -> None:
    ainex, faulty = (load_preset(project, name) for name in ("ainex", "ainex-as-published"))
    faults = {
        "pretrain.loss_on_padding": True, "finetune.loss_on_padding": True,
        "generate.padding": "right",
    }  # fmt: skip
    assert faulty.parameters == {**ainex.parameters, **faults}
    assert ainex.parameters["generate.padding"] == "left"
    assert faulty.published == ainex.published
    assert (faulty.generations, faulty.control_chain) == (20, True)
    (project / "presets" / "mine.yaml").write_text(
        "like: ainex\nparameters: {}\nchain: {generations: 3, control_chain: false}\n"
        "published: [{generation: 1, metric: volume, value: 2}]\n"
    )
    mine = load_preset(project, "mine")
    assert (mine.generations, mine.control_chain) == (3, False)
    assert [entry["value"] for entry in mine.published] == [2.0]


def test_the_seed_study_on_a_real_model_is_its_protocol(project: Path) -> None:
    ainex, real, fixed = (
        load_preset(project, name) for name in ("ainex", "smollm2", "smollm2-two-words")
    )
    assert (real.generations, real.control_chain) == (fixed.generations, True) == (20, True)
    of_model_and_text = ("corpus.", "model.", "generate.", "compute.")
    for key, value in ainex.parameters.items():
        if not key.startswith(of_model_and_text):
            assert real.parameters[key] == value, key
    for key in ("documents", "temperature", "top_k", "repetition_penalty"):
        assert real.parameters[f"generate.{key}"] == ainex.parameters[f"generate.{key}"]
    use(project, "smollm2")
    parameters = Parameters.load(project / "params.yaml")
    params = parameters.generate
    assert (params.documents, params.prompt_tokens + params.max_new_tokens) == (250, 100)
    assert (params.prompts_from, params.prompts) == ("heldout", ())
    assert parameters.witness.prompts == ("The fundamental laws of physics dictate that",)
    assert parameters.finetune.init == "previous"
    assert (parameters.model.start_token, parameters.model.end_token) == ("<|endoftext|>",) * 2
    changed = {key for key in fixed.parameters if fixed.parameters[key] != real.parameters.get(key)}
    assert changed == {
        f"generate.{key}"
        for key in ("max_new_tokens", "prompts", "prompt_tokens", "prompts_from", "padding")
    }
    assert fixed.parameters["generate.prompts"] == ainex.parameters["generate.prompts"]
    assert {len(prompt.split()) for prompt in fixed.parameters["generate.prompts"]} == {2}


@pytest.mark.parametrize(
    ("last", "control", "changed", "each"),
    [
        (10, True, {}, None),
        (11, True, {}, 500),
        (11, False, {}, None),
        (10, False, {"regime.kind": "fresh"}, None),
        (11, False, {"regime.kind": "fresh"}, 500),
        (9, True, {"generate.documents": 555}, None),
        (9, True, {"generate.documents": 556}, 556),
        # a fifth of 500 documents: 50 generations of 100
        (50, False, {"regime.kind": "mix", "regime.real_fraction": 0.2}, None),
        (51, False, {"regime.kind": "mix", "regime.real_fraction": 0.2}, 100),
        (
            51,
            False,
            {"regime.kind": "mix", "regime.real_fraction": 0.2, "regime.real": "fixed"},
            None,
        ),
        (11, True, {"regime.kind": "mix", "regime.real_fraction": 0.2}, 500),
    ],
)
def test_human_text_must_last_for_the_control_chain(
    last: int, control: bool, changed: dict[str, object], each: int | None
) -> None:
    """With 500 documents a generation, unless said otherwise, and 5,000 unseen human ones."""
    whole = yaml.safe_load(written(ROOT, {"corpus.reserve": 5000, **changed}))
    parameters = Parameters.of(whole)
    if each is None:
        parameters.check_reserve(last, control)
        return
    message = (
        rf"^corpus\.reserve: want >= {last * each} \({last} generations of {each} unseen human "
        r"documents\), got 5000; raise it, .* \(--no-null\)$"
    )
    with pytest.raises(ParamsError, match=message):
        parameters.check_reserve(last, control)


@pytest.mark.parametrize(
    ("changed", "fits"),
    [
        ({"corpus.train": 400}, True),
        ({"corpus.train": 399}, False),
        ({"corpus.train": 399, "regime.real": "fresh"}, True),
        ({"corpus.train": 399, "regime.kind": "replace"}, True),
        ({"corpus.train": None, "corpus.source": "files"}, True),  # all that is left
    ],
)
def test_a_fixed_share_of_human_documents_must_be_there(
    changed: dict[str, object], fits: bool
) -> None:
    """Four fifths of 500 documents."""
    mix = {"regime.kind": "mix", "regime.real": "fixed", "regime.real_fraction": 0.8}
    parameters = Parameters.of(yaml.safe_load(written(ROOT, {**mix, **changed})))
    if fits:
        parameters.check_reserve(2, control=False)
        return
    message = r"^corpus\.train: want >= 400, a generation's share, got 399$"
    with pytest.raises(ParamsError, match=message):
        parameters.check_reserve(2, control=False)


def test_comments_stay_and_only_the_parameters_change(project: Path) -> None:
    before = (project / "params.yaml").read_text().splitlines()
    text = written(project, {"seed": 7, "witness.prompts": ["One"], "finetune.clip_norm": None})
    after = text.splitlines()
    gone, new = [[x for x in a if x not in b] for a, b in ((before, after), (after, before))]
    assert [line.strip() for line in new] == [
        "seed: 7                     # whole number; moves everything random",
        "- One", "clip_norm: null",
    ]  # fmt: skip
    assert len(gone) == 7
    assert "    - One\n\nfinetune:" in text
    prompted = written(project, {"generate.prompts": ["A b"]})
    assert prompted.count("#") == "\n".join(before).count("#")


@pytest.mark.parametrize(
    "key", ["sed", "seed.x", "corpus", "corpus.wrld.entities", "corpus.bogus.x"]
)
def test_only_parameters_can_be_written(project: Path, key: str) -> None:
    with pytest.raises(
        ParamsError, match=rf"^{key}: want a parameter of params\.yaml, got no such"
    ):
        written(project, {key: 1})


def test_what_is_no_preset_is_named(project: Path) -> None:
    message = "^preset: want one of ainex, ainex-as-published, drayson, .*, got 'aynex'$"
    for name in ("aynex", "regimes-sweep"):
        with pytest.raises(ParamsError, match=message.replace("aynex", name)):
            load_preset(project, name)
    with pytest.raises(ProjectError, match="want a folder with presets/, got none"):
        load_preset(project / "presets", "ainex")


@pytest.mark.parametrize(
    ("content", "got"),
    [
        ("parameters: 3", r"TypeError"),
        ("like: mine\nparameters: {}", "ValueError.*presets that start from each other"),
        ("parameters: {1: 2}\nchain: {generations: 1, control_chain: false}", "TypeError"),
        ("parameters: {}\nchain: {generations: x, control_chain: false}", "TypeError"),
        ("parameters: {}\nchain: {generations: 1, control_chain: 3}", "TypeError"),
        (
            "parameters: {}\nchain: {generations: 1, control_chain: false}\n"
            "published: [{generation: .inf, metric: volume, value: 1}]",
            "OverflowError",
        ),
        ("3", "TypeError"),
        ("like: ainex", r"KeyError\('parameters'\)"),
        ("chain: {generations: 1, control_chain: false}", r"KeyError\('parameters'\)"),
        ("parameters: {}", r"KeyError\('generations'\)"),
        ("parameters: {}\nchain: {generations: 1}", r"KeyError\('control_chain'\)"),
        (
            "parameters: {}\nchain: {generations: 1, control_chain: false}\n"
            "published: [{generation: 1, metric: volume}]",
            r"KeyError\('value'\)",
        ),
        (
            "parameters: {}\nchain: {generations: 1, control_chain: false}\n"
            "published: [{generation: 1, metric: volume, value: much}]",
            "ValueError",
        ),
    ],
)
def test_a_broken_preset_is_named(project: Path, content: str, got: str) -> None:
    (project / "presets" / "mine.yaml").write_text(content)
    message = rf"^presets/mine\.yaml: want chain, published and parameters, got {got}"
    with pytest.raises(ParamsError, match=message):
        load_preset(project, "mine")


# --- published beside measured ---


def score(project: Path, small: float | None, full: float | None = 0.262) -> None:
    """Generation 5 with a volume in its scorecard, and another or the same in its small file."""
    folder = project / "data" / "scores" / "g05"
    folder.mkdir(parents=True, exist_ok=True)
    scorecard = {"metrics": {"volume": {"value": full, "low": None, "high": None}}}
    (folder / "scorecard.json").write_text(json.dumps(scorecard))
    folder = project / "metrics" / "generations"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "g05.json").write_text(json.dumps({"volume": small}))


def test_measured_stands_beside_published(project: Path) -> None:
    score(project, 0.262)
    ainex = load_preset(project, "ainex")
    use(project, "ainex")
    numbers, others, reason = published_numbers(project, ainex)
    assert (others, reason) == ([], None)
    assert numbers[:3] == [
        PublishedNumber(1, "volume", 0.148, None),
        PublishedNumber(5, "volume", 0.131, 0.262),
        PublishedNumber(20, "volume", 0.032, None),
    ]
    assert len(numbers) == len(ainex.published)
    assert [one.measured for one in numbers].count(None) == len(numbers) - 1


def test_parameters_that_are_not_the_presets_are_named(project: Path) -> None:
    _, others, _ = published_numbers(project, load_preset(project, "ainex"))
    quick, ainex = (
        flattened(yaml.safe_load(written(project, load_preset(project, name).parameters)))
        for name in ("quick", "ainex")
    )
    assert ("corpus.source", "world", "hub") in others
    assert {key: (own, theirs) for key, own, theirs in others} == {
        key: (quick[key], ainex[key]) for key in ainex if quick[key] != ainex[key]
    }


def test_scores_of_other_parameters_or_files_do_not_count(project: Path) -> None:
    score(project, 0.3)
    numbers, _, reason = published_numbers(project, load_preset(project, "ainex"))
    assert {one.measured for one in numbers} == {None}
    assert reason is not None
    assert reason.startswith("g05, volume: want 0.300 in data/scores, as in metrics/generations, g")
    score(project, 0.262)
    lock = {"stages": {"generate": {"params": {"params.yaml": {"seed": 7}}}}}
    folder = project / "generations" / "g05"
    folder.mkdir(parents=True)
    (folder / "dvc.lock").write_text(json.dumps(lock))
    numbers, _, reason = published_numbers(project, load_preset(project, "ainex"))
    assert {one.measured for one in numbers} == {None}
    assert reason is not None
    assert reason.startswith("workspace: want scores of the parameters in its params.yaml, got g05")


def test_published_numbers_of_another_arm_are_left_out(project: Path) -> None:
    preset = load_preset(project, "gerstgrasser")
    values = {}
    for kind in ("accumulate", "replace", "mix"):
        use(project, "gerstgrasser", **{"regime.kind": kind})
        numbers, others, _ = published_numbers(project, preset)
        values[kind] = [one.published for one in numbers]
        own = [] if kind == "accumulate" else [("regime.kind", kind, "accumulate")]
        assert others == own
    assert values == {"accumulate": [6.17, 5.7], "replace": [6.17, 10.9, 18.4], "mix": [6.17]}


def test_without_published_numbers_there_is_nothing_to_compare(project: Path) -> None:
    with pytest.raises(ParamsError, match=r"^preset quick: want published numbers, got none"):
        published_numbers(project, load_preset(project, "quick"))


SWEEPS = {"linguistic-collapse": 18, "regimes": 24, "regimes-files": 24, "variance": 9}
"""The sweeps that come with the project, and how many chains each has."""


def chain_of(text: str) -> tuple[str, int, bool]:
    """The preset, the last generation and whether there is a control chain, by a sweep's header."""
    after = " ".join(text.partition("grid:")[0].replace("#", " ").split())
    if named := re.search(r"after `palimpsest preset ([a-z-]+)`", after):
        preset = load_preset(ROOT, named[1])
        return named[1], preset.generations, preset.control_chain
    said = re.search(r"after `palimpsest chain (\d+)`", after)
    assert said, after
    return "quick", int(said[1]), False


def test_every_sweep_is_known() -> None:
    files = {path.stem for path in (ROOT / "presets").glob("*-sweep.yaml")}
    assert files == {f"{name}-sweep" for name in SWEEPS}


@pytest.mark.parametrize("name", SWEEPS)
def test_every_chain_of_a_sweep_can_be_meant_and_has_human_text(name: str) -> None:
    text = (ROOT / "presets" / f"{name}-sweep.yaml").read_text()
    preset, last, control = chain_of(text)
    own = flattened(yaml.safe_load(written(ROOT, load_preset(ROOT, preset).parameters)))
    plan = planned(yaml.safe_load(text), own, "sweep")
    assert len(plan) == SWEEPS[name]
    for one in plan:
        parameters = Parameters.of(nested(own | one))
        parameters.check_reserve(last, control)
        # what every chain is held against: integrity is a share of fresh human text's
        assert parameters.corpus.null_pool >= 3 * parameters.generate.documents


def test_the_headers_say_which_chain_a_sweep_is_for() -> None:
    chains = {
        name: chain_of((ROOT / "presets" / f"{name}-sweep.yaml").read_text()) for name in SWEEPS
    }
    ten = ("quick", 10, False)
    assert chains == {
        "linguistic-collapse": ("linguistic-collapse", 1, True),
        "regimes": ten, "regimes-files": ten, "variance": ten,
    }  # fmt: skip
