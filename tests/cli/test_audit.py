import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from palimpsest.auditing.verdict import DEFAULTS
from palimpsest.cli import audit as audit_command
from palimpsest.cli.main import main
from tests.auditing.corpora import encode, human


class Encode:
    """An encoder that needs no weights; every word is one piece to it."""

    def __call__(self, texts):
        return encode(texts)

    def pieces(self, words):
        return np.ones(len(words), dtype=np.int64)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A human reference, a good and a collapsed candidate; the encoder needs no weights."""
    monkeypatch.setattr(audit_command, "cached_encoder", lambda model: Encode())
    quick = DEFAULTS.changed(half_samples=6, null_samples=8)
    monkeypatch.setattr(audit_command, "DEFAULTS", quick)
    monkeypatch.chdir(tmp_path)
    for name, texts in {
        "human.jsonl": human(120, seed=1),
        "good.jsonl": human(40, seed=2),
        "bad.jsonl": human(4, seed=3) * 10,
    }.items():
        lines = [json.dumps({"text": text}) + "\n" for text in texts]
        (tmp_path / name).write_text("".join(lines), encoding="utf-8")
    return tmp_path


def run(capsys, *argv):
    status = main(["audit", *argv])
    return status, capsys.readouterr()


def test_table_fits_a_terminal_and_ends_with_the_verdict(files, capsys):
    status, said = run(capsys, "good.jsonl", "--reference", "human.jsonl")
    lines = said.out.splitlines()
    assert status == 0
    assert lines[0].split()[0] == "metric"
    assert max(map(len, lines[: lines.index("")])) <= 100
    assert lines[-1].startswith("No sign of collapse: none of")


def test_exit_status_only_on_demand(files, capsys):
    reference = ("--reference", "human.jsonl")
    assert run(capsys, "bad.jsonl", *reference)[0] == 0
    reference += ("--sample", "20")
    assert run(capsys, "bad.jsonl", *reference, "--fail-on", "collapse")[0] == audit_command.FAILED
    assert run(capsys, "good.jsonl", *reference, "--fail-on", "narrower")[0] == 0


def test_json_and_page(files, capsys):
    run(capsys, "bad.jsonl", "--reference", "human.jsonl", "--json", "a.json", "--html", "a.html")
    content = json.loads((files / "a.json").read_text(encoding="utf-8"))
    assert content["verdicts"] == ["repeated", "collapsed"]
    assert content["verdict"] == content["verdicts"][0]
    assert len(content["judgements"][0]["rows"]) == len(content["flags"]) == 36
    assert len(content["reasons"]) == 3
    entry = content["metrics"]["duplicates"]
    assert entry["value"] == pytest.approx(0.9)
    assert entry["counts"] == "collapse"
    # no null sample has any: the deviation is that of one text of 40, t(7) at 95 % is 2.36462
    assert entry["null"]["mean"] == 0
    assert entry["null"]["high"] == pytest.approx(2.36462 / 40 * (1 + 1 / 8) ** 0.5, rel=1e-5)
    page = (files / "a.html").read_text(encoding="utf-8")
    assert "bad.jsonl against human.jsonl" in page
    assert "<script" not in page
    assert not re.search(r"https?:|//", page)


@pytest.mark.parametrize("kind", ["paragraphs", "jsonl"])
def test_standard_input(files, capsys, monkeypatch, kind):
    text = (files / "bad.jsonl").read_text(encoding="utf-8")
    if kind == "paragraphs":
        text = "\n\n".join(human(4, seed=3) * 10)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    status, said = run(capsys, "-", "--reference", "human.jsonl")
    assert status == 0
    assert "40 of 40 candidate texts" in said.out
    before, last = said.out.splitlines()[-2:]
    assert before.startswith(
        "Repeated: 36 of 40 texts repeat others or themselves (36 repeat an earlier one)"
    )
    assert last.startswith("Collapsed: ")


def test_empty_and_repeated_texts_are_kept(files, capsys):
    (files / "empty.jsonl").write_text('{"text": ""}\n{"text": null}\n{"text": "a b"}\n' * 4)
    said = run(capsys, "empty.jsonl", "--reference", "human.jsonl")[1].out
    assert "12 of 12 candidate texts" in said


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("none.jsonl", "--reference", "human.jsonl"), "none at 'none.jsonl'"),
        (("four.txt", "--reference", "human.jsonl"), "candidate: want >= 5 texts, got 4"),
        (("good.jsonl", "--reference", "four.txt"), "reference: want >= 5 texts, got 4"),
        (("numbers.jsonl", "--reference", "human.jsonl"), "'text' of line 1: want text, got int"),
        (("good.jsonl", "--reference", "human.jsonl", "--text-field", "body"), "the field 'body'"),
        (("good.jsonl", "--reference", "human.jsonl", "--sample", "3"), "audit.sample: want >= 5"),
        (("none.jsonl", "--reference", "human.jsonl"), "candidate: want files, got none at"),
        (("good.jsonl", "--reference", "none/*"), "reference: want files, got none at 'none/*'"),
        (("good.jsonl", "--reference", "human.jsonl", "--reference-field", "x"), "the field 'x'"),
        (("latin.csv", "--reference", "human.jsonl"), "like cp1252 (Latin-1); --encoding cp1252"),
        (("good.jsonl", "--reference", "a.pdf"), "a.pdf: want one of .txt"),
        (("-", "--reference", "-"), "one corpus from it, got two"),
        (("good.jsonl", "--reference", "human.jsonl", "--model", "nowhere"), "no such folder"),
    ],
)
def test_mistakes_are_one_line(files, capsys, argv, says):
    (files / "four.txt").write_text("a\n\nb\n\nc\n\nd\n")
    (files / "numbers.jsonl").write_text('{"text": 1}\n' * 9)
    (files / "latin.csv").write_text("text\ncaf\u00e9\n", encoding="latin-1")
    (files / "a.pdf").touch()
    status, said = run(capsys, *argv)
    assert status == 1
    assert says in said.err
    assert said.err.count("\n") == 1


def test_no_text_on_standard_input(files, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b" \n")))
    status, said = run(capsys, "-", "--reference", "human.jsonl")
    assert status == 1
    assert "standard input: want texts, got nothing" in said.err


def test_help_loads_no_torch():
    code = (
        "import sys\nfrom palimpsest.cli.main import main\n"
        "try:\n    main(['audit', '--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'datasets', 'transformers', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_bundled_encoder_reads_what_lies_there(tmp_path, monkeypatch, capsys):
    """The command as a user runs it: nothing is put in the place of anything."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    places = ("river", "hill", "old wall", "north gate", "market", "bridge", "mill", "harbour")
    human = [f"The {animal} by the {place} is {state}." for animal in ("fox", "owl", "hen", "cat")
             for place in places for state in ("asleep", "hungry")]  # fmt: skip
    lines = [json.dumps({"text": text}) + "\n" for text in human]
    (tmp_path / "human.jsonl").write_text("".join(lines))
    (tmp_path / "mine.jsonl").write_text(lines[0] * 20)
    words = ["audit", "mine.jsonl", "--reference", "human.jsonl", "--fail-on", "narrower"]
    assert main(words) == audit_command.FAILED
    said = capsys.readouterr().out
    assert "20 of 20 candidate texts, each against 20 of 64 reference texts" in said


@pytest.mark.parametrize(
    "name", ["a\x1b[2J.jsonl", "<img src=x onerror=alert(1)>.jsonl", "b\udcff.jsonl"]
)
def test_names_of_files_run_nothing_anywhere(files, capsys, name):
    (files / name).write_bytes((files / "good.jsonl").read_bytes())
    status, said = run(capsys, name, "--reference", "human.jsonl", "--html", "a.html")
    assert status == 0
    html = (files / "a.html").read_bytes()
    assert b"\x1b" not in html + (said.out + said.err).encode()
    assert b"<img" not in html
    (files / name).write_bytes(b'{"text": 3}\n')
    status, said = run(capsys, name, "--reference", "human.jsonl")
    assert status == 1
    assert "want text, got int 3" in said.err
    assert "\x1b" not in said.err
    said.err.encode()
