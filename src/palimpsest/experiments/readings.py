"""What a gate's rules are held against: the workspace, a revision, an experiment, or a file.

A file may be the JSON of an audit, a scorecard, or numbers by name such as metrics/integrity.json
and metrics/generations/g05.json. Of a revision git has the numbers of metrics/generations; of the
workspace the scorecards add the other metrics, intervals and null bands, where DVC has them.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from palimpsest.auditing.gate import Reading, Readings, Subject
from palimpsest.auditing.gate_rules import GateError
from palimpsest.auditing.record import AuditRecord, read_record
from palimpsest.core.errors import ComparisonError, written_out
from palimpsest.core.parsing import parse_json
from palimpsest.experiments.comparison import Run
from palimpsest.experiments.project import SCORES, generation_name, git
from palimpsest.experiments.revisions import WORKSPACE, experiments, read_run
from palimpsest.experiments.scorecards import FOLDER, checked, scorecards
from palimpsest.trajectory.summary import DIGITS

STDIN = "-"
MOST_JSON = 2**28
"""Bytes of a JSON file: room for the rows and flags of millions of texts."""
SIZES = {
    "documents": "generate.documents",
    "words": "score.words",
    "encoder": "embed.encoder.model",
}
"""What values depend on -> the parameter of a chain that says it."""
IDENTITIES = ("encoder", "model", "reference")
"""What an audit's values depend on, by hashes; None where one is not known."""


def read_subject(root: Path, name: str) -> Subject:
    """Measurements by their name.

    Args:
        root: the project's folder.
        name: ``workspace``; a file; ``-``, which is standard input; else an experiment or a git
            revision.

    Raises:
        GateError: no such file, or none with numbers; a history that was not fetched.
        ComparisonError: see `palimpsest.experiments.revisions.read_run`.
        PalimpsestError: a file that cannot be read.
    """
    path = Path(name)
    if name == STDIN:
        return _from_file("standard input", sys.stdin.buffer.read(MOST_JSON + 1), None)
    if name != WORKSPACE and (path.suffix == ".json" or (path.exists() and not path.is_dir())):
        try:
            with path.open("rb") as file:  # a device has no end
                content = file.read(MOST_JSON + 1)
        except OSError as error:
            got = error.strerror
            raise GateError(name, wanted="a JSON file with numbers", got=got) from error
        return _from_file(name, content, path.as_posix())
    if name == WORKSPACE:
        run = read_run(root, WORKSPACE, {})
        cards = scorecards(root, run)
        return _of_run(run, cards)
    try:
        return _of_run(read_run(root, name, experiments(root)), {})
    except ComparisonError as error:
        if error.got != "neither":
            raise
        shallow = git(root, "rev-parse", "--is-shallow-repository").strip() == "true"
        hint = "this clone is shallow: fetch the history (fetch-depth: 0)" if shallow else None
        wanted = f"{error.wanted}, or a file"
        raise GateError(error.what, wanted=wanted, got=error.got, hint=hint) from error


def _of_run(run: Run, cards: Mapping[int, Mapping[str, Any]]) -> Subject:
    """A chain; its scorecards fill in what the small files lack."""
    first = cards.get(0, {}).get("null", {})
    generations: dict[str, Readings] = {}
    for number in sorted(run.generations):
        readings = {name: Reading(value) for name, value in run.generations[number].items()}
        if card := cards.get(number):
            readings |= _of_card(card, first)
        generations[generation_name(number)] = readings
    sizes = {what: run.parameters.get(key) for what, key in SIZES.items()}
    known = {what: value for what, value in sizes.items() if value is not None}
    name = "the workspace" if run.name == WORKSPACE else run.name
    gap = ""
    if run.name != WORKSPACE:
        gap = f"of {name} git has only the numbers of {SCORES.as_posix()}"
    elif cards.keys() != run.generations.keys():
        gap = f"{FOLDER.as_posix()} would add intervals, null bands and other metrics: dvc pull"
    last = (SCORES / f"{generation_name(max(run.generations))}.json").as_posix()
    return Subject(name, generations, measured_on=known, file=last, gap=gap)


def _of_card(card: Mapping[str, Any], first: Mapping[str, Any]) -> dict[str, Reading]:
    """A scorecard over its own null bands, else over those of generation 0."""
    bands = {**first, **card["null"]}
    readings = {}
    for name, entry in card["metrics"].items():
        value, low, high = (_rounded((entry or {}).get(key)) for key in ("value", "low", "high"))
        interval = None if low is None or high is None else (low, high)
        band = bands.get(name)
        null = None if band is None else (float(band["low"]), float(band["high"]))
        readings[name] = Reading(value, interval, null)
    return readings


def _of_audit(audit: AuditRecord, name: str, file: str | None) -> Subject:
    readings = {}
    for metric, one in audit.metrics.items():
        interval = None if one.low is None or one.high is None else (one.low, one.high)
        readings[metric] = Reading(one.value, interval, (one.null.low, one.null.high))
    sizes = {
        "sample": audit.sample,
        "words": audit.words,
        "segmentation": audit.segmentation,
        "reference_texts": audit.reference_texts,
    }
    # of an audit from before there were these keys, what it does not say is not compared
    said = {key: getattr(audit, key) for key in IDENTITIES if key in audit.model_fields_set}
    return Subject(name, {"": readings}, tuple(audit.verdicts), sizes | said, file)


def _from_file(name: str, content: bytes, file: str | None) -> Subject:
    """The numbers of a JSON file, whichever of the three kinds it is."""
    if len(content) > MOST_JSON:
        raise GateError(name, wanted=f"at most {MOST_JSON:,} bytes", got="more")
    try:
        value = parse_json(content)
    except ValueError as error:
        raise GateError(name, wanted="valid JSON", got=str(error)) from error
    if isinstance(value, dict) and ("format" in value or "verdict" in value):
        return _of_audit(read_record(content, name), name, file)
    if isinstance(value, dict) and isinstance(value.get("metrics"), dict):
        readings = _of_card(checked(value, name), {})
        keys = ("documents", "segmentation")
        sizes = {key: value[key] for key in keys if value.get(key) is not None}
        return Subject(name, {"": readings}, measured_on=sizes, file=file)
    if not isinstance(value, dict) or not value:
        wanted = "the JSON of an audit, a scorecard, or numbers by name"
        raise GateError(name, wanted=wanted, got=written_out(value))
    for metric, number in value.items():
        if number is not None and type(number) not in (int, float):
            raise GateError(f"{name}: {metric}", wanted="a number or null", got=written_out(number))
    return Subject(name, {"": {key: Reading(one) for key, one in value.items()}}, file=file)


def _rounded(value: float | None) -> float | None:
    """As the small files have it, so that a value is equal to itself."""
    return None if value is None else float(f"{value:.{DIGITS}g}")
