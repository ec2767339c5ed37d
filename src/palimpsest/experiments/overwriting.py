"""Writes over a project's files and loses nothing: changes that git does not know are kept."""

import itertools
from collections.abc import Mapping
from pathlib import Path

from palimpsest.core.errors import ProjectError
from palimpsest.core.locks import OWN
from palimpsest.core.storage import write_bytes
from palimpsest.experiments.project import git


def keep_old(root: Path, force: bool, new: Mapping[str, str]) -> list[str]:
    """Refuses files with changes that git does not know, or keeps them out of git's sight.

    Those that are what is to be written anyway, as after the same command before, do not count.

    Args:
        root: the project.
        force: whether to keep them instead of refusing.
        new: name of a file in it -> what is to be written.

    Returns:
        Where each old one is kept, a line each.

    Raises:
        ProjectError: there are such changes, and no force.
    """
    changed = [
        name
        for name, text in new.items()
        if _changed(root, name) and (root / name).read_bytes() != text.encode()
    ]
    if changed and not force:
        wanted = "no uncommitted changes"
        hint = "commit them, or --force: the old file is kept under .dvc/tmp"
        raise ProjectError(" and ".join(changed), wanted=wanted, got="some", hint=hint)
    said, folder = [], root / OWN
    for name in changed:
        content = (root / name).read_bytes()
        numbers = (folder / f"{name}.old{number or ''}" for number in itertools.count())
        kept = next(p for p in numbers if not p.exists() or p.read_bytes() == content)
        write_bytes(kept, content)
        said.append(f"{name}: the old one is {kept.relative_to(root)}")
    return said


def _changed(root: Path, name: str) -> bool:
    """Whether a file is there with content that git does not know; outside git, any content is."""
    if not (root / name).exists():
        return False
    try:
        return bool(git(root, "status", "--porcelain", "--ignored", "--", name))
    except ProjectError:
        return True
