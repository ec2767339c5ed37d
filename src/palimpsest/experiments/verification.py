"""Whether this machine makes the outputs that the locks name, byte for byte.

Two questions. Are the outputs that the locks here name those of the last commit: did `dvc repro`
make what was committed? And, without touching the outputs here: what does a stage
make if it is run again from the inputs that its lock names?

A stage is run in a temporary folder that sees the workspace's code, parameters and inputs. DVC's
hash of a folder is the MD5 of a JSON list of its files.
"""

import hashlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from palimpsest.core.config import read_yaml
from palimpsest.core.errors import ProjectError
from palimpsest.core.locks import GENERATIONS, LOCK, is_whole, lock_stages, locks
from palimpsest.core.transitions import read_transitions
from palimpsest.experiments.project import CHAIN, git

OUTPUTS = ("data", "models", "metrics", "plots")
"""Folders of the graph's outputs."""
MISSING = "dvc checkout, dvc pull, or palimpsest restore for a model that was dropped"
"""What to do about an input that is not there."""
ABOVE = 16
"""Folders above the project's that a dependency may climb to (../../corpora)."""


@dataclass(frozen=True)
class Output:
    """One output of one stage, held against what it should be.

    Attributes:
        stage: its name, "g03: embed".
        path: of the output.
        wanted: the hash that it should have; None where it is new.
        got: the one that it has; None where it is missing.
    """

    stage: str
    path: str
    wanted: str | None
    got: str | None

    @property
    def same(self) -> bool:
        """Whether it is what it should be."""
        return self.wanted == self.got


def committed(root: Path, revision: str = "HEAD") -> list[Output]:
    """The outputs of the workspace's locks against those of a commit, in the graph's order.

    Raises:
        ProjectError: no such commit, or it has no locks.
    """
    listed = git(root, "ls-tree", "-r", "--name-only", revision, "--", LOCK, GENERATIONS).split()
    there = [path for path in listed if path.endswith(LOCK)]
    here = [path.as_posix() for path in locks(root)]
    outputs = []
    for path in sorted({*there, *here}, key=lambda path: (path != LOCK, path)):
        name = "graph" if path == LOCK else Path(path).parent.name
        text = git(root, "show", f"{revision}:./{path}") if path in there else ""
        before = _outputs(_stages(text.encode(), f"{revision}: {path}")) if text else {}
        after = _outputs(lock_of(root / path)) if path in here else {}
        for stage in {**before, **after}:
            old, new = before.get(stage, {}), after.get(stage, {})
            for out in {**old, **new}:
                outputs.append(Output(f"{name}: {stage}", out, old.get(out), new.get(out)))
    if not outputs:
        raise ProjectError(revision, wanted="locks of stages that ran", got="none")
    return outputs


def recomputed(root: Path, names: Sequence[str]) -> Iterator[Output]:
    """Runs stages again, elsewhere, and holds what they make against the locks.

    Args:
        root: the project.
        names: generations, in order; "prepare" and "report" for the ends of the graph. What one
            has made is the next one's input.

    Raises:
        ProjectError: a stage has no lock, an input is missing or not the one that its lock names,
            or a stage fails.
    """
    with elsewhere(root) as place:
        made: set[str] = set()
        for name in names:
            lock = lock_of(root / _file(name, LOCK))
            stages = _names_of_stages(root / _file(name, "dvc.yaml"))
            for stage in [name] if name in ("prepare", "report") else stages:
                if stage not in lock:
                    what = f"{name}: {stage}"
                    raise ProjectError(what, wanted="a lock", got="none", hint="dvc repro")
                what = stage if stage == name else f"{name}: {stage}"
                yield from run_again(root, place, what, lock[stage], made)


@contextmanager
def elsewhere(root: Path, beside: Path | None = None) -> Iterator[Path]:
    """Yields a temporary folder that sees the project's code and parameters, and no output.

    Args:
        root: the project.
        beside: the folder to make it in; None for the system's own.
    """
    with tempfile.TemporaryDirectory(prefix="palimpsest-", dir=beside) as temporary:
        place = Path(temporary, *["inside"] * ABOVE)
        place.mkdir(parents=True)
        for path in root.iterdir():
            if path.name not in OUTPUTS:
                (place / path.name).symlink_to(path.resolve())
        yield place


def every_name(root: Path) -> list[str]:
    """The ends of the graph and all generations, in the order in which they run."""
    return ["prepare", *read_transitions(root / CHAIN), "report"]


