"""The human text of files or of a hub's dataset, as one ordered list of distinct documents.

Local files are read by `palimpsest.corpus.files.reading`; `datasets` is imported for the hub alone.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from palimpsest.core.errors import CorpusError
from palimpsest.core.parameters import FilesParams, HubParams
from palimpsest.core.parsing import HALF
from palimpsest.corpus.files.options import CHAIN, ReadOptions
from palimpsest.corpus.files.reading import read_texts

log = logging.getLogger(__name__)

Value = str | None
"""A text, or None where the row has none."""


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
    unread: tuple[str, ...] = ()
    """What could not be read of the files, or was read in spite of a fault; a line each."""

    def __str__(self) -> str:
        return (
            f"{len(self.documents)} documents; left out: {self.blank} blank, "
            f"{self.duplicates} duplicates, {self.too_short} too short, {self.too_long} too long"
        )


def load_human(params: FilesParams | HubParams) -> Loaded:
    """Reads the documents of a source and logs what was left out.

    Raises:
        CorpusError: no such file, an unknown kind of file, no such field, more rows that hold no
            text than rows that do, no network, or no document left.
    """
    unread: tuple[str, ...] = ()
    texts: Iterable[Value]
    if isinstance(params, FilesParams):
        key, source = "corpus.files", ", ".join(params.paths)
        options = ReadOptions(field=params.text_field, unit=params.txt_unit, named=CHAIN)
        read = read_texts(params.paths, options, "corpus.files.paths")
        texts, unread = [*read.texts, *[None] * read.blank], tuple(read.lines())
    else:
        key, source = "corpus.hub", params.name
        texts = _read_hub(params)
    loaded = replace(_select(texts, params.min_chars, params.max_chars), unread=unread)
    for line in unread:
        log.warning("%s: %s", source, line)
    if not loaded.documents:
        hint = f"{key}.min_chars is {params.min_chars}; {key}.text_field {params.text_field!r}"
        raise CorpusError(f"{key} ({source})", wanted="documents", got=str(loaded), hint=hint)
    log.info("%s: %s", source, loaded)
    return loaded


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


def _read_hub(params: HubParams) -> list[Value]:
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
    what = f"corpus.hub.text_field ({params.name})"
    if params.text_field not in table.column_names:
        got = f"the fields {', '.join(table.column_names)}"
        raise CorpusError(what, wanted=f"the field {params.text_field!r}", got=got)
    return _require_texts(table[params.text_field][:], params.text_field, what)


def _require_texts(values: list[Any], text_field: str, what: str) -> list[Value]:
    """The values, if each is a text or missing.

    Raises:
        CorpusError: the first one that is neither, by its row.
    """
    for row, value in enumerate(values, start=1):
        if value is not None and (not isinstance(value, str) or HALF.search(value)):
            got = f"{type(value).__name__} {value!r:.40}"
            raise CorpusError(f"{what}: {text_field!r} of row {row}", wanted="text", got=got)
    return values


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


def _cause(error: BaseException) -> str:
    """The first line of what the innermost library said."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


@contextmanager
def _quiet_datasets(offline: bool) -> Iterator[None]:
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
