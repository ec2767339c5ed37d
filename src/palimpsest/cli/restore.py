"""`palimpsest restore NAME …`: makes dropped weights again, from the nearest kept ones."""

import argparse
from pathlib import Path

from palimpsest.experiments.model_cache import Cache
from palimpsest.experiments.project import refuse_while_running
from palimpsest.experiments.restoring import restore

DESCRIPTION = (
    "Trains generations whose weights were dropped again, in a temporary folder, from the nearest "
    "model that is there; holds their bytes against the locks and puts them into DVC's cache and "
    "the workspace. palimpsest prune takes them away again."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument("names", nargs="+", metavar="NAME", help="a generation: g07, n07")


def run(args: argparse.Namespace) -> int:
    """Restores and says how.

    Raises:
        ParamsError: see `restore`.
        ProjectError: see `restore`; or DVC is at work.
    """
    root = Path.cwd()
    refuse_while_running(root)
    for name, how in restore(root, Cache.of(root), args.names):
        print(f"{name}: {how}", flush=True)
    return 0
