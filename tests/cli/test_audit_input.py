import argparse
import csv
import gzip
import io
import json
import sys

import pytest

from palimpsest.cli import audit_input
from palimpsest.core.command import Steps
from palimpsest.core.errors import CorpusError, ParamsError

TEXTS = ["Ein Satz; noch einer.", "二つ目の文章です。", "A third, with a comma."]
ROWS = [{"text": text} for text in TEXTS]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A candidate and a reference in the working directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.jsonl", "human.jsonl"):
        lines = [json.dumps(row) + "\n" for row in ROWS]
        (tmp_path / name).write_text("".join(lines), encoding="utf-8")
    return tmp_path


def read(*argv):
    """What a command line reads."""
    parser = argparse.ArgumentParser()
    parser.add_argument("candidate", nargs="+")
    parser.add_argument("--reference", nargs="+", default=["human.jsonl"])
    audit_input.configure(parser)
    return audit_input.read_both(parser.parse_args(argv), Steps(quiet=True).warn)


def standard_input(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_both_are_read_with_their_places(folder, capsys):
    candidate, reference = read("a.jsonl")
    assert candidate.texts == reference.texts == TEXTS
    assert str(candidate.places[1]) == "line 2 of a.jsonl"
    assert str(reference.places[2]) == "line 3 of human.jsonl"
    assert capsys.readouterr().err == ""


def test_what_is_left_out_is_said_on_standard_error(folder, capsys):
    with (folder / "a.jsonl").open("a") as file:
        file.write('{"text": 5}\n{"text"\n')
    (folder / "b.txt").write_text("one\ntwo\n")
    assert read("a.jsonl", "b.txt")[0].texts == [*TEXTS, "one", "two"]
    assert capsys.readouterr().err.splitlines() == [
        "warning: candidate: left out 2 of 7 texts: 1 with a number for a text (line 4 of a.jsonl)"
        "; 1 no JSON (line 5 of a.jsonl)",
        "warning: candidate: b.txt has no blank line: each of its 2 lines is a text "
        "(--unit paragraph: all are one)",
    ]


@pytest.mark.parametrize("option", ["--field", "--text-field"])
def test_fields_of_candidate_and_reference(folder, option):
    rows = [{"data": {"text": text}} for text in TEXTS]
    (folder / "b.json").write_text(json.dumps(rows))
    candidate, reference = read("b.json", option, "data.text", "--reference-field", "text")
    assert candidate.texts == reference.texts == TEXTS
    with pytest.raises(CorpusError, match=r"human\.jsonl: want the field 'data\.text'"):
        read("b.json", option, "data.text")


def test_chats_units_delimiters_and_encodings(folder):
    chat = [[{"role": "user", "content": "?"}, {"role": "assistant", "content": t}] for t in TEXTS]
    (folder / "chat.jsonl").write_text("".join(json.dumps({"messages": c}) + "\n" for c in chat))
    chats = ("--field", "messages[].content", "--role", "assistant", "--reference-field", "text")
    assert read("chat.jsonl", *chats)[0].texts == TEXTS
    (folder / "a.txt").write_text("a\nb\n\nc\n")
    assert read("a.txt", "--unit", "line")[0].texts == ["a", "b", "c"]
    assert read("a.txt", "--unit", "file")[0].texts == ["a\nb\n\nc"]
    with (folder / "a.csv").open("w", newline="", encoding="cp932") as file:
        csv.writer(file, delimiter="#").writerows([["text", "n"], *([t, 1] for t in TEXTS[1:])])
    found = read("a.csv", "--delimiter", "#", "--encoding", "shift_jis")
    assert (found[0].texts, found[1].texts) == (TEXTS[1:], TEXTS)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["jsonl", "json", "csv", "paragraphs"])
def test_standard_input_is_sniffed(folder, monkeypatch, kind, packed):
    table = io.StringIO()
    csv.writer(table, delimiter=";").writerows([["text"], *([text] for text in TEXTS)])
    content = {
        "jsonl": "\n".join(map(json.dumps, ROWS)),
        "json": json.dumps(ROWS, indent=1),
        "csv": table.getvalue(),
        "paragraphs": "\n\n".join(TEXTS),
    }[kind].encode()
    standard_input(monkeypatch, gzip.compress(content) if packed else content)
    assert read("-")[0].texts == TEXTS


def test_the_format_of_standard_input_is_told(folder, monkeypatch):
    standard_input(monkeypatch, b'{"text": "a"}')
    candidate, reference = read("a.jsonl", "--reference", "-", "--format", "txt")
    assert (candidate.texts, reference.texts) == (TEXTS, ['{"text": "a"}'])


def test_one_corpus_comes_from_standard_input(folder, monkeypatch):
    with pytest.raises(ParamsError, match="want one corpus from it, got two"):
        read("-", "--reference", "-")
    standard_input(monkeypatch, b" \n")
    with pytest.raises(CorpusError, match="standard input: want texts, got nothing"):
        read("-")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(CorpusError, match="nothing: it is closed"):
        read("-")
