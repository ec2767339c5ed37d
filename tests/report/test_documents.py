"""The documents that a page carries: a budget of text, a number of documents, columns."""

import json
from dataclasses import replace

import numpy as np
import pytest

from palimpsest.core.errors import CorpusError, MetricError
from palimpsest.core.storage import write_bytes, write_texts
from palimpsest.report import documents as module
from palimpsest.report.documents import (
    LIMITS,
    TRUTHS,
    Written,
    documents_block,
    instead,
    kept_rows,
    read_written,
    text_limit,
    truth_of,
)
from palimpsest.report.scripts import json_block
from tests.report.documents import chain, cloud, row, written


def every(one):
    return list(range(len(one.rows)))


def folder_of(tmp_path, one):
    columns = {key: [entry[key] for entry in one.rows] for key in one.rows[0] if key != "text"}
    path = tmp_path / one.name
    path.mkdir()
    write_texts(path / "documents.jsonl", one.texts, **columns)
    np.save(path / "points.npy", one.points)
    return path


def test_what_the_score_stage_wrote_is_read(tmp_path):
    one = written("n02")
    read = read_written(folder_of(tmp_path, one))
    assert (read.name, read.rows, read.control) == ("n02", one.rows, True)
    assert (read.points == one.points).all()
    assert not written("g02").control


def test_documents_that_are_missing_or_lack_a_field_are_an_error(tmp_path):
    path = folder_of(tmp_path, written())
    rows = (path / "documents.jsonl").read_text().splitlines()
    lacking = json.loads(rows[1])
    del lacking["twin"]
    write_bytes(path / "documents.jsonl", f"{rows[0]}\n{json.dumps(lacking)}\n".encode())
    with pytest.raises(
        MetricError, match=r"documents.jsonl: want the field 'twin', got none on line 2"
    ):
        read_written(path)
    (path / "documents.jsonl").unlink()
    with pytest.raises(CorpusError, match="no such file"):
        read_written(path)


@pytest.mark.parametrize("points", [cloud(7), cloud(8)[:, :2], cloud(8) * np.nan])
def test_a_document_without_a_finite_point_is_an_error(tmp_path, points):
    path = folder_of(tmp_path, written())
    np.save(path / "points.npy", points)
    with pytest.raises(MetricError, match=r"points.npy: want \(8, 3\) finite numbers"):
        read_written(path)


def test_every_document_is_kept_while_there_is_room(monkeypatch):
    made = chain(3)
    assert kept_rows(made, {}) == [every(one) for one in made]
    monkeypatch.setattr(module, "MOST_DOCUMENTS", 12)
    monkeypatch.setattr(module, "FEWEST", 2)
    kept = kept_rows(made, {"g01": [7, 0, 5], "g02": [*range(6)]})
    assert [len(rows) for rows in kept] == [4, 4, 6]
    assert {7, 0, 5} <= set(kept[1])
    assert kept[2] == [*range(6)]
    assert all(rows == sorted(set(rows)) for rows in kept)
    assert kept == kept_rows(made, {"g01": [7, 0, 5], "g02": [*range(6)]})


def test_texts_are_cut_at_the_longest_length_that_fits(monkeypatch):
    assert text_limit(["a" * 20_000, ""]) is None
    assert text_limit(["a" * 20_001]) == LIMITS[0]
    monkeypatch.setattr(module, "BUDGET", 2100)
    assert text_limit(["a" * 2000]) is None
    assert text_limit(["a" * 2001, "b" * 300]) == 1000
    # as they stand on the page: a letter beyond ASCII takes six characters
    assert text_limit(["\u4e00" * 2000]) == 250
    assert text_limit(["<" * 500] * 100) == LIMITS[-1]
    assert text_limit([]) is None


def test_columns_say_what_is_known_and_point_to_human_texts():
    rows = [
        row("a", topic="river", nearest=0.5, nearest_text="h", copied=0.9, copied_text="c"),
        row("b", nearest=0.4, nearest_text="h", twin=0, nats=None),
    ]
    block = documents_block([Written("g01", rows, cloud(2))], [[0, 1]])
    one = block["generations"]["g01"]
    assert block["human"] == ["h", "c"]
    assert (one["human"], one["copy"], one["share"]) == ([0, 0], [1, None], [0.9, None])
    assert (block["topics"], one["topic"]) == (["river"], [0, None])
    assert (one["twin"], one["nats"], one["of"]) == ([None, 0], [1.0, None], 2)
    assert one["truth"] is one["untrue"] is None
    assert np.abs(np.array([one["x"], one["y"], one["z"]]).T - cloud(2)).max() <= 1e-4


def test_only_kept_documents_are_carried_and_their_twins_move_with_them():
    one = replace(written(), rows=[row(f"t{at}", twin=at - 1 if at else None) for at in range(8)])
    block = documents_block([one], [[2, 3, 6]])["generations"]["g01"]
    assert (block["row"], block["text"]) == ([2, 3, 6], ["t2", "t3", "t6"])
    assert (block["twin"], block["of"]) == ([None, 0, None], 8)


def test_a_cut_text_says_how_long_it_was(monkeypatch):
    monkeypatch.setattr(module, "BUDGET", 260)
    one = Written("g00", [row("x" * 254), row("short")], cloud(2))
    block = documents_block([one], [[0, 1]])
    assert block["limit"] == 250
    assert block["generations"]["g00"]["cut"] == [254, 0]
    assert len(block["generations"]["g00"]["text"][0]) == 250


def test_the_budget_holds_for_a_long_chain_of_long_texts(monkeypatch):
    monkeypatch.setattr(module, "BUDGET", 60_000)
    made = chain(21, count=30, text="\u2028{at}<" * 400)
    block = documents_block(made, [every(one) for one in made])
    assert block["limit"] in LIMITS
    texts = [text for one in block["generations"].values() for text in one["text"]]
    assert len(json_block(texts)) <= 1.1 * 60_000 or block["limit"] == LIMITS[-1]


@pytest.mark.parametrize(
    ("sentences", "truth"),
    [([3, 0, 0, 0], "true"), ([2, 1, 0, 1], "untrue"), ([0, 0, 1, 0], "untrue"),
     ([1, 0, 0, 1], "unclear"), ([0, 0, 0, 2], "nothing"), ([0, 0, 0, 0], "nothing")],
)  # fmt: skip
def test_a_document_by_its_sentences(sentences, truth):
    assert TRUTHS[truth_of(sentences)] == truth


@pytest.mark.parametrize(
    ("statement", "words"),
    [(("novel", "Zed", "coat", "red", None), "the ledger knows no Zed"),
     (("false", "fox", "mouth", "sea", None), "the ledger has no mouth of it"),
     (("false", "fox", "coat", "red", "grey"), "the ledger has: grey"),
     (("false", "fox", "coat", "red", "red"), "so in the ledger, but fox is another kind of thing"
      " than the text says")],
)  # fmt: skip
def test_what_the_ledger_has_instead(statement, words):
    assert instead(*statement) == words
    made = row("a", sentences=[0, 1, 0, 0], untrue=[list(statement)])
    block = documents_block([Written("g01", [made], cloud(1))], [[0]])["generations"]["g01"]
    assert block["untrue"] == [[[*statement[:4], words]]]
