"""Makes weights that were dropped again, from the nearest ones that are there.

A generation's model follows from its parent's and from the texts that were kept, bit for bit (on
the same kind of machine, see docs/reliability.md). It is trained in a temporary folder and held
against the hash in the lock; only what is equal comes into the cache and the workspace.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from palimpsest.core.errors import ParamsError, ProjectError
from palimpsest.core.locks import GENERATIONS, OWN
from palimpsest.core.transitions import read_transitions
from palimpsest.experiments.model_cache import (
    MODELS,
    TRAINED_BY,
    Cache,
    in_workspace,
    model_hash,
    trained,
)
from palimpsest.experiments.project import CHAIN, dvc
from palimpsest.experiments.revisions import read_parameters, stale
from palimpsest.experiments.verification import elsewhere, listing_of, run_again

THERE, CACHED = "there already", "from DVC's cache"
AGAIN, ON_THE_WAY = "trained again", "trained again on the way, not kept"


def restore(root: Path, cache: Cache, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Brings the models of generations back.

    Args:
        root: the project.
        cache: DVC's.
        names: of the generations.

    Yields:
        Each generation that was worked on, and what was done (the constants of this module).

    Raises:
        ParamsError: a name that the chain has not.
        ProjectError: it has not been trained, or with other parameters; something that it is made
            of is missing; its training fails, or ends in other bytes than its lock names.
    """
    chain = read_transitions(root / CHAIN)
    for name in names:
        if name not in chain:
            raise ParamsError("generation", wanted=f"one of {', '.join(chain)}", got=name)
    for name in sorted(set(names), key=lambda name: (name[0], chain[name]["index"])):
        found = _found(root, cache, name)
        if found is not None:
            yield name, found
            continue
        missing, parent = [name], chain[name]["parent"]
        while parent in chain and _found(root, cache, parent) is None:
            missing.insert(0, parent)
            parent = chain[parent]["parent"]
        yield from _trained_again(root, cache, missing)


def _found(root: Path, cache: Cache, name: str) -> str | None:
    """Where a generation's model is, then in the workspace too; None if it must be trained."""
    md5, folder = _hash(root, name), root / MODELS / name
    if folder.exists():
        if in_workspace(root, name, md5):
            return THERE
        what, wanted = str(MODELS / name), "the model that its lock names, or none"
        hint = "dvc repro, or remove it"
        raise ProjectError(what, wanted=wanted, got="another one", hint=hint)
    if cache.has(md5):
        _check_out(root, name)
        return CACHED
    return None


def _trained_again(root: Path, cache: Cache, missing: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Trains generations in a row, the oldest first, and keeps the last one."""
    folder = root / OWN
    folder.mkdir(parents=True, exist_ok=True)
    with elsewhere(root, folder) as place:
        made: set[str] = set()
        for before, name in zip((None, *missing), missing, strict=False):
            entry = _entry(root, name)
            for output in run_again(root, place, f"{name}: {TRAINED_BY}", entry, made):
                if not output.same:
                    raise ProjectError(
                        output.path,
                        wanted="the bytes that its lock names",
                        got="others",
                        hint="trained on another machine, or by other code or packages? "
                        "dvc repro trains it, and what follows, anew",
                    )
            if before is not None:  # it was needed for this one alone
                shutil.rmtree(place / MODELS / before)
                yield before, ON_THE_WAY
        new = place / MODELS / missing[-1]
        cache.add(new, listing_of(new), _hash(root, missing[-1]))
    _check_out(root, missing[-1])
    yield missing[-1], AGAIN


def _entry(root: Path, name: str) -> Mapping[str, Any]:
    """The lock's entry of a generation's training, if it was with the parameters of today."""
    entry, what = trained(root, name), f"{name}: {TRAINED_BY}"
    if entry is None or model_hash(name, entry) is None:
        raise ProjectError(what, wanted="a lock", got="none", hint="dvc repro")
    others = stale({f"{TRAINED_BY}@{name}": entry}, read_parameters(root / "params.yaml"))
    if keys := others.get(name):
        got = f"another {', '.join(keys)}"
        wanted = "a training with the parameters of params.yaml"
        raise ProjectError(what, wanted=wanted, got=got, hint="dvc repro trains it anew")
    return entry


def _hash(root: Path, name: str) -> str:
    md5 = model_hash(name, _entry(root, name))
    assert md5 is not None, "an entry without one is refused"
    return md5


def _check_out(root: Path, name: str) -> None:
    """Lets DVC put a model into the workspace, linked or copied as it is told to."""
    dvc(root, "checkout", f"{GENERATIONS}/{name}/dvc.yaml:{TRAINED_BY}")
