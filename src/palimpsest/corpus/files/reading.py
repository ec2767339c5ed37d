"""Texts out of files of many kinds and out of standard input, each with the place where it stood.

A row that cannot be read never stops a file: it is left out, counted and named, unless more rows
are left out than read. What is refused is a file that is no such file, has no such field, or is
written in another encoding; every error names the file, and the first row or byte at fault.
JSON lines and Parquet that is not packed are read a piece at a time. Known gap: a file of another
kind is read whole, so it must fit in memory.
"""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from palimpsest.core.errors import CorpusError
from palimpsest.core.parsing import HALF
from palimpsest.corpus.files.arrow_rows import IPC_FILE, arrow_rows, parquet_rows
from palimpsest.corpus.files.decoding import decoded
from palimpsest.corpus.files.delimited import delimited_rows, has_column
from palimpsest.corpus.files.field_path import FieldPath, paths_in
from palimpsest.corpus.files.json_lines import json_lines
from palimpsest.corpus.files.json_rows import json_rows, looks_like_json
from palimpsest.corpus.files.matching import DATASET, FORMATS, files_within, kind_of, matching
from palimpsest.corpus.files.options import ReadOptions
from palimpsest.corpus.files.plain_text import read_plain_text
from palimpsest.corpus.files.rows_read import FileRows, TextsRead
from palimpsest.corpus.files.unpacking import PACKED, is_packed, unpacked

STDIN = "-"
STDIN_NAME = "standard input"
PARQUET, STREAM = b"PAR1", b"\xff\xff\xff\xff"
"""How Parquet files and Arrow's streams begin."""
REPLACEMENT = "\ufffd"
HALVED = "with half a character, a surrogate alone, now U+FFFD"


def read_texts(
    sources: Sequence[str],
    options: ReadOptions | None = None,
    what: str = "texts",
    stdin: bytes | None = None,
) -> TextsRead:
    """Every text of files, repeated and empty ones too.

    Args:
        sources: paths, globs, folders of `datasets.Dataset.save_to_disk`, and ``-`` for `stdin`.
        options: how to read them; None for what suits most files.
        what: who names the files, for errors that are not about one of them.
        stdin: the content of standard input.

    Returns:
        The texts in the order of the sources, a glob's files by name. A null is an empty text; a
        row without the field is none, and left out; plain text has no empty ones.

    Raises:
        CorpusError: no such file, an unknown kind, nothing on standard input, an encoding other
            than UTF-8 and the one of the options, no such field, or more rows that cannot be read
            than rows that can.
    """
    options = options or ReadOptions()
    files = []
    for source in sources_of(sources, options, what, stdin):
        rows = file_rows(source)
        deque(reading(source, options, rows), maxlen=0)
        files.append(rows)
    return TextsRead.of(files)


def sources_of(
    sources: Sequence[str], options: ReadOptions, what: str, stdin: bytes | None
) -> list[Path | bytes]:
    """What sources name, in order, each file once: files, and the content of standard input.

    Raises:
        CorpusError: see `read_texts`.
    """
    if options.format is not None and options.format not in FORMATS:
        raise CorpusError("format", wanted=f"one of {', '.join(FORMATS)}", got=options.format)
    found: dict[Path | bytes, None] = {}
    for source in sources:
        if source == STDIN and stdin is not None:
            found[stdin] = None
        else:
            unknown = options.hint("format", "NAME")
            found |= dict.fromkeys(matching((source,), what, options.format, unknown))
    return [*found]


def file_rows(source: Path | bytes) -> FileRows:
    """What takes the rows of a file or of standard input."""
    return FileRows(STDIN_NAME if isinstance(source, bytes) else str(source))


def reading(source: Path | bytes, options: ReadOptions, rows: FileRows) -> Iterator[None]:
    """Reads a file, a dataset's folder or the content of standard input, row by row.

    Args:
        source: one of `sources_of`.
        options: how to read it.
        rows: takes the texts. They may be taken away from there whenever this yields.

    Raises:
        CorpusError: see `read_texts`.
    """
    return (
        _reading_stdin(source, options, rows)
        if isinstance(source, bytes)
        else _reading(source, options, rows)
    )


def _reading(path: Path, options: ReadOptions, rows: FileRows) -> Iterator[None]:
    """The texts of a file or of a dataset's folder."""
    kind = kind_of(path, options.format)
    assert kind is not None, path  # matching() has made sure
    suffix = "".join(path.suffixes[-2:] if path.suffix in PACKED else path.suffixes[-1:])
    wanted = f"a readable {DATASET if kind == DATASET else suffix + ' file'}"
    try:
        if kind == DATASET:
            found = _dataset(path, FieldPath(options.field, options.role), rows)
            yield from _taking(found, options, rows)
            return
        if kind == "json" and options.encoding is None:
            is_lines = yield from _reading_lines(path, options, rows)
            if is_lines:
                return
        if kind == "parquet":
            with path.open("rb") as file:
                packed, empty = is_packed(file.read(4)), file.tell() == 0
            if empty:
                return
            if not packed:
                yield from _reading_content(path, kind, options, rows)
                return
        yield from _reading_content(unpacked(path.read_bytes()), kind, options, rows)
    except (OSError, ValueError, RecursionError) as error:
        raise CorpusError(rows.name, wanted=wanted, got=_cause(error)) from error


def _reading_lines(path: Path, options: ReadOptions, rows: FileRows) -> Generator[None, None, bool]:
    """Reads JSON lines a piece at a time; whether they are any: other JSON is read as a whole."""
    try:
        found = json_lines(path, rows)
        if found is None:
            return False
        yield from _taking(found, options, rows)
    except UnicodeDecodeError:
        decoded(unpacked(path.read_bytes()), options, rows.name)  # says where, and what it is
        raise
    return True


