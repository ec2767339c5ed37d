"""Generation g's model: trained on the texts of its generation.

Generation 0 is trained on the human corpus by the parameters of section `pretrain`, every later one
by those of `finetune`, on as many tokens as its own text has if `regime.match_tokens` says so.
Writes the weights, the tokenizer and curve.csv.
"""

from argparse import Namespace
from typing import TYPE_CHECKING

from palimpsest.core import command
from palimpsest.core.handed_on import handed_on
from palimpsest.core.parameters import Parameters
from palimpsest.core.provenance import opened, opened_files, write_provenance
from palimpsest.core.resume import Checkpoints
from palimpsest.core.rng import stream
from palimpsest.core.storage import new_folder, read_documents, read_texts, write_bytes
from palimpsest.core.team import Team
from palimpsest.lm.launch import share

if TYPE_CHECKING:
    from palimpsest.lm.training_curve import Step


def main(argv: list[str] | None = None) -> None:
    """Reads a model and texts, writes the model that was trained on them."""
    parser = command.parser(
        "finetune",
        __doc__,
        texts=command.TEXTS,
        previous="model of generation g - 1",
        base="the first model",
        out=command.OUT,
    )
    parser.add_argument("--generation", type=int, required=True, help="number g >= 0")
    parser.add_argument(
        "--section", choices=("pretrain", "finetune"), default="finetune", help="its parameters"
    )
    share("finetune", _finetune, parser.parse_args(argv), argv)


def _finetune(args: Namespace, parameters: Parameters, team: Team) -> None:
    # after the arguments: --help need not wait for torch
    from palimpsest.lm.checkpoint import load_model_and_tokenizer, save_model
    from palimpsest.lm.runtime import machine_facts, placed
    from palimpsest.lm.training import train
    from palimpsest.lm.training_curve import curve_csv

    params = parameters.pretrain if args.section == "pretrain" else parameters.finetune
    models, seed = opened("finetune", args), parameters.seed_of("finetune")
    hashes = opened_files(args.texts, ("texts.jsonl", "training.jsonl"), model=models["previous"])
    start, place = models[params.init], placed(team, parameters.compute, **{args.section: params})
    inputs = {"start": start.identity, "training": hashes["training.jsonl"]}
    model, tokenizer = load_model_and_tokenizer(start.path, device=place)
    matched = {"regime.match_tokens": parameters.regime.match_tokens and args.generation > 0}
    like = None
    if matched["regime.match_tokens"]:
        keep = matched["generate.keep_prompt"] = parameters.generate.keep_prompt
        inputs["texts"] = hashes["texts.jsonl"]
        like = read_documents(args.texts / "texts.jsonl", keep)
    texts = read_texts(args.texts / "training.jsonl")
    order = stream(seed, args.section, args.generation)
    with command.bar(0, f"finetune {args.out.name}") as bar:

        def show(step: "Step", steps: int) -> None:
            bar.total = steps
            bar.set_postfix(loss=f"{step.loss_nats:.3f}", refresh=False)
            bar.update()

        kept = Checkpoints(args.out if team.first else None)  # all processes have one state
        rest = show, like, args.section, kept, team
        trained, curve = train(model, tokenizer, texts, params, order, *rest)
    if not team.first:
        return
    with new_folder(args.out) as folder:
        save_model(trained, tokenizer, folder, params.save_dtype)
        write_bytes(folder / "curve.csv", curve_csv(curve))
        write_provenance(
            folder,
            "finetune",
            {args.section: params.as_dict(), **matched, "seed": seed},
            inputs,
            **{**machine_facts(trained), "dtype": params.dtype, "generation": args.generation},
            **handed_on((), {args.section: params}) | {"processes": team.size},
        )
        parameters.check_unedited(args.params, "seed", "seeds.finetune", args.section, *matched)


if __name__ == "__main__":
    command.run(main)
