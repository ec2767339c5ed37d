"""The scorecard of generation g: every metric with its interval, from arrays and texts alone.

Writes a folder with the full scorecard, the texts' coordinates in the human basis, what is known of
each text and training.json (how the generation's model was trained), and beside it a small file of
the numbers that are compared across commits. Loads no torch.
"""

import logging
from argparse import Namespace

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from palimpsest.core import command, storage
from palimpsest.core.formatting import plain, span
from palimpsest.core.handed_on import handed_on
from palimpsest.core.parameters import Parameters
from palimpsest.core.provenance import identities, opened, write_provenance
from palimpsest.evaluation.documents import document_columns
from palimpsest.evaluation.evaluator import Evaluator
from palimpsest.evaluation.folders import (
    Folders,
    check_same_encoder,
    read_generation,
    read_human_side,
    read_reference,
    read_training,
)
from palimpsest.evaluation.foreign import foreign_texts
from palimpsest.evaluation.plugins import load_plugins
from palimpsest.evaluation.scorecard import generation_metrics, scorecard

log = logging.getLogger(__name__)


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
    inputs = opened("score", args)
    check_same_encoder(inputs["embeddings"], inputs["first"])
    folders = Folders(**{name: getattr(args, name) for name in inputs})
    side = read_human_side(folders, params, seed)
    evaluator = Evaluator(read_reference(folders, side, params), load_plugins(params.custom))
    generation = read_generation(folders, args.generation)
    with command.bar(1, f"score {args.out.name}") as bar:
        show = command.progress_callback(bar)
        card = scorecard(generation, evaluator, side, params, seed, show)
    facts = handed_on(
        foreign_texts(generation.texts, side),
        texts=inputs["texts"],
        embeddings=inputs["embeddings"],
    )
    if seen := facts.pop("warnings", []):
        card["warnings"] = seen
    with storage.new_folder(args.out) as folder:
        storage.write_json(folder / "scorecard.json", card)
        storage.write_json(folder / "training.json", read_training(folders))
        np.save(folder / "points.npy", evaluator.coordinates(generation.embeddings))
        rows = document_columns(generation, evaluator.reference)
        storage.write_texts(folder / "documents.jsonl", generation.texts, **rows)
        values = {"score": params.as_dict(), "seed": seed}
        facts["generation"] = args.generation
        write_provenance(folder, "score", values, identities(inputs), **facts)
        parameters.check_unedited(args.params, "seed", "seeds.corpus", "score")
    storage.write_json(args.headline, generation_metrics(card))
    if one := card["metrics"].get("integrity"):
        said = f"{plain(one['value'])} ({span(one['low'], one['high'])})"
        log.info("%s: integrity %s", args.out.name, said)


if __name__ == "__main__":
    command.run(main)
