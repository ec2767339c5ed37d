"""The loss on a GPU: torch's numbers for any number of token types; the kernel, where it runs."""

import pytest
import torch
import torch.nn.functional as F

from palimpsest.lm import fused_loss
from palimpsest.lm.fused_loss import ALIGNED, backward_fused, padded_rows, torch_chunk

TOKENS, WIDTH = 20, 8


def parts(types: int, dtype=torch.float32, device="cpu"):
    """An output embedding that is the input's too, tokens, and states that come from it."""
    generator = torch.Generator().manual_seed(types)
    rows = torch.randn(types, WIDTH, generator=generator).to(device, dtype).requires_grad_()
    ids = torch.randint(types, (TOKENS,), generator=generator).to(device)
    return rows, ids, torch.tanh(F.embedding(ids, rows)), ids.roll(-1)


@pytest.mark.parametrize("types", [5, ALIGNED, ALIGNED + 1, 3 * ALIGNED - 1])
@pytest.mark.parametrize("most", [fused_loss.MOST_BYTES, 7 * 4 * ALIGNED])
def test_loss_and_gradient_are_torchs(types, most, monkeypatch):
    monkeypatch.setattr(fused_loss, "MOST_BYTES", most)  # a token or seven at a time, or all
    rows, _, states, targets = parts(types)
    expected = F.cross_entropy(states @ rows.t(), targets, reduction="sum")
    (expected / 3.0).backward()
    again, _, states, _ = parts(types)
    loss = backward_fused(again, states, targets, 3.0)
    assert loss.dtype == torch.float64
    assert float(loss) == pytest.approx(float(expected.detach()), rel=1e-6)
    torch.testing.assert_close(again.grad, rows.grad, atol=1e-6, rtol=1e-5)


def test_gradients_add_up():
    rows, _, states, targets = parts(5)
    backward_fused(rows, states, targets, 1.0)
    once = rows.grad.clone()
    _, ids, _, _ = parts(5)
    backward_fused(rows, torch.tanh(F.embedding(ids, rows)), targets, 1.0)
    torch.testing.assert_close(rows.grad, 2 * once)


def test_padded_rows_are_zeros_behind():
    rows = torch.ones(ALIGNED + 1, 2)
    assert padded_rows(rows).shape == (2 * ALIGNED, 2)
    assert torch.equal(padded_rows(rows)[: ALIGNED + 1], rows)
    assert not padded_rows(rows)[ALIGNED + 1 :].any()
    assert padded_rows(rows[:ALIGNED]).shape == (ALIGNED, 2)


def test_a_chunk_by_hand():
    scores = torch.tensor([[1.0, 3.0, 9.0]]).log()  # the last one is no token type
    losses = torch_chunk(scores, torch.tensor([0]), 2, 2.0)
    assert losses.tolist() == pytest.approx([torch.tensor(4.0).log().item()])
    torch.testing.assert_close(scores, torch.tensor([[-0.375, 0.375, 0.0]]))


def test_scores_that_are_no_numbers_have_no_finite_gradient():
    rows, _, states, targets = parts(5)
    loss = backward_fused(rows, states * torch.nan, targets, 1.0)
    assert not torch.isfinite(loss)
    assert not torch.isfinite(rows.grad).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("types", [50, 5000, 50_257])
def test_the_kernel_does_what_torch_does(dtype, types):
    generator = torch.Generator("cuda").manual_seed(types)
    width = -(-types // ALIGNED) * ALIGNED
    scores = (4 * torch.randn(33, width, generator=generator, device="cuda")).to(dtype)
    targets = torch.randint(types, (33,), generator=generator, device="cuda")
    expected, got = scores.clone(), scores.clone()
    losses = torch_chunk(expected, targets, types, 7.0)
    torch.testing.assert_close(fused_loss.triton_chunk(got, targets, types, 7.0), losses)
    room = 1e-7 if dtype == torch.float32 else 2**-8 / 7.0
    torch.testing.assert_close(got.float(), expected.float(), atol=room, rtol=1e-5)
    assert not got[:, types:].any()
