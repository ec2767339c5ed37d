"""The card of generation g: every metric with its interval, from arrays and texts alone.

Writes a folder with the full card, the texts' coordinates in the human basis, and beside it the
headline: a small file of the numbers that are compared across commits. Loads no torch.
"""

from argparse import Namespace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from palimpsest.artifacts import (
    new_folder,
    read_arrays,
    read_embeddings,
    read_rows,
    read_texts,
    write_json,
    write_provenance,
)
from palimpsest.card import Generation, ScoreParams, card, headline, null_bands
from palimpsest.corpus.ledger import Ledger
from palimpsest.corpus.world_parser import Parser
from palimpsest.custom import load_custom
from palimpsest.instrument import Facts, Yardstick
from palimpsest.params import load
from stages import command


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


def _score(args: Namespace) -> None:
    params = load(args.params, ScoreParams)
    seed = command.seed_of(args.params, "corpus")
    yardstick = _yardstick(params, args)
    generation = _generation(args)
    with command.bar(1, f"score g{args.generation:02d}") as bar:
        found = card(generation, yardstick, params, seed, command.follow(bar))
    if args.generation == 0:
        texts = read_texts(args.human / "null.jsonl")
        embeddings = read_embeddings(args.embeddings / "null.npy")
        size, count = len(generation.texts), params.null_samples
        with command.bar(count, "null samples") as bar:
            of_pool = texts, embeddings, generation.arrays
            found["null"] = null_bands(*of_pool, size, yardstick, count, seed, command.follow(bar))
    with new_folder(args.out) as folder:
        write_json(folder / "card.json", found)
        np.save(folder / "points.npy", yardstick.coordinates(generation.embeddings))
        inputs = {"texts": args.texts, "embeddings": args.embeddings, "human": args.human}
        write_provenance(folder, "score", {"score": params.as_dict(), "seed": seed}, inputs)
    write_json(args.headline, headline(found))


def _yardstick(params: ScoreParams, args: Namespace) -> Yardstick:
    facts = None
    if (args.human / "ledger.json").exists():
        ledger = Ledger.load(args.human / "ledger.json")
        facts = Facts(Parser(ledger).parse, ledger.frequencies())
    texts = read_texts(args.first_texts / "texts.jsonl")
    embeddings = read_embeddings(args.first / "embeddings.npy")
    training = read_texts(args.human / "train.jsonl")
    custom = load_custom(params.custom)
    return Yardstick(texts, embeddings, training, facts, params.lam, params.words, custom)


def _generation(args: Namespace) -> Generation:
    return Generation(
        number=args.generation,
        texts=read_texts(args.texts / "texts.jsonl"),
        embeddings=read_embeddings(args.embeddings / "embeddings.npy"),
        before=read_texts(args.before / "texts.jsonl") if args.generation else None,
        heldout=read_texts(args.human / "heldout.jsonl"),
        witness=read_rows(args.texts / "witness.jsonl"),
        arrays=read_arrays(args.embeddings / "likelihood.npz"),
        first_arrays=read_arrays(args.first / "likelihood.npz"),
        classes=read_arrays(args.embeddings / "class_statistics.npz"),
        probe=read_arrays(args.embeddings / "probe.npz"),
    )


if __name__ == "__main__":
    command.run(main)
