"""Every forward pass of a generation: sentence embeddings and token likelihoods.

Writes embeddings.npy (the texts), null.npy (at generation 0: the human texts that null samples are
drawn from) and likelihood.npz: summed losses and token counts, text by text, of the held-out human
texts under this generation's model, of the generation's texts and witness texts under the model of
generation 0, and of its texts under their author.
"""

from argparse import Namespace
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from palimpsest.artifacts import new_folder, read_rows, read_texts, write_provenance
from palimpsest.encoding import EncodeParams, Encoder
from palimpsest.params import Params, load
from stages import command


@dataclass(frozen=True)
class EmbedParams(Params):
    """How texts are read by the encoder and by the models."""

    section: ClassVar[str] = "embed"

    dtype: Literal["float32", "bfloat16"]
    """Type that likelihoods are computed in."""
    device: Literal["auto", "cpu", "cuda"]
    """Where likelihoods are computed."""
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
    from palimpsest.lm.likelihood import heldout_arrays, text_arrays
    from palimpsest.lm.model import load_pair

    params = load(args.params, EmbedParams)
    texts = read_texts(args.texts / "texts.jsonl")
    witness = [row["prompt"] + row["text"] for row in read_rows(args.texts / "witness.jsonl")]
    heldout = read_texts(args.human / "heldout.jsonl")
    null = read_texts(args.human / "null.jsonl") if args.generation == 0 else []
    encoder = Encoder.load(params.encoder)
    with command.bar(len(texts) + len(null), f"embed g{args.generation:02d}") as bar:
        embeddings = encoder.encode(texts, lambda done, _: bar.update(done - bar.n))
        null_embeddings = encoder.encode(
            null, lambda done, _: bar.update(len(texts) + done - bar.n)
        )

    pair = partial(load_pair, dtype=params.dtype, device=params.device)
    counts = np.load(args.human / "token_counts.npy")
    arrays = heldout_arrays(*pair(args.model), heldout, counts)
    arrays |= text_arrays(*pair(args.first), human=texts, witness=witness)
    if args.generation > 0:
        arrays |= text_arrays(*pair(args.author), self=texts)
    else:
        arrays |= text_arrays(*pair(args.model), null=null)

    with new_folder(args.out) as folder:
        np.save(folder / "embeddings.npy", embeddings)
        if args.generation == 0:
            np.save(folder / "null.npy", null_embeddings)
        np.savez(folder / "likelihood.npz", **arrays)  # type: ignore[arg-type]
        inputs = {"model": args.model, "author": args.author, "first": args.first}
        write_provenance(
            folder,
            "embed",
            {"embed": params.as_dict()},
            {"texts": args.texts, "human": args.human, **inputs},
            generation=args.generation,
            encoder=encoder.identity,
        )


if __name__ == "__main__":
    command.run(main)
