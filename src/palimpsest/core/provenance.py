"""What a stage wrote is what the next one reads: provenance.json, written and held against files.

Every artifact folder says what determines its content (parameters, hashes of what was read, library
versions) and the SHA-256 of each of its files; nothing that differs between two identical runs: no
times, no host names, no absolute paths. A stage opens the folders that it is given with `opened`,
which holds them against that, and holds that they belong together.
"""

import hashlib
import platform
from argparse import Namespace
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from typing import Any

from palimpsest.core.errors import PalimpsestError
from palimpsest.core.storage import read_json, write_json

FORMAT = 2
"""Of artifact folders; those of 0.1 say none. Raised when a stage could no longer read old ones."""
FILE = "provenance.json"
LIBRARIES = ("torch", "transformers", "tokenizers", "sentence-transformers", "numpy", "scipy")
PATHS = ("source", "tokenizer", "model", "paths")
"""Parameters that may be paths."""
AGAIN = "dvc repro makes it again from what it was made of"

Link = tuple[str, str, str]
"""(artifact, name of an input in its provenance, what that must be): an artifact here, or by
"artifact.name" what another artifact was made from."""

READS = {
    "generate": ("model", "human", "first", "previous"),
    "finetune": ("previous", "base"),
    "embed": ("texts", "human", "model", "author", "first"),
    "score": ("human", "texts", "previous", "first_texts", "embeddings", "first"),
}
"""Stage -> the arguments that are artifact folders."""
LINKS: Mapping[str, tuple[Link, ...]] = {
    "generate": (
        ("previous", "human", "human"),
        ("previous", "first", "first"),
    ),
    "embed": (
        ("model", "training", "texts"),
        ("texts", "model", "author"),
        ("texts", "human", "human"),
        ("texts", "first", "first"),
    ),
    "score": (
        ("embeddings", "texts", "texts"),
        ("embeddings", "human", "human"),
        ("embeddings", "first", "first.first"),
        ("texts", "previous", "previous"),
        ("first", "texts", "first_texts"),
        ("first", "human", "human"),
    ),
}
"""Stage -> which of them must have been made from which."""


@dataclass(frozen=True)
class Artifact:
    """A folder that a stage wrote, its files being those that were written."""

    path: Path
    """The folder."""
    identity: str
    """SHA-256 of its provenance.json, and so of all that it holds."""
    provenance: Mapping[str, Any]
    """The content of provenance.json."""

    @classmethod
    def open(cls, path: Path, only: Collection[str] = ()) -> "Artifact":
        """Reads a folder's provenance and holds its files against it.

        Args:
            path: the folder.
            only: files that are read of it, where the others need not be there; by default all.

        Raises:
            PalimpsestError: no provenance, one of another format, a file that is missing, is not
                the one that was written, or was not written by a stage.
        """
        if not path.is_dir():
            raise PalimpsestError(str(path), wanted="a folder that a stage wrote", got="none")
        content = read_json(path / FILE)
        found = content.get("format") if isinstance(content, dict) else None
        if found != FORMAT:
            got = "an older one" if found is None else f"format {found!r}"
            hint = f"{AGAIN}; nothing can be converted"
            raise PalimpsestError(str(path), wanted=f"format {FORMAT}", got=got, hint=hint)
        files, inputs = content.get("files"), content.get("inputs")
        if not (isinstance(files, dict) and isinstance(inputs, dict)):
            wanted = "hashes of files and inputs"
            raise PalimpsestError(str(path / FILE), wanted=wanted, got="none", hint=AGAIN)
        there = [*only] or _names(path)
        for name in sorted({*there, *([] if only else files)}):
            if name not in files:
                raise PalimpsestError(
                    f"{path / name}", wanted="nothing", got="a file that no stage wrote", hint=AGAIN
                )
            if not (path / name).is_file() or file_hash(path / name) != files[name]:
                got = "another one" if (path / name).exists() else "none"
                wanted = "the file that the stage wrote"
                raise PalimpsestError(f"{path / name}", wanted=wanted, got=got, hint=AGAIN)
        return cls(path, file_hash(path / FILE), content)

    def require_input(self, name: str, other: "Artifact") -> None:
        """Makes sure that this was made from another artifact, or from one of its files.

        Args:
            name: of the input in the provenance; generation 0 may have none of that name.
            other: what it must have been.

        Raises:
            PalimpsestError: it was made from something else.
        """
        self._require(name, {other.identity, *other.provenance["files"].values()}, other.path)

    def _require(self, name: str, hashes: Collection[Any], of: Path) -> None:
        recorded = self.provenance["inputs"].get(name)
        if recorded is None and not self.provenance.get("generation"):
            return
        if recorded is None or recorded not in hashes:
            raise PalimpsestError(
                str(self.path),
                wanted=f"what was made with {name} as in {of}",
                got="what was made with another",
                hint="the two do not belong together; dvc repro",
            )


