"""`palimpsest audit`: files in, a table and a verdict out. Loads no torch before it runs."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from palimpsest.errors import CorpusError, ParamsError

if TYPE_CHECKING:
    from palimpsest.audit.measure import Audit, Encode, Score

FAILED = 3
"""Exit status of a verdict that ``--fail-on`` names."""
STDIN = "-"


def run_audit(args: argparse.Namespace) -> int:
    """Reads, measures, prints and writes.

    Raises:
        PalimpsestError: see `palimpsest.audit.measure.audit`, and unreadable files or models.
    """
    from dataclasses import replace

    from palimpsest.artifacts import check_out, json_bytes, write_out
    from palimpsest.audit.measure import audit
    from palimpsest.audit.verdict import DEFAULTS
    from palimpsest.report import audit as shown

    if STDIN in args.candidate and STDIN in args.reference:
        raise ParamsError("standard input", wanted="one corpus from it", got="two")
    for path in (args.json, args.html):
        if path is not None:
            check_out(path)
    params = replace(DEFAULTS, sample=args.sample, seed=args.seed)
    candidate = _read(args.candidate, args.text_field)
    reference = _read(args.reference, args.text_field)
    score = None if args.model is None else _score(args.model)
    result = audit(candidate, reference, _encode(args.encoder), score, params)
    if args.json:
        write_out(args.json, json_bytes(shown.as_dict(result)))
    if args.html:
        names = ", ".join(args.candidate), ", ".join(args.reference)
        write_out(args.html, shown.page(result, *names).encode())
    print(shown.text(result))
    return FAILED if _fails(result, args.fail_on) else 0


def cache_folder() -> Path:
    """Where embeddings are kept: $XDG_CACHE_HOME/palimpsest, by default ~/.cache/palimpsest."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(home) if Path(home).is_absolute() else Path.home() / ".cache"
    return root / "palimpsest" / "embeddings"


def _fails(result: "Audit", fail_on: str | None) -> bool:
    from palimpsest.audit.verdict import Verdict

    failing = {"collapse": {Verdict.COLLAPSED}, "narrower": {Verdict.COLLAPSED, Verdict.NARROWER}}
    return fail_on is not None and result.verdict in failing[fail_on]


def _read(sources: Sequence[str], text_field: str) -> list[str]:
    """The texts of files; standard input is JSON lines if its first line is an object."""
    from palimpsest.corpus.human import read_as_is

    if STDIN not in sources:
        return read_as_is(tuple(sources), text_field)
    content = sys.stdin.buffer.read()
    if not content.strip():
        raise CorpusError("standard input", wanted="texts", got="nothing")
    suffix = ".jsonl" if content.lstrip().startswith(b"{") else ".txt"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"stdin{suffix}"
        path.write_bytes(content)
        return read_as_is(
            tuple(str(path) if source == STDIN else source for source in sources), text_field
        )


def _encode(model: str) -> "Encode":
    from palimpsest.encoding import EncodeParams, Encoder, encode_cached

    params = EncodeParams(
        model=model, dtype="float32", batch_size=256, max_tokens=256, device="auto"
    )
    encoder, folder = Encoder.load(params), cache_folder()
    return lambda texts: encode_cached(texts, encoder, folder)


def _score(folder: Path) -> "Score":
    from palimpsest.lm.likelihood import likelihood
    from palimpsest.lm.model import load_pair
    from palimpsest.metrics.likelihood import scored

    model, tokens = load_pair(folder)

    def score(texts: Sequence[str]) -> Any:
        found = likelihood(model, tokens, texts)
        return scored(found.nll_nats, found.tokens)

    return score
