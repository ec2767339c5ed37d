import csv
import gzip
import io
import json
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import numpy as np
import pytest

import palimpsest
from palimpsest.auditing.verdict import DEFAULTS
from palimpsest.cli import audit as audit_command
from palimpsest.cli import audit_input
from palimpsest.cli.main import main
from palimpsest.core.rng import stream
from tests.auditing.corpora import encode, human
from tests.embedding.families import FAMILIES, encoder_folder


class Encode:
    """An encoder that needs no weights; every word is one piece to it."""

    def __call__(self, texts):
        return encode(texts)

    notes = ()

    def pieces(self, words):
        return np.ones(len(words), dtype=np.int64)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A human reference, a good and a collapsed candidate; the encoder needs no weights."""
    monkeypatch.setattr(audit_command, "cached_encoder", lambda *_: Encode())
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
    assert run(capsys, "bad.jsonl", *reference, "--fail-on", "collapsed")[0] == audit_command.FAILED
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


def test_what_was_left_out_while_reading_is_in_every_output(files, capsys):
    for name in ("good", "human"):
        lines = (files / f"{name}.jsonl").read_text(encoding="utf-8")
        (files / f"{name}.jsonl").write_text(lines + '{"n": 1}\n{"text": 3}\n', encoding="utf-8")
    outputs = ("--json", "a.json", "--html", "a.html")
    status, said = run(capsys, "good.jsonl", "--reference", "human.jsonl", *outputs)
    assert status == 0
    written = json.loads((files / "a.json").read_text(encoding="utf-8"))
    page = unescape((files / "a.html").read_text(encoding="utf-8"))
    for side, name, texts in (("candidate", "good", 40), ("reference", "human", 120)):
        line = (
            f"{side}: left out 2 of {texts + 2} texts: 1 without the field 'text' "
            f"(line {texts + 1} of {name}.jsonl); 1 with a number for a text "
            f"(line {texts + 2} of {name}.jsonl)"
        )
        assert line in written["warnings"]
        assert line in page
        assert f"warning: {line}" in said.out
    assert written["candidate_texts"] == 40


def test_a_clean_candidate_keeps_the_name_of_its_field(files, capsys):
    rows = [{"full-text": text} for text in [*human(39, seed=2), ""]]
    (files / "named.json").write_text(json.dumps(rows), encoding="utf-8")
    fields = ("--field", "full-text", "--reference-field", "text")
    run(capsys, "named.json", "--reference", "human.jsonl", *fields, "--clean", "clean.jsonl")
    lines = (files / "clean.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == rows[:-1]


def test_threads_that_wait_do_not_spin_in_the_command_alone(files, capsys, monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    people, texts = human(120, seed=1), human(40, seed=2)
    palimpsest.audit(texts, reference=people, half_samples=4, null_samples=6)
    assert "OMP_WAIT_POLICY" not in os.environ
    run(capsys, "good.jsonl", "--reference", "human.jsonl")
    assert os.environ.pop("OMP_WAIT_POLICY") == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    run(capsys, "good.jsonl", "--reference", "human.jsonl")
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


def test_the_older_name_of_collapsed_is_no_verdict(files, capsys):
    with pytest.raises(SystemExit):
        run(capsys, "bad.jsonl", "--reference", "human.jsonl", "--fail-on", "collapse")
    assert "invalid choice: 'collapse'" in capsys.readouterr().err


def test_empty_and_repeated_texts_are_kept(files, capsys):
    (files / "empty.jsonl").write_text('{"text": ""}\n{"text": null}\n{"text": "a b"}\n' * 4)
    said = run(capsys, "empty.jsonl", "--reference", "human.jsonl")[1].out
    assert "12 of 12 candidate texts" in said


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("four.txt", "--reference", "human.jsonl"), "candidate: want >= 5 texts, got 4"),
        (("good.jsonl", "--reference", "four.txt"), "reference: want >= 5 texts, got 4"),
        (("numbers.jsonl", "--reference", "human.jsonl"), "'text' of line 1: want text, got int"),
        (("good.jsonl", "--reference", "human.jsonl", "--text-field", "body"), "the field 'body'"),
        (
            ("good.jsonl", "--reference", "human.jsonl", "--sample", "3"),
            "--sample: want >= 5",
        ),
        (("none.jsonl", "--reference", "human.jsonl"), "error: candidate: want files, got none at"),
        (
            ("good.jsonl", "--reference", "none/*"),
            "reference: want files, got none at 'none/*'",
        ),
        (("good.jsonl", "--reference", "human.jsonl", "--reference-field", "x"), "the field 'x'"),
        (("latin.csv", "--reference", "human.jsonl"), "like cp1252 (Latin-1); --encoding cp1252"),
        (("good.jsonl", "--reference", "a.pdf"), "a.pdf: want one of .txt"),
        (("-", "--reference", "-"), "one corpus from it, got two"),
        (
            ("good.jsonl", "--reference", "human.jsonl", "--model", "nowhere"),
            "error: --model nowhere: want a folder with a tokenizer, got no",
        ),
        (("good.jsonl", "--reference", "."), "error: reference: want files, got none at '.'"),
        (("good.jsonl", "--reference", "human.jsonl", "--seed", "-1"), "error: --seed: want >= 0"),
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


@pytest.fixture
def faulty(files):
    """A candidate of records with what --clean takes out, each kind once or more."""
    texts = human(40, seed=2)
    texts[3], texts[5], texts[8] = texts[2], "", human(120, seed=1)[7]
    texts[11] = "so it goes and goes on " * 12
    lines = [json.dumps({"id": at, "text": text}) for at, text in enumerate(texts)]
    (files / "faulty.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return lines


WITH_HUMAN = ("--reference", "human.jsonl", "--quiet")


def test_flagged_rows_are_written_each_with_its_flags(files, faulty, capsys):
    words = ("faulty.jsonl", *WITH_HUMAN, "--json", "a.json", "--out-rows")
    assert run(capsys, *words, "rows.jsonl")[0] == 0
    rows = [json.loads(line) for line in (files / "rows.jsonl").read_text().splitlines()]
    flags = {row["row"]: row["flags"] for row in rows}
    assert {3: ["duplicate"], 5: ["empty"], 8: ["copy"]}.items() <= flags.items()
    assert "loop" in flags[11]
    assert rows[0]["text"] == json.loads(faulty[3])["text"]
    in_json = json.loads((files / "a.json").read_text(encoding="utf-8"))["flags"]
    assert {str(row): of for row, of in flags.items()} == in_json
    assert run(capsys, *words, "rows.csv")[0] == 0
    with (files / "rows.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert {int(row["row"]): row["flags"].split() for row in table} == flags


def test_a_clean_candidate_keeps_the_records_that_stay(files, faulty, capsys):
    status, said = run(capsys, "faulty.jsonl", *WITH_HUMAN, "--clean", "clean.jsonl")
    assert status == 0
    assert said.out.splitlines()[-1] == (
        "clean.jsonl: 36 of 40 texts, 4 taken out (1 empty, 1 equal to a text of the reference, "
        "1 equal to an earlier text, 1 loops); records as they stood"
    )
    kept = [line for at, line in enumerate(faulty) if at not in (3, 5, 8, 11)]
    assert (files / "clean.jsonl").read_text(encoding="utf-8").splitlines() == kept
    again = run(capsys, "clean.jsonl", *WITH_HUMAN, "--clean", "twice.jsonl")[1].out
    assert "clean.jsonl: " not in again
    assert "twice.jsonl: 36 of 36 texts, 0 taken out; records" in again


def test_a_candidate_without_lines_of_its_own_is_written_as_texts(
    files, faulty, capsys, monkeypatch
):
    content = "\n".join(faulty).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    said = run(capsys, "-", *WITH_HUMAN, "--clean", "clean.jsonl")[1].out
    assert "records as they stood" not in said
    rows = [json.loads(line) for line in (files / "clean.jsonl").read_text().splitlines()]
    wanted = [json.loads(line)["text"] for at, line in enumerate(faulty) if at not in (3, 5, 8, 11)]
    assert rows == [{"text": text} for text in wanted]


@pytest.mark.parametrize("option", ["--clean", "--out-rows", "--json", "--html"])
@pytest.mark.parametrize("name", ["good.jsonl", "./good.jsonl", "human.jsonl", "hard", "soft"])
def test_no_output_is_written_over_a_file_that_is_read(files, capsys, option, name):
    (files / "hard").hardlink_to(files / "good.jsonl")
    (files / "soft").symlink_to(files / "human.jsonl")
    before = {path: path.read_bytes() for path in files.iterdir()}
    status, said = run(capsys, "good.jsonl", *WITH_HUMAN, option, name)
    assert status == 1
    shown = name.removeprefix("./")
    assert said.err == f"error: {shown}: want another file to write, got one that is read\n"
    assert {path: path.read_bytes() for path in files.iterdir()} == before


def test_two_outputs_have_two_files(files, capsys):
    words = ("good.jsonl", *WITH_HUMAN, "--json", "a.json", "--clean", "./a.json")
    status, said = run(capsys, *words)
    assert status == 1
    assert said.err == "error: a.json: want a file for each output, got one for two\n"
    assert not (files / "a.json").exists()


@pytest.fixture
def sentences(tmp_path, monkeypatch):
    """Files for encoders that are loaded as a user's would be, and a cache of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    quick = DEFAULTS.changed(half_samples=6, null_samples=8)
    monkeypatch.setattr(audit_command, "DEFAULTS", quick)
    words = ("a", "is", "it", "lighthouse", "the", "built")
    rng = stream(0, "tests.sentences")
    texts = [" ".join(rng.choice(words, int(rng.integers(3, 90)))) for _ in range(60)]
    for name, some in {"human.jsonl": texts, "mine.jsonl": texts[:20][::-1]}.items():
        (tmp_path / name).write_text("".join(json.dumps({"text": text}) + "\n" for text in some))
    return ("mine.jsonl", "--reference", "human.jsonl", "--encoder")


