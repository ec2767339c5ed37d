"""`palimpsest gate`: what CI sees of it."""

import io
import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import palimpsest
from palimpsest.auditing.gate_file import DEFAULT
from palimpsest.cli import gate as command
from palimpsest.cli.main import main
from tests.auditing.corpora import encode, human
from tests.auditing.records import as_json, metric


def git(*words):
    subprocess.run(["git", *words], capture_output=True, check=True)


def chain(*integrities):
    """The small files of a chain with these integrities."""
    folder = Path("metrics/generations")
    folder.mkdir(parents=True, exist_ok=True)
    Path("params.yaml").write_text("seed: 0\n")
    for number, value in enumerate(integrities):
        numbers = {"integrity": value, "fact_coverage": value / 2, "lock_in": None}
        (folder / f"g{number:02d}.json").write_text(json.dumps(numbers))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A chain, committed twice, the second time worse."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    git("init", "-q")
    git("config", "user.email", "nobody@example.org")
    git("config", "user.name", "Nobody")
    for last in (0.9, 0.8):
        chain(1.0, 0.95, last)
        git("add", "-A")
        git("commit", "-qm", "x")
    return tmp_path


def run(capsys, *words):
    status = main(["gate", *words])
    return status, capsys.readouterr()


def test_a_gate_that_passes(project, capsys):
    Path("gate.yaml").write_text("rules:\n  - integrity >= 0.8\n  - facts >= 0.3 at all\n")
    status, said = run(capsys)
    assert status == 0
    assert said.err == ""
    assert said.out.splitlines()[-1] == "pass: 2 of 2 rules hold in the workspace."


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--rule", "integrity >= 0.8"), 0),
        (("--rule", "integrity > 0.8"), 1),
        (("--rule", "integrity >= 0.95 at g01"), 0),
        (("--rule", "integrity >= 0.9 at all"), 1),
        (("--rule", "vendi >= 2"), 2),
        (("--rule", "lock_in <= 0.5"), 2),
        (("--rule", "integrity >= 0.5 surely"), 2),
        (("--rule", "outside null: any of [integrity]"), 2),
        (("--rule", "verdict not in [collapsed]"), 2),
        (("--rule", "integrity drop <= 5%"), 2),
        (("--rule", "integrity drop <= 5%", "--against", "HEAD~1"), 1),
        (("--rule", "integrity drop <= 12%", "--against", "HEAD~1"), 0),
        (("--rule", "integrity drop <= 0.2", "--against", "HEAD"), 0),
        (("--rule", "integrity drop <= 0", "--against", "metrics/generations/g02.json"), 0),
        (("HEAD~1", "--rule", "integrity >= 0.9"), 0),
        # a breach is certain, whatever else cannot be told
        (("--rule", "vendi >= 2", "--rule", "integrity > 0.8"), 1),
    ],
)
def test_the_status(project, capsys, words, status):
    assert run(capsys, *words)[0] == status


def test_an_experiment_is_one_more_name(project, capsys):
    git("update-ref", "refs/exps/ab/cdef/mine", "HEAD~1")
    words = ("--rule", "integrity drop <= 5%", "--against")
    assert run(capsys, *words, "mine")[0] == 1
    assert "before 0.900: drop of 11.1 % at g02" in run(capsys, *words, "mine")[1].out


def test_the_file_and_the_command_line_together(project, capsys):
    Path("gate.yaml").write_text("- integrity >= 0.8\n")
    more = ("--rule", "integrity > 0.8")
    assert len(run(capsys, *more)[1].out.splitlines()) == 4  # the command line alone
    status, said = run(capsys, "--rules", "gate.yaml", *more)
    assert status == 1
    assert len(said.out.splitlines()) == 5
    status, said = run(capsys, "--rules", "gate.yaml", "--rule", "integrity >= 0.8")
    assert status == 2
    assert "want rules with names of their own, got 'integrity >= 0.8' twice" in said.err


def test_what_is_missing_is_said_with_what_to_do(project, capsys):
    notes = [
        "note: data/scores would add intervals, null bands and other metrics: dvc pull",
        "note: of HEAD~1 git has only the numbers of metrics/generations",
    ]
    for rule, expected in (
        ("vendi drop <= 2", notes),
        ("vendi >= 2", notes[:1]),
        ("verdict == no_sign", []),
        ("integrity > 0.8", []),
    ):
        said = run(capsys, "--rule", rule, "--against", "HEAD~1")[1].out
        assert [line for line in said.splitlines() if line.startswith("note")] == expected


