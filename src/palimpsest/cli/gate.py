"""`palimpsest gate`: rules and measurements in, an exit status for CI out."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from palimpsest.auditing.gate import Outcome, State, Subject, decide, whole_state
from palimpsest.auditing.gate_file import DEFAULT, FILE, check_unique, read_gate
from palimpsest.auditing.gate_grammar import parse_rule
from palimpsest.auditing.gate_rules import Change, GateError, Rule, check_names
from palimpsest.core.errors import PalimpsestError, shown
from palimpsest.core.storage import check_out, write_out
from palimpsest.core.version import installed_version
from palimpsest.experiments.readings import STDIN, read_subject
from palimpsest.experiments.revisions import WORKSPACE
from palimpsest.report import gate as report

DESCRIPTION = (
    "Holds the workspace's metrics, or those of an audit's JSON, against rules such as "
    "'integrity >= 0.8', 'fact_coverage drop <= 5%' and 'verdict not in [collapsed, copied]'."
)
STATUS = {State.PASS: 0, State.BREACH: 1, State.UNKNOWN: 2}
EPILOG = (
    "Exit status: 0 if every rule holds, 1 if one is broken, 2 if none is broken but one cannot be "
    "told, or for bad input. Grammar and examples: docs/gate.md."
)
SUMMARY = "GITHUB_STEP_SUMMARY"
"""Environment variable in which GitHub Actions names the file of a step's summary."""
PRINTED = Path("-")


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument(
        "measured", nargs="?", default=WORKSPACE, metavar="AUDIT.json",
        help="an audit's JSON (- reads it), other metrics, an experiment or a git revision; "
        "default: the workspace",
    )  # fmt: skip
    parser.add_argument(
        "--rules", type=Path, metavar="FILE", help=f"default: {FILE}, unless --rule is given"
    )
    parser.add_argument(
        "--rule", action="append", default=[], metavar="RULE", help="one more rule; repeatable"
    )
    parser.add_argument(
        "--against", metavar="NAME",
        help="what changes are measured from: a git revision, an experiment or a JSON file",
    )  # fmt: skip
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML; - prints it")
    parser.add_argument("--sarif", type=Path, metavar="FILE", help="write SARIF; - prints it")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write a table; - prints it")
    parser.add_argument(
        "--github", action="store_true", help="annotations and summary of GitHub Actions"
    )
    parser.add_argument(
        "--init", action="store_true", help="write a commented file of rules, and leave"
    )


def run(args: argparse.Namespace) -> int:
    """Reads, decides, writes and prints; what goes wrong is status 2, since nothing was told."""
    try:
        return _init(args.rules or FILE) if args.init else _gate(args)
    except BrokenPipeError:
        raise  # the reader has seen enough
    except (PalimpsestError, OSError) as error:
        line = shown(" ".join(str(error).split()))
        print(f"error: {line}", file=sys.stderr)
        if args.github:
            print(report.annotation("error", line), end="")
        return STATUS[State.UNKNOWN]


def _init(path: Path) -> int:
    """Writes the default rules.

    Raises:
        GateError: the file is there already.
    """
    if path.exists():
        raise GateError(str(path), wanted="a new file", got="one that is there already")
    write_out(path, DEFAULT.encode())
    print(f"written: {path}")
    return 0


def _gate(args: argparse.Namespace) -> int:
    """Decides all rules.

    Raises:
        PalimpsestError: rules or measurements that cannot be read, a file that cannot be written.
    """
    outputs = {"--junit": args.junit, "--sarif": args.sarif, "--markdown": args.markdown}
    outputs = {option: path for option, path in outputs.items() if path is not None}
    _check_outputs(outputs)
    if args.measured == args.against == STDIN:
        raise GateError("standard input", wanted="one measurement from it", got="two")
    rules = _rules(args.rules, args.rule)
    subject = read_subject(Path.cwd(), args.measured)
    base = None if args.against is None else read_subject(Path.cwd(), args.against)
    check_names(rules, subject.metrics | (base.metrics if base else set()))
    outcomes = decide(rules, subject, base)
    contents = _contents(outcomes, subject, outputs)
    for option, path in outputs.items():
        if path != PRINTED:
            write_out(path, contents[option])
    printed = [content for option, content in contents.items() if outputs[option] == PRINTED]
    for content in printed:
        print(content.decode(), end="")
    # a document on standard output stays one: the table then goes where errors go
    shown_to = sys.stderr if printed else sys.stdout
    print(report.text(outcomes, subject.name), file=shown_to)
    for gap in _gaps(outcomes, subject, base):
        print(f"note: {shown(gap)}", file=shown_to)
    if args.github:
        print(report.annotations(outcomes), end="")
        _summarise(report.markdown(outcomes, subject.name))
    return STATUS[whole_state(outcomes)]


def _rules(file: Path | None, texts: Sequence[str]) -> list[Rule]:
    """The rules of the file, then those of the command line."""
    rules = read_gate(file or FILE) if file or not texts else []
    rules += [parse_rule(text) for text in texts]
    check_unique(rules)
    return rules


def _check_outputs(outputs: Mapping[str, Path]) -> None:
    """Makes sure that every file can be written, and none twice.

    Raises:
        PalimpsestError: one cannot, or two are one.
    """
    taken: dict[Path, str] = {}
    for option, path in outputs.items():
        place = path if path == PRINTED else path.absolute()
        if place in taken:
            wanted = f"another file than {taken[place]}"
            raise GateError(option, wanted=wanted, got=str(path))
        taken[place] = option
        if path != PRINTED:
            check_out(path)


def _contents(
    outcomes: Sequence[Outcome], subject: Subject, options: Mapping[str, Path]
) -> dict[str, bytes]:
    """What is asked for, by the option that asks."""
    write = {
        "--junit": lambda: report.junit(outcomes, subject.name),
        "--sarif": lambda: report.sarif(outcomes, installed_version() or "0", subject.file),
        "--markdown": lambda: report.markdown(outcomes, subject.name).encode(),
    }
    return {option: write[option]() for option in options}


def _gaps(outcomes: Sequence[Outcome], subject: Subject, base: Subject | None) -> list[str]:
    """What would be known of the measurements with more files, where a rule may want for it."""
    open_ = [one.rule for one in outcomes if one.state is State.UNKNOWN]
    gaps = [subject.gap] if any(rule.metrics for rule in open_) else []
    if base is not None and any(isinstance(rule.condition, Change) for rule in open_):
        gaps.append(base.gap)
    return [gap for gap in gaps if gap]


def _summarise(table: str) -> None:
    """Appends to the summary of the step, where there is one."""
    if path := os.environ.get(SUMMARY):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(table)