def hash_of(path: Path) -> str:
    """DVC's hash of a file or folder."""
    if path.is_file():
        return _md5_of(path)
    return _md5(listing_of(path)) + ".dir"


def listing_of(folder: Path) -> bytes:
    """DVC's list of a folder's files, as its cache keeps it."""
    files = sorted(
        (file.relative_to(folder).as_posix(), file) for file in folder.rglob("*") if file.is_file()
    )
    listed = [{"md5": _md5_of(file), "relpath": name} for name, file in files]
    return json.dumps(listed, sort_keys=True).encode()


def run_again(
    root: Path, place: Path, what: str, lock: Mapping[str, Any], made: set[str]
) -> Iterator[Output]:
    """Runs one stage in a temporary folder on the inputs that its lock names.

    Args:
        root: the project.
        place: that folder, see `elsewhere`.
        what: the stage, for errors.
        lock: its entry.
        made: outputs of stages that have run there; this one's are added.

    Raises:
        ProjectError: see `recomputed`.
    """
    for dep in lock.get("deps") or []:
        path: str = dep["path"]
        known = root / path
        parts = [str(part) for part in (Path(path), *Path(path).parents)]
        if Path(path).parts[:1] == ("..",) and known.exists():
            _link(known, place / path)  # beside the project, and so beside its copy
        if path.split("/")[0] not in OUTPUTS or any(part in made for part in parts):
            continue
        within = [one for one in made if one.startswith(f"{path}/")]
        if not within and (not known.exists() or hash_of(known) != dep.get("md5")):
            got = "another one" if known.exists() else "none"
            wanted = f"{path} as its lock names it"
            raise ProjectError(what, wanted=wanted, got=got, hint=MISSING)
        _link(known, place / path)
    outs = _paths(lock)
    for out in outs:
        (place / out).parent.mkdir(parents=True, exist_ok=True)
    try:
        words = shlex.split(lock["cmd"])
        words[:1] = [sys.executable] if words[:1] == ["python"] else words[:1]
        done = subprocess.run(words, cwd=place, capture_output=True, text=True, env=os.environ)
    except (OSError, IndexError, ValueError) as error:
        raise ProjectError(what, wanted="a command", got=str(error)) from error
    made.update(outs)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["nothing"]
        raise ProjectError(what, wanted="a stage that runs", got=said[-1])
    for out, wanted in outs.items():
        new = place / out
        yield Output(what, out, wanted, hash_of(new) if new.exists() else None)


def _names_of_stages(path: Path) -> list[str]:
    content = read_yaml(path)
    stages = content.get("stages") if isinstance(content, dict) else None
    if not isinstance(stages, dict):
        raise ProjectError(str(path), wanted="stages of DVC", got="none")
    return [str(name) for name in stages]


def _link(known: Path, path: Path) -> None:
    """Shows a file or folder of the workspace, or what of it is not there yet."""
    if path.is_dir() and not path.is_symlink():
        for child in known.iterdir():
            _link(child, path / child.name)
    elif not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(known.resolve())


def _file(name: str, file: str) -> Path:
    ends = ("prepare", "report")
    return Path(file) if name in ends else Path(GENERATIONS, name, file)


def lock_of(path: Path) -> dict[str, Any]:
    """The stages of a lock, whole; none where there is no such file.

    Raises:
        ProjectError: it is cut.
    """
    return _stages(path.read_bytes(), str(path)) if path.exists() else {}


def _stages(content: bytes, path: str) -> dict[str, Any]:
    stages = lock_stages(content)
    cut = not content.endswith(b"\n")
    if stages is None or cut or not all(is_whole(entry) for entry in stages.values()):
        hint = "palimpsest repair"
        raise ProjectError(path, wanted="a whole lock of DVC", got="a part of one", hint=hint)
    for out in (path for entry in stages.values() for path in _paths(entry)):
        if Path(out).is_absolute() or ".." in Path(out).parts:
            raise ProjectError(path, wanted="outputs in this project", got=out)
    for dep in (dep["path"] for entry in stages.values() for dep in entry.get("deps") or []):
        if Path(dep).parts.count("..") > ABOVE:
            wanted = f"dependencies at most {ABOVE} folders above"
            raise ProjectError(path, wanted=wanted, got=dep)
    return stages


def _outputs(lock: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    return {stage: _paths(entry) for stage, entry in lock.items()}


def _paths(entry: Mapping[str, Any]) -> dict[str, str]:
    return {out["path"]: out.get("md5", "") for out in entry.get("outs", [])}


def _md5_of(file: Path) -> str:
    """Of a file that may be larger than the memory."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
