"""Human text from files or from the hub, as one ordered list of distinct documents.

Both sources read through `datasets`, which is imported only when a corpus is read. Files are read
without the network and through a cache that is thrown away, so that no stale copy is ever served.
Known gap: a file is read whole, so it must fit in memory.
"""

import csv
import logging
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from palimpsest.errors import CorpusError
from palimpsest.params import Params, Range

log = logging.getLogger(__name__)

PLAIN = (".txt", ".raw", ".tokens")
"""Plain text; WikiText calls its files .raw and .tokens."""
SUFFIXES = (*PLAIN, ".jsonl", ".json", ".csv", ".parquet")


@dataclass(frozen=True)
class FilesParams(Params):
    """Human text in files."""

    section: ClassVar[str] = "corpus.files"

    paths: tuple[str, ...]
    """Files or globs (``**`` too), relative to the working directory; read in this order, a
    glob's files by name; .txt (or .raw, .tokens), .jsonl, .json (a list of strings or of
    records), .csv, .parquet."""
    text_field: str
    """Field or column of the text; a .txt file has none, and a list of strings has ``text``."""
    txt_unit: Literal["paragraph", "line"]
    """What a document is in a .txt file: a paragraph (blank lines between) or a line."""
    min_chars: Annotated[int, Range(at_least=1)]
    """Shorter documents are left out; characters, at least 1."""
    max_chars: Annotated[int | None, Range(at_least=1)]
    """Longer documents are left out; characters, null for no limit."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.paths:
            raise self.refuse("paths", "at least one file or glob")
        _check_lengths(self)


@dataclass(frozen=True)
class HubParams(Params):
    """Human text from the Hugging Face hub."""

    section: ClassVar[str] = "corpus.hub"

    name: str
    """The dataset's id, for example ``Salesforce/wikitext``."""
    config: str | None
    """Its configuration, for example ``wikitext-2-raw-v1``; null for the only one."""
    split: str
    """Its split, or a slice of it: ``train``, ``train[:10000]``."""
    revision: str | None
    """A commit hash, for the same text next year; null for the newest."""
    text_field: str
    """The column of the text."""
    min_chars: Annotated[int, Range(at_least=1)]
    """Shorter documents are left out; characters, at least 1."""
    max_chars: Annotated[int | None, Range(at_least=1)]
    """Longer documents are left out; characters, null for no limit."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_lengths(self)


@dataclass(frozen=True)
class Loaded:
    """The documents of a source, and how many texts were left out, each counted once."""

    documents: list[str]
    """Distinct texts, in the order of the source."""
    blank: int
    """Texts of nothing but whitespace, and missing values."""
    duplicates: int
    """Texts equal to an earlier one."""
    too_short: int
    """Texts below ``min_chars``."""
    too_long: int
    """Texts above ``max_chars``."""

    def __str__(self) -> str:
        return (
            f"{len(self.documents)} documents; left out: {self.blank} blank, "
            f"{self.duplicates} duplicates, {self.too_short} too short, {self.too_long} too long"
        )


def load_human(params: FilesParams | HubParams) -> Loaded:
    """Reads the documents of a source and logs what was left out.

    Raises:
        CorpusError: no such file, an unknown kind of file, no such field, a value that is no
            text, no network, or no document left.
    """
    if isinstance(params, FilesParams):
        paths = _matching(params.paths)
        texts: Iterator[str | None] = (t for path in paths for t in _read_file(path, params))
        source = ", ".join(params.paths)
    else:
        texts = iter(_read_hub(params))
        source = params.name
    loaded = _select(texts, params.min_chars, params.max_chars)
    if not loaded.documents:
        raise CorpusError(f"{params.section} ({source})", wanted="documents", got=str(loaded))
    log.info("%s: %s", source, loaded)
    return loaded


def read_as_is(paths: tuple[str, ...], text_field: str) -> list[str]:
    """Every text of files, repeated and empty ones too: what a corpus to be judged is made of.

    A missing value is an empty text. A .txt file is paragraphs, and cannot hold an empty one.

    Raises:
        CorpusError: as `load_human`, but no text at all is an empty list.
    """
    params = FilesParams(paths, text_field, "paragraph", 1, None)
    return [
        text or ""
        for path in _matching(paths)
        for text in _read_file(path, params)
        if text or path.suffix.lower() not in PLAIN
    ]


def _check_lengths(params: FilesParams | HubParams) -> None:
    if params.max_chars is not None and params.max_chars < params.min_chars:
        raise params.refuse("max_chars", f">= min_chars ({params.min_chars})")


def _select(texts: Iterable[str | None], min_chars: int, max_chars: int | None) -> Loaded:
    seen: set[str] = set()
    documents = []
    blank = duplicates = too_short = too_long = 0
    for text in texts:
        if text is None or not text.strip():
            blank += 1
        elif text in seen:
            duplicates += 1
        else:
            seen.add(text)
            if len(text) < min_chars:
                too_short += 1
            elif max_chars is not None and len(text) > max_chars:
                too_long += 1
            else:
                documents.append(text)
    return Loaded(documents, blank, duplicates, too_short, too_long)


def _matching(patterns: tuple[str, ...]) -> list[Path]:
    """The files in order, each once."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        path = Path(pattern).expanduser()
        if path.is_file():
            matches = [path]
        elif path.is_dir():
            matches = []
        else:
            root = Path(path.anchor)
            relative = str(path.relative_to(root)) if path.anchor else str(path)
            matches = sorted(match for match in root.glob(relative) if match.is_file())
        if not matches:
            hint = "it is a folder: name its files, for example with /*" if path.is_dir() else None
            raise CorpusError(
                "corpus.files.paths", wanted="files", got=f"none at {pattern!r}", hint=hint
            )
        found.update(dict.fromkeys(matches))
    for path in found:
        if path.suffix.lower() not in SUFFIXES:
            raise CorpusError(str(path), wanted=f"one of {', '.join(SUFFIXES)}", got=path.suffix)
    return list(found)


