"""Rows by hand, padding without a target, batches that suit the device."""

import pytest
import torch

from palimpsest.lm.batching import IGNORED, batches_by_length, collate, make_rows
from tests.lm.tiny import TEXTS, tokenizer

CPU = torch.device("cpu")


def test_padded_rows_by_hand():
    documents = [[0, 1, 2, 3, 4, 5, 0], [0, 6, 0], [0, 0]]
    assert make_rows(documents, 8, "padded") == documents
    # neighbours share a token, and the last row is what is left
    expected = [[0, 1, 2, 3], [3, 4, 5, 0], [0, 6, 0], [0, 0]]
    assert make_rows(documents, 4, "padded") == expected
    assert make_rows([[0, 1, 2, 0]], 3, "padded") == [[0, 1, 2], [2, 0]]
    assert make_rows([[0, 7, 0]], 2, "padded") == [[0, 7], [7, 0]]
    assert make_rows([], 4, "padded") == []


def test_packed_rows_by_hand():
    # one id for start and end: it stands once between two documents
    assert make_rows([[0, 1, 2, 0], [0, 3, 0], [0, 0]], 4, "packed") == [
        [0, 1, 2, 0],
        [0, 3, 0, 0],
    ]
    # different ids: both stay
    assert make_rows([[8, 1, 9], [8, 2, 9]], 4, "packed") == [[8, 1, 9, 8], [8, 2, 9]]
    assert make_rows([], 4, "packed") == []


@pytest.mark.parametrize("kind", ["padded", "packed"])
@pytest.mark.parametrize("longest", [2, 3, 5, 40])
def test_every_token_is_predicted_once(kind, longest):
    documents = tokenizer().documents(TEXTS)
    predicted = [token for row in make_rows(documents, longest, kind) for token in row[1:]]
    assert predicted == [token for ids in documents for token in ids[1:]]


def test_collated_padding_has_no_target():
    ids, targets = collate([[0, 1, 2, 3], [0, 4]], 9, CPU)
    assert ids.tolist() == [[0, 1, 2], [0, 9, 9]]
    assert targets.tolist() == [[1, 2, 3], [4, IGNORED, IGNORED]]


def test_given_tokens_have_no_target_and_are_read():
    rows = [[0, 1, 2, 3], [0, 4], [0, 5, 6]]
    ids, targets = collate(rows, 9, CPU, [2, 0, 2])
    assert ids.tolist() == collate(rows, 9, CPU)[0].tolist()
    nothing = [IGNORED] * 3
    assert targets.tolist() == [[IGNORED, IGNORED, 3], [4, IGNORED, IGNORED], nothing]
    # more than there are
    assert collate([[0, 1, 2]], 9, CPU, [7])[1].tolist() == [[IGNORED, IGNORED]]


def test_batches_hold_as_many_positions_as_suit_the_device():
    rows = [[0] * 300] * 10 + [[0] * 2000]
    on_cpu, on_gpu = (list(batches_by_length(rows, torch.device(name))) for name in ("cpu", "cuda"))
    assert [len(batch) for batch in on_cpu] == [3, 3, 3, 1, 1]
    assert [len(batch) for batch in on_gpu] == [10, 1]
    assert sorted(row for batch in on_cpu for row in batch) == list(range(11))
