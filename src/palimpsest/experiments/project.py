"""The project's files as DVC and git see them: chain.yaml, a dvc.yaml for each generation.

DVC cannot count, so which generation is trained on what is data: the transitions of chain.yaml.
From them and from one template, generations/dvc.yaml.j2, each generation gets a dvc.yaml of its
own with a small lock beside it: with one file for all, DVC's cost grows with the square of the
chain (docs/decisions.md).
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain as joined
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from palimpsest.core.config import read_yaml
from palimpsest.core.errors import ParamsError, ProjectError
from palimpsest.core.extras import require
from palimpsest.core.locks import GENERATIONS, LOCK, OWN, RWLOCK
from palimpsest.core.named_paths import dependencies
from palimpsest.core.parameters import Parameters
from palimpsest.core.parsing import parse_json
from palimpsest.core.storage import write_bytes
from palimpsest.core.transitions import LONGEST, NAME, Transition, read_transitions
from palimpsest.experiments.running import running_dvc

CHAIN = "chain.yaml"
SCORES = Path("metrics", "generations")
"""Folder of their headlines, which git has."""
TEMPLATE = "dvc.yaml.j2"
"""What they are written from."""

STAGES = ("prepare", "generate", "finetune", "embed", "score")
NAMED = "      # what params.yaml names by path; written by `palimpsest chain`:\n"
"""Begins those lines among the deps of prepare."""

HEADER = """\
# The transitions of the chain; written by `palimpsest chain {last}`, which also writes the folders
# of generations/ from it. One line a generation:
# parent: the model that writes its text (base: the first model, for the human text of g00)
# previous: the generation whose texts it is compared with
# training: the section of params.yaml with the parameters of its training
# regime: what it is trained on; params: as params.yaml says, fresh: human text (the control chain)
transitions:
"""


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
        InstallationError: it is not installed.
    """
    require("dvc")
    return _answer(root, f"dvc {' '.join(words[:2])}", [sys.executable, "-m", "dvc", *words])


def refuse_while_running(root: Path) -> None:
    """Refuses to change files that DVC is working on.

    DVC's rwlock is empty between two stages; there, on Linux, the processes tell.

    Raises:
        ProjectError: a process that lives has a part of the project in DVC's rwlock, or is a `dvc
            repro` or `dvc exp run` in its folder.
    """
    path = root / RWLOCK
    try:
        held = parse_json(path.read_bytes())
        owners = [*held.get("write", {}).values(), *joined(*held.get("read", {}).values())]
        pids = {int(owner["pid"]) for owner in owners}
    except (OSError, ArithmeticError, ValueError, AttributeError, TypeError, LookupError):
        pids = set()  # none, or none that can be read
    for pid in sorted(pids | running_dvc(root)):
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, OverflowError):
            continue
        except PermissionError:
            pass
        got = f"process {pid} at work (dvc repro or dvc exp run)"
        raise ProjectError(str(root), wanted="no running DVC", got=got, hint="wait, or stop it")


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


def planned_chain(root: Path, last: int | None, control: bool | None) -> tuple[int, bool]:
    """The last generation, and whether there is a control chain; where None, as chain.yaml has it.

    A project without chain.yaml has a last generation of 0.
    """
    names = _names(root / CHAIN)
    if last is None:
        last = max((int(name[1:]) for name in names), default=0)
    return last, any(name.startswith("n") for name in names) if control is None else control


