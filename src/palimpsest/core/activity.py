"""What the stages of a project do and did: a small file for each, for whoever watches a chain.

The files lie under .dvc/tmp, out of git's sight, since times differ between two identical runs.
They decide nothing: a stage that cannot write them does its work all the same, and what reads them
takes one that is missing, cut or of another form for "not known". Light, because it runs at the
start of every stage.

Known gap: a stage that DVC takes from its cache does not run, and keeps the times of its last run.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from palimpsest.core.compute import argument
from palimpsest.core.launched import RUN_BY_DVC, started_by_a_stage, started_rank
from palimpsest.core.locks import OWN
from palimpsest.core.parsing import parse_json

STAGES = OWN / "stages"
"""Where the files are."""
EVERY = 2.0
"""Seconds between two notes of how far a stage is."""


@dataclass(frozen=True)
class Activity:
    """A stage that works, or how it ended."""

    stage: str
    """``generate``, ``finetune`` and so on."""
    name: str
    """Of the generation, g07; empty for `prepare` and `report`."""
    pid: int
    began: float
    """Seconds since 1970."""
    ticks: int | None = None
    """When its process began, as the system counts; None where it does not say. Another process may
    have the same number later."""
    step: str = ""
    """What it does now, in words; empty as long as it has said nothing."""
    done: int = 0
    total: int = 0
    """Units of the step; 0 where their number is not known."""
    seconds: float | None = None
    """That it took; None while it works, or where it was killed."""
    peak_bytes: int | None = None
    """Most memory that it held; None while it works, or where the system does not say."""
    error: str | None = None
    """Why it ended before its time."""

    @property
    def works(self) -> bool:
        """Whether its process is there and it has not ended."""
        if self.seconds is not None:
            return False
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except PermissionError:
            pass
        now = ticks_of(self.pid)
        return None in (now, self.ticks) or now == self.ticks


class Note:
    """The activity of this process's stage, written down as it goes on.

    Args:
        root: the project; nothing is written where it is none of DVC's, or DVC has not started
            this process: a stage that is run by hand, or elsewhere to be compared, is none of the
            chain's.
        now: what is known at the beginning.
    """

    def __init__(self, root: Path, now: Activity) -> None:
        self._now, self._written = now, 0.0
        wanted = RUN_BY_DVC in os.environ and (root / ".dvc").is_dir() and not started_rank()
        place = root / STAGES / f"{now.stage}-{now.name}.json".replace("-.", ".")
        self._path = place if wanted else None
        self._write()

    def progress(self, step: str, done: int, total: int) -> None:
        """How far it is; written every few seconds."""
        self._now = replace(self._now, step=step, done=done, total=total)
        if time.monotonic() - self._written >= EVERY:
            self._write()

    def ended(self, error: str | None) -> None:
        """Its time and memory, and why it ended if that was before its time."""
        seconds = round(time.time() - self._now.began, 3)
        self._now = replace(self._now, seconds=seconds, peak_bytes=peak_bytes(), error=error)
        self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        if self._path is None:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new = self._path.with_name(f".{self._path.name}-{os.getpid()}")
            new.write_text(json.dumps(asdict(self._now)), encoding="utf-8")
            new.replace(self._path)


_notes: list[Note] = []
"""That of the stage that runs in this process, if any."""


@contextlib.contextmanager
def noted(argv: Sequence[str], root: Path) -> Iterator[None]:
    """Notes the stage of a command line from here to the end of the block.

    Args:
        argv: of a stage: its file, then its arguments.
        root: the project.
    """
    name = Path(argument("--out", argv, "")).name
    own = os.getpid()
    note = Note(root, Activity(Path(argv[0]).stem, name, own, time.time(), ticks_of(own)))
    _notes.append(note)
    error: str | None = None
    try:
        yield
    except KeyboardInterrupt:
        error = "interrupted"
        raise
    except BaseException as raised:
        error = str(raised) or type(raised).__name__
        raise
    finally:
        _notes.remove(note)
        if not started_by_a_stage():
            note.ended(error)


def note_progress(step: str, done: int, total: int) -> None:
    """Notes how far the stage of this process is; without one, nothing."""
    for note in _notes[-1:]:
        note.progress(step, done, total)


def read_activities(root: Path) -> list[Activity]:
    """What is noted of a project's stages, the latest beginning last."""
    found = (_read(path) for path in (root / STAGES).glob("*.json"))
    return sorted((one for one in found if one), key=lambda one: one.began)


def _read(path: Path) -> Activity | None:
    try:
        content = parse_json(path.read_bytes())
        one = Activity(**content)
    except (OSError, ValueError, TypeError):
        return None
    kinds: dict[str, tuple[type, ...]] = {
        **dict.fromkeys(("stage", "name", "step"), (str,)),
        **dict.fromkeys(("pid", "done", "total"), (int,)),
        "began": (float, int),
        "seconds": (float, int, type(None)),
        **dict.fromkeys(("peak_bytes", "ticks"), (int, type(None))),
        "error": (str, type(None)),
    }
    fits = (isinstance(getattr(one, field.name), kinds[field.name]) for field in fields(one))
    return one if all(fits) and one.pid > 0 else None


def ticks_of(pid: int) -> int | None:
    """When a process began, in the system's own count; None where that is not known (no /proc)."""
    try:
        behind_name = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2]
        return int(behind_name.split()[19])
    except (OSError, ValueError, LookupError):
        return None


def peak_bytes() -> int | None:
    """The most memory that this process or one that it started has held."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    most = max(resource.getrusage(one).ru_maxrss for one in whose)
    return most if sys.platform == "darwin" else most * 1024
