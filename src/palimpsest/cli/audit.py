"""`palimpsest audit`: files in, a table and a verdict out. Loads no torch before it runs."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from palimpsest.auditing.measure import Audit, audit
from palimpsest.auditing.samples import Score
from palimpsest.auditing.verdict import DEFAULTS, AuditParams, AuditVerdict
from palimpsest.cli import audit_input
from palimpsest.core.errors import shown
from palimpsest.core.storage import check_out, json_bytes, write_out
from palimpsest.embedding.cache import cached_encoder
from palimpsest.metrics.likelihood import scored
from palimpsest.report import audit as report

DESCRIPTION = (
    "Holds texts against a human reference: every metric with its interval, over the null band of "
    "the reference itself, then a verdict. No project, no git."
)
FAILED = 3
"""Exit status of a verdict that ``--fail-on`` names."""
EPILOG = (
    f"Exit status: 0 whatever the verdict, {FAILED} for one that --fail-on names, 1 for bad input. "
    f"Files: {audit_input.FILES}."
)
COLLAPSE = "collapse"
"""Older name of ``collapsed`` for ``--fail-on``."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    files = "files or globs"
    parser.add_argument("candidate", nargs="+", help=f"{files} to judge; - reads standard input")
    parser.add_argument(
        "--reference", nargs="+", required=True, metavar="HUMAN", help=f"{files} of human text"
    )
    parser.add_argument(
        "--encoder", default="bundled", help="bundled (default), a folder or a hub id"
    )
    parser.add_argument(
        "--model", type=Path, metavar="FOLDER", help="a model of human text, for likelihoods"
    )
    parser.add_argument(
        "--sample", type=int, metavar="N", help="texts of a sample; default: as many as there are"
    )
    parser.add_argument("--seed", type=int, default=0, help="of every draw, default 0")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number here")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page here")
    parser.add_argument(
        "--fail-on",
        nargs="+",
        choices=[*map(str, AuditVerdict), COLLAPSE],
        metavar="VERDICT",
        default=[],
        help=f"exit with status {FAILED} if one of these holds: {', '.join(AuditVerdict)}; "
        "narrower is collapsed, too",
    )
    audit_input.configure(parser)


def run(args: argparse.Namespace) -> int:
    """Reads, measures, prints and writes.

    Raises:
        PalimpsestError: see `palimpsest.auditing.measure.audit`, and unreadable files or models.
    """
    for path in (args.json, args.html):
        if path is not None:
            check_out(path)
    chosen = {"sample": args.sample, "seed": args.seed}
    params = AuditParams.of(dict(DEFAULTS) | chosen, "audit")
    candidate, reference = audit_input.read_both(args)
    score = None if args.model is None else _score(args.model)
    encoder = cached_encoder(args.encoder)
    result = audit(candidate.texts, reference.texts, encoder, score, params, encoder.pieces)
    if args.json:
        write_out(args.json, json_bytes(report.as_dict(result)))
    if args.html:
        names = shown(", ".join(args.candidate)), shown(", ".join(args.reference))
        write_out(args.html, report.page(result, *names).encode())
    print(report.text(result))
    return FAILED if _fails(result, args.fail_on) else 0


def _fails(result: Audit, fail_on: Sequence[str]) -> bool:
    named = {AuditVerdict.COLLAPSED if name == COLLAPSE else AuditVerdict(name) for name in fail_on}
    if AuditVerdict.NARROWER in named:
        named.add(AuditVerdict.COLLAPSED)
    return not named.isdisjoint(result.verdicts)


def _score(folder: Path) -> Score:
    # torch, only where a model is asked
    from palimpsest.lm.checkpoint import load_model_and_tokenizer
    from palimpsest.lm.scoring import likelihood

    reader = load_model_and_tokenizer(folder)
    return lambda texts: scored(*likelihood(*reader, texts).per_text)
