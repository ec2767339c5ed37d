"""Attention of rows that are padded, and of the same rows end to end."""

import pytest
import torch

from palimpsest.lm.attention import FULL, Unpadded, causal

CPU = torch.device("cpu")
LENGTHS = (3, 1, FULL + 2)
HEADS, GROUPS, WIDTH = 4, 2, 8


def places(lengths, time: int) -> torch.Tensor:
    return torch.cat([row * time + torch.arange(length) for row, length in enumerate(lengths)])


def states(tokens: int, dtype=torch.float32) -> list[torch.Tensor]:
    """Query, key and value of tokens end to end, (1, H or K, N, E)."""
    generator = torch.Generator().manual_seed(0)
    heads = (HEADS, GROUPS, GROUPS)
    return [torch.randn(1, h, tokens, WIDTH, generator=generator).to(dtype) for h in heads]


def test_places_and_positions_by_hand():
    rows = Unpadded((3, 4), torch.tensor([1, 2, 4, 11]))
    # all up to the last place of a row is read, none behind it
    assert rows.read_N.tolist() == [0, 1, 2, 4, 8, 9, 10, 11]
    assert rows.positions_N.tolist() == [0, 1, 2, 0, 0, 1, 2, 3]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_token_looks_at_itself_and_what_is_before(dtype):
    query, key, value = states(5, dtype)
    attend = causal(5, dtype, CPU)
    before = attend(0, query, key, value)
    assert before.shape == query.shape
    torch.testing.assert_close(before[:, :, 0], value[:, :, 0].repeat_interleave(2, dim=1))
    key[:, :, 3:], value[:, :, 3:] = 7.0, 7.0
    after = attend(0, query, key, value)
    torch.testing.assert_close(after[:, :, :3], before[:, :, :3])
    assert not torch.equal(after[:, :, 3:], before[:, :, 3:])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_each_row_looks_at_itself_alone(dtype):
    time = max(LENGTHS)
    query, key, value = (one.requires_grad_() for one in states(sum(LENGTHS), dtype))
    rows = Unpadded((len(LENGTHS), time), places(LENGTHS, time))
    got = rows.attention(dtype)(0, query, key, value)
    alone = [
        causal(length, dtype, CPU)(0, *parts)
        for length, *parts in zip(
            LENGTHS, *(one.split(LENGTHS, dim=2) for one in (query, key, value)), strict=True
        )
    ]
    expected = torch.cat(alone, dim=2)
    exact = dict(atol=1e-6, rtol=1e-5) if dtype == torch.float32 else dict(atol=0.02, rtol=0.02)
    torch.testing.assert_close(got, expected, **exact)
    weights = torch.randn(got.shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    sides = [
        torch.autograd.grad((made * weights).sum(), (query, key, value)) for made in (got, expected)
    ]
    for one, other in zip(*sides, strict=True):
        torch.testing.assert_close(one, other, **{name: 4 * room for name, room in exact.items()})
