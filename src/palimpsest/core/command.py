"""What every stage's command line shares: arguments, one-line errors, progress bars."""

import argparse
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from palimpsest.core.errors import PalimpsestError

HUMAN = "folder of the human corpus"
TEXTS = "folder of this generation's texts"
OUT = "what to write; replaced as a whole"
CHATTY = ("datasets", "httpx", "huggingface_hub", "urllib3", "fsspec")
"""Libraries that log what a user does not ask for."""


def parser(stage: str, purpose: str | None, **paths: str) -> argparse.ArgumentParser:
    """The command line of a stage.

    Args:
        stage: its name.
        purpose: its docstring.
        **paths: an argument for each file or folder that it reads or writes, with its help.
    """
    style = argparse.ArgumentDefaultsHelpFormatter
    name = f"python -m stages.{stage}"
    new = argparse.ArgumentParser(prog=name, description=purpose, formatter_class=style)
    new.add_argument("--params", type=Path, default=Path("params.yaml"), help="all parameters")
    for path, text in paths.items():
        new.add_argument(f"--{path.replace('_', '-')}", type=Path, required=True, help=text)
    return new


def run(main: Callable[[list[str] | None], None]) -> None:
    """Runs a stage; a mistake in the input becomes one line and exit status 1."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for library in CHATTY:
        logging.getLogger(library).setLevel(logging.WARNING)
    try:
        main(None)
    except PalimpsestError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None


def bar(total: int, label: str) -> Any:
    """A progress bar on a terminal, nothing elsewhere."""
    from tqdm import tqdm

    return tqdm(total=total, desc=label, disable=None, leave=False, dynamic_ncols=True)


def progress_callback(shown: Any) -> Callable[[int, int], None]:
    """What a library calls with (done, total) to move a bar."""

    def move(done: int, total: int) -> None:
        shown.total = total
        shown.update(done - shown.n)

    return move
