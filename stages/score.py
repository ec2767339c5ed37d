"""The card of generation g: every metric with its interval, from arrays and texts alone.

Writes a folder with the full card, the texts' coordinates in the human basis, and beside it the
headline: a small file of the numbers that are compared across commits. Loads no torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # by scikit-learn

from palimpsest.artifacts import (
    new_folder,
    read_embeddings,
    read_rows,
    read_texts,
    write_json,
    write_provenance,
)
from palimpsest.corpus.ledger import Ledger
from palimpsest.corpus.world_parser import Parser
from palimpsest.errors import CorpusError
from palimpsest.instrument import Facts, Family, Yardstick, null_entries, values, with_intervals
from palimpsest.metrics import likelihood
from palimpsest.metrics.witness import HumanLikelihood, judge
from palimpsest.params import Params, Range, load
from palimpsest.randomness import stream
from stages import command

HEADLINE = (
    "integrity", "volume", "drift", "dispersion", "compression", "outlier",
    "perplexity_heldout", "distinct_2", "duplicates", "truth", "parsed", "fact_coverage",
)  # fmt: skip
"""What a generation's small file holds, where it was measured."""
SAMPLES = 6
"""Texts that the card carries for the report."""


@dataclass(frozen=True)
class ScoreParams(Params):
    """How a generation is measured."""

    section: ClassVar[str] = "score"

    lam: Annotated[float, Range(at_least=0)]
    """Weight of the squared drift in the Ainex score; the published work never states it."""
    words: Annotated[int, Range(at_least=100)]
    """Words that lexical metrics are measured on, so that no number depends on length."""
    half_samples: Annotated[int, Range(at_least=0)]
    """Half-samples of the jackknife; 0 gives no intervals."""
    null_samples: Annotated[int, Range(at_least=1)]
    """Human samples behind the null band."""


