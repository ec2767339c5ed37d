"""The human text of files or of a hub's dataset, as one ordered list of distinct documents.

Local files are read by `palimpsest.corpus.files`; `datasets` is imported for the hub alone.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from palimpsest.core.errors import CorpusError
from palimpsest.core.parameters import FilesParams, HubParams
from palimpsest.corpus.files import PLAIN, Value, matching, read_file, require_field, require_texts

log = logging.getLogger(__name__)


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
    texts: Iterable[Value]
    if isinstance(params, FilesParams):
        key, source = "corpus.files", ", ".join(params.paths)
        paths, options = matching(params.paths), (params.text_field, params.txt_unit)
        texts = (text for path in paths for text in read_file(path, *options))
    else:
        key, source = "corpus.hub", params.name
        texts = _read_hub(params)
    loaded = _select(texts, params.min_chars, params.max_chars)
    if not loaded.documents:
        raise CorpusError(f"{key} ({source})", wanted="documents", got=str(loaded))
    log.info("%s: %s", source, loaded)
    return loaded


def read_as_is(paths: tuple[str, ...], text_field: str) -> list[str]:
    """Every text of files, repeated and empty ones too: what a corpus to be judged is made of.

    A missing value is an empty text. A .txt file is paragraphs, and cannot hold an empty one.

    Raises:
        CorpusError: as `load_human`, but no text at all is an empty list.
    """
    return [
        text or ""
        for path in matching(paths)
        for text in read_file(path, text_field, "paragraph")
        if text or path.suffix.lower() not in PLAIN
    ]


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
    require_field(table.column_names, params.text_field, what)
    return require_texts(table[params.text_field][:], params.text_field, what)


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
