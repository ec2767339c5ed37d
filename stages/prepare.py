"""Generation 0: the human corpus, dealt into parts, and the first model.

Writes the human folder (train, heldout, null and reserve texts, a ledger of facts if there is one,
token counts), generation 0's texts (a human sample) and training set, and the first model.
"""

from argparse import Namespace
from typing import Any

import numpy as np

from palimpsest.core import command
from palimpsest.core.handed_on import handed_on
from palimpsest.core.parameters import Parameters
from palimpsest.core.provenance import write_provenance
from palimpsest.core.rng import stream
from palimpsest.core.storage import new_folder, write_texts
from palimpsest.corpus.source import Human, check_long_enough, human_corpus, source_hashes

OF_GENERATE = ("documents", "prompts", "prompt_tokens", "prompts_from", "max_new_tokens")
READ = ("seed", "seeds.corpus", "corpus", "model", *(f"generate.{key}" for key in OF_GENERATE))
"""Parameters that the stage reads."""


def main(argv: list[str] | None = None) -> None:
    """Writes the human corpus, generation 0's texts and the first model."""
    parser = command.parser(
        "prepare",
        __doc__,
        human="folder to write the corpus to",
        texts="folder for generation 0's texts",
        model="folder for the first model",
    )
    _prepare(parser.parse_args(argv))


def _prepare(args: Namespace) -> None:
    # after the arguments: --help need not wait for torch
    from palimpsest.lm.checkpoint import folder_hashes, initial_model, save_model
    from palimpsest.lm.prompts import human_columns, human_continuations
    from palimpsest.lm.readiness import check_ready

    parameters = Parameters.load(args.params)
    seed, count = parameters.seed_of("corpus"), parameters.generate.documents
    with command.bar(2, "prepare: corpus, first model, prompts") as bar:
        human = human_corpus(parameters.corpus, count, seed)
        bar.update()
        weights_seed = int(stream(seed, "weights").integers(2**63))
        model, tokenizer = initial_model(parameters.model, human.parts["train"], weights_seed)
        bar.update()
        prompts, texts = human_continuations(tokenizer, human.compared, **_cut(parameters))
        check_long_enough(len(texts), count, parameters.corpus.null_pool)
        check_ready(parameters, model.context, tokenizer, human.parts)
        given = {parameters.generate.prompts_from: parameters.generate.prompt_tokens}
    facts = _facts(parameters, human)
    noted = handed_on(human.warnings, {"corpus": parameters.corpus, "model": parameters.model})
    with new_folder(args.human) as folder:
        for name, columns in human_columns(tokenizer, human.parts, given.get("heldout", 0)).items():
            write_texts(folder / f"{name}.jsonl", **columns)
        write_texts(folder / "null.jsonl", texts[count:], prompt=prompts[count:])
        np.save(folder / "token_counts.npy", tokenizer.counts(human.parts["train"]))
        if human.ledger is not None:
            human.ledger.save(folder / "ledger.json")
        identity = write_provenance(folder, "prepare", facts, source_hashes(parameters.corpus))
        parameters.check_unedited(args.params, *READ)
    with new_folder(args.texts) as folder:
        write_texts(folder / "texts.jsonl", texts[:count], prompt=prompts[:count])
        write_texts(folder / "training.jsonl", human.parts["train"])
        write_texts(folder / "witness.jsonl", [], prompt=[])
        write_provenance(folder, "prepare", facts, {"human": identity}, generation=0, **noted)
    with new_folder(args.model) as folder:
        save_model(model, tokenizer, folder)
        write_provenance(folder, "prepare", facts, folder_hashes(parameters.model))
    parameters.check_room(args.model, args.texts, args.human)


def _cut(parameters: Parameters) -> dict[str, Any]:
    """What human text is cut to: what a model is given, and how long it may go on."""
    return {
        "prompts": parameters.generate.prompts,
        "prompt_tokens": parameters.generate.prompt_tokens,
        "max_new_tokens": parameters.generate.max_new_tokens,
    }


def _facts(parameters: Parameters, human: Human) -> dict[str, Any]:
    """What determines the corpus and the first model; the sources not used left out."""
    corpus = parameters.corpus
    unused = {"world", "files", "hub"} - {corpus.source}
    return {
        "corpus": {key: value for key, value in corpus.as_dict().items() if key not in unused},
        "model": parameters.model.as_dict(),
        "generate": _cut(parameters) | {"prompts_from": parameters.generate.prompts_from},
        "documents": {name: len(part) for name, part in human.parts.items()},
        "seed": parameters.seed_of("corpus"),
    }


if __name__ == "__main__":
    command.run(main)
