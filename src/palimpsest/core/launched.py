"""What a process knows of the launcher that started it as one of several; it loads nothing.

The launcher of `palimpsest.lm.launch` names a folder in which each process leaves its error, so
that the stage as a whole has one.
"""

import os
import sys
from pathlib import Path

from palimpsest.core.errors import shown

ERRORS = "PALIMPSEST_ERRORS"
"""Variable that names the folder."""
RUN_BY_DVC = "DVC_STAGE"
"""Variable in which DVC names the stage that it runs."""


def started_rank() -> int:
    """This process's number among those that a launcher started; 0 where it was started alone."""
    several = os.environ.get("WORLD_SIZE", "1") != "1"
    rank = os.environ.get("RANK", "0")
    return int(rank) if several and rank.isdecimal() else 0


def started_by_a_stage() -> bool:
    """Whether a stage of several processes started this one, and says what became of them."""
    return ERRORS in os.environ


def say_error(line: str) -> None:
    """Says on standard error what went wrong, or to the stage that started this process."""
    folder = os.environ.get(ERRORS)
    if folder is None:
        print(line, file=sys.stderr)
    else:
        (Path(folder) / str(started_rank())).write_text(shown(line), encoding="utf-8")