@pytest.mark.parametrize("family", ["GPT2", "Roberta"])
def test_an_encoder_of_few_positions_is_taken_at_its_limit(sentences, tmp_path, capsys, family):
    folder, limit = encoder_folder(tmp_path / "own", family), FAMILIES[family][1]
    status, said = run(capsys, *sentences, str(folder), "--json", "a.json")
    assert status == 0
    note = f"the encoder has {limit} positions: it reads {limit} tokens of a text"
    assert f"warning: {note}\n" in said.out
    assert note in json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["warnings"]


def test_errors_of_an_encoder_speak_of_the_option(sentences, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    for name, says in {
        "./nowhere": "--encoder: want 'bundled', a folder or a hub id, got './nowhere'",
        "empty": "--encoder empty: want a folder with a .safetensors file, got none in it",
        "b\udcff/../x/y": "--encoder: want text of whole characters",
    }.items():
        status, said = run(capsys, *sentences, name)
        assert status == 1
        assert f"error: {says}" in said.err
        assert "embed." not in said.err


@pytest.mark.parametrize("home", ["file", "none"])
def test_an_audit_without_a_cache_is_one_warning(sentences, tmp_path, capsys, monkeypatch, home):
    folder = encoder_folder(tmp_path / "own", "Bert")
    with_cache = run(capsys, *sentences, str(folder))[1].out
    if home == "file":
        (tmp_path / "file").touch()
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    else:
        monkeypatch.setattr("platformdirs.user_cache_path", Path)
    status, said = run(capsys, *sentences, str(folder))
    assert status == 0
    assert said.err.count("warning: embeddings are not kept for the next time: ") == 1
    assert said.out == with_cache


def test_lines_of_progress_are_few_and_none_if_quiet(files, capsys):
    words = ("good.jsonl", "--reference", "human.jsonl")
    said = run(capsys, *words)[1]
    assert said.err.splitlines() == [
        "embedding the candidate (40)", "embedding the reference (120)",
        "measuring human samples (8)", "intervals of the candidate (5)",
    ]  # fmt: skip
    quiet = run(capsys, *words, "--quiet")[1]
    assert quiet == (said.out, "")


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


@pytest.fixture
def many(files, monkeypatch):
    """A candidate of three shards, one packed, that is too large to be held."""
    texts = [*human(40, seed=2), *human(20, seed=2), "", "la la la la " * 20, *human(3, seed=1)]
    lines = [json.dumps({"n": n, "text": text}) + "\n" for n, text in enumerate(texts)]
    (files / "shard0.jsonl").write_text("".join(lines[:30]), encoding="utf-8")
    (files / "shard1.jsonl").write_text("no JSON\n" + "".join(lines[30:45]), encoding="utf-8")
    (files / "shard2.jsonl").write_text("".join(lines[45:]), encoding="utf-8")
    return texts


def audited(capsys, monkeypatch, most, *argv):
    """What the command prints and writes where so many texts are held."""
    monkeypatch.setattr(audit_input, "MOST_HELD", most)
    monkeypatch.setattr("palimpsest.corpus.files.streaming.BATCH_TEXTS", 7)
    outputs = ("--json", "a.json", "--out-rows", "rows.jsonl", "--clean", "clean.jsonl")
    status, said = run(capsys, *argv, "--reference", "human.jsonl", *outputs)
    assert status == 0
    written = [Path(name).read_bytes() for name in ("rows.jsonl", "clean.jsonl")]
    return said, json.loads(Path("a.json").read_text(encoding="utf-8")), written


@pytest.mark.parametrize("packed", [False, True])
def test_a_large_candidate_has_the_facts_of_a_small_one(many, capsys, monkeypatch, packed):
    if packed:
        Path("shard1.jsonl.gz").write_bytes(gzip.compress(Path("shard1.jsonl").read_bytes()))
        Path("shard1.jsonl").unlink()
    small = audited(capsys, monkeypatch, 1000, "shard*")
    large = audited(capsys, monkeypatch, 20, "shard*")
    assert large[2] == small[2]  # flagged rows with their places, the clean candidate
    assert large[1]["flags"] == small[1]["flags"]
    assert large[1]["verdict"] == small[1]["verdict"] == "repeated"
    assert large[1]["candidate_texts"] == small[1]["candidate_texts"] == len(many)
    first, second = (
        {**one[1]["judgements"][0], "examples": [], "reason": ""} for one in (large, small)
    )
    assert first == second
    assert [*large[1]] == [*small[1]]
    left_out = next(one for one in small[1]["warnings"] if "left out 1 of" in one)
    assert left_out in large[1]["warnings"]
    assert f"warning: {left_out}" in large[0].err
    assert any("in a sample of" in one for one in large[1]["warnings"])
    line = next(one for one in small[0].out.splitlines() if one.startswith("clean.jsonl: "))
    assert line in large[0].out.splitlines()
    assert line.endswith("; records as they stood") is not packed


def test_a_large_candidate_from_standard_input(many, capsys, monkeypatch):
    def read(most):
        content = b"".join(path.read_bytes() for path in sorted(Path().glob("shard*")))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        return audited(capsys, monkeypatch, most, "-")

    small, large = read(1000), read(20)
    assert large[2] == small[2]
    assert large[1]["verdict"] == small[1]["verdict"] == "repeated"


def test_a_large_candidate_says_how_far_it_is(many, capsys, monkeypatch):
    calls = []
    monkeypatch.setattr(audit_command, "partial", lambda *_: lambda *call: calls.append(call))
    monkeypatch.setattr(audit_input, "MEGABYTE", 100)
    audited(capsys, monkeypatch, 20, "shard*")
    size = sum(path.stat().st_size for path in Path().glob("shard*")) // 100
    assert {every for _, every in calls} == {size}
    done = [at for at, _ in calls]
    assert done == sorted(done)
    assert 0 < done[0] < done[-1] <= size
    assert len(calls) >= 8


def test_a_reference_that_is_too_small_is_refused_before_the_candidate_is_read(
    many, capsys, monkeypatch
):
    monkeypatch.setattr(audit_input, "MOST_HELD", 20)
    monkeypatch.setattr("palimpsest.corpus.files.streaming.BATCH_TEXTS", 7)
    monkeypatch.setattr(audit_input.Unheld, "batches", None)
    status, said = run(capsys, "shard*", "--reference", "human.jsonl", "--sample", "50")
    assert status == 1
    assert "error: reference: want >= 150 texts" in said.err


def test_a_row_table_of_a_large_candidate(many, capsys, monkeypatch):
    tables = []
    for most in (1000, 20):
        monkeypatch.setattr(audit_input, "MOST_HELD", most)
        run(capsys, "shard*", "--reference", "human.jsonl", "--out-rows", "rows.csv")
        tables.append(Path("rows.csv").read_bytes())
    assert tables[0] == tables[1]


def test_a_large_candidate_that_changes_meanwhile_leaves_nothing_half_written(
    many, capsys, monkeypatch
):
    monkeypatch.setattr(audit_input, "MOST_HELD", 20)
    judged = audit_command.judged

    def cut(*args):
        Path("shard1.jsonl").write_text("no JSON\n" * 50, encoding="utf-8")
        return judged(*args)

    monkeypatch.setattr(audit_command, "judged", cut)
    status, said = run(capsys, "shard*", "--reference", "human.jsonl", "--clean", "clean.jsonl")
    assert status == 1
    assert said.err.splitlines()[-1].startswith("error: shard1.jsonl")
    assert not list(Path().glob("*clean*"))
    assert not list(Path().glob(".*clean*"))
