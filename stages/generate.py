"""Generation g's text: written by the model of generation g - 1.

Writes texts.jsonl (what the model wrote), training.jsonl (what generation g will learn from: the
regime decides), witness.jsonl (the continuations of the witness prompts) and, under
accumulate_subsample, pool.jsonl (what the next generation draws from beside its own text).
"""

import logging
from argparse import Namespace
from dataclasses import replace
from functools import partial
from pathlib import Path

from palimpsest.artifacts import new_folder, read_texts, write_provenance, write_texts
from palimpsest.corpus.ledger import Ledger
from palimpsest.corpus.regime import RegimeParams, Sources, training_set
from palimpsest.params import load
from palimpsest.randomness import stream, uniforms
from palimpsest.selection import scores
from stages import command

log = logging.getLogger(__name__)


def main(argv: list[str] | None = None) -> None:
    """Reads a model, writes a generation's texts."""
    parser = command.parser("generate", __doc__)
    parser.add_argument("--generation", type=int, required=True, help="number g >= 1")
    parser.add_argument("--model", type=Path, required=True, help="the author, generation g - 1")
    parser.add_argument("--first", type=Path, required=True, help="model of generation 0")
    parser.add_argument("--before", type=Path, required=True, help="texts of generation g - 1")
    parser.add_argument("--regime", default="params", help="params, or fresh for the null lineage")
    parser.add_argument("--human", type=Path, required=True, help=command.PATHS["human"])
    parser.add_argument("--out", type=Path, required=True, help=command.PATHS["out"])
    _generate(parser.parse_args(argv))


def _generate(args: Namespace) -> None:
    # after the arguments: --help need not wait for torch
    from palimpsest.lm.model import load_pair, machine_facts
    from palimpsest.lm.prompts import WitnessParams, continuations, openings
    from palimpsest.lm.sampling import SamplingParams, write

    params = load(args.params, SamplingParams)
    regime = load(args.params, RegimeParams)
    regime = regime if args.regime == "params" else replace(regime, kind=args.regime)
    witness = load(args.params, WitnessParams)
    for dial in params.idle():
        log.warning("generate.%s does nothing under strategy %s", dial, params.strategy)
    seed = command.seed_of(args.params, "generate")
    model, tokens = load_pair(args.model, params.dtype, params.device)
    human = read_texts(args.human / "train.jsonl") if params.prompt_tokens else []
    prompts = openings(params, tokens, human, stream(seed, "prompts"))
    noise = partial(uniforms, seed, "generate", args.generation)
    with command.bar(len(prompts), f"generate g{args.generation:02d}") as bar:
        new = write(model, tokens, prompts, params, noise, bar.update)
    kept = prompts if params.keep_prompt else [[] for _ in prompts]
    texts = tokens.decode([[*old, *ids] for old, ids in zip(kept, new, strict=True)])
    sources = _sources(args, regime, texts)
    rng = stream(seed, "regime", args.generation)
    learned = training_set(regime, args.generation, sources, rng)
    noise = partial(uniforms, seed, "witness", args.generation)
    answers = continuations(model, tokens, witness, params, noise)

    dials = {section.section: section.as_dict() for section in (params, regime, witness)}
    inputs = {"model": args.model, "human": args.human, "first": args.first, "before": args.before}
    with new_folder(args.out) as folder:
        write_texts(folder / "texts.jsonl", texts)
        write_texts(folder / "training.jsonl", learned)
        if regime.kind == "accumulate_subsample":
            write_texts(folder / "pool.jsonl", [*sources.pool, *texts])
        write_texts(folder / "witness.jsonl", answers, prompt=list(witness.prompts))
        facts = {"generation": args.generation, **machine_facts(model)}
        write_provenance(folder, "generate", {**dials, "seed": seed}, inputs, **facts)


def _sources(args: Namespace, regime: RegimeParams, texts: list[str]) -> Sources:
    human = read_texts(args.human / f"{regime.humans}.jsonl") if regime.humans else []
    pool = []
    if regime.accumulates:
        path = args.before / "pool.jsonl"
        pool = read_texts(path if path.exists() else args.before / "training.jsonl")
    return Sources(texts, human, pool, _scores(args, regime, texts))


def _scores(args: Namespace, regime: RegimeParams, texts: list[str]) -> list[float]:
    """How much the filter likes each text."""
    if regime.kind != "filtered":
        return []
    from palimpsest.lm.model import load_pair

    path = args.human / "ledger.json"
    ledger = Ledger.load(path) if path.exists() else None
    human = read_texts(args.human / "train.jsonl")[: len(texts)]
    return list(scores(regime.criterion, texts, human, ledger, partial(load_pair, args.first)))


if __name__ == "__main__":
    command.run(main)
