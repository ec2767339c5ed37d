"""A chain while it is computed: what is done, what works, and how long the rest will take."""

import json
import os
from pathlib import Path

import pytest

from palimpsest.core.errors import PalimpsestError, ParamsError, ProjectError
from palimpsest.experiments import watching
from palimpsest.experiments.watching import copies, watched
from palimpsest.trajectory.alarms import find_alarms
from palimpsest.trajectory.curves import Trajectory
from tests.experiments.watched_project import BEGAN, GENERATION, Chain


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    """Five generations of six, and nothing at work."""
    chain = Chain(tmp_path, 5)
    for number in range(5):
        chain.generation(f"g{number:02d}")
    return chain


def done(chain: Chain) -> list[str]:
    return [*watched(chain.root, chain.now).done]


FIVE = ["g00", "g01", "g02", "g03", "g04"]


def test_a_generation_is_done_when_locks_and_scorecard_are_there(chain: Chain) -> None:
    seen = watched(chain.root, chain.now)
    assert [*seen.done] == FIVE
    assert (seen.complete, seen.at_work, seen.working, seen.failed) == (False, False, None, None)
    assert [seen.seconds(name) for name in ("g00", "g03", "g05")] == [30.0, GENERATION, None]
    chain.generation("g05")
    assert watched(chain.root, chain.now).complete


