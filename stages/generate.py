"""Generation g's text: written by the model of generation g - 1.

Writes texts.jsonl (what the model wrote), training.jsonl (what generation g will learn from: the
regime decides) and witness.jsonl (the continuations of the witness prompts).
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from palimpsest.artifacts import new_folder, read_texts, write_provenance, write_texts
from palimpsest.corpus.regime import RegimeParams, training_set
from palimpsest.errors import CorpusError
from palimpsest.lm.model import LanguageModel, load_pair
from palimpsest.lm.sampling import SamplingParams, write
from palimpsest.lm.tokens import Tokens
from palimpsest.params import Params, load
from palimpsest.randomness import stream, uniforms
from stages import command


@dataclass(frozen=True)
class WitnessParams(Params):
    """The prompts that every generation continues, for the eye."""

    section: ClassVar[str] = "witness"

    prompts: tuple[str, ...]
    """Texts to continue, each from a random stream of its own; an empty list asks nothing."""


def main(argv: list[str] | None = None) -> None:
    """Reads a model, writes a generation's texts."""
    parser = command.parser("generate", __doc__)
    parser.add_argument("--generation", type=int, required=True, help="number g >= 1")
    parser.add_argument("--model", type=Path, required=True, help="the author, generation g - 1")
    parser.add_argument("--human", type=Path, required=True, help=command.PATHS["human"])
    parser.add_argument("--out", type=Path, required=True, help=command.PATHS["out"])
    args = parser.parse_args(argv)

    params = load(args.params, SamplingParams)
    regime = load(args.params, RegimeParams)
    witness = load(args.params, WitnessParams)
    seed = command.seed_of(args.params, "generate")
    model, tokens = load_pair(args.model, params.dtype, params.device)
    prompts = _prompts(params, tokens, args.human, seed)
    noise = partial(uniforms, seed, "generate", args.generation)
    with command.bar(len(prompts), f"generate g{args.generation:02d}") as bar:
        new = write(model, tokens, prompts, params, noise, bar.update)
    kept = prompts if params.keep_prompt else [[] for _ in prompts]
    texts = tokens.decode([[*old, *ids] for old, ids in zip(kept, new, strict=True)])
    reserve = read_texts(args.human / "reserve.jsonl") if regime.kind == "fresh" else []
    continuations = _witness(model, tokens, witness, params, seed, args.generation)

    with new_folder(args.out) as folder:
        write_texts(folder / "texts.jsonl", texts)
        learned = training_set(regime, args.generation, texts, reserve)
        write_texts(folder / "training.jsonl", learned)
        write_texts(folder / "witness.jsonl", continuations, prompt=list(witness.prompts))
        write_provenance(
            folder,
            "generate",
            {
                "generate": params.as_dict(),
                "regime": regime.as_dict(),
                "witness": witness.as_dict(),
                "seed": seed,
            },
            {"model": args.model, "human": args.human},
            generation=args.generation,
            **command.torch_facts(model),
        )


def _prompts(params: SamplingParams, tokens: Tokens, human: Path, seed: int) -> list[list[int]]:
    """Token ids that each document begins with."""
    if params.prompt_tokens:
        rows = tokens.encode(read_texts(human / "train.jsonl"))
        long = [row for row in rows if len(row) >= params.prompt_tokens]
        if not long:
            raise CorpusError(
                "generate.prompt_tokens",
                wanted=f"a human document of at least {params.prompt_tokens} tokens",
                got=f"none among {len(rows)}",
            )
        order = stream(seed, "prompts").permutation(len(long))
        chosen = [long[order[i % len(long)]] for i in range(params.documents)]
        return [row[: params.prompt_tokens] for row in chosen]
    listed = tokens.encode(params.prompts) if params.prompts else [[]]
    return [listed[i % len(listed)] for i in range(params.documents)]


def _witness(
    model: LanguageModel,
    tokens: Tokens,
    witness: WitnessParams,
    params: SamplingParams,
    seed: int,
    generation: int,
) -> list[str]:
    """The continuation of each witness prompt, without the prompt."""
    if not witness.prompts:
        return []
    prompts = tokens.encode(witness.prompts)
    room = model.context - 1 - max(len(prompt) for prompt in prompts)
    shorter = replace(params, max_new_tokens=max(1, min(params.max_new_tokens, room)))
    new = write(model, tokens, prompts, shorter, partial(uniforms, seed, "witness", generation))
    whole = tokens.decode([[*old, *ids] for old, ids in zip(prompts, new, strict=True)])
    starts = tokens.decode(prompts)
    return [text.removeprefix(start) for text, start in zip(whole, starts, strict=True)]


if __name__ == "__main__":
    command.run(main)
