"""Chains out of git: the workspace, revisions, and the experiments that DVC keeps as commits.

DVC commits each experiment under refs/exps; params.yaml, chain.yaml, dvc.lock and
metrics/generations/ are in every such commit, so that git alone is asked and nothing is checked
out. Scores count only under the dials that they were computed with, and if no stage before them
ran again since: dvc.lock says which dials, and which files each stage read and wrote.

Known gaps: experiments that are still queued or that failed have no commit and are not seen;
without dvc.lock (stages run by hand) nothing says which dials the scores belong to, and they are
believed; that the code has changed since is not seen.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from palimpsest.decay.comparison import Run, told
from palimpsest.dvc_project import generation_name, git
from palimpsest.errors import ComparisonError, ParamsError, ProjectError
from palimpsest.params import read_yaml

WORKSPACE = "workspace"
CARDS = "metrics/generations"
"""Where a chain's small files lie: g07.json, and n07.json of a null lineage."""
OWN_REFS = ("exec/", "celery/", "apply/", "stash", "init")
"""What DVC keeps beside experiments under refs/exps."""
Read = Callable[[str], str]
"""Path in the project -> content; raises OSError or ProjectError where there is none."""


def experiments(root: Path) -> dict[str, str]:
    """Experiment name -> git reference, the oldest first; later ones of a name win."""
    listed = git(
        root, "for-each-ref", "--sort=creatordate", "--format=%(refname)", "refs/exps"
    ).split()
    own = [ref for ref in listed if not ref.removeprefix("refs/exps/").startswith(OWN_REFS)]
    return {ref.rsplit("/", 1)[-1]: ref for ref in own}


def all_runs(root: Path, names: Sequence[str]) -> tuple[list[Run], list[str]]:
    """The chains of these names; every experiment and the workspace where none is named.

    Returns:
        The chains, and why others were left out: without names, those that cannot be read are.

    Raises:
        ComparisonError: see `read_run`; without names, no chain at all.
        ProjectError: not a git repository.
    """
    known = experiments(root)
    if names:
        return [read_run(root, name, known) for name in names], []
    found, left_out = [], []
    for name in (WORKSPACE, *known):
        try:
            found.append(read_run(root, name, known))
        except (ComparisonError, ParamsError) as error:
            left_out.append(str(error))
    if not found:
        raise ComparisonError("chains", wanted="at least one with scores", got=" / ".join(left_out))
    return found, left_out


def read_run(root: Path, name: str, known: Mapping[str, str]) -> Run:
    """A chain by the name of an experiment or revision, or ``workspace``.

    Args:
        root: the project's folder, which is git's top level.
        name: which.
        known: what `experiments` found.

    Raises:
        ComparisonError: no such experiment or revision, one without scores, or with scores of
            other dials than its params.yaml has.
        ParamsError: a params.yaml without sections.
    """
    if name == WORKSPACE:
        cards = sorted(path.name for path in (root / CARDS).glob("*.json"))
        return _run(name, cards, lambda path: (root / path).read_text(encoding="utf-8"))
    revision = known.get(name, name)
    try:
        git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    except ProjectError as error:
        have = ", ".join(known) or "none"
        wanted = f"an experiment ({have}), a git revision or {WORKSPACE}"
        raise ComparisonError(name, wanted=wanted, got="neither") from error
    listed = git(root, "ls-tree", "--name-only", revision, f"{CARDS}/").split()
    cards = [Path(path).name for path in listed]
    return _run(name, cards, lambda path: git(root, "show", f"{revision}:./{path}"))


def read_dials(path: Path) -> dict[str, Any]:
    """A params file as dotted keys.

    Raises:
        ParamsError: it is missing or holds no sections.
    """
    return _dials(str(path), read_yaml(path))


