"""Generation g's model: learns from the texts of its generation.

Generation 0 learns from the human corpus by the dials of section `pretrain`, every later one by
those of `finetune`, on as many tokens as its own text has if `regime.match_tokens` says so. Writes
the weights, the tokenizer and curve.csv.
"""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from palimpsest.artifacts import new_folder, read_texts, write_bytes, write_provenance
from palimpsest.corpus.regime import RegimeParams
from palimpsest.params import load
from palimpsest.randomness import stream
from stages import command

if TYPE_CHECKING:
    from palimpsest.lm.training import Step


def main(argv: list[str] | None = None) -> None:
    """Reads a model and texts, writes the model that learned from them."""
    parser = command.parser("finetune", __doc__)
    parser.add_argument("--generation", type=int, required=True, help="number g >= 0")
    parser.add_argument("--section", default="finetune", help="section of the dials")
    parser.add_argument("--texts", type=Path, required=True, help=command.PATHS["texts"])
    parser.add_argument("--previous", type=Path, required=True, help="model of generation g - 1")
    parser.add_argument("--base", type=Path, required=True, help="the first model")
    parser.add_argument("--out", type=Path, required=True, help=command.PATHS["out"])
    args = parser.parse_args(argv)
    # after the arguments: --help need not wait for torch
    from palimpsest.lm.model import load_pair, machine_facts, save_model
    from palimpsest.lm.training import TrainingParams, train

    params = load(args.params, TrainingParams, args.section)
    seed = command.seed_of(args.params, "finetune")
    start = args.previous if params.init == "previous" else args.base
    model, tokens = load_pair(start, device=params.device)
    training = args.texts / "training.jsonl"
    match = load(args.params, RegimeParams).match_tokens and args.generation > 0
    like = read_texts(args.texts / "texts.jsonl") if match else None
    order = stream(seed, args.section, args.generation)
    with command.bar(0, f"finetune g{args.generation:02d}") as bar:

        def show(step: "Step", steps: int) -> None:
            bar.total = steps
            bar.set_postfix(loss=f"{step.loss_nats:.3f}", refresh=False)
            bar.update()

        trained, curve = train(model, tokens, read_texts(training), params, order, show, like)

    with new_folder(args.out) as folder:
        save_model(trained, tokens, folder)
        write_bytes(folder / "curve.csv", _csv(curve))
        write_provenance(
            folder,
            "finetune",
            {args.section: params.as_dict(), "regime.match_tokens": match, "seed": seed},
            {"start": start, "training": training},
            generation=args.generation,
            **{**machine_facts(trained), "dtype": params.dtype},
        )


def _csv(curve: list["Step"]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", "loss_nats", "learning_rate", "gradient_norm", "tokens"])
    for point in curve:
        loss, rate, norm = point.loss_nats, point.learning_rate, point.gradient_norm
        writer.writerow([point.step, f"{loss:.6g}", f"{rate:.6g}", f"{norm:.6g}", point.tokens])
    return text.getvalue().encode()


if __name__ == "__main__":
    command.run(main)
