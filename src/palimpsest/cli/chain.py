"""`palimpsest chain [N]`: sets the number of generations."""

import argparse
from pathlib import Path

from palimpsest.core.disk_space import need_of_chain
from palimpsest.core.kept_models import most_models
from palimpsest.core.parameters import Parameters
from palimpsest.experiments.project import (
    Change,
    planned_chain,
    write_chain,
)

DESCRIPTION = (
    "Writes chain.yaml and a folder of generations/ for each generation, g00 (human) to gN. A "
    "longer chain keeps all that was computed. Without N the folders are written anew from "
    "chain.yaml and generations/dvc.yaml.j2."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument(
        "generations", type=int, nargs="?", metavar="N", help="number of the last generation"
    )
    parser.add_argument(
        "--null",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="with the control chain, n01 to nN: the same loop on fresh human text (default: as "
        "chain.yaml is)",
    )


def run(args: argparse.Namespace) -> int:
    """Writes the chain and says what changed.

    Raises:
        ParamsError: see `write_chain`; or human text of params.yaml would not last for the chain.
        ProjectError: see `write_chain`.
    """
    root = Path.cwd()
    parameters = None
    if (root / "params.yaml").exists():
        asked = None if args.generations is None else args.null  # without N, chain.yaml stays
        last, control = planned_chain(root, args.generations, asked)
        parameters = Parameters.load(root / "params.yaml")
        parameters.check_reserve(last, control)
    change = write_chain(root, args.generations, args.null, parameters)
    was = "new" if change.before is None else f"was g00 to g{change.before:02d}"
    print(f"chain.yaml: {change.chain} ({was})")
    chains = 1 + change.control
    dtype = parameters.finetune.save_dtype if parameters else "float32"
    every = parameters.models.keep_every if parameters else 1
    models = most_models(change.after, chains, every) - 1  # generation 0 was told of by `prepare`
    if needed := need_of_chain(root, chains * change.after, dtype, models):
        print(f"disk: {needed}")
    if change.removed:
        print(removal(change))
    if change.restored:
        print(f"{len(change.restored)} generations of an earlier, longer chain are back")
        checkout = "dvc checkout" if every == 1 else "dvc checkout --allow-missing"
        print(f"next: {checkout} (their outputs are in DVC's cache), then {runner(every)}")
        return 0
    print(f"next: {runner(every)}")
    return 0


def runner(keep_every: int) -> str:
    """The command that runs a chain: DVC's own, or the one that drops weights on the way."""
    return "dvc repro" if keep_every == 1 else "palimpsest run"


def removal(change: Change) -> str:
    """What a shorter chain took away, in words."""
    return (
        f"removed {len(change.removed)} folders of later generations (DVC's cache has the scores)"
    )
