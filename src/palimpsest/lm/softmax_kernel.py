"""The kernel of `palimpsest.lm.fused_loss`, in Triton's language: import it on a GPU alone."""

import triton
from triton import language as tl


@triton.jit
def softmax_gradient(  # type: ignore[no-untyped-def]
    scores,
    targets,
    losses,
    scale,
    vocabulary: tl.constexpr,
    width: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Turns a token's scores into the gradient of its loss, one program a token.

    A first pass takes the log of the sum of exponentials block by block (Milakov & Gimelshein
    2018, arXiv:1805.02867), a second one writes (share - 1 at the target) * scale.

    Args:
        scores: (N, width), of which the first `vocabulary` of a row are scores; the rest becomes 0.
        targets: (N,) int64.
        losses: (N,) float32, written: in nats, not scaled.
        scale: of the gradient.
        vocabulary: token types.
        width: of a row.
        BLOCK: scores at a time, a power of two.
    """
    token = tl.program_id(0).to(tl.int64)
    row = scores + token * width
    target = tl.load(targets + token)
    target_score = tl.load(row + target).to(tl.float32)
    top = -float("inf")
    total = 0.0
    for begin in range(0, vocabulary, BLOCK):
        place = begin + tl.arange(0, BLOCK)
        some = tl.load(row + place, mask=place < vocabulary, other=-float("inf")).to(tl.float32)
        higher = tl.maximum(top, tl.max(some))
        total = total * tl.exp(top - higher) + tl.sum(tl.exp(some - higher))
        top = higher
    tl.store(losses + token, tl.log(total) + top - target_score)
    for begin in range(0, width, BLOCK):
        place = begin + tl.arange(0, BLOCK)
        some = tl.load(row + place, mask=place < vocabulary, other=-float("inf")).to(tl.float32)
        share = tl.exp(some - top) / total
        gradient = (share - tl.where(place == target, 1.0, 0.0)) * scale
        tl.store(row + place, gradient.to(row.dtype.element_ty), mask=place < width)
