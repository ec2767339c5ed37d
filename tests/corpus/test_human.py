"""The human text sources: what comes out of a file, what is left out, what goes wrong."""

import csv
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from palimpsest.corpus.human import FilesParams, HubParams, load_human
from palimpsest.errors import CorpusError, ParamsError

SHARED = Path(__file__).parents[3] / "shared" / "corpora"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared corpora here")

TEXTS = ["The first.", "Ein zweiter – mit Ümlaut.", "A third,\nover two lines."]


def files(*paths: Path | str, **changes: object) -> FilesParams:
    values: dict[str, object] = {
        "paths": tuple(map(str, paths)),
        "text_field": "text",
        "txt_unit": "paragraph",
        "min_chars": 1,
        "max_chars": None,
    }
    return FilesParams(**{**values, **changes})  # type: ignore[arg-type]


def hub(**changes: object) -> HubParams:
    values: dict[str, object] = {
        "name": "someone/something",
        "config": None,
        "split": "train",
        "revision": None,
        "text_field": "text",
        "min_chars": 1,
        "max_chars": None,
    }
    return HubParams(**{**values, **changes})  # type: ignore[arg-type]


def write_jsonl(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_txt_paragraphs_are_separated_by_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffone\nstill one\r\n\r\ntwo\n \t \n\nthree\n".encode())
    assert load_human(files(path)).documents == ["one\nstill one", "two", "three"]


def test_txt_lines_split_at_line_feeds_only(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(" one\u2028still one\n\ntwo \n", encoding="utf-8")
    loaded = load_human(files(path, txt_unit="line"))
    assert loaded.documents == ["one\u2028still one", "two"]


def test_the_same_texts_from_every_kind_of_record(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"id": i, "text": text} for i, text in enumerate(TEXTS)]
    write_jsonl(tmp_path / "a.jsonl", *rows)
    (tmp_path / "records.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    (tmp_path / "strings.json").write_text(json.dumps(TEXTS, indent=1), encoding="utf-8")
    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "text"], *enumerate(TEXTS)])
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    for path in tmp_path.iterdir():
        assert load_human(files(path)).documents == TEXTS, path.name


