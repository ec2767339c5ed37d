"""Drops the weights that nothing reads any more, out of the workspace and out of DVC's cache.

``models.keep_every`` says which stay. Weights of the others go when every stage that reads them has
run on them, by the locks; what another branch, tag, experiment or running copy of the workspace
names and keeps stays in the cache. `palimpsest.experiments.restoring` makes them again.

Known gaps: a remote keeps what was pushed to it; what DVC keeps of an earlier run with other
parameters is left to `dvc gc`. A cache that several projects may share (`dvc cache dir`) is not
touched: what the others name is not known.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from palimpsest.core.disk_space import amount
from palimpsest.core.errors import ProjectError
from palimpsest.core.kept_models import is_kept
from palimpsest.core.locks import GENERATIONS, LOCK, TEMPORARY, locks
from palimpsest.core.parameters import Parameters
from palimpsest.core.parsing import parse_yaml
from palimpsest.core.transitions import Transition, read_transitions
from palimpsest.experiments.model_cache import (
    MODELS,
    Cache,
    in_workspace,
    model_hash,
    remove_folder,
    trained,
)
from palimpsest.experiments.project import CHAIN, git
from palimpsest.experiments.revisions import OWN_REFS, Stages
from palimpsest.experiments.verification import lock_of

IN_LOCK = re.compile(r"path: models/([gn]\d{2,3})\n\s+hash: md5\n\s+md5: ([0-9a-f]{32}\.dir)")
"""A model in a lock, read or written; parsing every lock of every experiment would take minutes."""
COPIES = TEMPORARY / "exps"
"""Where DVC runs the experiments of its queue, each in a copy of the workspace."""
REFS = ("refs/heads", "refs/tags", "refs/exps")


@dataclass
class Pruned:
    """What was done about the models that need not stay."""

    dropped: dict[str, int] = field(default_factory=dict)
    """Generation -> bytes that it took."""
    left: dict[str, str] = field(default_factory=dict)
    """Generation -> why its weights are still there."""

    @property
    def in_words(self) -> str:
        """What was dropped."""
        names, size = ", ".join(self.dropped), amount(sum(self.dropped.values()))
        return f"dropped weights of {names}: {size}"


def kept_generations(chain: Mapping[str, Transition], keep_every: int) -> set[str]:
    """The generations whose weights stay, see `palimpsest.core.kept_models`."""
    last: dict[str, int] = {}
    for name, entry in chain.items():
        last[name[0]] = max(last.get(name[0], 0), entry["index"])
    return {
        name for name, entry in chain.items() if is_kept(entry["index"], last[name[0]], keep_every)
    }


def prune(root: Path, cache: Cache, names: Collection[str] | None = None) -> Pruned:
    """Drops what need not stay.

    Args:
        root: the project.
        cache: DVC's.
        names: generations of which weights may go; None for all.

    Raises:
        ParamsError: params.yaml or chain.yaml cannot be read.
        ProjectError: a lock is cut, git does not say what else there is, or the cache lies outside
            of the project, where others may have theirs in it.
    """
    chain, pruned = read_transitions(root / CHAIN), Pruned()
    kept = kept_generations(chain, Parameters.load(root / "params.yaml").models.keep_every)
    there: dict[str, str] = {}
    for name in chain:
        if name in kept or (names is not None and name not in names):
            continue
        entry = trained(root, name)
        md5 = None if entry is None else model_hash(name, entry)
        if md5 is not None and _has_weights(root, cache, name, md5):
            there[name] = md5
    if not there:
        return pruned
    cache.require_own(root)
    stages = _stages(root)
    stay = _named_elsewhere(root, cache)
    for name in kept:  # in the end of this chain: they may have files in common
        if (entry := trained(root, name)) and (md5 := model_hash(name, entry)):
            stay |= dict.fromkeys(cache.files(md5).values(), "this chain")
    for name, md5 in there.items():
        waiting = _waiting(root, name, md5, stages)
        if waiting is not None:
            pruned.left[name] = waiting
        elif (root / MODELS / name).is_dir() and not in_workspace(root, name, md5):
            pruned.left[name] = f"{MODELS / name} is not what its lock names"
        else:
            _drop(root, cache, name, md5, stay, pruned)
    return pruned


def _drop(
    root: Path, cache: Cache, name: str, md5: str, stay: Mapping[str, str], pruned: Pruned
) -> None:
    """First from the workspace: what is in neither would run again."""
    freed = remove_folder(root, name)
    for one in cache.weights(md5):
        if one in stay:
            pruned.left[name] = f"DVC's cache has them for {stay[one]}"
        elif cache.path(one).exists():
            freed += cache.path(one).stat().st_size
            cache.path(one).unlink()
    if freed:
        pruned.dropped[name] = freed


def _has_weights(root: Path, cache: Cache, name: str, md5: str) -> bool:
    cached = any(cache.path(one).exists() for one in cache.weights(md5))
    return cached or (root / MODELS / name).is_dir()


def _stages(root: Path) -> Stages:
    """The entries of the generations' locks."""
    return {
        f"{stage}@{path.parent.name}": entry
        for path in locks(root)
        if path.parent != Path()
        for stage, entry in lock_of(root / path).items()
    }


