"""What `palimpsest audit` reads: files, globs, folders, standard input; options of reading."""

import argparse
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from palimpsest.auditing.many_texts import MOST_HELD
from palimpsest.core.errors import CorpusError, ParamsError
from palimpsest.corpus.files.matching import FORMATS, SUFFIXES, files_within, matching
from palimpsest.corpus.files.options import ReadOptions
from palimpsest.corpus.files.reading import STDIN, STDIN_NAME, read_texts
from palimpsest.corpus.files.rows_read import TextsRead
from palimpsest.corpus.files.streaming import Batch, TextStream
from palimpsest.corpus.files.unpacking import PACKED

FILES = f"{', '.join(SUFFIXES)}, each also {' or '.join(PACKED)}, and folders of save_to_disk"
MEGABYTE = 1_000_000


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


@dataclass
class Unheld:
    """The texts of a candidate that are too many to be held."""

    stream: TextStream
    _begun: deque[Batch]
    """Those that were read before it was known."""
    _rest: Iterator[Batch]

    def batches(self, progress: Callable[[int, int], None]) -> Iterator[list[str]]:
        """All texts, once.

        Args:
            progress: called with the megabytes that are read, and with all of them.

        Raises:
            PalimpsestError: see `read_texts`.
        """
        every = max(self.stream.size // MEGABYTE, 1)
        for batch in chain(self._given_up(), self._rest):
            progress(min(self.stream.position // MEGABYTE, every), every)
            yield batch.texts

    def _given_up(self) -> Iterator[Batch]:
        while self._begun:
            yield self._begun.popleft()

    def lines(self) -> list[str]:
        """What the user must know of what was read so far, see `TextsRead.lines`."""
        return self.stream.lines()


def read_both(
    args: argparse.Namespace, warn: Callable[[str], None]
) -> tuple[TextsRead | Unheld, TextsRead]:
    """The candidate's and the reference's texts.

    Args:
        args: the command line.
        warn: called with a sentence for what was left out, or may have been meant otherwise, but
            for a candidate that is not read to its end.

    Raises:
        PalimpsestError: see `read_texts`; both from standard input; nothing there.
    """
    if STDIN in args.candidate and STDIN in args.reference:
        raise ParamsError(STDIN_NAME, wanted="one corpus from it", got="two")
    options = ReadOptions(
        args.field, args.role, args.unit, args.delimiter, args.encoding, args.format
    )
    candidate = _begin(args.candidate, options, MOST_HELD)
    if isinstance(candidate, TextsRead):
        warn_of("candidate", candidate, warn)
    if args.reference_field is not None:
        options = replace(options, field=args.reference_field)
    stdin = _standard_input() if STDIN in args.reference else None
    reference = read_texts(args.reference, options, "reference", stdin)
    warn_of("reference", reference, warn)
    return candidate, reference


def warn_of(what: str, read: TextsRead | Unheld, warn: Callable[[str], None]) -> None:
    """Says what must be known of the reading of one side."""
    for line in _lines(what, read):
        warn(line)


def lines(candidate: TextsRead | Unheld, reference: TextsRead) -> list[str]:
    """What a reader of the result must know of the reading of both sides, a sentence each."""
    return [*_lines("candidate", candidate), *_lines("reference", reference)]


def files_read(args: argparse.Namespace) -> list[Path]:
    """Every file that `read_both` reads."""
    sources = [one for one in (*args.candidate, *args.reference) if one != STDIN]
    return [file for path in matching(sources, other=args.format) for file in files_within(path)]


def _begin(sources: Sequence[str], options: ReadOptions, most: int) -> TextsRead | Unheld:
    """The candidate's texts, or the beginning of more than so many."""
    stdin = _standard_input() if STDIN in sources else None
    stream = TextStream.of(sources, options, "candidate", stdin)
    rest, begun, count = iter(stream), deque[Batch](), 0
    for batch in rest:
        begun.append(batch)
        count += len(batch.texts)
        if count > most:
            return Unheld(stream, begun, rest)
    texts = [text for batch in begun for text in batch.texts]
    places = [place for batch in begun for place in batch.places]
    return replace(TextsRead.of(stream.files), texts=texts, places=places)


def _lines(what: str, read: TextsRead | Unheld) -> list[str]:
    return [f"{what}: {line}" for line in read.lines()]


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise CorpusError(STDIN_NAME, wanted="texts", got="nothing: it is closed")
    return sys.stdin.buffer.read()
