"""The project as DVC and git see it: chain.yaml, the links between generations; their answers.

DVC cannot count, so which generation learns from which is data. Names are strings like g07: DVC
drops integer keys of a `foreach` map without a word.
"""

import argparse
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from palimpsest.artifacts import write_bytes
from palimpsest.errors import ParamsError, ProjectError
from palimpsest.params import read_yaml

LONGEST = 999
"""Most generations of a chain."""

HEADER = """\
# Which generation learns from which; written by `palimpsest chain {last}`, read by dvc.yaml.
# parent: the model that writes its text (base: the first model, for the human text of g00)
# before: the generation whose texts it is compared with
# learns: the section of params.yaml with the dials of its training
# regime: what it learns from; params: as params.yaml says, fresh: human text (the null lineage)
"""


@dataclass(frozen=True)
class Change:
    """What a new chain.yaml changed: last generation before (None: no file) and after."""

    before: int | None
    after: int
    null: bool
    """Whether the null lineage is part of it now."""
    removed: tuple[str, ...]
    """Outputs of generations that are no more; DVC's cache still has them."""

    @property
    def chain(self) -> str:
        """What it is now, in words."""
        null = f", null lineage n01 to n{self.after:02d}" if self.null else ""
        return f"generations g00 to g{self.after:02d}{null}"

    @property
    def loss(self) -> str:
        """What was removed, in words."""
        return f"removed {len(self.removed)} outputs of later generations (DVC's cache has them)"


def run_chain(args: argparse.Namespace) -> int:
    """`palimpsest chain`: writes chain.yaml and says what changed.

    Raises:
        ParamsError, ProjectError: see `write_chain`.
    """
    change = write_chain(Path.cwd(), args.generations, args.null)
    was = "new" if change.before is None else f"was g00 to g{change.before:02d}"
    print(f"chain.yaml: {change.chain} ({was})")
    if change.removed:
        print(change.loss)
    print("next: dvc repro")
    return 0


def git(root: Path, *words: str) -> str:
    """What git answers.

    Raises:
        ProjectError: it is not installed, or says no.
    """
    return _answer(root, f"git {words[0]}", ["git", *words])


def dvc(root: Path, *words: str) -> str:
    """What this environment's DVC answers.

    Raises:
        ProjectError: it says no.
    """
    return _answer(root, f"dvc {' '.join(words[:2])}", [sys.executable, "-m", "dvc", *words])


def _answer(root: Path, name: str, command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, cwd=root, capture_output=True, text=True, check=False, encoding="utf-8"
        )
    except OSError as error:
        raise ProjectError(name, wanted="an answer", got=str(error)) from error
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["none"]
        telling = [line for line in said if line.startswith(("ERROR", "fatal"))] or said[-1:]
        raise ProjectError(name, wanted="an answer", got=" ".join(telling))
    return done.stdout


def generation_name(number: int) -> str:
    """The name of generation g: g07, g20, g123."""
    return f"g{number:02d}"


def null_name(number: int) -> str:
    """The name of generation g >= 1 of the null lineage: n07; they share g00."""
    return f"n{number:02d}" if number else generation_name(0)


def chain_yaml(last: int, null: bool = False) -> str:
    """The text of chain.yaml for generations 0 to `last`.

    Args:
        last: the number of the last generation.
        null: whether to add the null lineage, n01 to the same number: the same loop from the same
            g00, but every generation learns from human text that none has seen.

    Raises:
        ParamsError: `last` is not between 1 and 999.
    """
    if not 1 <= last <= LONGEST:
        raise ParamsError("chain", wanted=f"1 to {LONGEST} generations", got=last)
    command = f"{last} --null" if null else last
    lines = [HEADER.format(last=command), "generations:\n"]
    lines.append("  g00: {index: 0, parent: base, before: g00, learns: pretrain}\n")
    links = ["links:\n"]
    lineages = [(generation_name, "params")] + [(null_name, "fresh")] * null
    for name_of, regime in lineages:
        for number in range(1, last + 1):
            name, parent = name_of(number), name_of(number - 1)
            link = f"  {name}: {{index: {number}, parent: {parent}, "
            lines.append(f"{link}before: {parent}, learns: finetune}}\n")
            links.append(f"{link}regime: {regime}}}\n")
    return "".join(lines + links)


def write_chain(root: Path, last: int, null: bool | None = None) -> Change:
    """Writes chain.yaml for generations 0 to `last` into a project.

    A shorter chain takes away the scores of the generations that are no more, since the report
    reads their folder as a whole and DVC's cache has them; their small files under metrics/, which
    git alone keeps, stay. A longer chain leaves everything as it is.

    Args:
        root: the project.
        last: the number of the last generation.
        null: with or without the null lineage; None leaves that as it is.

    Raises:
        ParamsError: `last` is not between 1 and 999.
        ProjectError: the folder holds no dvc.yaml.
    """
    path = root / "chain.yaml"
    old = _names(read_yaml(path)) if path.exists() else []
    if null is None:
        null = any(name.startswith("n") for name in old)
    text = chain_yaml(last, null)
    if not (root / "dvc.yaml").exists():
        raise ProjectError(str(root), wanted="a folder with dvc.yaml", got="none")
    write_bytes(path, text.encode())
    before = max((int(name[1:]) for name in old if name.startswith("g")), default=None)
    return Change(before, last, null, tuple(_remove_leftovers(root, last, null)))


def _names(chain: Any) -> list[str]:
    """The names of a chain's generations; none where nothing reads like a chain."""
    generations = chain.get("generations") if isinstance(chain, dict) else None
    names = generations if isinstance(generations, dict) else {}
    return [str(name) for name in names if re.fullmatch(r"[gn]\d+", str(name))]


def _remove_leftovers(root: Path, last: int, null: bool) -> list[str]:
    removed = []
    for path in sorted((root / "data" / "scores").glob("[gn][0-9]*")):
        gone = int(path.name[1:]) > last if path.name[1:].isdigit() else False
        if path.is_dir() and (gone or (path.name[0] == "n" and not null)):
            removed.append(path.relative_to(root).as_posix())
            shutil.rmtree(path)
    return removed
