"""Which files a name means: globs in the order of names, datasets' folders, and what is none."""

import os
from pathlib import Path

import pytest

from palimpsest.core.errors import CorpusError
from palimpsest.corpus.files.matching import files_within, kind_of, matching
from tests.corpus.files.tables import dataset_folder


def test_globs_are_read_by_name_and_each_file_once(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("deep/b.jsonl", "a.jsonl", "[z]*.jsonl", ".hidden.jsonl"):
        (tmp_path / name).touch()
    patterns = (str(tmp_path / "[z]*.jsonl"), str(tmp_path / "**/*.jsonl"))
    assert [str(path.relative_to(tmp_path)) for path in matching(patterns)] == [
        "[z]*.jsonl", "a.jsonl", "deep/b.jsonl",
    ]  # fmt: skip
    assert len(matching((str(tmp_path / "**"),))) == 3
    assert matching((str(tmp_path / ".*.jsonl"),)) == [tmp_path / ".hidden.jsonl"]


@pytest.mark.parametrize("backwards", [False, True])
def test_the_order_of_a_globs_files_is_not_the_file_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backwards: bool
) -> None:
    for name in ("b", "c", "a"):
        (tmp_path / f"{name}.txt").touch()
    listed = sorted(tmp_path.iterdir(), reverse=backwards)
    monkeypatch.setattr(Path, "glob", lambda path, pattern: iter(listed))
    paths = matching((str(tmp_path / "*.txt"),))
    assert [path.name for path in paths] == ["a.txt", "b.txt", "c.txt"]


def test_no_file_matches(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    with pytest.raises(CorpusError, match=r"corpus\.files\.paths: want files, got none at '.*\*"):
        matching((str(tmp_path / "*.txt"),))
    with pytest.raises(CorpusError, match=r"candidate: want .* it is a folder: name its files"):
        matching((str(tmp_path),), "candidate")
    with pytest.raises(CorpusError, match="only folders are there"):
        matching((str(tmp_path / "*"),))


@pytest.mark.parametrize("name", ["a.pdf", "a.text", "a", "a.gz"])
def test_a_file_of_another_kind_is_refused_unless_its_kind_is_given(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("x", encoding="utf-8")
    with pytest.raises(CorpusError, match=rf"{name}: want one of \.txt, \.raw, .*, got") as caught:
        matching((str(tmp_path / name),))
    assert "\n" not in str(caught.value)
    assert matching((str(tmp_path / name),), other="csv") == [tmp_path / name]


def test_the_kind_is_that_of_the_suffix_within(tmp_path: Path) -> None:
    names = {"a.JSONL": "json", "a.ndjson.gz": "json", "b.tsv.zst": "tsv", "c.md": "text"}
    assert {name: kind_of(tmp_path / name) for name in names} == names
    assert kind_of(tmp_path / "a.csv", "jsonl") == "csv"
    assert kind_of(tmp_path / "a", "jsonl") == "json"


@pytest.mark.parametrize(
    "pattern",
    ["~nobody-here/a.txt", "a**", "a\0b.txt", "a" * 5000 + ".txt", "", "/dev/zero", "[", "."],
)
def test_names_that_are_no_files_are_one_line_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorpusError, match=r"corpus\.files\.paths: want files, got") as caught:
        matching((pattern,))
    assert len(str(caught.value)) < 500


def test_devices_pipes_and_links_in_a_circle_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "zero.txt").symlink_to("/dev/zero")
    (tmp_path / "round.txt").symlink_to(tmp_path / "round.txt")
    for name in ("pipe.txt", "zero.txt", "round.txt"):
        with pytest.raises(CorpusError, match="want files, got none at"):
            matching((str(tmp_path / name),))
    with pytest.raises(CorpusError, match="none at"):
        matching((str(tmp_path / "*.txt"),))


def test_a_datasets_folder_is_one_file(tmp_path: Path) -> None:
    folder = dataset_folder(tmp_path / "one", "data-0.arrow", "data-1.arrow")
    assert matching((str(folder),)) == [folder]
    assert matching((str(tmp_path / "*"),)) == [folder]
    assert matching((str(tmp_path / "**"),)) == [folder]
    assert [path.name for path in files_within(folder)] == ["data-0.arrow", "data-1.arrow"]
    assert files_within(folder / "data-0.arrow") == [folder / "data-0.arrow"]


def test_a_folder_of_several_datasets_lists_its_splits(tmp_path: Path) -> None:
    for split in ("train", "test"):
        dataset_folder(tmp_path / "both" / split, "data.arrow")
    (tmp_path / "both" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    with pytest.raises(CorpusError, match=r"the splits test, train: name one, as in .*both/test"):
        matching((str(tmp_path / "both"),))
    assert len(matching((str(tmp_path / "both" / "train"),))) == 1


@pytest.mark.parametrize("state", ["{", "[]", "{}", '{"_data_files": [1]}', '{"_data_files": 1}'])
def test_a_datasets_folder_without_a_list_of_tables(tmp_path: Path, state: str) -> None:
    (tmp_path / "state.json").write_text(state)
    with pytest.raises(CorpusError, match=r"state\.json: want the tables of a dataset, got \w+"):
        files_within(tmp_path)


def test_a_datasets_tables_lie_in_its_folder_and_are_all_its_rows(tmp_path: Path) -> None:
    away = dataset_folder(tmp_path / "away" / "in")
    (away / "state.json").write_text('{"_data_files": [{"filename": "../x.arrow"}]}')
    with pytest.raises(CorpusError, match=r"want names of files, got \.\./x"):
        files_within(away)
    chosen = dataset_folder(tmp_path / "b", "a.arrow", _indices_data_files=[{"filename": "i"}])
    with pytest.raises(CorpusError, match=r"got a choice of rows; .*flatten_indices"):
        files_within(chosen)