def _read_file(path: Path, params: FilesParams) -> list[str | None]:
    suffix = path.suffix.lower()
    if path.stat().st_size == 0:
        return []
    with tempfile.TemporaryDirectory() as cache, _quiet_datasets():
        # A name without the characters that `datasets` would take for a pattern.
        link = Path(cache) / f"corpus{suffix}"
        link.symlink_to(path.absolute())
        try:
            _require_field(_fields_ahead(link), params.text_field, str(path))
            table = _open_file(link, params.text_field)
            if suffix in PLAIN:
                return list(_units(table["text"][0], params.txt_unit))
            return _column(table, params.text_field, str(path))
        except CorpusError:
            raise
        except Exception as error:  # the library wraps whatever its parsers raise
            if "no data" in str(error):  # a header or a pair of brackets, and nothing else
                return []
            raise CorpusError(
                str(path), wanted=f"a readable {suffix} file", got=_cause(error)
            ) from error


def _open_file(path: Path, text_field: str) -> Any:
    """The file as a dataset in memory, through a cache beside it; no network is touched."""
    import datasets

    place = {"cache_dir": str(path.parent), "keep_in_memory": True}
    name, suffix = str(path), path.suffix
    if suffix in PLAIN:
        return datasets.Dataset.from_text(name, sample_by="document", encoding="utf-8-sig", **place)
    if suffix == ".parquet":
        return datasets.Dataset.from_parquet(name, columns=[text_field], **place)
    if suffix == ".csv":
        # A text "NA" is a text, and so is one of digits; the other columns may be anything.
        strict = {"na_filter": False, "converters": {text_field: str}, "usecols": [text_field]}
        return datasets.Dataset.from_csv(
            name, index_col=False, encoding="utf-8-sig", **strict, **place
        )
    # In one piece: a later piece with another set of fields would not fit the first one's.
    return datasets.Dataset.from_json(name, chunksize=path.stat().st_size + 1, **place)


