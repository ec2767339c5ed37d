"""Sampling against `generate` of `transformers`, and against itself without packing.

Both sides write the same number of documents of the same number of tokens (the end of a text is
ruled out on our side and nothing special on the other), in batches of one size, from the same
weights. They draw other numbers, so the texts differ; that both read the same distribution is held
by the scores of the first token.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.model_shapes import (
    Options,
    Row,
    Twins,
    prompts_of,
    sampling_params,
    texts_of,
    twins,
)
from benchmarks.paired import Facts, Pair, UnequalWorkError, hold_equal
from palimpsest.core.parameters import SamplingParams
from palimpsest.core.rng import uniforms
from palimpsest.lm import generation

NEW, TOY_NEW = 97, 8
"""Tokens that a document gets."""
PROMPT = 3
"""Tokens that it begins with."""
TOP_K, PENALTY, TEMPERATURE = 50, 1.05, 0.8
"""As in presets/ainex.yaml."""
LEAST_SHORTENED = 4.0
"""Mean length of the documents of different lengths, as a share of the longest: a fourth."""
SCORES = {torch.float32: 1e-4, torch.bfloat16: 5e-2}
"""Largest difference of two scores of one token, as a share of the largest score."""

Documents = list[list[int]]


def write(twin: Twins, prompts: Documents, params: SamplingParams) -> Documents:
    """Our side: the new tokens of every document."""
    noise = partial(uniforms, 0, "benchmark", 0)
    return generation.generate(twin.ours, twin.tokenizer, prompts, params, noise)


def write_with_transformers(twin: Twins, prompts: Documents, params: SamplingParams) -> Documents:
    """The peer: the same by `generate`, batch by batch, as fast as its options let it.

    With no end of text to look for it need not ask at every step which rows are done.
    """
    made: Documents = []
    for begin in range(0, len(prompts), params.batch_size):
        batch = prompts[begin : begin + params.batch_size]
        ids_BT = torch.tensor([[twin.tokenizer.start, *row] for row in batch])
        with torch.inference_mode():
            out_BT = twin.theirs.generate(
                ids_BT,
                attention_mask=torch.ones_like(ids_BT),
                do_sample=True,
                max_new_tokens=params.max_new_tokens,
                temperature=params.temperature,
                top_k=params.top_k,
                top_p=1.0,
                repetition_penalty=params.repetition_penalty,
                eos_token_id=None,
                pad_token_id=twin.tokenizer.end,
            )
        made += out_BT[:, ids_BT.shape[1] :].tolist()
    return made


def first_scores(twin: Twins, prompts: Documents) -> tuple[Tensor, Tensor]:
    """Scores of the first new token of a few documents: ours, and the peer's."""
    ids_BT = torch.tensor([[twin.tokenizer.start, *row] for row in prompts[:4]])
    with torch.inference_mode():
        ours = twin.ours.decoder(len(ids_BT), ids_BT.shape[1]).step(ids_BT)
        return ours.float(), twin.theirs(ids_BT).logits[:, -1].float()


def hold_scores_equal(twin: Twins, prompts: Documents) -> float:
    """The largest difference of those scores, as a share of the largest score.

    Raises:
        UnequalWorkError: it is more than rounding.
    """
    ours, theirs = first_scores(twin, prompts)
    share = float((ours - theirs).abs().max() / theirs.abs().max())
    if not share <= SCORES[twin.ours.dtype]:
        raise UnequalWorkError(
            f"the scores of the first token differ by {share:.2g} of the largest"
        )
    return share


def against_generate(
    shape: str, batch: int, dtype: torch.dtype, options: Options, folder: Path
) -> Pair:
    """One batch of documents on either side."""
    count, new = options.size(batch, 5), options.size(NEW, TOY_NEW)
    twin = twins(shape, options, dtype)
    prompts = prompts_of(twin.tokenizer, texts_of(options.texts, count + 50), PROMPT)[:count]
    params = sampling_params(
        documents=count,
        batch_size=count,
        max_new_tokens=new,
        temperature=TEMPERATURE,
        top_k=TOP_K,
        repetition_penalty=PENALTY,
        stop_at_end=False,
    )

    def check(ours: Documents, theirs: Documents) -> Facts:
        lengths = [sum(map(len, side)) for side in (ours, theirs)]
        hold_equal("documents", len(ours), len(theirs))
        hold_equal("tokens", *lengths)
        return {"tokens": lengths[0], "score_difference": hold_scores_equal(twin, prompts)}

    few = params.changed(max_new_tokens=min(4, new))
    sides: tuple[Callable[..., Documents], ...] = (write, write_with_transformers)
    ours, peer = (partial(side, twin, prompts, params) for side in sides)
    return Pair(
        ours,
        float(count * new),
        peer,
        check,
        warm=lambda: [side(twin, prompts, few) for side in sides],
    )


