"""What a long computation keeps of its state, so that a stage that was killed goes on inside.

Beside an output, `models/g01`, stands a hidden folder, `models/.g01.unfinished`, as long as the
stage runs: DVC removes outputs before a run, not what stands beside them. A computation opens a
`Task` in it and says after every step what its state is; once a minute the states are written, each
whole under a temporary name first. `palimpsest.core.storage.new_folder` removes the folder when the
output stands in its place.

A state is taken up only if its key is the same: a SHA-256 of all values that determine the result
(the caller's: weights, token ids, parameters), of the source code of this package, of the versions
of libraries and of what the environment says about threads and processors. Files are .npz without
pickled objects; a damaged one does not pass its checksums and is thrown away.

Known gaps: a file is not forced to the disk, so a power cut may cost the last one (it is then
damaged, and the work starts anew); two processes must not write the same output, unless they share
the work on it (`palimpsest.core.team`).
"""

import hashlib
import json
import logging
import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.compute import BLAS, FIXED, PORTABLE, THREADS, is_portable
from palimpsest.core.provenance import versions
from palimpsest.core.storage import unfinished

log = logging.getLogger(__name__)

SECONDS = 60.0
"""Between two writes, so about what a kill costs. A stage that is shorter writes nothing."""
LEAST_RATIO = 20
"""A write that takes t seconds is followed by 20 t without one: at most a twentieth of the time."""
NEW = ".new"
"""Ends the name of a file that is being written."""
ENVIRONMENT = (
    *THREADS,
    *FIXED,
    *PORTABLE,
    *BLAS,
    "CUBLAS_WORKSPACE_CONFIG",
    "NVIDIA_TF32_OVERRIDE",
)
"""Variables on which the bits of a result may depend."""

Arrays = Mapping[str, NDArray[Any]]


class Checkpoints:
    """The states of one stage's computations, which it opens in the same order whenever it runs.

    Args:
        out: the stage's output; None keeps nothing.
        seconds: between two writes at the least.
        clock: seconds that only grow.
        part: begins the rest of every file's name, where several processes share the work and each
            keeps its own part.
    """

    def __init__(
        self,
        out: Path | None,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
        part: str = "",
    ) -> None:
        self.folder = None if out is None else unfinished(out)
        self._seconds, self._clock, self._part = seconds, clock, part
        # now: while the stage runs, its source code may be edited
        self._surroundings = {} if out is None else _surroundings()
        self._opened: Counter[str] = Counter()
        self._pending: list[Task] = []
        self._due = clock() + seconds

    def task(self, name: str, unit: str, key: Callable[[], str]) -> "Task":
        """Opens the next computation, with its state if one was kept under the same key.

        Args:
            name: of the computation, for the log and the file.
            unit: of what `Task.done` counts.
            key: hash of all values that determine the result (see `digest`); asked for when
                there is something to read or to write.
        """
        self._opened[name] += 1
        for one in self._pending:
            one._finish()
        return Task(self, name, f"{name}-{self._opened[name]}-{self._part}", unit, key)

    def _changed(self, task: "Task") -> None:
        """Notes that a task has a new state; writes all that are new if it is time."""
        if task not in self._pending:
            self._pending.append(task)
        if self._clock() < self._due:
            return
        start = self._clock()
        for one in self._pending:
            one._write()
        self._pending.clear()
        end = self._clock()
        self._due = end + max(self._seconds, LEAST_RATIO * (end - start))


