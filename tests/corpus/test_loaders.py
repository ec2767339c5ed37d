"""The human text of files and of the hub: what is left out, what goes wrong."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from palimpsest.core.errors import CorpusError
from palimpsest.core.parameters import FilesParams, HubParams
from palimpsest.corpus.loaders import load_human

SHARED = Path(__file__).parents[3] / "shared" / "corpora"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared corpora here")


def files(*paths: Path | str, **changes: object) -> FilesParams:
    """Section ``corpus.files`` for these paths."""
    values: dict[str, object] = {
        "paths": tuple(map(str, paths)),
        "text_field": "text",
        "txt_unit": "paragraph",
        "min_chars": 1,
        "max_chars": None,
    }
    return FilesParams.of({**values, **changes}, "corpus.files")


def hub(**changes: object) -> HubParams:
    """Section ``corpus.hub`` with some values changed."""
    values: dict[str, object] = {
        "name": "someone/something",
        "config": None,
        "split": "train",
        "revision": None,
        "text_field": "text",
        "min_chars": 1,
        "max_chars": None,
    }
    return HubParams.of({**values, **changes}, "corpus.hub")


def write_jsonl(path: Path, *rows: object) -> Path:
    """A file of JSON, a row a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_files_are_read_in_the_order_of_the_paths_and_as_asked(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("one\ntwo\n\nthree\n", encoding="utf-8")
    write_jsonl(tmp_path / "a.jsonl", {"body": "from a", "text": "not asked for"})
    paths = (tmp_path / "b.txt", tmp_path / "a.jsonl")
    loaded = load_human(files(*paths, text_field="body"))
    assert loaded.documents == ["one\ntwo", "three", "from a"]
    loaded = load_human(files(*paths, text_field="body", txt_unit="line"))
    assert loaded.documents == ["one", "two", "three", "from a"]
    assert loaded.blank == 2


def test_what_is_left_out_is_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    texts = ["  ", "good one", None, "x", "good one", "x", "far too long", "\n", "good two"]
    path = write_jsonl(tmp_path / "a.jsonl", *({"text": text} for text in texts))
    with caplog.at_level(logging.INFO):
        loaded = load_human(files(path, min_chars=2, max_chars=8))
    assert loaded.documents == ["good one", "good two"]
    assert (loaded.blank, loaded.duplicates) == (3, 2)
    assert (loaded.too_short, loaded.too_long) == (1, 1)
    assert "2 documents; left out: 3 blank, 2 duplicates, 1 too short, 1 too long" in caplog.text


def test_rows_that_cannot_be_read_are_counted_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", {"text": "a"}, {"text": 1}, {"text": "b"})
    loaded = load_human(files(path))
    assert loaded.documents == ["a", "b"]
    line = f"left out 1 of 3 texts: 1 with a number for a text (line 2 of {path})"
    assert loaded.unread == (line,)
    assert f"{path}: {line}" in caplog.text
    write_jsonl(path, {"text": 1}, {"text": 2}, {"text": "b"})
    with pytest.raises(CorpusError, match=r"'text' of line 1: want text, got int 1; 2 of 3 lines"):
        load_human(files(path))


def test_errors_name_the_parameters_of_the_chain(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"^corpus\.files\.paths: want files, got none at"):
        load_human(files(tmp_path / "none.jsonl"))
    path = write_jsonl(tmp_path / "a.jsonl", {"data": {"text": "a"}})
    with pytest.raises(CorpusError, match=r"; corpus\.files\.text_field: 'data\.text'$"):
        load_human(files(path))
    assert load_human(files(path, text_field="data.text")).documents == ["a"]


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
from palimpsest.corpus.loaders import load_human
from palimpsest.core.parameters import FilesParams
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
    script = "import sys, palimpsest.corpus.loaders; print('datasets' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True
    )
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pdf", "x", r"a\.pdf: want one of \.txt, .*, got \.pdf"),
        ("a.csv", "title,body\na,b\n", r"want the field 'text', got the fields title, body"),
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


def test_hub_without_a_network_names_the_dataset_and_the_offline_choices(tmp_path: Path) -> None:
    script = """
from palimpsest.corpus.loaders import load_human
from palimpsest.core.parameters import HubParams
from palimpsest.core.errors import CorpusError
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


def test_hub_values_that_are_no_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    import huggingface_hub

    api = SimpleNamespace(dataset_info=lambda *args, **kwargs: None)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: api)
    numbers = datasets.Dataset.from_dict({"text": [1, 2]})
    monkeypatch.setattr(datasets, "load_dataset", lambda *args, **kwargs: numbers)
    with pytest.raises(CorpusError, match=r"'text' of row 1: want text, got int 1"):
        load_human(hub())


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