def test_csv_texts_that_look_like_something_else_stay_texts(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,n\nNA,1\n007,x\n,2\n1.50,\n", encoding="utf-8")
    loaded = load_human(files(path))
    assert loaded.documents == ["NA", "007", "1.50"]
    assert loaded.blank == 1


def test_csv_columns_beside_the_text_may_be_anything(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = "".join(f"text {i},{i}\n" for i in range(12_000))  # more than one piece for pandas
    path.write_text(f"\ntext,n\n{rows}\nshort\n{'long ' * 40_000},x\n", encoding="utf-8")
    assert len(load_human(files(path, max_chars=100)).documents) == 12_001


def test_csv_rows_with_too_many_cells_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text\n"good, quoted"\nbad, unquoted\n', encoding="utf-8")
    with pytest.raises(CorpusError, match="got ValueError: 2 cells at line 3 under 1 columns"):
        load_human(files(path))


def test_jsonl_fields_may_come_late_and_change_their_type(tmp_path: Path) -> None:
    rows = [{"text": f"text {i}" * 500, "meta": i} for i in range(3000)]  # > 10 MB: many pieces
    path = write_jsonl(tmp_path / "a.jsonl", *rows, {"text": "last", "meta": "x", "late": 1})
    assert load_human(files(path)).documents[-1] == "last"


def test_globs_are_read_by_name_and_each_file_once(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    write_jsonl(tmp_path / "deep" / "b.jsonl", {"text": "b"})
    write_jsonl(tmp_path / "a.jsonl", {"text": "a"})
    write_jsonl(tmp_path / "[z]*.jsonl", {"text": "z"})
    loaded = load_human(files(tmp_path / "[z]*.jsonl", tmp_path / "**/*.jsonl"))
    assert loaded.documents == ["z", "a", "b"]


def test_what_is_left_out_is_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    texts = ["  ", "good one", None, "x", "good one", "x", "far too long", "\n", "good two"]
    path = write_jsonl(tmp_path / "a.jsonl", *({"text": text} for text in texts))
    with caplog.at_level(logging.INFO):
        loaded = load_human(files(path, min_chars=2, max_chars=8))
    assert loaded.documents == ["good one", "good two"]
    assert (loaded.blank, loaded.duplicates) == (3, 2)
    assert (loaded.too_short, loaded.too_long) == (1, 1)
    assert "2 documents; left out: 3 blank, 2 duplicates, 1 too short, 1 too long" in caplog.text


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", {"text": "old"})
    stat = path.stat()
    assert load_human(files(path)).documents == ["old"]
    write_jsonl(path, {"text": "new"})
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert load_human(files(path)).documents == ["new"]


def test_nothing_is_written_and_no_network_is_touched(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", {"text": "a"})
    (tmp_path / "b.txt").write_text("b", encoding="utf-8")
    home = tmp_path / "home"
    script = f"""
import socket
def refuse(*args, **kwargs): raise AssertionError("the network was touched")
socket.getaddrinfo = socket.socket.connect = socket.create_connection = refuse
from palimpsest.corpus.human import FilesParams, load_human
for path in ({str(path)!r}, {str(tmp_path / "b.txt")!r}):
    params = FilesParams(paths=(path,), text_field="text", txt_unit="line", min_chars=1,
                         max_chars=None)
    print(load_human(params).documents)
"""
    work = tmp_path / "work"
    work.mkdir()
    environment = {
        **os.environ,
        "HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    environment.pop("HF_HUB_OFFLINE", None)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=work, env=environment, capture_output=True, text=True
    )
    assert done.stdout == "['a']\n['b']\n", done.stderr
    assert done.stderr == ""
    assert list(work.iterdir()) == []
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_importing_the_module_does_not_import_datasets() -> None:
    script = "import sys, palimpsest.corpus.human; print('datasets' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True
    )
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pdf", "x", r"a\.pdf: want one of \.txt, .*, got \.pdf"),
        ("a.jsonl", '{"title": "a", "body": "b"}\n', r"want the field 'text', got .* title, body"),
        ("a.csv", "title,body\na,b\n", r"want the field 'text', got the fields title, body"),
        ("a.jsonl", '{"text": "a"}\n{"text": 3}\n', r"'text' of row 2: want text, got int 3"),
        ("a.jsonl", '{"text": ["a"]}\n', r"'text' of row 1: want text, got list \['a'\]"),
        ("a.jsonl", '{"text": "a"\n', r"a\.jsonl: want a readable \.jsonl file, got \w+: "),
        ("a.parquet", "x", r"a\.parquet: want a readable \.parquet file, got \w+: "),
        ("a.txt", "", r"corpus\.files \(.*a\.txt\): want documents, got 0 documents; left out"),
        ("a.txt", " \n\n\t\n", r"want documents, got 0 documents; left out: \d blank"),
        ("a.jsonl", "", r"want documents, got 0 documents"),
        ("a.json", "[]", r"want documents, got 0 documents"),
        ("a.csv", "n,text\n", r"want documents, got 0 documents"),
    ],
)
def test_bad_files_are_one_line_errors(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match=message) as caught:
        load_human(files(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", b"caf\xe9"), ("a.csv", b"text\ncaf\xe9\n"), ("a.jsonl", b'{"text": "caf\xe9"}')],
)
def test_text_that_is_not_utf8_is_an_error(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CorpusError, match="got UnicodeDecodeError: 'utf-8'"):
        load_human(files(path))


def test_no_file_matches(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"corpus\.files\.paths: want files, got none at '.*\*"):
        load_human(files(tmp_path / "*.txt"))
    with pytest.raises(CorpusError, match="it is a folder: name its files"):
        load_human(files(tmp_path))


def test_params_that_cannot_be_meant() -> None:
    with pytest.raises(ParamsError, match=r"corpus\.files\.paths: want at least one"):
        files()
    with pytest.raises(ParamsError, match=r"corpus\.hub\.max_chars: want >= min_chars \(5\)"):
        hub(min_chars=5, max_chars=4)


def test_hub_without_a_network_names_the_dataset_and_the_offline_choices(tmp_path: Path) -> None:
    script = """
from palimpsest.corpus.human import HubParams, load_human
from palimpsest.errors import CorpusError
try:
    load_human(HubParams(name="someone/something", config=None, split="train", revision=None,
                         text_field="text", min_chars=1, max_chars=None))
except CorpusError as error:
    print(error)
"""
    environment = {
        **os.environ,
        "HF_HOME": str(tmp_path),
        "HF_ENDPOINT": "http://127.0.0.1:9",  # nobody listens there
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True
    )
    assert done.stdout == (
        "corpus.hub: want a dataset that can be read, got 'someone/something' (no network); "
        "offline: corpus.source: world, or corpus.source: files\n"
    ), done.stderr
    assert done.stderr == ""


def test_hub_reads_name_config_split_and_field(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    import huggingface_hub

    asked = []

    def load_dataset(*args: object, **kwargs: object) -> object:
        asked.append((args, kwargs))
        return datasets.Dataset.from_dict({"story": ["a", "", "a", "b"], "n": [1, 2, 3, 4]})

    api = SimpleNamespace(dataset_info=lambda *args, **kwargs: None)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: api)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    loaded = load_human(hub(config="small", revision="abc", text_field="story"))
    assert loaded.documents == ["a", "b"]
    assert asked == [(("someone/something", "small"), {"split": "train", "revision": "abc"})]
    with pytest.raises(CorpusError, match=r"\(someone/something\): want the field 'text', got"):
        load_human(hub())


def test_hub_with_a_wrong_split_says_what_the_library_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import datasets
    import huggingface_hub

    def load_dataset(*args: object, **kwargs: object) -> object:
        raise ValueError("Unknown split \"tran\". Should be one of ['train'].\nmore")

    api = SimpleNamespace(dataset_info=lambda *args, **kwargs: None)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: api)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(CorpusError, match=r'something\' \(ValueError: Unknown split "tran"\.') as e:
        load_human(hub(split="tran"))
    assert "no network" not in str(e.value)


@needs_shared
def test_wikitext_tinystories_and_wikipedia() -> None:
    raw = load_human(files(SHARED / "wikitext2" / "*", txt_unit="line", min_chars=101))
    assert len(raw.documents) == 3475
    assert raw.blank > 1000
    assert raw.too_short > 1000  # most of them headings: " = Title = "
    assert not any(text.startswith("= ") and text.endswith(" =") for text in raw.documents)
    stories = load_human(files(SHARED / "tinystories" / "tinystories_1000.json"))
    assert 990 <= len(stories.documents) <= 1000
    wikipedia = load_human(files(SHARED / "wikipedia" / "heldout.jsonl", min_chars=100))
    assert len(wikipedia.documents) > 2500
