"""The scorecard of generation g: every metric with its interval, from arrays and texts alone.

Writes a folder with the full scorecard, the texts' coordinates in the human basis, and beside it a
small file of the numbers that are compared across commits. Loads no torch.
"""

from argparse import Namespace

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from palimpsest.core import command, storage
from palimpsest.core.parameters import Parameters, ScoreParams
from palimpsest.corpus.ledger import read_ledger
from palimpsest.corpus.world.parser import Parser
from palimpsest.evaluation.evaluator import Evaluator
from palimpsest.evaluation.plugins import load_plugins
from palimpsest.evaluation.scorecard import (
    Generation,
    generation_metrics,
    null_entries,
    scorecard,
)
from palimpsest.metrics.family import Facts, Reference


def main(argv: list[str] | None = None) -> None:
    """Reads arrays and texts, writes numbers."""
    parser = command.parser(
        "score",
        __doc__,
        texts=command.TEXTS,
        previous="texts of generation g - 1",
        first_texts="texts of generation 0",
        embeddings="arrays of generation g",
        first="arrays of generation 0",
        human=command.HUMAN,
        headline="JSON file to write",
        out=command.OUT,
    )
    parser.add_argument("--generation", type=int, required=True, help="number g >= 0")
    args = parser.parse_args(argv)
    # the products are small: a threaded BLAS makes them slower, on shared cores a hundredfold
    with threadpool_limits(1, "blas"):
        _score(args)


def _score(args: Namespace) -> None:
    parameters = Parameters.load(args.params)
    params, seed = parameters.score, parameters.seed_of("corpus")
    evaluator = Evaluator(_reference(params, args), load_plugins(params.custom))
    generation = _generation(args)
    with command.bar(1, f"score g{args.generation:02d}") as bar:
        show = command.progress_callback(bar)
        card = scorecard(generation, evaluator, params, seed, show)
    if args.generation == 0:
        texts = storage.read_texts(args.human / "null.jsonl")
        embeddings = storage.read_embeddings(args.embeddings / "null.npy")
        size, count = len(generation.texts), params.null_samples
        with command.bar(count, "null samples") as bar:
            pool = texts, embeddings, generation.arrays
            show = command.progress_callback(bar)
            card["null"] = null_entries(*pool, size, evaluator, count, seed, show)
    with storage.new_folder(args.out) as folder:
        storage.write_json(folder / "scorecard.json", card)
        np.save(folder / "points.npy", evaluator.coordinates(generation.embeddings))
        inputs = {"texts": args.texts, "embeddings": args.embeddings, "human": args.human}
        storage.write_provenance(folder, "score", {"score": params.as_dict(), "seed": seed}, inputs)
    storage.write_json(args.headline, generation_metrics(card))


def _reference(params: ScoreParams, args: Namespace) -> Reference:
    ledger = read_ledger(args.human)
    return Reference(
        texts=storage.read_texts(args.first_texts / "texts.jsonl"),
        embeddings=storage.read_embeddings(args.first / "embeddings.npy"),
        training=storage.read_texts(args.human / "train.jsonl"),
        facts=None if ledger is None else Facts(Parser(ledger).parse, ledger.frequencies()),
        lam=params.lam,
        words=params.words,
    )


def _generation(args: Namespace) -> Generation:
    return Generation(
        number=args.generation,
        texts=storage.read_texts(args.texts / "texts.jsonl"),
        embeddings=storage.read_embeddings(args.embeddings / "embeddings.npy"),
        previous=storage.read_texts(args.previous / "texts.jsonl") if args.generation else None,
        heldout=storage.read_texts(args.human / "heldout.jsonl"),
        witness=storage.read_rows(args.texts / "witness.jsonl"),
        arrays=storage.read_arrays(args.embeddings / "likelihood.npz"),
        first_arrays=storage.read_arrays(args.first / "likelihood.npz"),
        classes=storage.read_arrays(args.embeddings / "class_statistics.npz"),
        probe=storage.read_arrays(args.embeddings / "probe.npz"),
    )


if __name__ == "__main__":
    command.run(main)
