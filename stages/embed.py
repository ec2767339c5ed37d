"""Every forward pass of a generation: sentence embeddings and token likelihoods.

Writes embeddings.npy (the texts), null.npy (at generation 0: the human texts that null samples are
drawn from), likelihood.npz: summed losses and token counts, text by text, of the held-out human
texts under this generation's model, of the generation's texts and witness texts under the model of
generation 0, and of its texts under their author; and of this generation's model itself
class_statistics.npz and probe.npz (float32 is enough), see `palimpsest.model_geometry`.
"""

from argparse import Namespace
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np

from palimpsest.artifacts import new_folder, read_rows, read_texts, write_provenance
from palimpsest.corpus.ledger import Ledger
from palimpsest.corpus.probe import corpus_probe
from palimpsest.encoding import EncodeParams, Encoder
from palimpsest.params import Params, Range, load
from stages import command


@dataclass(frozen=True)
class EmbedParams(Params):
    """How texts are read by the encoder and by the models."""

    section: ClassVar[str] = "embed"

    dtype: Literal["float32", "bfloat16"]
    """Type that likelihoods are computed in."""
    device: Literal["auto", "cpu", "cuda"]
    """Where likelihoods are computed."""
    min_count: Annotated[int, Range(at_least=1)]
    """Occurrences in the held-out text from which on a next token counts as a class."""
    encoder: EncodeParams
    """The sentence encoder."""


def main(argv: list[str] | None = None) -> None:
    """Reads texts and models, writes arrays."""
    parser = command.parser("embed", __doc__)
    parser.add_argument("--generation", type=int, required=True, help="number g >= 0")
    parser.add_argument("--texts", type=Path, required=True, help=command.PATHS["texts"])
    parser.add_argument("--model", type=Path, required=True, help="model of generation g")
    parser.add_argument("--author", type=Path, required=True, help="model of generation g - 1")
    parser.add_argument("--first", type=Path, required=True, help="model of generation 0")
    parser.add_argument("--human", type=Path, required=True, help=command.PATHS["human"])
    parser.add_argument("--out", type=Path, required=True, help=command.PATHS["out"])
    _embed(parser.parse_args(argv))


def _embed(args: Namespace) -> None:
    # after the arguments: --help need not wait for torch
    from palimpsest.lm.likelihood import text_arrays
    from palimpsest.lm.model import load_pair
    from palimpsest.model_geometry import heldout_and_classes, probe_arrays

    params, seed = load(args.params, EmbedParams), command.seed_of(args.params, "corpus")
    texts = read_texts(args.texts / "texts.jsonl")
    witness = [row["prompt"] + row["text"] for row in read_rows(args.texts / "witness.jsonl")]
    heldout = read_texts(args.human / "heldout.jsonl")
    null = read_texts(args.human / "null.jsonl") if args.generation == 0 else []
    encoder = Encoder.load(params.encoder)
    with command.bar(len(texts) + len(null), f"embed g{args.generation:02d}") as bar:
        embeddings = encoder.encode(texts, lambda done, _: bar.update(done - bar.n))
        of_null = encoder.encode(null, lambda done, _: bar.update(len(texts) + done - bar.n))

    pair = partial(load_pair, dtype=params.dtype, device=params.device)
    counts = np.load(args.human / "token_counts.npy")
    own = pair(args.model)
    arrays, classes = heldout_and_classes(*own, heldout, counts, params.min_count)
    path = args.human / "ledger.json"
    ledger = Ledger.load(path) if path.exists() else None
    known = corpus_probe(ledger, read_texts(args.human / "train.jsonl"), seed)
    probe = probe_arrays(*own, *known)
    arrays |= text_arrays(*pair(args.first), human=texts, witness=witness)
    first = args.generation == 0
    arrays |= text_arrays(*own, null=null) if first else text_arrays(*pair(args.author), self=texts)

    with new_folder(args.out) as folder:
        np.save(folder / "embeddings.npy", embeddings)
        if first:
            np.save(folder / "null.npy", of_null)
        files = {"likelihood": arrays, "class_statistics": classes, "probe": probe}
        for name, content in files.items():
            np.savez(folder / f"{name}.npz", **content)  # type: ignore[arg-type]
        models = {"model": args.model, "author": args.author, "first": args.first}
        inputs = {"texts": args.texts, "human": args.human, **models}
        dials = {"embed": params.as_dict(), "seed": seed}
        facts = {"generation": args.generation, "encoder": encoder.identity}
        write_provenance(folder, "embed", dials, inputs, **facts)


if __name__ == "__main__":
    command.run(main)
