"""`palimpsest audit`: files in, a table and a verdict out. Loads no torch before it runs."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from palimpsest.auditing.copies import Side
from palimpsest.auditing.language import Pieces
from palimpsest.auditing.many_texts import ManyTexts
from palimpsest.auditing.measure import audit, judged
from palimpsest.auditing.plain_facts import PlainFacts
from palimpsest.auditing.result import Audit
from palimpsest.auditing.samples import Score, ScoredBy, sample_size
from palimpsest.auditing.verdict import DEFAULTS, AuditParams, AuditVerdict
from palimpsest.cli import audit_input
from palimpsest.cli.audit_input import Unheld
from palimpsest.core.command import Steps
from palimpsest.core.errors import ParamsError, called, shown
from palimpsest.core.storage import check_out, json_bytes, write_out
from palimpsest.corpus.files.own_lines import has_own_lines, own_lines
from palimpsest.corpus.files.rows_read import TextsRead
from palimpsest.corpus.files.streaming import TextStream, rows_again, texts_again
from palimpsest.embedding.cache import cached_encoder
from palimpsest.metrics import validation
from palimpsest.report import audit as report
from palimpsest.report.audit_page import page
from palimpsest.report.audit_rows import (
    clean_file,
    clean_lines,
    cleaned,
    cleaning_of_many,
    row_lines,
    rows_file,
)

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
TYPED = {
    "audit.": "--",
    "embed.encoder.model": "--encoder",
    "embed.encoder.max_tokens": "--encoder",
    "embed.encoder.batch_size": "memory of the encoder, texts at once",
    "encoder.model": "--encoder",
    "max_tokens": "--encoder: positions",
}
"""What an error is about, in a project's words -> in those of this command line."""


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
        "--out-rows", type=Path, metavar="FILE", help="write every flagged row here: .csv or .jsonl"
    )
    parser.add_argument(
        "--clean", type=Path, metavar="OUT",
        help="write the candidate here without exact copies, loops and empty texts",
    )  # fmt: skip
    parser.add_argument(
        "--quiet", action="store_true", help="say nothing while at work; warnings are said"
    )
    parser.add_argument(
        "--fail-on",
        nargs="+",
        choices=[*map(str, AuditVerdict)],
        metavar="VERDICT",
        default=[],
        help=f"exit with status {FAILED} if one of these holds: {', '.join(AuditVerdict)}; "
        "narrower is collapsed, too",
    )
    audit_input.configure(parser)


def run(args: argparse.Namespace) -> int:
    """Reads, measures, writes and prints.

    Raises:
        PalimpsestError: see `palimpsest.auditing.measure.audit`; unreadable files or models; a file
            that cannot be written, or is read.
    """
    outputs = [path for path in (args.json, args.html, args.out_rows, args.clean) if path]
    for path in outputs:
        check_out(path)
    with called(TYPED), Steps(args.quiet) as steps:
        chosen = {"sample": args.sample, "seed": args.seed}
        params = AuditParams.of(dict(DEFAULTS) | chosen, "audit")
        steps("reading", 0, 1)
        candidate, reference = audit_input.read_both(args, steps.warn)
        check_apart(outputs, audit_input.files_read(args))
        score = None if args.model is None else _score(args.model)
        steps("loading the encoder", 0, 1)
        # before torch: a thread that spins while it waits costs its neighbour, and on a busy
        # machine embedding takes ten times as long
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        encoder = cached_encoder(args.encoder, steps.warn, steps.within)
        human = reference.texts
        if isinstance(candidate, TextsRead):
            result = audit(candidate.texts, human, encoder, score, params, encoder.pieces, steps)
        else:
            facts = _facts_of_many(candidate, human, params, encoder.pieces, steps)
            result = judged(facts, human, encoder, score, params, steps)
    unread = audit_input.lines(candidate, reference)
    result = replace(result, warnings=(*unread, *encoder.notes, *result.warnings))
    said = _written(args, result, candidate)
    print(report.text(result))
    print("\n".join(said), end="\n" if said else "")
    return FAILED if _fails(result, args.fail_on) else 0


def _facts_of_many(
    candidate: Unheld,
    human: Sequence[str],
    params: AuditParams,
    pieces: Pieces,
    steps: Steps,
) -> PlainFacts:
    """The plain facts of a candidate that is not held, gone through once."""
    reference = Side(validation.texts(human, "reference"))
    sample_size(None, len(reference.known), params.sample)  # refused now, not after minutes
    many = ManyTexts(reference, params)
    for texts in candidate.batches(partial(steps, "looking at the candidate, MB")):
        many.add(texts)
    audit_input.warn_of("candidate", candidate, steps.warn)
    return many.facts(pieces)


def check_apart(outputs: Sequence[Path], inputs: Sequence[Path]) -> None:
    """Makes sure that no output is written over a file that was read, or over another output.

    Raises:
        ParamsError: one is.
    """
    for at, path in enumerate(outputs):
        if any(path.exists() and path.samefile(one) for one in inputs):
            raise ParamsError(str(path), wanted="another file to write", got="one that is read")
        if path.resolve() in (other.resolve() for other in outputs[:at]):
            raise ParamsError(str(path), wanted="a file for each output", got="one for two")


def _written(args: argparse.Namespace, result: Audit, candidate: TextsRead | Unheld) -> list[str]:
    """Writes what was asked for; a line about the clean candidate."""
    if args.json:
        write_out(args.json, json_bytes(report.as_dict(result)))
    if args.html:
        names = shown(", ".join(args.candidate)), shown(", ".join(args.reference))
        write_out(args.html, page(result, *names).encode())
    if isinstance(candidate, Unheld):
        return _written_of_many(args, result, candidate.stream)
    texts, places = candidate.texts, candidate.places
    if args.out_rows:
        write_out(args.out_rows, rows_file(args.out_rows, result.flags, texts, places))
    if not args.clean:
        return []
    cleaning, records = cleaned(result.flags, len(texts)), own_lines(places)
    write_out(args.clean, clean_file(cleaning, texts, args.field, records))
    return [_said(args.clean, str(cleaning), records is not None)]


def _written_of_many(args: argparse.Namespace, result: Audit, stream: TextStream) -> list[str]:
    """Writes what has texts in it, for which the files are read again."""
    flags = result.flags
    if args.out_rows:
        write_out(args.out_rows, row_lines(args.out_rows, flags, rows_again(stream)))
    if not args.clean:
        return []
    kept = has_own_lines(stream.files)
    texts = texts_again(stream, kept)
    write_out(args.clean, clean_lines(flags, texts, args.field))
    return [_said(args.clean, cleaning_of_many(flags, result.candidate_texts), kept)]


def _said(path: Path, cleaning: str, records: bool) -> str:
    return f"{path}: {cleaning}{'; records as they stood' if records else ''}"


def _fails(result: Audit, fail_on: Sequence[str]) -> bool:
    named = {AuditVerdict(name) for name in fail_on}
    if AuditVerdict.NARROWER in named:
        named.add(AuditVerdict.COLLAPSED)
    return not named.isdisjoint(result.verdicts)


def _score(folder: Path) -> Score:
    # torch, only where a model is asked
    from palimpsest.lm.checkpoint import load_model_and_tokenizer
    from palimpsest.lm.scoring import TextLosses

    with called({str(folder): f"--model {folder}"}):
        return ScoredBy(TextLosses(*load_model_and_tokenizer(folder)))
