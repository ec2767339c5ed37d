"""The models of a chain in the workspace and in DVC's cache: what is there, put in, taken out.

DVC keeps a folder as a list of its files (`….dir`) and each file once, by the MD5 of its bytes.
Weights alone are taken out: the list, the tokenizer (which all generations have in common) and the
curve stay, so that DVC knows what is missing, and a model comes back whole.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from palimpsest.core.disk_space import WEIGHTS
from palimpsest.core.errors import ProjectError
from palimpsest.core.locks import GENERATIONS, LOCK
from palimpsest.core.parsing import parse_json
from palimpsest.core.storage import unfinished
from palimpsest.experiments.project import dvc
from palimpsest.experiments.verification import hash_of, lock_of

MODELS = Path("models")
"""Folder of the generations' models."""
TRAINED_BY = "finetune"
"""The stage that makes one."""


@dataclass(frozen=True)
class Cache:
    """DVC's cache of a project."""

    folder: Path

    @classmethod
    def of(cls, root: Path) -> "Cache":
        """Where DVC says that it is.

        Raises:
            ProjectError: DVC does not say.
        """
        return cls(Path(dvc(root, "cache", "dir").strip()))

    def require_own(self, root: Path) -> None:
        """Makes sure that no other project can have its files here.

        Raises:
            ProjectError: the cache lies outside of the project.
        """
        if not self.folder.resolve().is_relative_to(root.resolve()):
            raise ProjectError(
                "DVC's cache",
                wanted="one of the project's own, or models.keep_every: 1",
                got=f"{self.folder}, in which other projects may keep the same weights",
                hint="nothing was dropped; dvc config --unset cache.dir gives the project its own",
            )

    def path(self, md5: str) -> Path:
        """Where it keeps a file or a list, there or not."""
        return self.folder / "files" / "md5" / md5[:2] / md5[2:]

    def files(self, md5: str) -> dict[str, str]:
        """A folder's files and their hashes, by its own hash; none where its list is not there."""
        try:
            listed = parse_json(self.path(md5).read_bytes())
            return {str(one["relpath"]): str(one["md5"]) for one in listed}
        except (OSError, ValueError, LookupError, TypeError):
            return {}

    def weights(self, md5: str) -> list[str]:
        """The hashes of a model's weights; in their order, there or not."""
        return [one for name, one in self.files(md5).items() if name.endswith(WEIGHTS)]

    def has(self, md5: str) -> bool:
        """Whether it has a folder whole."""
        files = self.files(md5)
        return bool(files) and all(self.path(one).is_file() for one in files.values())

    def add(self, folder: Path, listing: bytes, md5: str) -> None:
        """Puts a folder in, what of it is not there yet.

        Args:
            folder: its files are moved.
            listing: DVC's list of them, see `palimpsest.experiments.verification.listing_of`.
            md5: the hash of that list.
        """
        for one in parse_json(listing):
            self._add(one["md5"], partial(shutil.move, folder / one["relpath"]))
        self._add(md5, lambda new: new.write_bytes(listing))

    def _add(self, md5: str, write: Callable[[Path], object]) -> None:
        """Puts in a file as DVC does: whole, and for reading alone."""
        path = self.path(md5)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}-{os.getpid()}")
        try:
            write(new)
            new.chmod(0o444)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)


def trained(root: Path, name: str) -> Mapping[str, Any] | None:
    """The lock's entry of the stage that made a generation's model; None if none did.

    Raises:
        ProjectError: the lock is cut.
    """
    entry: Mapping[str, Any] | None
    entry = lock_of(root / GENERATIONS / name / LOCK).get(TRAINED_BY)
    return entry


def model_hash(name: str, entry: Mapping[str, Any]) -> str | None:
    """The hash of a generation's model in that entry."""
    path = (MODELS / name).as_posix()
    found = (out.get("md5") for out in entry.get("outs") or () if out["path"] == path)
    return next(found, None)


def in_workspace(root: Path, name: str, md5: str) -> bool:
    """Whether a generation's model is there as its lock has it."""
    folder = root / MODELS / name
    return folder.is_dir() and hash_of(folder) == md5


def remove_folder(root: Path, name: str) -> int:
    """Takes a generation's model out of the workspace: all of it, or nothing of it.

    Returns:
        Bytes that it took; of files that DVC links from its cache, none.
    """
    folder = root / MODELS / name
    hidden = folder.with_name(f".{name}-dropped")
    shutil.rmtree(hidden, ignore_errors=True)  # of a run that was killed
    if not folder.is_dir():
        return 0
    sizes = [file.lstat() for file in folder.rglob("*") if file.is_file()]
    folder.rename(hidden)
    shutil.rmtree(hidden)
    shutil.rmtree(unfinished(folder), ignore_errors=True)
    return sum(one.st_size for one in sizes if one.st_nlink == 1)