def test_a_warning_is_shown_and_breaks_nothing(project, capsys):
    Path("gate.yaml").write_text("- {rule: integrity > 0.8, severity: warning}\n")
    status, said = run(capsys, "--github")
    assert status == 0
    assert "breach (warning)  integrity > 0.8" in said.out
    assert "\n::warning file=gate.yaml,line=1,title=palimpsest gate::breach: integrity" in said.out


@pytest.mark.parametrize(
    ("rules", "status"),
    [
        (["verdict not in [collapsed, narrower, copied]"], 1),
        (["verdict not in [collapsed, garbled]"], 0),
        (["verdict == copied"], 1),
        (["integrity >= 0.9"], 0),
        (["integrity >= 0.9 surely"], 2),
        (["integrity >= 0.84 surely", "inside null: all of [integrity]"], 0),
        (["outside null: any of [volume_rarefied, vendi]"], 1),
        (["outside null: any of [volume_rarefied, integrity]"], 2),
    ],
)
def test_an_audit(tmp_path, monkeypatch, capsys, rules, status):
    monkeypatch.chdir(tmp_path)
    Path("a.json").write_text(as_json("copied", "narrower"))
    words = [word for rule in rules for word in ("--rule", rule)]
    assert run(capsys, "a.json", *words)[0] == status
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(as_json("copied").encode())))
    assert run(capsys, "-", "--rule", "verdict == copied")[0] == 0


