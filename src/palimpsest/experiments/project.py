"""The project's files as DVC and git see them: chain.yaml, a dvc.yaml for each generation.

DVC cannot count, so which generation is trained on what is data: the transitions of chain.yaml.
From them and from one template, generations/dvc.yaml.j2, each generation gets a dvc.yaml of its
own with a small lock beside it: with one file for all, DVC's cost grows with the square of the
chain (docs/decisions.md).
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from palimpsest.core.config import read_yaml
from palimpsest.core.errors import ParamsError, ProjectError
from palimpsest.core.storage import write_bytes
from palimpsest.experiments.old_lock import move_old_lock

LONGEST = 999
"""Most generations of a chain."""
CHAIN = "chain.yaml"
GENERATIONS = "generations"
"""Folder of the generations' dvc.yaml files."""
TEMPLATE = "dvc.yaml.j2"
"""What they are written from."""
NAME = re.compile(r"[gn]\d{2,}")
"""A generation's name: g07, n07 in the control chain."""

HEADER = """\
# The transitions of the chain; written by `palimpsest chain {last}`, which also writes the folders
# of generations/ from it. One line a generation:
# parent: the model that writes its text (base: the first model, for the human text of g00)
# previous: the generation whose texts it is compared with
# training: the section of params.yaml with the parameters of its training
# regime: what it is trained on; params: as params.yaml says, fresh: human text (the control chain)
transitions:
"""

Transition = Mapping[str, Any]
"""``index``, ``parent``, ``previous``, ``training`` and ``regime`` of a generation."""


@dataclass(frozen=True)
class Change:
    """What a new chain.yaml changed: last generation before (None: no file) and after."""

    before: int | None
    after: int
    control: bool
    """Whether the control chain is part of it now."""
    removed: tuple[str, ...]
    """Folders of generations that are no more; git has the small ones, DVC's cache the others."""
    restored: tuple[str, ...]
    """Generations whose lock came back from an earlier, longer chain."""
    moved: int
    """Stages that were moved out of a dvc.lock of the form before 0.2."""

    @property
    def chain(self) -> str:
        """What it is now, in words."""
        control = f", control chain n01 to n{self.after:02d}" if self.control else ""
        return f"generations g00 to g{self.after:02d}{control}"


def git(root: Path, *words: str, given: str | None = None) -> str:
    """What git answers, every byte of it: one that is no UTF-8 is a surrogate.

    Args:
        root: where.
        words: of the command.
        given: its standard input.

    Raises:
        ProjectError: it is not installed, or says no.
    """
    return _answer(root, f"git {words[0]}", ["git", *words], given)


def dvc(root: Path, *words: str) -> str:
    """What this environment's DVC answers.

    Raises:
        ProjectError: it says no.
    """
    return _answer(root, f"dvc {' '.join(words[:2])}", [sys.executable, "-m", "dvc", *words])


def generation_name(number: int) -> str:
    """The name of generation g: g07, g20, g123."""
    return f"g{number:02d}"


def control_name(number: int) -> str:
    """The name of generation g >= 1 of the control chain: n07; both chains share g00."""
    return f"n{number:02d}" if number else generation_name(0)


def transitions(last: int, control: bool = False) -> dict[str, Transition]:
    """The transitions of generations 0 to `last`.

    Args:
        last: the number of the last generation.
        control: whether to add the control chain, n01 to the same number: the same loop from the
            same g00, but every generation is trained on human text that none has seen.

    Raises:
        ParamsError: `last` is not between 1 and 999.
    """
    if not 1 <= last <= LONGEST:
        raise ParamsError("chain", wanted=f"1 to {LONGEST} generations", got=last)
    first = {"index": 0, "parent": "base", "previous": "g00", "training": "pretrain"}
    chain: dict[str, Transition] = {"g00": {**first, "regime": "params"}}
    for name_of, regime in [(generation_name, "params")] + [(control_name, "fresh")] * control:
        for number in range(1, last + 1):
            parent = name_of(number - 1)
            chain[name_of(number)] = {
                "index": number,
                "parent": parent,
                "previous": parent,
                "training": "finetune",
                "regime": regime,
            }
    return chain


def chain_yaml(last: int, control: bool = False) -> str:
    """The text of chain.yaml for generations 0 to `last`, see `transitions`."""
    lines = [HEADER.format(last=f"{last} --null" if control else last)]
    for name, entry in transitions(last, control).items():
        values = ", ".join(f"{key}: {value}" for key, value in entry.items())
        lines.append(f"  {name}: {{{values}}}\n")
    return "".join(lines)