def test_what_is_missing_cut_or_being_replaced_is_not_done(chain: Chain) -> None:
    card = chain.root / "data" / "scores" / "g03" / "scorecard.json"
    whole = card.read_bytes()
    for content in (b"", whole[:100], b"[]", b'{"metrics": {}, "generation": "g03"}', b"\xff"):
        card.write_bytes(content)
        assert done(chain) == ["g00", "g01", "g02", "g04"]
    card.unlink()
    assert done(chain) == ["g00", "g01", "g02", "g04"]
    card.write_bytes(whole)
    lock = chain.root / "generations" / "g02" / "dvc.lock"
    text = lock.read_bytes()
    lock.write_bytes(text[: len(text) // 2])
    assert done(chain) == ["g00", "g01"]
    lock.write_bytes(text)
    assert done(chain) == FIVE


def test_what_other_parameters_or_an_other_past_have_made_is_not_done(chain: Chain) -> None:
    chain.stage("finetune", "g02", version=1)  # embed has read another model
    assert done(chain) == ["g00", "g01"]
    chain.generation("g02", version=0)
    assert done(chain) == FIVE
    (chain.root / "params.yaml").write_text("seed: 0\ngenerate: {temperature: 0.5}\n")
    assert done(chain) == []


def test_what_comes_after_the_stage_at_work_is_not_done(chain: Chain) -> None:
    chain.note("finetune", "g02", step="finetune g02", done=3, total=9)
    seen = watched(chain.root, chain.now)
    assert [*seen.done] == ["g00", "g01"]
    assert seen.at_work
    assert seen.working is not None
    assert (seen.working.step, seen.working.done, seen.working.total) == ("finetune g02", 3, 9)
    chain.now += 1
    chain.note("prepare", "")
    assert done(chain) == []


def test_between_two_stages_dvc_is_at_work(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    chain.stage("finetune", "g02")
    assert done(chain) == FIVE
    monkeypatch.setattr(watching, "running_dvc", lambda root: {1})
    assert done(chain) == ["g00", "g01"]
    chain.stage("score", "g02")
    assert done(chain) == ["g00", "g01", "g02"]
    chain.now += 1
    chain.note("report", "", seconds=3.0)
    assert done(chain) == ["g00", "g01", "g02"]


def test_the_control_chain_has_a_past_of_its_own(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 2, control=True)
    for name in ("g00", "g01", "n01", "n02"):
        chain.generation(name)
    assert done(chain) == ["g00", "g01", "n01", "n02"]
    chain.note("generate", "n01")
    assert done(chain) == ["g00", "g01"]


def test_a_killed_stage_is_seen_and_a_failed_one_with_its_line(chain: Chain) -> None:
    chain.note("generate", "g05", pid=2**22 + 1)
    failed = watched(chain.root, chain.now).failed
    assert failed is not None
    assert (failed.stage, failed.name, failed.error) == ("generate", "g05", None)
    chain.note("generate", "g05", seconds=1.0, error="no room")
    failed = watched(chain.root, chain.now).failed
    assert failed is not None
    assert failed.error == "no room"


@pytest.mark.parametrize(
    ("later", "left"), [(0.0, GENERATION), (15.0, GENERATION - 15), (1000.0, 0.0)]
)
def test_what_is_left_is_the_generations_that_are_missing(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, later: float, left: float
) -> None:
    monkeypatch.setattr(watching, "running_dvc", lambda root: {1})
    assert watched(chain.root, chain.now + later).seconds_left() == left


def test_what_dvc_takes_between_stages_counts_and_a_pause_does_not(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 9)
    for number in range(8):
        chain.generation(f"g{number:02d}")
        chain.now += 86_400 if number == 3 else 6
    seen = watched(tmp_path, chain.now)
    assert seen.seconds_left() == 2 * (GENERATION + 6)


def test_before_the_first_written_generation_nobody_knows(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 3)
    assert watched(tmp_path, BEGAN).seconds_left() is None
    chain.generation("g00")
    assert watched(tmp_path, BEGAN).seconds_left() is None
    for name in ("g01", "g02", "g03"):
        chain.generation(name)
    assert watched(tmp_path, BEGAN).seconds_left() == 0.0


def test_alarms_are_those_of_the_trajectory_up_to_the_generation(chain: Chain) -> None:
    chain.generation("g05")
    seen = watched(chain.root, chain.now)
    assert seen.alarms("g00") == ()
    whole = find_alarms(Trajectory.from_scorecards(chain.cards))
    for number in range(1, 6):
        expected = [
            (one.metric, one.generation) for one in whole if (one.generation or 99) <= number
        ]
        found = seen.alarms(f"g{number:02d}")
        assert found is not None
        assert [(one.metric, one.generation) for one in found] == expected
    assert expected


def test_without_a_null_band_nothing_can_warn(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 1)
    del chain.cards[0]["null"]
    for name in ("g00", "g01"):
        chain.generation(name)
    assert watched(tmp_path, chain.now).alarms("g01") is None


def test_a_scorecard_of_another_form_is_an_error_of_its_alarms(chain: Chain) -> None:
    chain.cards[2]["generation"] = 1  # of another chain
    chain.scorecard("g02")
    seen = watched(chain.root, chain.now)
    assert [*seen.done] == FIVE
    with pytest.raises(PalimpsestError, match="g01 twice"):
        seen.alarms("g02")


def test_where_there_is_no_project_the_next_step_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        ProjectError, match=r"project with dvc.yaml and chain.yaml.*palimpsest chai"
    ):
        watched(tmp_path, 0.0)
    chain = Chain(tmp_path, 1)
    (tmp_path / "params.yaml").unlink()
    with pytest.raises(ParamsError, match=r"params.yaml: want a YAML file, got no such file"):
        watched(tmp_path, chain.now)
    (tmp_path / "chain.yaml").write_text("transitions: {g00: 3}")
    with pytest.raises(ParamsError, match=r"chain.yaml: g00"):
        watched(tmp_path, chain.now)


def info(root: Path, name: str, content: object, queue: str = "exps/run") -> None:
    folder = root / ".dvc" / "tmp" / queue / name
    folder.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / f"{name}.run").write_text(text)


def test_experiments_of_the_queue_and_of_temporary_folders_are_found(tmp_path: Path) -> None:
    place = str(tmp_path / ".dvc" / "tmp" / "exps" / "tmpab")
    info(tmp_path, "a" * 40, {"name": "warm-1a", "root_dir": place, "status": 2})
    info(tmp_path, "b" * 40, {"name": None, "root_dir": place, "status": 6}, "exps/standalone/run")
    for number, cut in enumerate(("", "{", "[]", '{"name": "x"}', '{"root_dir": 3, "status": 2}')):
        info(tmp_path, f"cut{number}", cut)
    found = {one.name: (os.fspath(one.root), one.state) for one in copies(tmp_path)}
    assert found == {"warm-1a": (place, 2), "b" * 7: (place, 6)}
