"""Presets: each is a params.yaml that can be meant; comments stay; published beside measured."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from palimpsest.core.config import flattened, nested
from palimpsest.core.errors import ComparisonError, ParamsError, ProjectError
from palimpsest.core.parameters import Parameters
from palimpsest.experiments.presets import (
    PublishedNumber,
    check_reserve,
    load_preset,
    published_numbers,
    scorecards,
    written,
)
from palimpsest.experiments.sweep import planned
from palimpsest.metrics.registry import REGISTRY
from tests.tiny import ROOT

PAPERS = (
    "ainex", "ainex-as-published", "drayson", "gerstgrasser", "linguistic-collapse", "shumailov",
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
    preset = load_preset(project, name)
    for key, value in preset.parameters.items():
        expected = tuple(value) if isinstance(value, list) else value
        assert parameters[key] == expected, key
    check_reserve(parameters, preset.generations, preset.control_chain)


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


@pytest.mark.parametrize(
    ("last", "control", "changed", "fits"),
    [
        (10, True, {}, True),
        (11, True, {}, False),
        (11, False, {}, True),
        (11, False, {"regime.kind": "fresh"}, False),
        (9, True, {"generate.documents": 555}, True),
        (9, True, {"generate.documents": 556}, False),
    ],
)
def test_human_text_must_last_for_the_control_chain(
    last: int, control: bool, changed: dict[str, object], fits: bool
) -> None:
    parameters = {"regime.kind": "replace", "generate.documents": 500, "corpus.reserve": 5000}
    parameters |= changed
    if fits:
        check_reserve(parameters, last, control)
        return
    need = last * parameters["generate.documents"]
    message = rf"^corpus\.reserve: want at least {need} \({last} generations of .* got 5000; raise"
    with pytest.raises(ParamsError, match=message):
        check_reserve(parameters, last, control)


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


def test_scorecards_are_those_of_the_small_files(project: Path) -> None:
    score(project, 0.26201)  # rounded, as the small files are
    assert scorecards(project)[5]["volume"]["value"] == 0.262
    for small, full in ((0.3, 0.262), (None, 0.262), (0.262, None), (0.2621, 0.262)):
        score(project, small, full)
        with pytest.raises(ComparisonError, match=r"^g05, volume: want .* in data/scores, as in"):
            scorecards(project)
    score(project, None, None)
    assert scorecards(project)[5]["volume"]["value"] is None
    shutil.rmtree(project / "data")
    assert scorecards(project) == {}


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


def test_the_sweeps_are_sweeps(project: Path) -> None:
    parameters = flattened(yaml.safe_load((project / "params.yaml").read_text()))
    sweeps = {"linguistic-collapse": 18, "regimes": 24, "regimes-files": 24, "variance": 9}
    files = {path.stem for path in (ROOT / "presets").glob("*-sweep.yaml")}
    assert files == {f"{name}-sweep" for name in sweeps}
    for name, chains in sweeps.items():
        start = "linguistic-collapse" if name == "linguistic-collapse" else "quick"
        own = parameters | load_preset(project, start).parameters
        content = yaml.safe_load((project / "presets" / f"{name}-sweep.yaml").read_text())
        plan = planned(content, own, "sweep")
        assert len(plan) == chains
        for one in plan:
            Parameters.of(nested(own | one))
