"""`palimpsest run`: runs the chain generation by generation, dropping weights on the way."""

import argparse
from pathlib import Path

from palimpsest.experiments.in_order import run_in_order

DESCRIPTION = (
    "What dvc repro does, one generation after the other. With models.keep_every above 1, the "
    "weights of a generation go as soon as nothing reads them any more, so that no more than those "
    "that stay and two at work lie on the disk at any time. It may be stopped and started again; "
    "a generation whose weights were dropped counts as done."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """There are no arguments."""


def run(args: argparse.Namespace) -> int:
    """Runs what is not up to date.

    Raises:
        ParamsError: see `run_in_order`.
        ProjectError: see `run_in_order`.
    """
    run_in_order(Path.cwd(), lambda pruned: print(pruned.in_words, flush=True))
    return 0