def test_an_audit_against_another(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("new.json").write_text(as_json())
    Path("old.json").write_text(as_json(metrics={"vendi": metric(0.52)}))
    Path("other.json").write_text(as_json(sample=50))
    rule = ("--rule", "vendi drop <= 5%")
    assert run(capsys, "new.json", *rule, "--against", "old.json")[0] == 0
    status, said = run(capsys, "new.json", *rule, "--against", "other.json")
    assert status == 2
    assert "not comparable: sample 40 here and 50 in other.json" in said.out


class Encoder:
    """A function that says which it is."""

    def __init__(self, identity):
        self.identity = identity

    def __call__(self, texts):
        return encode(texts)


def audited(name, texts, reference, encoder):
    quick = {"half_samples": 4, "null_samples": 6, "sample": 30}
    palimpsest.audit(texts, reference=reference, encoder=encoder, **quick).to_json(name)


def test_real_audits_are_compared_where_encoder_and_reference_are_one(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    texts, people = human(40, seed=2), human(120, seed=1)
    one, other = Encoder("one"), Encoder("other")
    audited("old.json", texts, people, one)
    audited("same.json", texts, people[::-1], one)  # its order makes no other reference
    audited("encoder.json", texts, people, other)
    audited("nameless.json", texts, people, encode)
    audited("people.json", texts, [*people[:-1], people[-1] + "!"], one)
    shorter = [text.rpartition(" ")[0] for text in texts]
    audited("shorter.json", shorter, people, one)

    def status(name, metric):
        rule = f"{metric} change <= 999999%"
        code, said = run(capsys, name, "--rule", rule, "--against", "old.json")
        return code, said.out

    assert status("same.json", "vendi")[0] == status("same.json", "distinct_2")[0] == 0
    code, said = status("encoder.json", "vendi")
    assert code == 2
    assert "not comparable: encoder other here and one in old.json" in said
    assert status("encoder.json", "distinct_2")[0] == 0
    assert "encoder unknown here and one" in status("nameless.json", "vendi")[1]
    assert status("nameless.json", "length_mean")[0] == 0
    for metric_name in ("vendi", "distinct_2"):
        code, said = status("people.json", metric_name)
        assert code == 2
        assert "not comparable: reference " in said
    words = [json.loads(Path(name).read_text())["words"] for name in ("old.json", "shorter.json")]
    assert words[0] > words[1]
    assert status("shorter.json", "vendi")[0] == status("shorter.json", "length_mean")[0] == 0
    code, said = status("shorter.json", "distinct_2")
    assert code == 2
    assert f"not comparable: words {words[1]} here and {words[0]} in old.json" in said


def test_every_report_at_once(project, capsys):
    Path("gate.yaml").write_text("- integrity > 0.8\n- vendi >= 2\n- facts >= 0.3\n")
    outputs = ("--junit", "out/j.xml", "--sarif", "s.json", "--markdown", "m.md")
    status, said = run(capsys, *outputs)
    assert status == 1
    assert said.out.splitlines()[0].startswith("outcome")
    suite = ET.fromstring(Path("out/j.xml").read_bytes())[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    results = json.loads(Path("s.json").read_text())["runs"][0]["results"]
    assert [one["message"]["text"].split(":")[0] for one in results] == ["breach", "cannot tell"]
    assert Path("m.md").read_text().startswith("### palimpsest gate: breach\n")


@pytest.mark.parametrize("option", ["--junit", "--sarif", "--markdown"])
def test_a_report_that_is_printed_is_alone_on_standard_output(project, capsys, option):
    words = ("--rule", "integrity > 0.8", option)
    status, said = run(capsys, *words, "-")
    assert status == 1
    assert said.err.splitlines()[-1].startswith("breach: 0 of 1 rules hold")
    run(capsys, *words, "file")
    assert said.out == Path("file").read_text()


def test_github_has_annotations_and_a_summary(project, capsys, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    Path("summary.md").write_text("before\n")
    Path("gate.yaml").write_text("rules:\n  - integrity > 0.8\n")
    status, said = run(capsys, "--github")
    assert status == 1
    assert said.out.splitlines()[-1] == (
        "::error file=gate.yaml,line=2,title=palimpsest gate::breach: integrity > 0.8: "
        "integrity 0.800 at g02"
    )
    assert Path("summary.md").read_text().startswith("before\n### palimpsest gate: breach\n")


def test_init_writes_rules_that_read_and_overwrites_none(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    status, said = run(capsys, "--init")
    assert (status, said.out) == (0, "written: gate.yaml\n")
    assert Path("gate.yaml").read_text() == DEFAULT
    Path("a.json").write_text(as_json())
    assert run(capsys, "a.json")[0] == 0
    status, said = run(capsys, "--init")
    assert (status, said.err) == (
        2,
        "error: gate.yaml: want a new file, got one that is there already\n",
    )
    assert run(capsys, "--init", "--rules", "ci/gate.yaml")[0] == 0
    assert Path("ci/gate.yaml").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "error: gate.yaml: want rules, got no such file; palimpsest gate --init writes one"),
        (("--rules", "no.yaml"), "error: no.yaml: want rules, got no such file"),
        (("--rule", "integrity => 1"), "error: --rule: 'integrity => 1': want one of >=, <=,"),
        (("--rule", "integrty >= 0.8"), "got 'integrty'; did you mean integrity?"),
        (("--rule", "vendi > 2", "no.json"), "error: no.json: want a JSON file with numbers"),
        (("--rule", "vendi > 2", "--against", "no.json"), "error: no.json: want a JSON file"),
        (("--rule", "vendi > 2", "broken.json"), "error: broken.json: want valid JSON"),
        (("--rule", "vendi > 2", "--against", "nope"), "error: nope: want an experiment (none)"),
        (("--rule", "vendi > 2", "-", "--against", "-"), "want one measurement from it, got two"),
        (("--rule", "vendi > 2", "--junit", "x", "--sarif", "./x"), "error: --sarif: want another"),
        (("--rule", "vendi > 2", "--junit", "-", "--sarif", "-"), "want another file than --junit"),
        (("--rule", "vendi > 2", "--junit", "metrics"), "want a file to write, got a folder"),
    ],
)
def test_bad_input_cannot_be_told_and_writes_nothing(project, capsys, words, says):
    Path("broken.json").write_text("{")
    before = sorted(Path().rglob("[!.]*"))
    status, said = run(capsys, *words)
    assert status == 2
    assert says in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert sorted(Path().rglob("[!.]*")) == before


def test_bad_input_is_an_annotation_too(project, capsys):
    status, said = run(capsys, "--github")
    assert status == 2
    assert said.out.startswith("::error title=palimpsest gate::gate.yaml: want rules, got no such")


def test_a_summary_that_cannot_be_written_is_no_pass(project, capsys, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project))
    status, said = run(capsys, "--github", "--rule", "integrity >= 0.8")
    assert status == 2
    assert "Is a directory" in said.err


def test_a_workspace_without_scores_cannot_be_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    status, said = run(capsys, "--rule", "integrity >= 0.8")
    assert status == 2
    assert said.err == "error: workspace: want a params.yaml, got none\n"


def test_a_reader_that_has_seen_enough_is_no_bad_input(monkeypatch):
    def seen_enough(args):
        raise BrokenPipeError

    monkeypatch.setattr(command, "_gate", seen_enough)
    with pytest.raises(BrokenPipeError):
        command.run(Namespace(init=False, github=False))


def test_sarif_names_the_version(project, capsys, monkeypatch):
    def version_in_report():
        run(capsys, "--rule", "integrity > 0.8", "--sarif", "s.json")
        return json.loads(Path("s.json").read_text())["runs"][0]["tool"]["driver"]["version"]

    monkeypatch.setattr(command, "installed_version", lambda: "1.2.3")
    assert version_in_report() == "1.2.3"
    monkeypatch.setattr(command, "installed_version", lambda: None)
    assert version_in_report() == "0"
