"""Fine-tuning against the loop that a script with `transformers` has.

Both sides see every row of the same texts once, 16 rows a step, from the same weights, with AdamW
at one constant rate and the same clipping. The peer takes its rows in random order, fills each
batch up to its longest row, and computes under autocast or in float32. The tokens with loss are the
same; the loss on held-out texts afterwards is held to be, too: batches differ, so to some percent.
"""

import math
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.lr_scheduler import LambdaLR

from benchmarks.model_shapes import Options, Row, Twins, padded, texts_of, training_params, twins
from benchmarks.paired import Facts, Pair, hold_equal
from palimpsest.core.parameters import TrainingParams
from palimpsest.lm.batching import make_rows
from palimpsest.lm.checkpoint import LanguageModel
from palimpsest.lm.scoring import likelihood
from palimpsest.lm.tokenizer import Tokenizer
from palimpsest.lm.training import schedule, train

ROWS_READ, TOY_ROWS, HELD_OUT = 128, 32, 16
BLOCK, BATCH, RATE = 128, 16, 1e-4
CLOSE = 0.03
"""Largest difference of the held-out losses after training, as a share: batches differ."""
IGNORED = -100

Trained = tuple[dict[str, torch.Tensor], int]
"""The weights by their name in the file, and how many tokens had a loss."""


def train_plainly(
    model: Any, end: int, rows: Sequence[Sequence[int]], params: TrainingParams
) -> int:
    """Trains a model of `transformers` in place, in a padded loop as it stands in many a script.

    Args:
        model: a causal language model.
        end: the token that fills rows up.
        rows: token ids.
        params: whole epochs or steps, batch, rate and its schedule, betas, clipping, dtype.

    Returns:
        How many tokens had a loss.
    """
    an_epoch = range(0, len(rows), params.batch_size)
    steps = params.steps or round(params.epochs or 0) * len(an_epoch)
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=params.learning_rate,
        betas=(params.beta1, params.beta2),
        weight_decay=params.weight_decay,
    )
    rates = LambdaLR(optimizer, lambda step: schedule(step + 1, steps, params))
    generator = np.random.default_rng(0)
    orders = (generator.permutation(len(rows)) for _ in range(steps))
    shuffled = (order[at : at + params.batch_size] for order in orders for at in an_epoch)
    model.train()
    tokens = 0
    for batch in islice(shuffled, steps):
        ids_BT, mask_BT = padded([rows[index] for index in batch], end)
        labels_BT = torch.where(mask_BT == 1, ids_BT, IGNORED)
        with torch.autocast("cpu", torch.bfloat16, enabled=params.dtype == "bfloat16"):
            loss = model(input_ids=ids_BT, attention_mask=mask_BT, labels=labels_BT).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), params.clip_norm or math.inf)
        optimizer.step()
        rates.step()
        optimizer.zero_grad()
        tokens += int((labels_BT[:, 1:] != IGNORED).sum())
    model.eval()
    return tokens


def train_theirs(twin: Twins, rows: Sequence[Sequence[int]], params: TrainingParams) -> Trained:
    """The peer; the model is put back to its first weights before this returns."""
    model = twin.theirs
    first = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    tokens = train_plainly(model, twin.tokenizer.end, rows, params)
    trained = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(first[name])
    return trained, tokens


def train_ours(twin: Twins, texts: Sequence[str], params: TrainingParams) -> Trained:
    """Our side."""
    trained, curve = train(twin.ours, twin.tokenizer, texts, params, np.random.default_rng(0))
    return trained.parameters(), sum(step.tokens for step in curve)


def mean_loss(model: LanguageModel, tokenizer: Tokenizer, texts: Sequence[str]) -> float:
    """Mean loss a token, in nats."""
    scored = likelihood(model, tokenizer, texts)
    return float(scored.nll_nats.sum() / scored.tokens.sum())


def with_weights(model: LanguageModel, weights: dict[str, torch.Tensor]) -> LanguageModel:
    """A copy of a model with other weights."""
    other = model.to(torch.float32, model.device)
    with torch.no_grad():
        for name, weight in other.parameters().items():
            weight.copy_(weights[name])
    return other


def against_a_plain_loop(shape: str, dtype: str, options: Options, folder: Path) -> Pair:
    """One pass over the same rows on either side."""
    count = options.size(ROWS_READ, TOY_ROWS)
    twin = twins(shape, options)
    some = texts_of(options.texts, count + HELD_OUT)
    texts, heldout = some[:count], some[count:]
    rows = make_rows(twin.tokenizer.documents(texts), BLOCK, "padded")
    params = training_params(
        block_tokens=BLOCK,
        batch_size=BATCH,
        epochs=1,
        learning_rate=RATE if not options.quick else 1e-2,
        schedule="constant",
        warmup=0.0,
        weight_decay=0.0,
        dtype=dtype,
    )
    tokens = sum(len(row) - 1 for row in rows)

    def check(ours: Trained, theirs: Trained) -> Facts:
        hold_equal("tokens with loss", ours[1], theirs[1])
        sides = [with_weights(twin.ours, side[0]) for side in (ours, theirs)]
        before = mean_loss(twin.ours, twin.tokenizer, heldout)
        after, other = (mean_loss(side, twin.tokenizer, heldout) for side in sides)
        hold_equal("held-out loss", after, other, CLOSE)
        steps = math.ceil(len(rows) / BATCH)
        losses = {"before": before, "ours": after, "peer": other}
        return {"steps": steps, **{f"held-out_loss_{name}": one for name, one in losses.items()}}

    few = texts[: BATCH // 2]
    return Pair(
        partial(train_ours, twin, texts, params),
        float(tokens),
        partial(train_theirs, twin, rows, params),
        check,
        warm=lambda: [train_ours(twin, few, params), train_theirs(twin, rows[:BATCH], params)],
    )


def _row(name: str, shape: str, dtype: str, wanted: str, minutes: float) -> Row:
    loop = "plain padded loop" + (" with autocast" if dtype == "bfloat16" else "")
    work = f"fine-tuning, {shape}, rows of at most {BLOCK}, batch {BATCH}, {dtype}"
    prepare: Any = partial(against_a_plain_loop, shape, dtype)
    return Row(name, work, loop, "tokens/s", prepare, wanted, minutes)


ROWS: Sequence[Row] = (
    _row("fine_tuning_bf16", "GPT-2 small", "bfloat16", "≥ 3.5", 8),
    _row("fine_tuning_f32", "GPT-2 small", "float32", "≥ 2.5", 13),
    _row("fine_tuning_smollm_bf16", "SmolLM2-135M's shape", "bfloat16", "≥ 3.5", 10),
    _row("fine_tuning_smollm_f32", "SmolLM2-135M's shape", "float32", "≥ 2.5", 15),
)
