"""What `palimpsest audit` reads: files, globs, folders, standard input; options of reading."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from palimpsest.core.errors import CorpusError, ParamsError
from palimpsest.corpus.files.matching import FORMATS, SUFFIXES, files_within, matching
from palimpsest.corpus.files.options import ReadOptions
from palimpsest.corpus.files.reading import STDIN, STDIN_NAME, read_texts
from palimpsest.corpus.files.rows_read import TextsRead
from palimpsest.corpus.files.unpacking import PACKED

FILES = f"{', '.join(SUFFIXES)}, each also {' or '.join(PACKED)}, and folders of save_to_disk"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of reading."""
    group = parser.add_argument_group("how files are read")
    group.add_argument(
        "--field", "--text-field", default="text", metavar="NAME",
        help="field of the text, or a path: data.text, messages[].content; default: text",
    )  # fmt: skip
    group.add_argument(
        "--reference-field", metavar="NAME", help="the same for the reference; default: --field"
    )
    group.add_argument("--role", help="of a chat's messages, those of this role: assistant")
    group.add_argument(
        "--unit", choices=("line", "paragraph", "file"),
        help="what a text is in plain text; default: a paragraph if there are blank lines",
    )  # fmt: skip
    group.add_argument(
        "--delimiter", metavar="C", help="of .csv and .tsv; default: seen from the file"
    )
    group.add_argument("--encoding", metavar="NAME", help="of the files that are not UTF-8")
    group.add_argument(
        "--format", choices=[*FORMATS], metavar="NAME",
        help=f"of standard input and of other files: {', '.join(FORMATS)}; default: seen from it",
    )  # fmt: skip


def read_both(args: argparse.Namespace, warn: Callable[[str], None]) -> tuple[TextsRead, TextsRead]:
    """The candidate's and the reference's texts.

    Args:
        args: the command line.
        warn: called with a sentence for what was left out, or may have been meant otherwise.

    Raises:
        PalimpsestError: see `read_texts`; both from standard input; nothing there.
    """
    if STDIN in args.candidate and STDIN in args.reference:
        raise ParamsError(STDIN_NAME, wanted="one corpus from it", got="two")
    options = ReadOptions(
        args.field, args.role, args.unit, args.delimiter, args.encoding, args.format
    )
    candidate = _read(args.candidate, options, "candidate", warn)
    other = (
        options if args.reference_field is None else replace(options, field=args.reference_field)
    )
    return candidate, _read(args.reference, other, "reference", warn)


def lines(candidate: TextsRead, reference: TextsRead) -> list[str]:
    """What a reader of the result must know of the reading of both sides, a sentence each."""
    return [*_lines("candidate", candidate), *_lines("reference", reference)]


def files_read(args: argparse.Namespace) -> list[Path]:
    """Every file that `read_both` reads."""
    sources = [one for one in (*args.candidate, *args.reference) if one != STDIN]
    return [file for path in matching(sources, other=args.format) for file in files_within(path)]


def _read(
    sources: Sequence[str], options: ReadOptions, what: str, warn: Callable[[str], None]
) -> TextsRead:
    read = read_texts(sources, options, what, _standard_input() if STDIN in sources else None)
    for line in _lines(what, read):
        warn(line)
    return read


def _lines(what: str, read: TextsRead) -> list[str]:
    return [f"{what}: {line}" for line in read.lines()]


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise CorpusError(STDIN_NAME, wanted="texts", got="nothing: it is closed")
    return sys.stdin.buffer.read()
