"""Chains out of git: the workspace, revisions, and the experiments that DVC keeps as commits.

DVC commits each experiment under refs/exps; params.yaml and metrics/generations/ are in every such
commit, so that git alone is asked and nothing is checked out.

Known gap: experiments that are still queued or that failed have no commit and are not seen.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from palimpsest.decay.comparison import Run
from palimpsest.errors import ComparisonError, ProjectError
from palimpsest.params import read_yaml

WORKSPACE = "workspace"
CARDS = "metrics/generations"
"""Where a chain's small files lie: g07.json, and n07.json of a null lineage."""
OWN_REFS = ("exec/", "celery/", "apply/", "stash", "init")
"""What DVC keeps beside experiments under refs/exps."""


def experiments(root: Path) -> dict[str, str]:
    """Experiment name -> git reference, the oldest first; later ones of a name win."""
    listed = _git(
        root, "for-each-ref", "--sort=creatordate", "--format=%(refname)", "refs/exps"
    ).split()
    own = [ref for ref in listed if not ref.removeprefix("refs/exps/").startswith(OWN_REFS)]
    return {ref.rsplit("/", 1)[-1]: ref for ref in own}


def read_run(root: Path, name: str, known: Mapping[str, str]) -> Run:
    """A chain by the name of an experiment or revision, or ``workspace``.

    Args:
        root: the project's folder, which is git's top level.
        name: which.
        known: what `experiments` found.

    Raises:
        ComparisonError: no such experiment or revision, or one without scores.
    """
    if name == WORKSPACE:
        return _run(name, read_yaml(root / "params.yaml"), _folder(root))
    revision = known.get(name, name)
    try:
        _git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    except ProjectError as error:
        have = ", ".join(known) or "none"
        wanted = f"an experiment ({have}), a git revision or {WORKSPACE}"
        raise ComparisonError(name, wanted=wanted, got="neither") from error
    try:
        params = yaml.safe_load(_git(root, "show", f"{revision}:params.yaml"))
        listed = _git(root, "ls-tree", "--name-only", revision, f"{CARDS}/").split()
        cards = {
            Path(path).stem: json.loads(_git(root, "show", f"{revision}:{path}")) for path in listed
        }
    except (ProjectError, yaml.YAMLError, json.JSONDecodeError) as error:
        raise ComparisonError(name, wanted=f"params.yaml and {CARDS}", got=str(error)) from error
    return _run(name, params, cards)


def flat(node: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested sections as dotted keys."""
    found: dict[str, Any] = {}
    for key, value in node.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def _run(name: str, params: Any, cards: Mapping[str, Mapping[str, float | None]]) -> Run:
    if not isinstance(params, Mapping):
        raise ComparisonError(name, wanted="params.yaml with sections", got=repr(params))
    generations = {
        int(card[1:]): values
        for card, values in sorted(cards.items())
        if card.startswith("g") and card[1:].isdigit()
    }
    if not generations:
        wanted = f"scored generations ({CARDS}/g00.json and on)"
        raise ComparisonError(name, wanted=wanted, got="none", hint="dvc repro, then commit")
    return Run(name, flat(params), generations)


def _folder(root: Path) -> dict[str, Any]:
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((root / CARDS).glob("*.json"))
    }


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=root, capture_output=True, text=True, check=False, encoding="utf-8"
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise ProjectError(f"git {words[0]}", wanted="an answer", got=said[-1] if said else "none")
    return done.stdout


def all_runs(root: Path, names: Sequence[str]) -> list[Run]:
    """The chains of these names; every experiment and the workspace where none is named.

    Raises:
        ComparisonError: see `read_run`; without names, no chain at all.
        ProjectError: not a git repository.
    """
    known = experiments(root)
    if names:
        return [read_run(root, name, known) for name in names]
    found = [read_run(root, name, known) for name in known]
    workspace = read_run(root, WORKSPACE, known)
    same = any(
        run.dials == workspace.dials and run.generations == workspace.generations for run in found
    )
    return found if same else [workspace, *found]
