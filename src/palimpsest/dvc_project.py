"""The project as DVC sees it: writes chain.yaml, the links between generations.

DVC cannot count, so which generation learns from which is data. Names are strings like g07: DVC
drops integer keys of a `foreach` map without a word.
"""

import re
import shutil
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
"""


@dataclass(frozen=True)
class Change:
    """What a new chain.yaml changed: last generation before (None: no file) and after."""

    before: int | None
    after: int
    removed: tuple[str, ...]
    """Outputs of generations that are no more; DVC's cache still has them."""


def generation_name(number: int) -> str:
    """The name of generation g: g07, g20, g123."""
    return f"g{number:02d}"


def chain_yaml(last: int) -> str:
    """The text of chain.yaml for generations 0 to `last`.

    Raises:
        ParamsError: `last` is not between 1 and 999.
    """
    if not 1 <= last <= LONGEST:
        raise ParamsError("chain", wanted=f"1 to {LONGEST} generations", got=last)
    lines = [HEADER.format(last=last), "generations:\n"]
    lines.append("  g00: {index: 0, parent: base, before: g00, learns: pretrain}\n")
    links = ["links:\n"]
    for number in range(1, last + 1):
        name, parent = generation_name(number), generation_name(number - 1)
        lines.append(
            f"  {name}: {{index: {number}, parent: {parent}, before: {parent}, learns: finetune}}\n"
        )
        links.append(f"  {name}: {{index: {number}, parent: {parent}}}\n")
    return "".join(lines + links)


def write_chain(root: Path, last: int) -> Change:
    """Writes chain.yaml for generations 0 to `last` into a project.

    A shorter chain takes away the scores of the generations that are no more, since the report
    reads their folder as a whole; a longer chain leaves everything as it is.

    Raises:
        ParamsError: `last` is not between 1 and 999.
        ProjectError: the folder holds no dvc.yaml.
    """
    text = chain_yaml(last)
    if not (root / "dvc.yaml").exists():
        raise ProjectError(str(root), wanted="a folder with dvc.yaml", got="none")
    path = root / "chain.yaml"
    before = _last_of(read_yaml(path)) if path.exists() else None
    write_bytes(path, text.encode())
    return Change(before, last, tuple(_remove_leftovers(root, last)))


def _last_of(chain: Any) -> int | None:
    """The number of a chain's last generation; None where nothing reads like a chain."""
    generations = chain.get("generations") if isinstance(chain, dict) else None
    names = generations if isinstance(generations, dict) else {}
    found = [re.fullmatch(r"g(\d+)", str(name)) for name in names]
    return max((int(match[1]) for match in found if match), default=None)


def _remove_leftovers(root: Path, last: int) -> list[str]:
    removed = []
    for folder in (root / "data" / "scores", root / "metrics" / "generations"):
        for path in sorted(folder.glob("g[0-9]*")):
            number = path.name.removesuffix(".json")[1:]
            if number.isdigit() and int(number) > last:
                removed.append(path.relative_to(root).as_posix())
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    return removed