def _waiting(root: Path, name: str, md5: str, stages: Stages) -> str | None:
    """A stage that has not run on a generation's model as it is; None if all have."""
    path = (MODELS / name).as_posix()
    for file in sorted((root / GENERATIONS).glob("*/dvc.yaml")):
        for stage in _readers(file, path):
            of = f"{stage}@{file.parent.name}"
            read = {dep["path"]: dep.get("md5") for dep in stages.get(of, {}).get("deps") or ()}
            if read.get(path) != md5:
                return f"{of} has not run on them"
    return None


def _readers(file: Path, path: str) -> Iterator[str]:
    """The stages of a dvc.yaml that depend on a path."""
    try:
        entries = parse_yaml(file.read_bytes())["stages"]
        for stage, entry in entries.items():
            if path in [dep if isinstance(dep, str) else next(iter(dep)) for dep in entry["deps"]]:
                yield str(stage)
    except (ValueError, LookupError, AttributeError, TypeError, StopIteration) as error:
        raise ProjectError(str(file), wanted="stages of DVC", got=repr(error)) from error


def _named_elsewhere(root: Path, cache: Cache) -> dict[str, str]:
    """The hashes of files of models that others name and keep, and who names them.

    The commit that the workspace is at does not count: the workspace is what becomes of it.
    """
    stay: dict[str, str] = {}
    for name, params, texts in (*_of_git(root), *_of_copies(root)):
        found = {(one[1], one[2]) for text in texts for one in IN_LOCK.finditer(text)}
        last: dict[str, int] = {}
        for model, _ in found:
            last[model[0]] = max(last.get(model[0], 0), int(model[1:]))
        every = _keep_every(params)
        for model, md5 in found:
            if is_kept(int(model[1:]), last[model[0]], every):
                stay |= dict.fromkeys(cache.files(md5).values(), name)
    return stay


def _of_git(root: Path) -> Iterator[tuple[str, str, list[str]]]:
    """Branches, tags and experiments: their params.yaml and what of their locks names models."""
    try:
        listed = git(root, "for-each-ref", "--format=%(objectname) %(refname)", *REFS)
    except ProjectError:
        if any((folder / ".git").exists() for folder in (root, *root.parents)):
            raise  # what is in it cannot be known
        return  # no repository
    try:
        head = git(root, "rev-parse", "HEAD").strip()
    except ProjectError:
        head = ""  # a branch without a commit
    for line in listed.splitlines():
        commit, _, ref = line.partition(" ")
        if commit == head or ref.removeprefix("refs/exps/").startswith(OWN_REFS):
            continue
        try:
            words = ("grep", "-h", "-A2", "-F", "path: models/", ref, "--", GENERATIONS)
            yield ref, git(root, "show", f"{ref}:./params.yaml"), [git(root, *words)]
        except ProjectError:
            continue  # no params.yaml there, or no model


def _of_copies(root: Path) -> Iterator[tuple[str, str, list[str]]]:
    """The same of the workspace's copies in which experiments run just now."""
    for copy in sorted((root / COPIES).glob("*/params.yaml")):
        folder = copy.parent
        texts = [path.read_text() for path in folder.glob(f"{GENERATIONS}/*/{LOCK}")]
        yield f"an experiment that runs ({folder.name})", copy.read_text(), texts


def _keep_every(params: str) -> int:
    """What a params.yaml says; one from before there was such a parameter keeps all."""
    try:
        content: Any = parse_yaml(params)
        every = content["models"]["keep_every"]
    except (ValueError, LookupError, TypeError):
        return 1
    return every if type(every) is int and every > 0 else 1