def _fields_ahead(path: Path) -> list[str] | None:
    """The columns of a .csv or .parquet file, to read one of them only; None for other kinds."""
    if path.suffix == ".csv":
        return _csv_header(path)
    if path.suffix == ".parquet":
        from pyarrow.parquet import read_schema  # type: ignore[import-untyped]

        return list(read_schema(path).names)
    return None


def _csv_header(path: Path) -> list[str]:
    """The column names; a row with more cells than columns is an error.

    pandas would cut it, and an unquoted comma in a text would cut the text without a word.
    """
    limit = csv.field_size_limit(sys.maxsize)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            header = next((row for row in rows if row), [])
            for row in rows:
                if len(row) > len(header):
                    raise ValueError(
                        f"{len(row)} cells at line {rows.line_num} under {len(header)} columns"
                    )
    finally:
        csv.field_size_limit(limit)
    return header


def _units(content: str, unit: str) -> Iterator[str]:
    pieces = content.split("\n") if unit == "line" else re.split(r"\n(?:[ \t]*\n)+", content)
    return (piece.strip() for piece in pieces)


def _read_hub(params: HubParams) -> list[str | None]:
    import datasets

    offline = datasets.config.HF_HUB_OFFLINE or not _reachable(params)
    with _quiet_datasets(offline):
        try:
            table = datasets.load_dataset(
                params.name, params.config, split=params.split, revision=params.revision
            )
        except Exception as error:  # whichever library is at fault: hub, HTTP, parser
            raise CorpusError(
                "corpus.hub",
                wanted="a dataset that can be read",
                got=f"{params.name!r} ({'no network' if offline else _cause(error)})",
                hint="offline: corpus.source: world, or corpus.source: files" if offline else None,
            ) from error
    return _column(table, params.text_field, f"corpus.hub.text_field ({params.name})")


def _reachable(params: HubParams) -> bool:
    """Asks the hub once: `datasets` itself retries for half a minute without a network."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        HfApi().dataset_info(params.name, revision=params.revision, timeout=10)
    except HfHubHTTPError:
        return True  # an answer, if a bad one: `datasets` says what is wrong
    except Exception:  # the HTTP library's own errors: which one depends on the hub's version
        return False
    return True


def _require_field(fields: list[str] | None, text_field: str, what: str) -> None:
    if fields is not None and text_field not in fields:
        raise CorpusError(
            what, wanted=f"the field {text_field!r}", got=f"the fields {', '.join(fields)}"
        )


def _column(table: Any, text_field: str, what: str) -> list[str | None]:
    _require_field(table.column_names, text_field, what)
    values: list[str | None] = table[text_field][:]
    for row, value in enumerate(values, start=1):
        if value is not None and not isinstance(value, str):
            raise CorpusError(
                f"{what}: {text_field!r} of row {row}",
                wanted="text",
                got=f"{type(value).__name__} {value!r:.40}",
            )
    return values


def _cause(error: BaseException) -> str:
    """The first line of what the innermost library said."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


@contextmanager
def _quiet_datasets(offline: bool = False) -> Iterator[None]:
    """No bars and no log lines from `datasets`, and no network if `offline`."""
    import datasets

    verbosity = datasets.logging.get_verbosity()
    bars = datasets.utils.are_progress_bars_disabled()
    was_offline = datasets.config.HF_HUB_OFFLINE
    datasets.logging.set_verbosity(logging.CRITICAL)
    datasets.disable_progress_bars()
    datasets.config.HF_HUB_OFFLINE = was_offline or offline
    try:
        yield
    finally:
        datasets.logging.set_verbosity(verbosity)
        datasets.config.HF_HUB_OFFLINE = was_offline
        if not bars:
            datasets.enable_progress_bars()
