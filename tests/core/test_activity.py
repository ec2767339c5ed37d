"""What stages note of themselves: running, ended, failed, killed, and files that are none."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from palimpsest.core import activity
from palimpsest.core.activity import STAGES, note_progress, noted, read_activities
from palimpsest.core.errors import ParamsError
from palimpsest.core.launched import RUN_BY_DVC
from tests.tiny import ROOT

ARGV = ["/p/stages/finetune.py", "--generation", "7", "--out", "models/g07"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(RUN_BY_DVC, "generations/g07/dvc.yaml:finetune")
    (tmp_path / ".dvc").mkdir()
    return tmp_path


def test_a_stage_is_seen_at_work_and_then_with_its_time_and_memory(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "EVERY", 0.0)
    with noted(ARGV, project):
        (begun,) = read_activities(project)
        assert (begun.stage, begun.name, begun.pid) == ("finetune", "g07", os.getpid())
        assert begun.works
        note_progress("finetune g07", 3, 8)
        (further,) = read_activities(project)
        assert (further.step, further.done, further.total) == ("finetune g07", 3, 8)
    (ended,) = read_activities(project)
    assert not ended.works
    assert ended.seconds is not None
    assert 0 <= ended.seconds < 60
    assert ended.peak_bytes is None or ended.peak_bytes > 1_000_000
    assert ended.error is None
    note_progress("behind its end", 1, 1)  # of no stage
    assert read_activities(project) == [ended]


def test_progress_is_not_written_with_every_unit(project: Path) -> None:
    with noted(ARGV, project):
        note_progress("finetune g07", 3, 8)
        assert read_activities(project)[0].done == 0


def test_a_failure_keeps_its_line(project: Path) -> None:
    with pytest.raises(ParamsError), noted(["stages/report.py"], project):
        raise ParamsError("report.threshold", wanted="> 0", got=0)
    (failed,) = read_activities(project)
    assert (failed.stage, failed.name) == ("report", "")
    assert failed.error == "report.threshold: want > 0, got 0"
    assert [path.name for path in (project / STAGES).iterdir()] == ["report.json"]


def test_a_killed_stage_does_not_work(project: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from palimpsest.core.activity import noted\n"
        "with noted(['stages/embed.py', '--out=x/g01'], Path(sys.argv[1])): os._exit(9)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", script, str(project)], env=environment, check=False
    )
    assert done.returncode == 9
    (killed,) = read_activities(project)
    assert (killed.seconds, killed.works) == (None, False)


def test_a_stage_that_dvc_has_not_started_is_none_of_the_chains(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(RUN_BY_DVC)
    with noted(ARGV, project):
        assert read_activities(project) == []
    assert read_activities(project) == []


@pytest.mark.skipif(activity.ticks_of(os.getpid()) is None, reason="the system does not say")
def test_another_process_of_the_same_number_is_not_the_stage(project: Path) -> None:
    with noted(ARGV, project):
        (path,) = (project / STAGES).iterdir()
        content = json.loads(path.read_text())
        assert content["ticks"] == activity.ticks_of(os.getpid())
        path.write_text(json.dumps({**content, "ticks": content["ticks"] - 1}))
        (other,) = read_activities(project)
        assert not other.works


def test_outside_a_project_and_where_nothing_can_be_written_a_stage_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RUN_BY_DVC, "prepare")
    with noted(ARGV, tmp_path):
        note_progress("x", 1, 2)
    assert not list(tmp_path.iterdir())
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "tmp").write_text("a file in the way")
    with noted(ARGV, tmp_path):
        pass
    assert read_activities(tmp_path) == []


def test_another_process_of_several_writes_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    with noted(ARGV, project):
        assert read_activities(project) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"stage": "embed"}', b"\xff", {"pid": -1}, {"pid": "1"},
     {"began": None}, {"seconds": "3"}, {"more": 1}, {"name": 7}],
)  # fmt: skip
def test_a_file_that_is_cut_or_of_another_form_is_not_known(
    project: Path, content: bytes | dict[str, object]
) -> None:
    whole = {"stage": "embed", "name": "g01", "pid": 1, "began": 1.0}
    (project / STAGES).mkdir(parents=True)
    (project / STAGES / "embed-g01.json").write_text(json.dumps(whole))
    assert len(read_activities(project)) == 1
    text = content if isinstance(content, bytes) else json.dumps(whole | content).encode()
    (project / STAGES / "embed-g01.json").write_bytes(text)
    assert read_activities(project) == []
