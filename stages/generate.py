"""Generation g's text: written by the model of generation g - 1.

Writes texts.jsonl (what it wrote, beside its prompts), training.jsonl (what g is trained on, by the
regime), witness.jsonl and, under accumulate_subsample, pool.jsonl (what g + 1 draws from, too).
"""

from argparse import Namespace
from dataclasses import replace
from functools import partial

from palimpsest.core import command
from palimpsest.core.handed_on import handed_on
from palimpsest.core.parameters import Parameters
from palimpsest.core.provenance import identities, opened, write_provenance
from palimpsest.core.rng import stream, uniforms
from palimpsest.core.storage import new_folder, read_human, read_texts, write_texts
from palimpsest.core.team import Shared, Team
from palimpsest.corpus.filters import scores
from palimpsest.corpus.ledger import read_ledger
from palimpsest.corpus.regimes import empty_texts, read_sources, training_set
from palimpsest.embedding.encoder import Encoder
from palimpsest.lm.launch import share


def main(argv: list[str] | None = None) -> None:
    """Reads a model, writes a generation's texts."""
    parser = command.parser(
        "generate",
        __doc__,
        model="the author, generation g - 1",
        first="model of generation 0",
        previous="texts of generation g - 1",
        human=command.HUMAN,
        out=command.OUT,
    )
    parser.add_argument("--generation", type=int, required=True, help="number g >= 1")
    parser.add_argument("--regime", default="params", help="params, or fresh for the control chain")
    share("generate", _generate, parser.parse_args(argv), argv)


def _generate(args: Namespace, parameters: Parameters, team: Team) -> None:
    # after the arguments: --help need not wait for torch
    from palimpsest.lm.engines import load_author
    from palimpsest.lm.prompts import continuations, human_continuations, openings

    params, regime, witness = parameters.generate, parameters.regime, parameters.witness
    regime = regime if args.regime == "params" else regime.changed(kind=args.regime)
    inputs = opened("generate", args)
    seed, number = parameters.seed_of("generate"), args.generation
    author = load_author(args.model, params, parameters.compute, team)
    begun = read_human(args.human / f"{params.prompts_from}.jsonl") if params.prompt_tokens else ()
    human = list(map("".join, zip(*begun, strict=True)))
    prompts = openings(params, author.tokenizer, human, stream(seed, "prompts"))
    noise, shared = partial(uniforms, seed, "generate", number), team.shared(args.out)
    with command.bar(len(prompts), f"generate {args.out.name}") as bar:
        new = author.write(prompts, params, noise, bar.update, shared[0])
    written = starts, texts = author.tokenizer.decode_behind(prompts, new)
    documents = list(map("".join, zip(*written, strict=True))) if params.keep_prompt else texts
    sources = read_sources(args.human, args.previous, regime, documents)
    if regime.kind == "filtered":
        cut = params.prompts, params.prompt_tokens, params.max_new_tokens
        human = read_texts(args.human / "train.jsonl")[: len(texts)]
        like = human_continuations(author.tokenizer, human, *cut)[1]
        sources = replace(sources, scores=_scores(args, parameters, (*written, like), shared))
    training = training_set(regime, number, sources, stream(seed, "regime", number))
    seen, noise = empty_texts(texts, training), partial(uniforms, seed, "witness", number)
    answers = continuations(author, witness, params, noise, shared[0])
    if not team.first:
        return
    sections = {"generate": params, "regime": regime, "witness": witness}
    values = {"seed": seed, **{name: one.as_dict() for name, one in sections.items()}}
    noted = handed_on(seen, {"generate": params, "regime": parameters.regime}) | author.facts()
    with new_folder(args.out) as folder:
        write_texts(folder / "texts.jsonl", texts, prompt=starts)
        write_texts(folder / "training.jsonl", training)
        if regime.kind == "accumulate_subsample":
            write_texts(folder / "pool.jsonl", [*sources.pool, *documents])
        write_texts(folder / "witness.jsonl", answers, prompt=list(witness.prompts))
        write_provenance(folder, "generate", values, identities(inputs), generation=number, **noted)
        parameters.check_unedited(args.params, "seed", "seeds.generate", *sections, "embed.encoder")


def _scores(
    args: Namespace, parameters: Parameters, texts: tuple[list[str], ...], shared: Shared
) -> list[float]:
    """By the regime's criterion, of what the model wrote behind its prompts, beside human texts."""
    from palimpsest.lm.scoring import folder_likelihood

    place = shared[1].place(parameters.compute.device)
    criterion, encoder = parameters.regime.criterion, parameters.embed.encoder
    models = (
        lambda lines: folder_likelihood(args.first, lines, texts[0], *shared, device=place),
        lambda lines: Encoder.load(encoder, device=place).encode(lines, None, *shared),
    )
    with command.bar(0, f"generate {args.out.name}: {criterion} of the texts"):
        return [*scores(criterion, texts[1], texts[2], read_ledger(args.human), *models).tolist()]


if __name__ == "__main__":
    command.run(main)