def write_chain(
    root: Path,
    last: int | None,
    control: bool | None = None,
    parameters: Parameters | None = None,
) -> Change:
    """Writes chain.yaml, the folders of generations/, and what dvc.yaml takes from parameters.

    A longer chain leaves every generation as it is. A shorter one takes away the folders and the
    scores of the generations that are no more, since the report reads the scores' folder as a
    whole: their locks and the small files under metrics/generations are kept under .dvc/tmp and
    come back with a longer chain, and DVC's cache has their outputs.

    Args:
        root: the project.
        last: the number of the last generation; None keeps chain.yaml and writes the folders anew.
        control: with or without the control chain; None leaves that as it is.
        parameters: those of the chain: what they name by path becomes a dependency
            (`palimpsest.core.named_paths`).

    Raises:
        ParamsError: `last` is not between 1 and 999; with None, no chain.yaml.
        ProjectError: the folder holds no dvc.yaml, DVC is at work in it, or the template cannot be
            filled in.
    """
    refuse_while_running(root)
    if not (root / "dvc.yaml").exists():
        raise ProjectError(str(root), wanted="a folder with dvc.yaml", got="none")
    path = root / CHAIN
    old = _names(path)
    control = planned_chain(root, last, control)[1]
    chain = read_transitions(path) if last is None else transitions(last, control)
    named = dependencies_of_stages(parameters)
    files = {name: _rendered(root, name, entry, named) for name, entry in chain.items()}
    write_prepare_dependencies(root / "dvc.yaml", named["prepare"])
    if last is not None:
        write_bytes(path, chain_yaml(last, control).encode())
    removed = _remove_leftovers(root, chain)
    restored = []
    for name, text in files.items():
        folder = root / GENERATIONS / name
        if not folder.exists() and _kept(root, folder / LOCK).exists():
            for path in _small_files(root, name):
                if not path.exists() and (kept := _kept(root, path)).exists():
                    write_bytes(path, kept.read_bytes())
            restored.append(name)
        if not (folder / "dvc.yaml").exists() or (folder / "dvc.yaml").read_text() != text:
            write_bytes(folder / "dvc.yaml", text.encode())
    before = max((int(name[1:]) for name in old if name.startswith("g")), default=None)
    after = max(entry["index"] for entry in chain.values())
    with_control = any(name.startswith("n") for name in chain)
    return Change(before, after, with_control, tuple(removed), tuple(restored))


def dependencies_of_stages(parameters: Parameters | None) -> dict[str, list[str]]:
    """What parameters name by path, by the stage that reads it, as lines of dvc.yaml."""
    return {stage: dependencies(parameters, stage) if parameters else [] for stage in STAGES}


def write_prepare_dependencies(path: Path, lines: Sequence[str]) -> None:
    """Writes what parameters name by path into the deps of prepare; all else stays as it is."""
    old = path.read_text(encoding="utf-8")
    without = re.sub(rf"{re.escape(NAMED)}(?:      - .*\n)*", "", old)
    head, outs, tail = without.partition("    outs:\n      - data/human\n")
    if lines and not outs:
        hint = "add them there by hand"
        raise ProjectError(str(path), wanted="the outs of prepare", got="none", hint=hint)
    block = NAMED + "".join(f"      - {line}\n" for line in lines) if lines else ""
    if old != head + block + outs + tail:
        write_bytes(path, (head + block + outs + tail).encode())


def _rendered(root: Path, name: str, entry: Transition, named: Mapping[str, Sequence[str]]) -> str:
    """A generation's dvc.yaml."""
    folder = root / GENERATIONS
    environment = SandboxedEnvironment(  # YAML, not HTML: nothing to escape
        loader=FileSystemLoader(folder), undefined=StrictUndefined, keep_trailing_newline=True
    )
    try:
        text = environment.get_template(TEMPLATE).render(name=name, named=named, **entry)
    except Exception as error:  # what a stranger's expressions raise, beside jinja's own errors
        got = f"{type(error).__name__}: {error}"
        what = str(folder / TEMPLATE)
        raise ProjectError(what, wanted="a template of dvc.yaml", got=got) from error
    for stage in ("generate", "embed", "score"):
        for line in named[stage] if entry["index"] or stage != "generate" else ():
            if f"      - {line}\n" not in text:
                wanted = f"a loop over named.{stage} in the deps of {stage}"
                what = str(folder / TEMPLATE)
                raise ProjectError(what, wanted=wanted, got=f"no {line}", hint="as in the original")
    return text


def _small_files(root: Path, name: str) -> list[Path]:
    """The files of a generation that DVC's cache does not have."""
    return [root / GENERATIONS / name / LOCK, root / SCORES / f"{name}.json"]


def _kept(root: Path, path: Path) -> Path:
    """Where such a file of a removed generation is kept; git ignores .dvc/tmp."""
    return root / OWN / "removed" / path.relative_to(root)


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
    for parent in (root / SCORES, root / GENERATIONS, root / "data" / "scores"):
        for path in sorted(parent.glob("[gn][0-9]*")):
            small = path.suffix == ".json" and path.is_file()
            name = path.stem if small else path.name
            if not (small or path.is_dir()) or not NAME.fullmatch(name) or name in chain:
                continue
            for kept in _small_files(root, name):
                if kept.exists():
                    write_bytes(_kept(root, kept), kept.read_bytes())
            if small:
                path.unlink()
            else:
                removed.append(path.relative_to(root).as_posix())
                shutil.rmtree(path)
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