def read_transitions(path: Path) -> dict[str, Transition]:
    """The transitions of a chain.yaml, in order.

    Raises:
        ParamsError: no such file, or none of this form.
    """
    content = read_yaml(path)
    entries = content.get("transitions") if isinstance(content, dict) else None
    wanted = "transitions: index, parent, previous, training and regime of each generation"
    hint = "palimpsest chain 20"
    if not isinstance(entries, dict) or not entries:
        raise ParamsError(str(path), wanted=wanted, got="none", hint=hint)
    for name, entry in entries.items():
        keys = {"index", "parent", "previous", "training", "regime"}
        fits = isinstance(name, str) and NAME.fullmatch(name) and isinstance(entry, dict)
        if not fits or entry.keys() != keys or type(entry["index"]) is not int:
            raise ParamsError(f"{path}: {name}", wanted=wanted, got=repr(entry)[:80], hint=hint)
    return dict(sorted(entries.items(), key=lambda item: (item[0][0], item[1]["index"])))


def write_chain(root: Path, last: int | None, control: bool | None = None) -> Change:
    """Writes chain.yaml and the folders of generations/ into a project.

    A longer chain leaves every generation as it is. A shorter one takes away the folders and the
    scores of the generations that are no more, since the report reads the scores' folder as a
    whole: their locks are kept under .dvc/tmp and come back with a longer chain, DVC's cache has
    their outputs, and their small files under metrics/, which git alone keeps, stay.

    Args:
        root: the project.
        last: the number of the last generation; None keeps chain.yaml and writes the folders anew.
        control: with or without the control chain; None leaves that as it is.

    Raises:
        ParamsError: `last` is not between 1 and 999; with None, no chain.yaml.
        ProjectError: the folder holds no dvc.yaml, or the template cannot be filled in.
    """
    if not (root / "dvc.yaml").exists():
        raise ProjectError(str(root), wanted="a folder with dvc.yaml", got="none")
    old = _names(root / CHAIN)
    if control is None:
        control = any(name.startswith("n") for name in old)
    path = root / CHAIN
    chain = read_transitions(path) if last is None else transitions(last, control)
    files = {name: _rendered(root, name, entry) for name, entry in chain.items()}
    if last is not None:
        write_bytes(path, chain_yaml(last, control).encode())
    removed = _remove_leftovers(root, chain)
    restored = []
    for name, text in files.items():
        folder = root / GENERATIONS / name
        if not folder.exists() and (kept := _kept_lock(root, name)).exists():
            write_bytes(folder / "dvc.lock", kept.read_bytes())
            restored.append(name)
        if not (folder / "dvc.yaml").exists() or (folder / "dvc.yaml").read_text() != text:
            write_bytes(folder / "dvc.yaml", text.encode())
    before = max((int(name[1:]) for name in old if name.startswith("g")), default=None)
    after = max(entry["index"] for entry in chain.values())
    with_control = any(name.startswith("n") for name in chain)
    moved = move_old_lock(root, chain)
    return Change(before, after, with_control, tuple(removed), tuple(restored), moved)


def _rendered(root: Path, name: str, entry: Transition) -> str:
    """A generation's dvc.yaml."""
    folder = root / GENERATIONS
    environment = Environment(  # YAML, not HTML: nothing to escape
        loader=FileSystemLoader(folder), undefined=StrictUndefined, keep_trailing_newline=True
    )
    try:
        return environment.get_template(TEMPLATE).render(name=name, **entry)
    except TemplateError as error:
        got = f"{type(error).__name__}: {error}"
        what = str(folder / TEMPLATE)
        raise ProjectError(what, wanted="a template of dvc.yaml", got=got) from error


def _kept_lock(root: Path, name: str) -> Path:
    """Where the lock of a removed generation is kept; git ignores .dvc/tmp."""
    return root / ".dvc" / "tmp" / "palimpsest" / GENERATIONS / f"{name}.lock"


def _names(path: Path) -> list[str]:
    """The names of a chain's generations, also of the form before `transitions`."""
    content = read_yaml(path) if path.exists() else None
    if not isinstance(content, dict):
        return []
    entries = content.get("transitions") or content.get("generations")
    names = entries if isinstance(entries, dict) else {}
    return [str(name) for name in names if NAME.fullmatch(str(name))]


def _remove_leftovers(root: Path, chain: Mapping[str, Transition]) -> list[str]:
    removed = []
    for parent in (root / GENERATIONS, root / "data" / "scores"):
        for folder in sorted(parent.glob("[gn][0-9]*")):
            if not folder.is_dir() or not NAME.fullmatch(folder.name) or folder.name in chain:
                continue
            lock = folder / "dvc.lock"
            if lock.exists():
                write_bytes(_kept_lock(root, folder.name), lock.read_bytes())
            removed.append(folder.relative_to(root).as_posix())
            shutil.rmtree(folder)
    return removed


def _answer(root: Path, name: str, command: list[str], given: str | None = None) -> str:
    try:
        content = None if given is None else given.encode()
        done = subprocess.run(command, cwd=root, capture_output=True, check=False, input=content)
    except OSError as error:
        raise ProjectError(name, wanted="an answer", got=str(error)) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["none"]
        telling = [line for line in said if line.startswith(("ERROR", "fatal"))] or said[-1:]
        raise ProjectError(name, wanted="an answer", got=" ".join(telling))
    return done.stdout.decode(errors="surrogateescape")