def flat(node: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested sections as dotted keys."""
    found: dict[str, Any] = {}
    for key, value in node.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def stale(lock: Any, dials: Mapping[str, Any]) -> dict[str, list[str]]:
    """What dvc.lock says was computed with other dials.

    Args:
        lock: the content of dvc.lock, None where there is none.
        dials: the dotted keys of params.yaml.

    Returns:
        Generation -> the dials that were others when one of its stages ran; prepare's stand under
        g00. Generations that agree are left out.
    """
    found: dict[str, list[str]] = {}
    for stage, entry in _stages(lock).items():
        generation = "g00" if stage == "prepare" else stage.partition("@")[2]
        locked = flat((entry.get("params") or {}).get("params.yaml") or {})
        missing = object()
        others = [
            key for key, value in locked.items() if told(dials.get(key, missing)) != told(value)
        ]
        if generation and others:
            found[generation] = sorted({*found.get(generation, []), *others})
    return found


def torn(lock: Any, generations: Collection[str]) -> list[str]:
    """Inputs that a stage read before another stage wrote them anew: `dvc repro` was cut short.

    Args:
        lock: the content of dvc.lock, None where there is none.
        generations: those whose stages count, beside `prepare`.
    """
    stages = {
        name: entry
        for name, entry in _stages(lock).items()
        if name == "prepare" or name.partition("@")[2] in generations
    }
    written = {
        out["path"]: (name, out["md5"])
        for name, entry in stages.items()
        for out in entry.get("outs") or ()
        if "md5" in out
    }
    return [
        f"{name} read another {dep['path']} than {written[dep['path']][0]} wrote"
        for name, entry in stages.items()
        for dep in entry.get("deps") or ()
        if dep["path"] in written and written[dep["path"]][1] != dep.get("md5")
    ]


def _stages(lock: Any) -> dict[str, Mapping[str, Any]]:
    """The stages of dvc.lock that ran."""
    stages = lock.get("stages") if isinstance(lock, Mapping) else None
    named = stages.items() if isinstance(stages, Mapping) else ()
    return {name: entry for name, entry in named if isinstance(entry, Mapping)}


def _run(name: str, cards: Sequence[str], read: Read) -> Run:
    try:
        dials = _dials(name, yaml.safe_load(read("params.yaml")))
        chain, lock = (_yaml(read, path) for path in ("chain.yaml", "dvc.lock"))
        generations = {
            int(card[1:-5]): json.loads(read(f"{CARDS}/{card}"))
            for card in cards
            if card.startswith("g") and card[1:-5].isdigit() and _belongs(card[:-5], chain)
        }
        for number, card in generations.items():
            _check_card(f"{name}: {CARDS}/{generation_name(number)}.json", card)
    except (OSError, ProjectError, yaml.YAMLError, json.JSONDecodeError) as error:
        raise ComparisonError(name, wanted=f"params.yaml and {CARDS}", got=str(error)) from error
    if not generations:
        wanted = f"scored generations ({CARDS}/g00.json and on)"
        raise ComparisonError(name, wanted=wanted, got="none", hint="dvc repro, then commit")
    # DVC leaves in dvc.lock what a longer chain had
    names = {generation_name(number) for number in generations}
    old = {key: others for key, others in stale(lock, dials).items() if key in names}
    if old:
        keys = sorted({key for others in old.values() for key in others})
        raise ComparisonError(
            name,
            wanted="scores of the dials in its params.yaml",
            got=f"{', '.join(sorted(old))} scored with other {', '.join(keys)}",
            hint="dvc repro, then commit",
        )
    if apart := torn(lock, names):
        raise ComparisonError(
            name,
            wanted="scores of what the stages before them wrote",
            got=apart[0] + (f", and {len(apart) - 1} more" if len(apart) > 1 else ""),
            hint="dvc repro, then commit",
        )
    return Run(name, dials, generations)


def _check_card(name: str, card: Any) -> None:
    """Makes sure that a generation's small file holds numbers and nulls by name."""
    values = card.values() if isinstance(card, dict) else [card]
    for value in values:
        if value is not None and type(value) not in (int, float):
            raise ComparisonError(name, wanted="numbers or null by metric", got=repr(value)[:60])


def _dials(name: str, params: Any) -> dict[str, Any]:
    if not isinstance(params, Mapping):
        raise ParamsError(name, wanted="params.yaml with sections", got=repr(params)[:60])
    return flat(params)


def _yaml(read: Read, path: str) -> Any:
    """The content of a YAML file that need not be there."""
    try:
        return yaml.safe_load(read(path))
    except (OSError, ProjectError):
        return None


def _belongs(generation: str, chain: Any) -> bool:
    """Whether chain.yaml has the generation; without a chain.yaml all belong."""
    named = chain.get("generations") if isinstance(chain, Mapping) else None
    return not isinstance(named, Mapping) or generation in named