class Task:
    """A computation of many equal steps whose state can be kept between them."""

    def __init__(
        self, owner: Checkpoints, name: str, place: str, unit: str, key: Callable[[], str]
    ) -> None:
        self.done = 0
        """Steps that the state holds; 0 where none was kept."""
        self.state: Arrays = {}
        """Arrays by name, as they were given to `keep`; empty where none was kept, and from the
        next `keep` on."""
        self._owner, self._name, self._place, self._key = owner, name, place, key
        self._digest: str | None = None
        self._new: Callable[[], Arrays] = dict
        if owner.folder is not None and owner.folder.is_dir():
            self._take_up(owner.folder, unit)

    def keep(self, done: int, state: Callable[[], Arrays]) -> None:
        """Says what the state is after so many steps.

        Args:
            done: how many.
            state: gives the arrays; asked when they are written, which may be after later steps
                of other tasks, never after later ones of this.
        """
        if self._owner.folder is not None:
            self.done, self.state, self._new = done, {}, state
            self._owner._changed(self)

    def _finish(self) -> None:
        """Keeps arrays alone of a computation behind which another begins: its model may go."""
        arrays, _ = self._new(), self._file
        self._new, self._key = (lambda: arrays), str

    def _take_up(self, folder: Path, unit: str) -> None:
        """Reads the state that was kept, and throws away what cannot be used."""
        for path in sorted(folder.glob(f"{self._place}*")):
            state = _read(path, self._file) if path.name == self._file else None
            if state is not None:
                self.done = int(state.pop("done"))
                self.state = {key.removeprefix("state/"): array for key, array in state.items()}
                log.info("%s goes on behind %s %d, kept in %s", self._name, unit, self.done, path)
                continue
            if path.suffix != NEW:
                what = "damaged" if path.name == self._file else "of other inputs"
                log.info("%s starts anew: what was kept is %s (%s)", self._name, what, path)
            path.unlink()

    @property
    def _file(self) -> str:
        """The file's name, which holds the key."""
        if self._digest is None:
            self._digest = digest(self._owner._surroundings, self._key())
        return f"{self._place}{self._digest}.npz"

    def _write(self) -> None:
        """Writes the state; a disk that refuses costs a warning, not the work."""
        folder = self._owner.folder
        assert folder is not None
        path = folder / self._file
        arrays = {f"state/{name}": array for name, array in self._new().items()}
        new = path.with_suffix(NEW)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with new.open("wb") as file:
                named: dict[str, Any] = {"done": np.array(self.done), **arrays}
                names = np.array([*named])
                np.savez(file, key=np.array(self._file), names=names, **named)
            new.replace(path)
        except OSError as error:
            log.warning("%s could not be kept: %s", path, error)
            with suppress(OSError):
                new.unlink()


NOTHING_KEPT = Checkpoints(None)
"""For a computation that need not survive a kill."""


def digest(*values: Any) -> str:
    """SHA-256 of values: arrays, and whatever JSON can say."""
    total = hashlib.sha256()
    for value in values:
        if isinstance(value, np.ndarray):
            head = f"{value.dtype.str}{value.shape}"
            content: Any = np.ascontiguousarray(value).reshape(-1).view(np.uint8).data
        else:
            content = json.dumps(value, sort_keys=True).encode()
            head = "json"
        total.update(f"{head}:{len(content)}:".encode())
        total.update(content)
    return total.hexdigest()


def _read(path: Path, key: str) -> dict[str, NDArray[Any]] | None:
    """The arrays of a file, each against its checksum; None if it is damaged or of another key."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
        # a damaged table of contents may have lost some of them
        if str(arrays.pop("key")) == key and arrays.pop("names").tolist() == [*arrays]:
            return arrays
    except Exception:  # whatever a damaged file makes of zipfile and numpy
        return None
    return None


def _surroundings() -> dict[str, Any]:
    """What determines a result beside the values: code, libraries, threads, processor."""
    package = Path(__file__).parents[1]
    code = {
        path.relative_to(package).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in package.rglob("*.py")
    }
    return {
        "code": code,
        "python": platform.python_version(),
        "versions": versions(),
        "environment": {name: os.environ.get(name) for name in ENVIRONMENT},
        "machine": platform.machine(),
        "processor": None if is_portable() else _processor(),
    }


def _processor() -> str:
    """The processor's name and the number of them: other ones may have other bits."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = {line.partition(":")[2].strip() for line in lines if line.startswith("model name")}
    return f"{sorted(names) or platform.processor()} {os.cpu_count()}"