def main(argv: list[str] | None = None) -> None:
    """Reads arrays and texts, writes numbers."""
    parser = command.parser("score", __doc__)
    parser.add_argument("--generation", type=int, required=True, help="number g >= 0")
    parser.add_argument("--texts", type=Path, required=True, help=command.PATHS["texts"])
    parser.add_argument("--before", type=Path, required=True, help="texts of generation g - 1")
    parser.add_argument("--first-texts", type=Path, required=True, help="texts of generation 0")
    parser.add_argument("--embeddings", type=Path, required=True, help="arrays of generation g")
    parser.add_argument("--first", type=Path, required=True, help="arrays of generation 0")
    parser.add_argument("--human", type=Path, required=True, help=command.PATHS["human"])
    parser.add_argument("--headline", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--out", type=Path, required=True, help=command.PATHS["out"])
    args = parser.parse_args(argv)
    # the products are small: a threaded BLAS makes them slower, on shared cores a hundredfold
    with threadpool_limits(1, "blas"):
        _score(args)


def _score(args: Any) -> None:
    params = load(args.params, ScoreParams)
    seed = command.seed_of(args.params, "corpus")
    yardstick = _yardstick(params, args)
    texts = read_texts(args.texts / "texts.jsonl")
    before = read_texts(args.before / "texts.jsonl") if args.generation else None
    embeddings = read_embeddings(args.embeddings / "embeddings.npy")
    arrays = np.load(args.embeddings / "likelihood.npz")
    heldout = _heldout(arrays, read_texts(args.human / "heldout.jsonl"))
    written = likelihood.Written(
        human=_scored(arrays, "human"), own=_scored(arrays, "self") if args.generation else None
    )
    families = yardstick.families(texts, embeddings, written, before)
    families.append(
        Family(lambda rows: likelihood.heldout_card(heldout, rows), len(heldout.num_bytes))
    )
    table = yardstick.truth(texts, before)
    card: dict[str, Any] = {
        "generation": args.generation,
        "documents": len(texts),
        "metrics": with_intervals(families, params.half_samples, seed),
        "counts": likelihood.token_counts(heldout, written),
        "witness": _witness(args, arrays, yardstick.facts),
        "untrue": [] if table is None else table.untrue,
        "samples": texts[:SAMPLES],
    }
    if table is not None:
        card["counts"] |= table.measure().counts
    if args.generation == 0:
        card["null"] = _null(yardstick, params, args, len(texts), seed)
    _write(args, card, yardstick.coordinates(embeddings), {"score": params.as_dict(), "seed": seed})


def _yardstick(params: ScoreParams, args: Any) -> Yardstick:
    facts = None
    if (args.human / "ledger.json").exists():
        ledger = Ledger.load(args.human / "ledger.json")
        facts = Facts(Parser(ledger).parse, ledger.frequencies())
    return Yardstick(
        read_texts(args.first_texts / "texts.jsonl"),
        read_embeddings(args.first / "embeddings.npy"),
        read_texts(args.human / "train.jsonl"),
        facts,
        params.lam,
        params.words,
    )


def _write(args: Any, card: dict[str, Any], points: Any, dials: dict[str, Any]) -> None:
    with new_folder(args.out) as folder:
        write_json(folder / "card.json", card)
        np.save(folder / "points.npy", points)
        inputs = {"texts": args.texts, "embeddings": args.embeddings, "human": args.human}
        write_provenance(folder, "score", dials, inputs)
    metrics = card["metrics"]
    found = {name: metrics[name]["value"] for name in HEADLINE if name in metrics}
    # Six significant digits: enough to compare, few enough to read.
    rounded = {key: value and float(f"{value:.6g}") for key, value in found.items()}
    write_json(args.headline, rounded)


def _scored(arrays: Any, name: str) -> likelihood.Scored:
    return likelihood.scored(arrays[f"{name}_nll"], arrays[f"{name}_tokens"])


def _heldout(arrays: Any, texts: Sequence[str]) -> likelihood.Heldout:
    return likelihood.Heldout(
        scored=_scored(arrays, "heldout"),
        num_bytes=np.array([len(text.encode()) for text in texts], dtype=np.float64),
        tail=likelihood.scored(arrays["heldout_rare_nll"], arrays["heldout_rare_tokens"]),
        entropy_nats=arrays["heldout_entropy"],
    )


def _witness(args: Any, arrays: Any, facts: Facts | None) -> list[dict[str, Any]]:
    """The witness texts with their verdicts."""
    first = np.load(args.first / "likelihood.npz")
    human = HumanLikelihood.from_texts(first["heldout_nll"] / first["heldout_tokens"])
    means = arrays["witness_nll"] / np.maximum(arrays["witness_tokens"], 1)
    entries = []
    for row, nll in zip(read_rows(args.texts / "witness.jsonl"), means, strict=True):
        parsed = facts.parse(row["prompt"] + row["text"]) if facts else []
        found = judge(row["text"], float(nll), human, [statement[0] for statement in parsed])
        entries.append(
            {
                "prompt": row["prompt"],
                "continuation": row["text"],
                "verdict": str(found.verdict),
                "reasons": list(found.reasons),
            }
        )
    return entries


def _null(
    yardstick: Yardstick, params: ScoreParams, args: Any, size: int, seed: int
) -> dict[str, dict[str, Any]]:
    """The null bands: fresh human samples in the place of a generation's texts."""
    texts = read_texts(args.human / "null.jsonl")
    if texts and len(texts) < size:
        wanted = f"0 or at least generate.documents ({size})"
        raise CorpusError("corpus.null_pool", wanted=wanted, got=len(texts))
    embeddings = read_embeddings(args.embeddings / "null.npy")
    whole = _scored(np.load(args.embeddings / "likelihood.npz"), "null")
    count = params.null_samples if texts else 0
    cards = []
    for number in range(count):
        if len(texts) >= count * size:
            rows = np.arange(number * size, (number + 1) * size)
        else:
            rows = stream(seed, "null", item=number).choice(len(texts), size, replace=False)
        human = likelihood.scored(whole.nll_nats[rows], whole.tokens[rows])
        written = likelihood.Written(human=human, own=None)
        chosen = [texts[row] for row in rows]
        cards.append(values(yardstick.families(chosen, embeddings[rows], written, None)))
    return null_entries(cards)


if __name__ == "__main__":
    command.run(main)
