"""Makes the locks of a project whole again after a kill.

An entry of a stage that was cut is taken from the copy that a stage kept before it started, or
from the last commit; a lock that is none is replaced as a whole. What no copy has runs again: its
outputs come from DVC's run cache where the inputs are the same.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from palimpsest.core.errors import ProjectError
from palimpsest.core.locks import (
    KEPT,
    LOCK,
    RWLOCK,
    is_whole,
    lock_stages,
    locks,
    outputs_of_stages,
)
from palimpsest.core.storage import write_bytes
from palimpsest.experiments.project import git


@dataclass(frozen=True)
class Repair:
    """One lock that was not whole.

    Attributes:
        path: of the lock, relative to the project.
        back: stages whose entry came back.
        again: stages that have none now, and run again.
    """

    path: Path
    back: tuple[str, ...]
    again: tuple[str, ...]


def repair(root: Path) -> list[Repair]:
    """Repairs every lock of a project that is not whole; the others are not touched.

    One that lacks a stage which a copy has counts as cut: it may have been cut between two.

    Raises:
        ProjectError: not a project of DVC, or a dvc.yaml that cannot be read.
    """
    if not (root / ".dvc").is_dir():
        raise ProjectError(str(root), wanted="a project with .dvc", got="none")
    known = {*locks(root), *(path.relative_to(root / KEPT) for path in (root / KEPT).rglob(LOCK))}
    repairs = []
    for path in sorted(known):
        if not (root / path.with_name("dvc.yaml")).exists():
            continue  # a generation that is no more
        if found := _repaired(root, path):
            repairs.append(found)
    return repairs


def remove_broken_rwlock(root: Path) -> bool:
    """Takes DVC's list of running processes away if it was cut; DVC makes it anew.

    It refuses to run on one that is no JSON.

    Returns:
        Whether there was a broken one.
    """
    path = root / RWLOCK
    try:
        content = path.read_bytes()
        json.loads(content)
    except FileNotFoundError:
        return False
    except (ValueError, RecursionError):
        path.unlink()
        return True
    return False


def _repaired(root: Path, path: Path) -> Repair | None:
    content = (root / path).read_bytes() if (root / path).exists() else b""
    stages = lock_stages(content)
    graph = root / path.with_name("dvc.yaml")
    try:
        expected = outputs_of_stages(graph)
    except (OSError, ValueError) as error:
        raise ProjectError(str(graph), wanted="stages of DVC", got=str(error)) from error
    # a cut can be behind one of several outputs, in the last entry alone
    last = next(reversed(stages), None) if stages else None
    now = {
        name: entry
        for name, entry in (stages or {}).items()
        if is_whole(entry, expected.get(name, ()) if name == last else ())
    }
    copy = _copy(root, path)
    kept = {name: copy[name] for name in copy if is_whole(copy[name], expected.get(name, ()))}
    back = {name: kept[name] for name in expected if name not in now and name in kept}
    broken = stages is None or len(now) < len(stages) or not content.endswith(b"\n")
    if not broken and not back:
        return None
    whole = {name: entry for name, entry in (now | back).items() if name in expected}
    kept_bytes = (root / KEPT / path).read_bytes() if (root / KEPT / path).is_file() else b""
    if whole and lock_stages(kept_bytes) == whole:
        write_bytes(root / path, kept_bytes)
    elif whole:
        text = yaml.safe_dump({"schema": "2.0", "stages": whole}, sort_keys=False)
        write_bytes(root / path, text.encode())
    else:
        (root / path).unlink(missing_ok=True)
    again = tuple(name for name in expected if name not in whole)
    return Repair(path, tuple(back), again)


def _copy(root: Path, path: Path) -> Mapping[str, Any]:
    """The whole entries of the kept copy, and of the last commit where it has none."""
    entries: dict[str, Any] = {}
    try:
        committed = git(root, "show", f"HEAD:./{path.as_posix()}").encode()
    except ProjectError:
        committed = b""
    kept = root / KEPT / path
    for content in (committed, kept.read_bytes() if kept.is_file() else b""):
        stages = lock_stages(content) or {}
        entries |= {name: entry for name, entry in stages.items() if is_whole(entry)}
    return entries
