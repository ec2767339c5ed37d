"""DVC's locks: which are whole, and a copy of each from before a stage began.

DVC writes a dvc.lock in place, so a process that is killed at that moment leaves it empty, cut, or
cut so that it is still YAML. Every stage, before it starts, keeps a copy of each lock that is
whole; `palimpsest repair` puts it back. Light, because it runs at the start of every stage.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from palimpsest.core.parsing import MOST_LOCK, parse_yaml

LOCK = "dvc.lock"
GENERATIONS = "generations"
"""Folder of the generations' dvc.yaml files and locks."""
HASH = re.compile(r"[0-9a-f]{32}(\.dir)?")
TEMPORARY = Path(".dvc", "tmp")
"""DVC's own folder for what git shall not see."""
RWLOCK = TEMPORARY / "rwlock"
"""DVC's list of the processes that are at work."""
OWN = TEMPORARY / "palimpsest"
"""What is kept for a project out of git's sight."""
KEPT = OWN / "locks"
"""Where the copies are."""


def locks(root: Path) -> list[Path]:
    """The locks of a project, relative to it."""
    found = [root / LOCK, *sorted((root / GENERATIONS).glob(f"*/{LOCK}"))]
    return [path.relative_to(root) for path in found if path.is_file()]


def lock_stages(content: bytes) -> dict[str, Any] | None:
    """The stages of a lock, of which some may be cut; None if it is no lock at all."""
    try:
        whole = parse_yaml(content, MOST_LOCK)
    except ValueError:
        return None
    stages = whole.get("stages") if isinstance(whole, dict) else None
    if not isinstance(whole, dict) or "schema" not in whole or not isinstance(stages, dict):
        return None
    if stages and not content.endswith(b"\n"):  # the last line is cut, be it in a number
        stages.popitem()
    return stages


def is_whole(entry: Any, outs: Collection[str] = ()) -> bool:
    """Whether a stage's entry is all there.

    Args:
        entry: of a lock.
        outs: paths that its outputs must have, where they are known.
    """
    if not isinstance(entry, Mapping) or not isinstance(entry.get("cmd"), str):
        return False
    made, read = entry.get("outs") or [], entry.get("deps") or []
    if not isinstance(made, list) or not isinstance(read, list):
        return False
    if not made or not all(_is_whole_item(item) for item in (*read, *made)):
        return False
    return {*outs} <= {item["path"] for item in made}


def _is_whole_item(item: Any) -> bool:
    """Whether a dependency or output has all that DVC writes of it."""
    if not isinstance(item, Mapping) or not isinstance(item.get("path"), str):
        return False
    if not HASH.fullmatch(str(item.get("md5"))) or not isinstance(item.get("size"), int):
        return False
    return not str(item["md5"]).endswith(".dir") or isinstance(item.get("nfiles"), int)


def outputs_of_stages(path: Path) -> dict[str, list[str]]:
    """The stages of a dvc.yaml, and the paths of their outputs.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no dvc.yaml.
    """
    content = parse_yaml(path.read_bytes())
    try:
        return {
            name: [
                out if isinstance(out, str) else next(iter(out))
                for kind in ("outs", "metrics", "plots")
                for out in (stage or {}).get(kind, [])
            ]
            for name, stage in content["stages"].items()
        }
    except (AttributeError, LookupError, StopIteration, TypeError) as error:
        raise ValueError(f"other than stages with outputs ({error!r})") from error


def keep_locks(root: Path) -> None:
    """Copies every lock that is whole and other than its copy; what cannot be kept is left."""
    if not (root / ".dvc").is_dir():
        return
    for path in locks(root):
        try:
            content, copy = (root / path).read_bytes(), root / KEPT / path
            if copy.is_file() and copy.read_bytes() == content:
                continue
            stages = lock_stages(content)
            outs = outputs_of_stages(root / path.with_name("dvc.yaml"))
            if (
                stages
                and content.endswith(b"\n")
                and all(is_whole(entry, outs.get(name, ())) for name, entry in stages.items())
            ):
                copy.parent.mkdir(parents=True, exist_ok=True)
                new = copy.with_name(f".{copy.name}-new")
                new.write_bytes(content)
                new.replace(copy)
        except (OSError, ValueError):
            continue
