"""`palimpsest prune`: drops the weights that models.keep_every does not keep."""

import argparse
from pathlib import Path

from palimpsest.core.parameters import Parameters
from palimpsest.experiments.model_cache import Cache
from palimpsest.experiments.project import refuse_while_running
from palimpsest.experiments.pruning import prune

DESCRIPTION = (
    "Takes weights out of the workspace and DVC's cache: those of generations that "
    "models.keep_every does not keep and on which all stages have run. What another branch, tag or "
    "experiment keeps stays in the cache. palimpsest restore makes them again."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """There are no arguments."""


def run(args: argparse.Namespace) -> int:
    """Drops and says what.

    Raises:
        ParamsError: params.yaml or chain.yaml cannot be read.
        ProjectError: DVC is at work, or a lock is cut.
    """
    root = Path.cwd()
    refuse_while_running(root)
    keep_every = Parameters.load(root / "params.yaml").models.keep_every
    pruned = prune(root, Cache.of(root))
    for name, why in pruned.left.items():
        print(f"{name}: stays, {why}")
    if keep_every == 1:
        print("nothing is dropped: models.keep_every is 1")
    elif not pruned.dropped:
        print("nothing to drop")
    else:
        print(pruned.in_words)
        print("next: palimpsest run goes on; dvc repro would make them again")
    return 0
