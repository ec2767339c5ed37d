"""`palimpsest repair`: makes DVC's locks whole again after a kill."""

import argparse
from pathlib import Path

from palimpsest.experiments.project import refuse_while_running
from palimpsest.experiments.repair import remove_broken_rwlock, repair

DESCRIPTION = (
    "A process that is killed while DVC writes a dvc.lock leaves it empty or cut. Puts back what "
    "was cut, from the copy that every stage keeps before it starts or from the last commit, and "
    "says which stages run again. Locks that are whole are not touched."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """There are no arguments."""


def run(args: argparse.Namespace) -> int:
    """Repairs and says what it did.

    Raises:
        ProjectError: not a project, or DVC is at work.
    """
    root = Path.cwd()
    refuse_while_running(root)
    broken = remove_broken_rwlock(root)
    if broken:
        print("took away DVC's list of running processes, which was cut")
    repairs = repair(root)
    for one in repairs:
        parts = [f"put back {', '.join(one.back)}"] if one.back else []
        parts += [f"will run again: {', '.join(one.again)}"] if one.again else []
        print(f"{one.path}: {'; '.join(parts) or 'took out what was cut'}")
    print("next: dvc repro" if repairs or broken else "every lock is whole")
    return 0