def opened(stage: str, args: Namespace) -> dict[str, Artifact]:
    """The folders of a stage's command line, each whole, all of one chain.

    Args:
        stage: its name, see `READS`.
        args: the command line.

    Raises:
        PalimpsestError: see `Artifact.open` and `Artifact.require_input`.
    """
    paths = {name: Path(getattr(args, name)) for name in READS[stage]}
    known = {path: Artifact.open(path) for path in dict.fromkeys(paths.values())}
    artifacts = {name: known[path] for name, path in paths.items()}
    require_links(artifacts, LINKS.get(stage, ()))
    return artifacts


def opened_files(path: Path, names: Sequence[str], **inputs: Artifact) -> dict[str, str]:
    """Single files of an artifact's folder, which DVC may have fetched alone.

    Args:
        path: the folder. Without its provenance (`dvc pull` and `dvc repro --pull` fetch what is a
            dependency) the files are taken as they are: DVC has checked them by its own hashes.
        names: of the files.
        **inputs: what it must have been made from.

    Returns:
        The SHA-256 of each.

    Raises:
        PalimpsestError: see `Artifact.open` and `Artifact.require_input`; or a file is not there.
    """
    if (path / FILE).exists():
        artifact = Artifact.open(path, names)
        for name, other in inputs.items():
            artifact.require_input(name, other)
        return {name: artifact.provenance["files"][name] for name in names}
    for name in names:
        if not (path / name).is_file():
            raise PalimpsestError(str(path / name), wanted="a file that a stage wrote", got="none")
    return {name: file_hash(path / name) for name in names}


def require_links(artifacts: Mapping[str, Artifact], links: Iterable[Link]) -> None:
    """Makes sure that artifacts belong together.

    Raises:
        PalimpsestError: see `Artifact.require_input`.
    """
    for holder, name, other in links:
        same, _, of = other.partition(".")
        if of:
            hashes = {artifacts[same].provenance["inputs"].get(of)}
            artifacts[holder]._require(name, hashes, artifacts[same].path)
        else:
            artifacts[holder].require_input(name, artifacts[same])


def open_chain(folders: Sequence[Path]) -> list[Artifact]:
    """The scores of one generation after the other, each of texts that follow those before.

    Args:
        folders: generation 0's first.

    Raises:
        PalimpsestError: see `Artifact.open` and `Artifact.require_input`.
    """
    chain = [Artifact.open(folder) for folder in folders]
    links = (("this", "previous", "before.texts"), ("this", "human", "before.human"))
    for before, this in pairwise(chain):
        require_links({"before": before, "this": this}, links)
    return chain


def fingerprint(chains: Iterable[Sequence[Artifact]]) -> str:
    """One number for whole chains: equal if and only if all that they hold is equal."""
    every = "".join(artifact.identity for chain in chains for artifact in chain)
    return hashlib.sha256(every.encode()).hexdigest()


def identities(artifacts: Mapping[str, Artifact]) -> dict[str, str]:
    """What `write_provenance` takes as inputs."""
    return {name: artifact.identity for name, artifact in artifacts.items()}


def write_provenance(
    folder: Path,
    stage: str,
    parameters: Mapping[str, Any],
    inputs: Mapping[str, str],
    **facts: Any,
) -> str:
    """Writes provenance.json into a folder that has all its other files.

    Args:
        folder: where the artifact lies.
        stage: the stage's name.
        parameters: plain values (see `Section.as_dict`); of an absolute path, which is another on
            every machine, the last part is written.
        inputs: name -> SHA-256 of what was read, see `identities`.
        **facts: whatever else determines the content, such as dtype, device and threads.

    Returns:
        The folder's identity, see `Artifact`.
    """
    content = {
        "format": FORMAT,
        "stage": stage,
        "parameters": portable(parameters),
        "inputs": dict(inputs),
        "files": {name: file_hash(folder / name) for name in _names(folder)},
        "versions": {"python": platform.python_version(), **versions()},
        "machine": platform.machine(),
        **facts,
    }
    write_json(folder / FILE, content)
    return file_hash(folder / FILE)


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _names(folder: Path) -> list[str]:
    """Files of a folder, hidden ones and its provenance left out."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    visible = (path for path in paths if not any(part.startswith(".") for part in path.parts))
    return sorted(path.as_posix() for path in visible if path.as_posix() != FILE)


def portable(value: Any, key: str = "") -> Any:
    """Plain values without absolute paths, as provenance.json has them."""
    if isinstance(value, Mapping):
        return {name: portable(item, name) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [portable(item, key) for item in value]
    if (
        key in PATHS
        and isinstance(value, str)
        and (Path(value).is_absolute() or value.startswith("~"))
    ):
        return Path(value).name
    return value


def versions() -> dict[str, str]:
    """Those of the libraries that a result may depend on, where they are installed."""
    found = {}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
