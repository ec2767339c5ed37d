"""Which files a name or a glob means, and of which kind each is.

A folder that `datasets.Dataset.save_to_disk` wrote is a file here: its tables are read as one.
"""

from collections.abc import Sequence
from pathlib import Path

from palimpsest.core.errors import CorpusError
from palimpsest.core.named_paths import DATASET_FILE as STATE
from palimpsest.core.named_paths import globbed
from palimpsest.core.parsing import parse_json
from palimpsest.corpus.files.unpacking import PACKED

FORMATS = {
    "txt": "text", "raw": "text", "tokens": "text", "md": "text",
    "jsonl": "json", "ndjson": "json", "json": "json", "csv": "csv", "tsv": "tsv",
    "parquet": "parquet", "arrow": "arrow", "feather": "arrow",
}  # fmt: skip
"""Suffix -> what reads it; WikiText calls its plain text .raw and .tokens."""
SUFFIXES = tuple(f".{name}" for name in FORMATS)
DATASET = "dataset folder"
"""What reads a folder of `save_to_disk`."""
SPLITS = "dataset_dict.json"
"""In a folder of `save_to_disk` that holds several datasets."""


def matching(
    patterns: Sequence[str],
    what: str = "corpus.files.paths",
    other: str | None = None,
    hint: str | None = None,
) -> list[Path]:
    """The files of paths and globs in order, each once; folders of `save_to_disk` count as files.

    Args:
        patterns: paths, or globs (``**`` too); a glob's files come by name, hidden ones only if
            it asks for them.
        what: who names the files, for errors.
        other: a key of `FORMATS` for files whose suffix is none.
        hint: what to do about a file of another kind.

    Raises:
        CorpusError: a pattern without a file, a file of another kind than `SUFFIXES`, or a folder
            with several splits.
    """
    paths: dict[Path, None] = {}
    for pattern in patterns:
        try:
            matches, advice = _matching(Path(pattern).expanduser())
        except (OSError, ValueError, RuntimeError, NotImplementedError) as error:
            # a name too long, a NUL in it, no such user, a glob that is none
            got = f"{pattern!r} ({error})"
            raise CorpusError(what, wanted="files", got=got) from error
        if not matches:
            raise CorpusError(what, wanted="files", got=f"none at {pattern!r}", hint=advice)
        paths.update(dict.fromkeys(matches))
    for path in paths:
        if kind_of(path, other) is None:
            wanted = f"one of {', '.join(SUFFIXES)}, each also {' or '.join(PACKED)}"
            raise CorpusError(str(path), wanted=wanted, got=path.suffix or "no suffix", hint=hint)
    return list(paths)


def kind_of(path: Path, other: str | None = None) -> str | None:
    """What reads a file: a value of `FORMATS` by its suffix, or `DATASET`; None if nothing does."""
    if path.is_dir():
        return DATASET
    name = path.name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    suffix = Path(name).suffix.removeprefix(".")
    return FORMATS.get(suffix) or (None if other is None else FORMATS[other])


def files_within(path: Path) -> list[Path]:
    """The files that hold what is read of a path: itself, or the tables of a dataset's folder.

    Raises:
        CorpusError: a folder whose list of tables cannot be read, or whose rows are a choice of
            them (`datasets` calls that indices).
    """
    if not path.is_dir():
        return [path]
    try:
        state = parse_json((path / STATE).read_bytes())
        names = [str(one["filename"]) for one in state["_data_files"]]
        missing = [name for name in names if Path(name).name != name]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise CorpusError(
            str(path / STATE), wanted="the tables of a dataset", got=type(error).__name__
        ) from error
    if missing:
        raise CorpusError(str(path / STATE), wanted="names of files", got=missing[0])
    if state.get("_indices_data_files"):
        raise CorpusError(
            str(path),
            wanted="a dataset of all its rows",
            got="a choice of rows",
            hint="save it again after .flatten_indices()",
        )
    return [path / name for name in names]


def _matching(path: Path) -> tuple[list[Path], str | None]:
    """The files of one path or glob, and what to do where there are none."""
    if path.is_file():
        return [path], None
    if path.is_dir():
        return _folder(path)
    if path.exists():
        return [], "it is a device or a pipe: write it to a file first, or pipe it in as -"
    hidden = path.name.startswith(".")
    found = [one for one in globbed(path) if hidden or not one.name.startswith(".")]
    files = [one for one in found if one.is_file() or (one / STATE).is_file()]
    inside = {one for one in files if one.is_dir()}  # ** finds what is in a dataset's folder, too
    files = [one for one in files if inside.isdisjoint(one.parents)]
    return files, "only folders are there: /*, or /**/*, finds their files" if found else None


def _folder(path: Path) -> tuple[list[Path], str | None]:
    """A folder of `save_to_disk` as one file."""
    if (path / STATE).is_file():
        return [path], None
    if (path / SPLITS).is_file():
        splits = sorted(one.name for one in path.iterdir() if (one / STATE).is_file())
        named = ", ".join(splits)
        first = splits[0] if splits else "SPLIT"
        return [], f"it is a dataset with the splits {named}: name one, as in {path / first}"
    return [], "it is a folder: name its files, for example with /*"