def ending_early(twin: Twins, mean: float) -> None:
    """Changes the weights so that each token ends its document with one probability, 1/mean.

    The bias of GPT-2's last norm is set along the end token's row of the output embedding, which
    raises its score by the same at every step. Lengths are then as spread as independent ends make
    them: geometric.
    """
    row_d = twin.theirs.get_output_embeddings().weight[twin.tokenizer.end].detach().float()
    others = twin.ours.vocabulary * math.exp(float(row_d.square().sum()) / 2)
    raised = math.log(others / mean)
    with torch.no_grad():
        twin.ours.weights["transformer.ln_f.bias"].copy_(raised * row_d / row_d.square().sum())


def without_packing(work: Callable[[], Documents]) -> Documents:
    """The same loop, finished rows carried along to the end."""
    before = generation.SHRINK
    generation.SHRINK = 0.0
    try:
        return work()
    finally:
        generation.SHRINK = before


def hold_texts_equal(ours: Documents, theirs: Documents) -> Facts:
    """Documents draw their own numbers: what is packed beside them changes rounding alone.

    Raises:
        UnequalWorkError: more than one in a hundred differs, or there is another number of tokens.
    """
    hold_equal("documents", len(ours), len(theirs))
    tokens, others = (sum(map(len, side)) for side in (ours, theirs))
    hold_equal("tokens", tokens, others, 0.01)
    same = sum(a == b for a, b in zip(ours, theirs, strict=True)) / max(1, len(ours))
    if same < 0.99:
        raise UnequalWorkError(f"of the documents, {same:.1%} are the same on both sides")
    return {"tokens": tokens, "longest": max(map(len, ours)), "shortest": min(map(len, ours))}


def of_different_lengths(options: Options, folder: Path) -> Pair:
    """Documents that end at very different times, written with and without packing."""
    count, new = options.size(125, 12), options.size(NEW, 24)
    twin = twins("GPT-2 small", options)
    ending_early(twin, new / LEAST_SHORTENED)
    params = sampling_params(
        documents=count, batch_size=count, max_new_tokens=new, temperature=1.0, stop_at_end=True
    )
    prompts: Documents = [[] for _ in range(count)]
    ours = partial(write, twin, prompts, params)
    amount = float(sum(map(len, ours())))
    return Pair(ours, amount, partial(without_packing, ours), hold_texts_equal)


def _row(name: str, shape: str, batch: int, dtype: torch.dtype, wanted: str, minutes: float) -> Row:
    kind = str(dtype).removeprefix("torch.")
    work = f"sampling, {shape}, {batch} documents × {NEW} tokens in one batch, {kind}"
    prepare: Any = partial(against_generate, shape, batch, dtype)
    return Row(name, work, "`generate` of transformers", "tokens/s", prepare, wanted, minutes)


ROWS: Sequence[Row] = (
    _row("sampling_bf16", "GPT-2 small", 125, torch.bfloat16, "≥ 2.5", 5),
    _row("sampling_bf16_250", "GPT-2 small", 250, torch.bfloat16, "≥ 2.5", 10),
    _row("sampling_f32", "GPT-2 small", 25, torch.float32, "≥ 2", 3),
    _row("sampling_smollm_bf16", "SmolLM2-135M's shape", 125, torch.bfloat16, "≥ 2.5", 7),
    Row(
        "sampling_lengths",
        f"sampling, GPT-2 small, 125 documents of 1 to {NEW} tokens, float32",
        "the same loop without packing",
        "tokens/s",
        of_different_lengths,
        "≥ 1.5",
        4,
    ),
)
