"""Generation 0: the human corpus, dealt into parts, and the first model.

Writes the human folder (train, heldout, null and reserve texts; the ledger of facts if the corpus
has one; token counts), generation 0's texts (a human sample of the size that every generation
writes) and training set, and the first model with its tokenizer.
"""

from pathlib import Path

import numpy as np

from palimpsest.artifacts import new_folder, write_provenance, write_texts
from palimpsest.corpus.source import SOURCES, CorpusParams, SampleParams, human_corpus
from palimpsest.params import load
from palimpsest.randomness import stream
from stages import command


def main(argv: list[str] | None = None) -> None:
    """Writes the human corpus, generation 0's texts and the first model."""
    parser = command.parser("prepare", __doc__)
    parser.add_argument("--human", type=Path, required=True, help="folder to write the corpus to")
    parser.add_argument("--texts", type=Path, required=True, help="folder for generation 0's texts")
    parser.add_argument("--model", type=Path, required=True, help="folder for the first model")
    args = parser.parse_args(argv)
    # after the arguments: --help need not wait for torch
    from palimpsest.lm.model import ModelParams, first_model, save_model

    content = command.sections(args.params)
    params = command.section(content, CorpusParams, but=tuple(SOURCES))
    model_params = load(args.params, ModelParams)
    sample = SampleParams(documents=command.value(content, "generate.documents"))
    seed = command.seed_of(args.params, "corpus")
    source = load(args.params, SOURCES[params.source])
    with command.bar(3, "prepare: corpus, first model, token counts") as bar:
        human = human_corpus(params, source, sample, seed)
        bar.update()
        weights_seed = int(stream(seed, "weights").integers(2**63))
        model, tokens = first_model(model_params, human.parts["train"], weights_seed)
        bar.update()
        token_counts = tokens.counts(human.parts["train"])
        bar.update()
    facts = {
        "corpus": {**params.as_dict(), params.source: source.as_dict()},
        "model": model_params.as_dict(),
        "documents": {name: len(texts) for name, texts in human.parts.items()},
        "seed": seed,
    }
    with new_folder(args.human) as folder:
        for name in ("train", "heldout", "null", "reserve"):
            write_texts(folder / f"{name}.jsonl", human.parts[name])
        np.save(folder / "token_counts.npy", token_counts)
        if human.ledger is not None:
            human.ledger.save(folder / "ledger.json")
        write_provenance(folder, "prepare", facts, {})
    with new_folder(args.texts) as folder:
        write_texts(folder / "texts.jsonl", human.parts["sample"])
        write_texts(folder / "training.jsonl", human.parts["train"])
        write_texts(folder / "witness.jsonl", [], prompt=[])
        write_provenance(folder, "prepare", facts, {"human": args.human}, generation=0)
    with new_folder(args.model) as folder:
        save_model(model, tokens, folder)
        write_provenance(folder, "prepare", facts, {})


if __name__ == "__main__":
    command.run(main)
