"""Every forward pass of a generation: sentence embeddings and token likelihoods.

Writes embeddings.npy (the texts), null.npy (at generation 0: the human texts that null samples are
drawn from), likelihood.npz: summed losses and token counts, text by text, of the held-out human
texts under this generation's model, of the generation's texts and witness texts under the model of
generation 0, and of its texts under their author, each behind its prompt; and of this generation's
model itself class_statistics.npz, probe.npz (`palimpsest.lm.probing`) and its curve.csv.
"""

from argparse import Namespace
from functools import partial
from typing import Any

import numpy as np

from palimpsest.core import command, storage
from palimpsest.core.handed_on import handed_on
from palimpsest.core.parameters import Parameters
from palimpsest.core.provenance import identities, opened, write_provenance
from palimpsest.core.team import Shared, Team
from palimpsest.corpus.ledger import read_ledger
from palimpsest.corpus.probe import corpus_probe
from palimpsest.embedding.encoder import Encoder
from palimpsest.lm.launch import share


def main(argv: list[str] | None = None) -> None:
    """Reads texts and models, writes arrays."""
    parser = command.parser(
        "embed",
        __doc__,
        texts=command.TEXTS,
        model="model of generation g",
        author="model of generation g - 1",
        first="model of generation 0",
        human=command.HUMAN,
        out=command.OUT,
    )
    parser.add_argument("--generation", type=int, required=True, help="number g >= 0")
    share("embed", _embed, parser.parse_args(argv), argv)


def _embed(args: Namespace, parameters: Parameters, team: Team) -> None:
    # after the arguments: --help need not wait for torch
    from palimpsest.lm.runtime import machine_facts, placed

    params, seed, shared = parameters.embed, parameters.seed_of("corpus"), team.shared(args.out)
    inputs, written = opened("embed", args), storage.read_continuations(args.texts / "texts.jsonl")
    first = args.generation == 0
    pool = storage.read_continuations(args.human / "null.jsonl") if first else ([], [])
    texts, null = written[1], pool[1]
    place = placed(team, parameters.compute, embed=params, **{"embed.encoder": params.encoder})
    encoder = Encoder.load(params.encoder, onednn=not parameters.compute.portable, device=place)
    with command.bar(len(texts) + len(null), f"embed {args.out.name}") as bar:
        embeddings = encoder.encode(texts, lambda n, _: bar.update(n - bar.n), *shared)
        of_null = encoder.encode(null, lambda n, _: bar.update(len(texts) + n - bar.n), *shared)
    with command.bar(0, f"embed {args.out.name}: likelihoods and model"):
        own, files = _under_models(args, parameters, place, shared, (written, pool))
    if not team.first:
        return
    with storage.new_folder(args.out) as folder:
        np.save(folder / "embeddings.npy", embeddings)
        if first:
            np.save(folder / "null.npy", of_null)
        for name, content in files.items():
            np.savez(folder / f"{name}.npz", **content)
        storage.write_bytes(folder / "curve.csv", (args.model / "curve.csv").read_bytes())
        values = {"embed": params.as_dict(), "seed": seed}
        seen = encoder.doubts(texts, embeddings)
        noted = handed_on(seen, {"embed": params}, model=inputs["model"]) | machine_facts(own)
        facts = {"generation": args.generation, "encoder": encoder.identity, **noted}
        write_provenance(folder, "embed", values, identities(inputs), processes=team.size, **facts)
        parameters.check_unedited(args.params, "seed", "seeds.corpus", "embed")


def _under_models(
    args: Namespace, parameters: Parameters, place: str, shared: Shared, texts: tuple[Any, Any]
) -> tuple[Any, dict[str, Any]]:
    """The generation's model, and the arrays of each file: what models make of all texts."""
    from palimpsest.lm.checkpoint import load_model_and_tokenizer
    from palimpsest.lm.probing import heldout_and_classes, last_states
    from palimpsest.lm.scoring import text_arrays

    (written, pool), witness = texts, storage.read_continuations(args.texts / "witness.jsonl")
    params, first = parameters.embed, args.generation == 0
    begun, heldout = storage.read_human(args.human / "heldout.jsonl")
    load = partial(load_model_and_tokenizer, dtype=params.dtype, device=place, like=args.first)
    own, counts = load(args.model), np.load(args.human / "token_counts.npy")
    arrays, classes = heldout_and_classes(*own, heldout, counts, params.min_count, *shared, begun)
    ledger, training = read_ledger(args.human), storage.read_texts(args.human / "train.jsonl")
    probe, skipped = corpus_probe(ledger, training, parameters.seed_of("corpus"))
    states = probe.arrays(last_states(*own, probe.sentences(), *shared), skipped)
    arrays |= text_arrays(*load(args.first), *shared, human=written, witness=witness)
    judge, name, judged = (own, "null", pool) if first else (load(args.author), "self", written)
    arrays |= text_arrays(*judge, *shared, **{name: judged})
    return own[0], {"likelihood": arrays, "class_statistics": classes, "probe": states}


if __name__ == "__main__":
    command.run(main)
