"""Generation 0: the human corpus, dealt into parts, and the first model.

Writes the human folder (train, heldout, null and reserve texts; the ledger of facts if the corpus
has one; token counts), generation 0's texts (a human sample of the size that every generation
writes) and training set, and the first model with its tokenizer.
"""

import numpy as np

from palimpsest.core import command
from palimpsest.core.parameters import Parameters
from palimpsest.core.rng import stream
from palimpsest.core.storage import new_folder, write_provenance, write_texts
from palimpsest.corpus.source import human_corpus


def main(argv: list[str] | None = None) -> None:
    """Writes the human corpus, generation 0's texts and the first model."""
    parser = command.parser(
        "prepare",
        __doc__,
        human="folder to write the corpus to",
        texts="folder for generation 0's texts",
        model="folder for the first model",
    )
    args = parser.parse_args(argv)
    # after the arguments: --help need not wait for torch
    from palimpsest.lm.checkpoint import initial_model, save_model

    parameters = Parameters.load(args.params)
    corpus, seed = parameters.corpus, parameters.seed_of("corpus")
    with command.bar(3, "prepare: corpus, first model, token counts") as bar:
        human = human_corpus(corpus, parameters.generate.documents, seed)
        bar.update()
        weights_seed = int(stream(seed, "weights").integers(2**63))
        model, tokenizer = initial_model(parameters.model, human.parts["train"], weights_seed)
        bar.update()
        token_counts = tokenizer.counts(human.parts["train"])
        bar.update()
    unused = {"world", "files", "hub"} - {corpus.source}
    facts = {
        "corpus": {key: value for key, value in corpus.as_dict().items() if key not in unused},
        "model": parameters.model.as_dict(),
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
        save_model(model, tokenizer, folder)
        write_provenance(folder, "prepare", facts, {})


if __name__ == "__main__":
    command.run(main)
