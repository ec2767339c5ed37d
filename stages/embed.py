"""Every forward pass of a generation: sentence embeddings and token likelihoods.

Writes embeddings.npy (the texts), null.npy (at generation 0: the human texts that null samples are
drawn from) and likelihood.npz: summed losses and token counts, text by text, of the held-out human
texts under this generation's model, of the generation's texts and witness texts under the model of
generation 0, and of its texts under their author.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from palimpsest.artifacts import new_folder, read_rows, read_texts, write_provenance
from palimpsest.encoding import EncodeParams, Encoder
from palimpsest.lm.likelihood import likelihood, rare_types
from palimpsest.lm.model import load_pair
from palimpsest.params import Params, load
from stages import command

Arrays = dict[str, NDArray[np.generic]]


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
    args = parser.parse_args(argv)

    params = load(args.params, EmbedParams)
    texts = read_texts(args.texts / "texts.jsonl")
    null = read_texts(args.human / "null.jsonl") if args.generation == 0 else []
    encoder = Encoder.load(params.encoder)
    with command.bar(len(texts) + len(null), f"embed g{args.generation:02d}") as bar:
        embeddings = encoder.encode(texts, lambda done, _: bar.update(done - bar.n))
        null_embeddings = encoder.encode(
            null, lambda done, _: bar.update(len(texts) + done - bar.n)
        )

    arrays = _heldout(args.model, args.human, params)
    witness = [row["prompt"] + row["text"] for row in read_rows(args.texts / "witness.jsonl")]
    arrays |= _pass(args.first, params, human=texts, witness=witness)
    if args.generation > 0:
        arrays |= _pass(args.author, params, self=texts)
    else:
        arrays |= _pass(args.model, params, null=null)

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


def _heldout(folder: Path, human: Path, params: EmbedParams) -> Arrays:
    """The held-out texts under one model, with rare tokens and the entropy of its predictions."""
    model, tokens = load_pair(folder, params.dtype, params.device)
    rare = rare_types(np.load(human / "token_counts.npy"))
    found = likelihood(model, tokens, read_texts(human / "heldout.jsonl"), rare)
    return {
        "heldout_nll": found.nll_nats,
        "heldout_tokens": found.tokens,
        "heldout_rare_nll": found.rare_nll_nats,
        "heldout_rare_tokens": found.rare_tokens,
        "heldout_entropy": found.entropy_nats,
    }


def _pass(folder: Path, params: EmbedParams, **sets: list[str]) -> Arrays:
    """Several sets of texts under one model."""
    model, tokens = load_pair(folder, params.dtype, params.device)
    arrays: Arrays = {}
    for name, texts in sets.items():
        found = likelihood(model, tokens, texts)
        arrays |= {f"{name}_nll": found.nll_nats, f"{name}_tokens": found.tokens}
    return arrays


if __name__ == "__main__":
    command.run(main)
