"""What rules are held against: read from a workspace, a revision, an experiment, a file."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from palimpsest.auditing.gate import Reading
from palimpsest.auditing.gate_rules import GateError
from palimpsest.core.errors import ComparisonError, PalimpsestError
from palimpsest.experiments import readings
from palimpsest.experiments.readings import read_subject
from tests.auditing.records import as_json, record

PARAMS = "seed: 0\ngenerate: {documents: 500}\nscore: {words: 100}\n"


def git(*words):
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def write(name, content):
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def entry(value, low=None, high=None):
    return {"value": value, "low": low, "high": high}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A chain of two generations, committed, with another experiment."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    git("config", "user.email", "nobody@example.org")
    git("config", "user.name", "Nobody")
    write("params.yaml", PARAMS)
    for value in (0.5, 0.25):
        write("metrics/generations/g00.json", {"volume": 1.0})
        write("metrics/generations/g01.json", {"volume": value})
        git("add", "-A")
        git("commit", "-qm", "x")
    git("update-ref", "refs/exps/ab/cdef/mine", "HEAD~1")
    return tmp_path


def test_the_workspace_has_the_small_files_and_says_what_is_missing(project):
    subject = read_subject(project, "workspace")
    assert list(subject.generations) == ["g00", "g01"]
    assert subject.generations["g01"] == {"volume": Reading(0.25)}
    assert subject.verdicts is None
    assert subject.measured_on == {"documents": 500, "words": 100}
    assert subject.file == "metrics/generations/g01.json"
    assert subject.gap == "data/scores would add intervals, null bands and other metrics: dvc pull"


def test_scorecards_add_metrics_intervals_and_bands(project):
    null = {"volume": {"low": 0.9, "high": 1.1, "mean": 1, "sd": 0.05}}
    first = {"metrics": {"volume": entry(1.0000001)}, "null": null}
    metrics = {"volume": entry(0.25, 0.2, 0.3), "vendi": entry(3, 2, 4), "lock_in": None}
    own = {"vendi": {"low": 5, "high": 6}}
    write("data/scores/g00/scorecard.json", first)
    write("data/scores/g01/scorecard.json", {"metrics": metrics, "null": own})
    subject = read_subject(project, "workspace")
    assert subject.gap == ""
    # as the small file has it: equal to itself in another revision
    assert subject.generations["g00"]["volume"] == Reading(1.0, None, (0.9, 1.1))
    assert subject.generations["g01"] == {
        "volume": Reading(0.25, (0.2, 0.3), (0.9, 1.1)),
        "vendi": Reading(3.0, (2.0, 4.0), (5.0, 6.0)),
        "lock_in": Reading(None),
    }


def test_a_revision_and_an_experiment_have_what_git_has(project):
    write("data/scores/g01/scorecard.json", {"metrics": {"volume": entry(0.25, 0.2, 0.3)}})
    for name in ("HEAD~1", "mine"):
        subject = read_subject(project, name)
        assert subject.generations["g01"] == {"volume": Reading(0.5)}
        assert subject.name == name
        assert subject.gap == f"of {name} git has only the numbers of metrics/generations"


def test_what_is_neither_is_named_and_a_shallow_clone_said(project, tmp_path, monkeypatch):
    with pytest.raises(
        GateError, match=r"^nope: want an experiment \(mine\), .* or a file, got ne"
    ):
        read_subject(project, "nope")
    git("clone", "-q", "--depth", "1", f"file://{project}", str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    with pytest.raises(GateError, match=r"this clone is shallow: fetch the history \(fetch-depth"):
        read_subject(tmp_path / "shallow", "HEAD~1")


def test_scores_that_do_not_count_are_refused_as_compare_does(project):
    write("dvc.lock", "stages: {prepare: {params: {params.yaml: {seed: 7}}}}\n")
    with pytest.raises(ComparisonError, match=r"want scores of the parameters in its params\.yaml"):
        read_subject(project, "workspace")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_audit(folder):
    write("a.json", as_json("copied", "narrower"))
    subject = read_subject(folder, "a.json")
    assert subject.verdicts == ("copied", "narrower")
    assert subject.generations[""]["integrity"] == Reading(0.95, (0.85, 1.05), (0.9, 1.1))
    assert subject.generations[""]["vendi"].interval is None
    sizes = {"sample": 40, "words": 1000, "segmentation": "icu", "reference_texts": 120}
    identities = {"encoder": "e" * 64, "model": None, "reference": "f" * 64}
    assert (subject.measured_on, subject.file) == (sizes | identities, "a.json")


def test_an_audit_from_before_it_named_its_encoder_says_nothing_about_it(folder):
    older = record()
    for key in ("encoder", "model", "reference"):
        del older[key]
    write("a.json", older)
    assert {*read_subject(folder, "a.json").measured_on} == {
        "sample",
        "words",
        "segmentation",
        "reference_texts",
    }


def test_an_audit_from_standard_input(folder, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(as_json().encode())))
    subject = read_subject(folder, "-")
    assert (subject.name, subject.verdicts, subject.file) == ("standard input", ("no_sign",), None)


def test_a_scorecard_and_numbers_by_name(folder):
    band = {"low": 5, "high": 6}
    metrics = {"vendi": entry(3, 2, 4)}
    write("card.json", {"documents": 9, "metrics": metrics, "null": {"vendi": band}})
    card = read_subject(folder, "card.json")
    assert card.generations == {"": {"vendi": Reading(3.0, (2.0, 4.0), (5.0, 6.0))}}
    assert card.measured_on == {"documents": 9}
    write("plain", {"integrity": 0.5, "facts": None})
    numbers = read_subject(folder, "plain")
    assert numbers.generations == {"": {"integrity": Reading(0.5), "facts": Reading(None)}}
    assert numbers.verdicts is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", r"^a\.json: want valid JSON"),
        ("{", r"^a\.json: want valid JSON"),
        ('{"integrity": NaN}', r"NaN is no number of JSON"),
        ("[" * 200, r"nested more than 100 levels"),
        ("{}", r"want the JSON of an audit, a scorecard, or numbers by name, got {}"),
        ("[1]", r"want the JSON of an audit, a scorecard, or numbers by name, got \[1\]"),
        ("3", r"want the JSON of an audit, a scorecard, or numbers by name, got 3"),
        ('{"integrity": "0.5"}', r"^a\.json: integrity: want a number or null, got '0\.5'"),
        ('{"integrity": true}', r"integrity: want a number or null, got True"),
        ('{"verdict": "copied"}', r"format: want 1, got none; audit again"),
        ('{"format": 9}', r"format: want 1, got 9"),
        ('{"metrics": {"a": 1}}', r"want metrics with values, got others"),
    ],
)
def test_a_file_without_numbers_is_one_line(folder, content, says):
    write("a.json", content)
    with pytest.raises(PalimpsestError, match=says):
        read_subject(folder, "a.json")


def test_files_that_cannot_be_read(folder, monkeypatch):
    with pytest.raises(GateError, match=r"^no\.json: want a JSON file with numbers, got No such"):
        read_subject(folder, "no.json")
    (folder / "dir.json").mkdir()
    with pytest.raises(GateError, match=r"^dir\.json: want a JSON file with numbers, got Is a dir"):
        read_subject(folder, "dir.json")
    monkeypatch.setattr(readings, "MOST_JSON", 10)
    write("a.json", as_json())
    with pytest.raises(GateError, match=r"^a\.json: want at most 10 bytes, got more"):
        read_subject(folder, "a.json")


def test_a_revision_without_scores_is_refused_as_compare_does(project):
    git("rm", "-rq", "metrics")
    git("commit", "-qm", "none")
    with pytest.raises(ComparisonError, match=r"^HEAD: want scored generations"):
        read_subject(project, "HEAD")
