"""Runs a chain one generation after the other, and drops on the way what nothing reads any more.

`dvc repro` runs the stages of a chain in an order of its own (it follows that of the folders on
the disk): it may train every model before the first one is measured, and all of them must lie there
until then. Here DVC is asked for one generation at a time, each stage by itself, so that no more
models lie there than ``models.keep_every`` keeps and two that are at work.

A generation whose weights were dropped counts as done, as in `dvc repro --allow-missing`. Where one
of its stages must run again, the model that it reads is made again first.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain as joined
from pathlib import Path
from typing import Any

from palimpsest.core.errors import ProjectError
from palimpsest.core.extras import require
from palimpsest.core.locks import GENERATIONS, LOCK
from palimpsest.core.parameters import Parameters
from palimpsest.core.transitions import read_transitions
from palimpsest.experiments.model_cache import MODELS, Cache, model_hash, trained
from palimpsest.experiments.project import CHAIN, dvc, refuse_while_running
from palimpsest.experiments.pruning import Pruned, kept_generations, prune
from palimpsest.experiments.restoring import restore
from palimpsest.experiments.verification import lock_of

GONE = ("deleted", "not in cache")
"""What DVC says of weights that were dropped."""
Status = Mapping[str, Sequence[Any]]
"""Stage -> what has changed: of what it reads and writes, or a word."""


def run_in_order(root: Path, say: Callable[[Pruned], None]) -> None:
    """Runs what is not up to date: prepare, each generation, the report.

    Args:
        root: the project.
        say: is called when weights were dropped.

    Raises:
        ParamsError: params.yaml or chain.yaml cannot be read.
        ProjectError: DVC is at work in the project, or a stage fails.
        KeyboardInterrupt: Ctrl-C, after DVC has ended.
    """
    refuse_while_running(root)
    chain = read_transitions(root / CHAIN)
    kept = kept_generations(chain, Parameters.load(root / "params.yaml").models.keep_every)
    may_be_gone = chain.keys() - kept
    cache = Cache.of(root)
    if may_be_gone:
        cache.require_own(root)
    whole = _status(root)
    _repro(root, "dvc.yaml:prepare")
    ran = "prepare" in whole  # nothing that was said of a generation before holds any more
    for name, entry in chain.items():
        number = entry["index"]
        file = f"{GENERATIONS}/{name}/dvc.yaml"
        if _is_behind(root, name, may_be_gone, _status(root, file) if ran else whole):
            ran = True
            parent = entry["parent"]
            if parent in may_be_gone and not (root / MODELS / parent).exists():
                for _ in restore(root, cache, [parent]):
                    pass
            _repro(root, file)
        # what is behind this generation, of its own chain: the control chain has weights of its own
        behind = {one for one in may_be_gone if one[0] == name[0] and chain[one]["index"] < number}
        pruned = prune(root, cache, behind)
        if pruned.dropped:
            say(pruned)
    _repro(root, "dvc.yaml:report")


def _status(root: Path, *files: str) -> Status:
    """What DVC says has changed, of the stages of these dvc.yaml files; of all without any."""
    status: Status = json.loads(dvc(root, "status", "--json", *files))
    return status


def _is_behind(root: Path, name: str, may_be_gone: Collection[str], status: Status) -> bool:
    """Whether a stage of a generation must run, for another reason than that weights are gone."""
    file = f"{GENERATIONS}/{name}/dvc.yaml"
    gone = {(MODELS / one).as_posix() for one in may_be_gone}
    own = (changes for stage, changes in status.items() if stage.startswith(f"{file}:"))
    for change in joined.from_iterable(own):
        if not isinstance(change, dict):
            return True  # another command
        for paths in change.values():
            if any(path not in gone or state not in GONE for path, state in paths.items()):
                return True
    for entry in lock_of(root / file.replace("dvc.yaml", LOCK)).values():
        for dep in entry.get("deps") or ():
            if dep["path"] in gone and dep["md5"] != _made(root, Path(dep["path"]).name):
                return True  # the locks are of two runs: a model that is gone was made anew since
    return False


def _made(root: Path, name: str) -> str | None:
    """The hash of a generation's model by the lock of its training."""
    entry = trained(root, name)
    return None if entry is None else model_hash(name, entry)


def _repro(root: Path, target: str) -> None:
    """Lets DVC run the stages of a dvc.yaml in the file's order, or one of them.

    Ctrl-C goes to DVC, which is in the same group of processes; this one waits until it has ended,
    since DVC writes its locks in place.
    """
    require("dvc")
    interrupted = False

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        interrupted = True

    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    words = [sys.executable, "-m", "dvc", "repro", "--single-item", target]
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        done = subprocess.run(words, cwd=root, env={**os.environ, "PATH": path}, check=False)
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted:
        raise KeyboardInterrupt
    if done.returncode:
        hint = "what it said stands above; palimpsest run goes on from there"
        got = f"exit status {done.returncode}"
        raise ProjectError(f"dvc repro {target}", wanted="stages that run", got=got, hint=hint)
