"""The human text of a run: what each source gives, joined documents, too few of them."""

import pytest

from palimpsest.core.errors import CorpusError
from palimpsest.core.parameters import CorpusParams
from palimpsest.corpus import source
from palimpsest.corpus.source import human_corpus, joined
from tests.tiny import tiny_params

DOCUMENTS = 5
"""Texts in the sample of generation 0."""


def corpus(kind, **changes):
    """A small corpus of the tracked world."""
    values = tiny_params()["corpus"] | {
        "source": kind,
        "train": 10,
        "heldout": 5,
        "null_pool": 5,
        "reserve": 3,
        "join_chars": None,
    }
    return CorpusParams.of(values | changes, "corpus")


def files(path, **changes):
    """The same of a file's lines."""
    lines = {
        "paths": [str(path)],
        "text_field": "text",
        "txt_unit": "line",
        "min_chars": 1,
        "max_chars": None,
    }
    return corpus("files", files=lines, **changes)


def test_joined_by_hand():
    texts = ["ab", "cde", "f", "ghijklm", "no"]
    assert joined(texts, None) == texts
    # ab\ncde has 6 characters, f\nghijklm has 9; no is left and too short
    assert joined(texts, 6) == ["ab\ncde", "f\nghijklm"]
    assert joined(texts, 2) == ["ab", "cde", "f\nghijklm", "no"]
    assert joined(texts, 1) == texts
    assert joined([], 5) == []
    assert joined(["ab"], 3) == []


def test_files_are_joined_before_they_are_dealt(tmp_path):
    lines = [f"line {number:03d}" for number in range(100)]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    plain = human_corpus(files(tmp_path / "a.txt"), DOCUMENTS, 0)
    assert [len(plain.parts[name]) for name in plain.parts] == [10, 5, 5, 5, 3]
    assert plain.ledger is None
    pairs = human_corpus(files(tmp_path / "a.txt", join_chars=17), DOCUMENTS, 0)
    texts = [text for part in pairs.parts.values() for text in part]
    assert len(texts) == len(set(texts)) == 28
    for text in texts:
        first, second = (int(line[5:]) for line in text.splitlines())
        assert second == first + 1


def test_too_few_documents_are_counted_by_part(tmp_path):
    (tmp_path / "a.txt").write_text("\n".join(f"line {number}" for number in range(20)))
    with pytest.raises(
        CorpusError, match=r"want 28 distinct documents \(corpus.train 10, .*, got 20"
    ):
        human_corpus(files(tmp_path / "a.txt"), DOCUMENTS, 0)


def test_the_world_comes_with_its_ledger_and_the_parts_share_no_text():
    human = human_corpus(corpus("world"), DOCUMENTS, 1)
    texts = [text for part in human.parts.values() for text in part]
    assert len(texts) == len(set(texts)) == 28
    assert human.ledger is not None
    assert human.parts == human_corpus(corpus("world"), DOCUMENTS, 1).parts
    assert human.parts != human_corpus(corpus("world"), DOCUMENTS, 2).parts


def test_a_world_that_repeats_itself_gives_what_it_has(monkeypatch):
    monkeypatch.setattr(source, "PATIENCE", 1)
    peaked = {"entities": 10, "entity_exponent": 4.0, "category_exponent": 4.0}
    parameters = {**tiny_params()["corpus"]["world"], **peaked}
    with pytest.raises(CorpusError, match=r"distinct documents .*, got \d+"):
        human_corpus(corpus("world", train=3000, world=parameters), DOCUMENTS, 1)