def _reading_stdin(content: bytes, options: ReadOptions, rows: FileRows) -> Iterator[None]:
    """The texts of standard input, whose kind is seen from its beginning unless it is given."""
    try:
        content = unpacked(content)
        if not content.strip():
            raise CorpusError(STDIN_NAME, wanted="texts", got="nothing")
        kind = FORMATS[options.format] if options.format else _sniffed(content, options)
        yield from _reading_content(content, kind, options, rows)
    except (OSError, ValueError, RecursionError) as error:
        wanted = "a kind of file that can be read"
        hint = options.hint("format", "NAME")
        raise CorpusError(STDIN_NAME, wanted=wanted, got=_cause(error), hint=hint) from error


def _sniffed(content: bytes, options: ReadOptions) -> str:
    """What reads a content: a value of `FORMATS`."""
    if content.startswith(PARQUET):
        return "parquet"
    if content.startswith((IPC_FILE, STREAM)):
        return "arrow"
    text = decoded(content, options, STDIN_NAME).lstrip()
    path = FieldPath(options.field, options.role)
    if looks_like_json(text):
        return "json"
    return "csv" if has_column(text, path, options) else "text"


def _reading_content(
    source: Path | bytes, kind: str, options: ReadOptions, rows: FileRows
) -> Iterator[None]:
    """The texts of a content of a known kind."""
    path = FieldPath(options.field, options.role)
    if source == b"":
        return
    if kind == "parquet":
        yield from _taking(parquet_rows(source, path, rows), options, rows)
        return
    assert isinstance(source, bytes), source
    if kind == "arrow":
        yield from _taking(arrow_rows(source, path, rows), options, rows)
        return
    text = decoded(source, options, rows.name)
    if kind == "json":
        yield from _taking(json_rows(text, path, rows), options, rows)
    elif kind in ("csv", "tsv"):
        found = delimited_rows(text, path, options, kind == "tsv", rows)
        yield from _taking(found, options, rows)
    else:
        read_plain_text(text, options, rows)
        yield


def _dataset(path: Path, field: FieldPath, rows: FileRows) -> Iterator[tuple[int, object]]:
    """The rows of a dataset's tables, counted through."""
    number = 0
    for table in files_within(path):
        for _, row in arrow_rows(table.read_bytes(), field, rows):
            number += 1
            yield number, row


def _taking(
    found: Iterator[tuple[int, object]], options: ReadOptions, rows: FileRows
) -> Iterator[None]:
    """The texts of rows with fields, or of rows that are texts themselves, row by row."""
    path, records, there = FieldPath(options.field, options.role), list[dict[str, object]](), False
    for number, row in found:
        if isinstance(row, dict):
            values = path.find(row)
            if len(records) < 100:
                records.append(row)
            if values is None:
                _leave_out(number, row, path, rows)
                continue
            there = True
            _take(number, values, path, rows)
        elif row is None or isinstance(row, str):
            there = True
            _take(number, [row], path, rows)
        else:
            reason = f"neither an object nor a text but {_kind(row)}"
            wanted = "an object with fields, or a text"
            rows.leave_out(number, reason, wanted=wanted, got=_kind(row))
        yield
    known = options.field in rows.fields
    if not there and not known and (records or rows.fields):
        raise _no_field(rows.fields or paths_in(records), options, rows.name)
    rows.check()


def _leave_out(number: int, row: dict[str, object], path: FieldPath, rows: FileRows) -> None:
    """Leaves out a row without the field: what is not there is no empty text, as null is."""
    field = f"the field {path.field!r}"
    rows.leave_out(number, f"without {field}", wanted=field, got=_listed(paths_in([row])))


def _take(number: int, values: list[object], path: FieldPath, rows: FileRows) -> None:
    """Takes the texts of a row."""
    of = f"{path.field!r} of "
    if not values:
        reason = f"without a message of {path.role}" if path.role else "without an element"
        rows.leave_out(number, reason, wanted="a text", got=f"{reason}", of=of)
    for value in values:
        if isinstance(value, str):
            rows.add(number, _whole(number, value, rows))
        elif value is None and len(values) == 1:
            rows.add(number, "")
        else:
            got = f"{type(value).__name__} {value!r:.40}"
            rows.leave_out(number, f"with {_kind(value)} for a text", wanted="text", got=got, of=of)


def _whole(number: int, text: str, rows: FileRows) -> str:
    """A text without half characters, which nothing could write again."""
    if HALF.search(text) is None:
        return text
    rows.mend(number, HALVED)
    return HALF.sub(REPLACEMENT, text)


def _no_field(fields: list[str], options: ReadOptions, name: str) -> CorpusError:
    chats = [one for one in fields if one.endswith(("[].content", "[].value"))]
    close = [one for one in fields if one.endswith(f".{options.field}")]
    likely = [*chats, *close]
    hint = options.hint("field", f"'{likely[0]}'") if likely else None
    if chats and hint is not None and options.hint("role", "") is not None:
        hint += f" {options.hint('role', 'assistant')}"
    return CorpusError(
        name,
        wanted=f"the field {options.field!r}",
        got=_listed(fields),
        hint=hint,
    )


def _listed(fields: list[str]) -> str:
    return f"the fields {', '.join(fields)}" if fields else "no field"


def _kind(value: object) -> str:
    """``a number``, ``a list`` and so on."""
    names = {bool: "a truth value", int: "a number", float: "a number", list: "a list"}
    if isinstance(value, dict):
        return "an object"
    return "nothing" if value is None else names.get(type(value), type(value).__name__)


def _cause(error: Exception) -> str:
    """The first line of what was said."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
