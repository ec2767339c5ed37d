"""What a large experiment would take: tokens, FLOPs, GPU-hours and storage, from stated formulas.

    python -m benchmarks.estimate --write docs/scale.md

Nothing here is measured: every number follows from `Experiment`, `Model` and `Card`, whose fields
are assumptions (a card's rates are those of its data sheet), by the functions below, one formula
each; docs/scale.md has them in words.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reference import replace_block

FLOAT32, BFLOAT16 = 4, 2
"""Bytes of a number."""
TRAINING_BYTES = 16
"""Bytes a weight while it is trained: master, gradient and AdamW's two moments, in float32."""
HOUR = 3600.0


@dataclass(frozen=True)
class Experiment:
    """What is computed: chains of generations, one for each seed."""

    generations: int = 10
    seeds: int = 5
    documents: int = 100_000
    tokens: int = 512
    """Of a document."""
    heldout: int = 5_000
    """Held-out human documents."""
    epochs: int = 2
    """Passes over the texts in training."""


@dataclass(frozen=True)
class Model:
    """The shape of a decoder."""

    name: str
    weights: float
    layers: int
    width: int
    kv_width: int
    """Width of the keys of a layer, and of its values: heads that share them make it small."""


@dataclass(frozen=True)
class Card:
    """A GPU by its data sheet, and how much of that is assumed to be reached."""

    name: str = "H100 SXM"
    flops: float = 989e12
    """bfloat16, dense, a second."""
    bandwidth: float = 3.35e12
    """Bytes a second."""
    training_share: float = 0.40
    """Of ``flops``, in training (MFU)."""
    reading_share: float = 0.40
    """Of ``flops``, when texts are read."""
    writing_share: float = 0.50
    """Of ``flops`` and of ``bandwidth``, when texts are sampled."""
    batch: int = 128
    """Documents that are sampled at a time."""


MODELS = (
    Model("1 B", 1.24e9, layers=16, width=2048, kv_width=512),
    Model("7 B", 6.74e9, layers=32, width=4096, kv_width=4096),
)
"""The shapes of Llama 3.2 1B and of Llama 2 7B."""
KEPT = (1, 5)
"""Every how many-th generation's weights are kept."""


def trained_tokens(of: Experiment) -> float:
    """Generation 0 on human text, then each generation on its own."""
    return of.seeds * (of.generations + 1) * of.epochs * of.documents * of.tokens


def written_tokens(of: Experiment) -> float:
    """Each generation's documents."""
    return of.seeds * of.generations * of.documents * of.tokens


def read_tokens(of: Experiment) -> float:
    """Held-out text under every model; each text under its author and under model 0."""
    heldout = (of.generations + 1) * of.heldout
    return of.seeds * of.tokens * (heldout + 2 * of.generations * of.documents)


def forward_flops(model: Model, tokens: int) -> float:
    """A token's: two a weight, and attention to half of the document on average."""
    return 2 * model.weights + 2 * model.layers * model.width * tokens


def writing_rate(model: Model, card: Card, tokens: int) -> float:
    """Sampled tokens a second: a step reads weights and cache once, and computes a token each."""
    cache = 2 * BFLOAT16 * model.layers * model.kv_width * tokens / 2
    moved = BFLOAT16 * model.weights + card.batch * cache
    computed = card.batch * forward_flops(model, tokens)
    step = max(moved / card.bandwidth, computed / card.flops) / card.writing_share
    return card.batch / step


def hours(of: Experiment, model: Model, card: Card) -> dict[str, float]:
    """GPU-hours by stage."""
    forward = forward_flops(model, of.tokens)
    trained = 3 * forward * trained_tokens(of) / (card.training_share * card.flops)
    read = forward * read_tokens(of) / (card.reading_share * card.flops)
    written = written_tokens(of) / writing_rate(model, card, of.tokens)
    return {"finetune": trained / HOUR, "generate": written / HOUR, "embed": read / HOUR}


def flops(of: Experiment, model: Model) -> float:
    """All of them."""
    every = 3 * trained_tokens(of) + written_tokens(of) + read_tokens(of)
    return every * forward_flops(model, of.tokens)


def models_kept(of: Experiment, every: int) -> int:
    """Of a chain: generation 0, every so many-th, and the last."""
    return len({0, *range(0, of.generations + 1, every), of.generations})


def weights_bytes(of: Experiment, model: Model, every: int, number: int) -> float:
    """Weights of all chains, in numbers of so many bytes, once."""
    return of.seeds * models_kept(of, every) * number * model.weights


def rows(of: Experiment, card: Card, models: Sequence[Model] = MODELS) -> list[list[str]]:
    """The table's rows: a quantity, then its value for each model."""
    found = [hours(of, model, card) for model in models]
    lines = [
        ["tokens trained on", *[f"{trained_tokens(of):.3g}" for _ in models]],
        ["tokens written", *[f"{written_tokens(of):.3g}" for _ in models]],
        ["tokens read", *[f"{read_tokens(of):.3g}" for _ in models]],
        ["FLOPs in all", *[f"{flops(of, model):.3g}" for model in models]],
        [
            "sampled tokens a second and card",
            *[f"{writing_rate(model, card, of.tokens):,.0f}" for model in models],
        ],
    ]
    lines += [
        [f"card-hours, `{stage}`", *[f"{one[stage]:,.1f}" for one in found]] for stage in found[0]
    ]
    lines.append(["card-hours in all", *[f"{sum(one.values()):,.0f}" for one in found]])
    lines.append(
        [
            "hours on eight cards that share evenly",
            *[f"{sum(one.values()) / 8:,.1f}" for one in found],
        ]
    )
    for number, kind in ((FLOAT32, "float32"), (BFLOAT16, "bfloat16")):
        for every in KEPT:
            which = "every generation" if every == 1 else f"every {every}th generation and the last"
            sizes = [weights_bytes(of, model, every, number) / 1e12 for model in models]
            lines.append([f"weights kept, {kind}, {which}", *[f"{one:.2f} TB" for one in sizes]])
    need = [TRAINING_BYTES * model.weights / 1e9 for model in models]
    lines.append(["weights and optimiser in training, a card", *[f"{one:,.0f} GB" for one in need]])
    return lines


def table(of: Experiment, card: Card) -> str:
    """The Markdown table."""
    head = ["", *[model.name for model in MODELS]]
    lines = [f"| {' | '.join(head)} |", "|---|" + "--:|" * len(MODELS)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows(of, card))])


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", type=Path, metavar="PAGE", help="docs/scale.md")
    for name, value in vars(Experiment()).items():
        parser.add_argument(f"--{name}", type=int, default=value, help=f"default: {value:,}")
    args = vars(parser.parse_args(argv))
    page = args.pop("write")
    found = table(Experiment(**args), Card())
    print(found)
    if page:
        replace_block(page, "estimate", found)


if __name__ == "__main__":
    main()
