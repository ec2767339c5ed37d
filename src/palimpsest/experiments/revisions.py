"""Chains out of git: the workspace, revisions, and the experiments that DVC keeps as commits.

DVC commits each experiment under refs/exps; params.yaml, chain.yaml, the locks and
metrics/generations/ are in every such commit, so that git alone is asked and nothing is checked
out. Scores count only under the parameters that they were computed with, and if no stage before
them ran again since: the locks say which parameters, and which files each stage read and wrote.

Known gaps: experiments that are still queued or that failed have no commit and are not seen;
without a lock (stages run by hand) nothing says which parameters the scores belong to, and they are
believed; that the code has changed since is not seen.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from palimpsest.core.config import flattened, read_yaml
from palimpsest.core.errors import ComparisonError, ParamsError, ProjectError
from palimpsest.core.locks import GENERATIONS, LOCK
from palimpsest.core.parsing import MOST_LOCK, parse_json, parse_yaml
from palimpsest.core.transitions import NAME
from palimpsest.experiments.comparison import Run, canonical
from palimpsest.experiments.project import CHAIN, SCORES, generation_name, git

WORKSPACE = "workspace"
METRICS = SCORES.as_posix()
"""Where a chain's small files lie: g07.json, and n07.json of a control chain."""
SUMMARY = "metrics/trajectory.json"
"""What the report says of a chain as a whole."""
OWN_REFS = ("exec/", "celery/", "apply/", "stash", "init")
"""What DVC keeps beside experiments under refs/exps."""
FACTS = ("half_life", "phase_change", "alarm_generation")
"""What of the summary is compared: generations, or null."""
METRIC = re.compile(r"\w+")
"""A metric's name."""
Files = Mapping[str, str]
"""Path in the project -> content, of those files that a comparison reads."""
Stages = Mapping[str, Mapping[str, Any]]
"""``stage@generation`` (or prepare, report) -> its entry in a lock."""


def experiments(root: Path) -> dict[str, str]:
    """Experiment name -> git reference, the oldest first; later ones of a name win."""
    listed = git(
        root, "for-each-ref", "--sort=creatordate", "--format=%(refname)", "refs/exps"
    ).split()
    own = [ref for ref in listed if not ref.removeprefix("refs/exps/").startswith(OWN_REFS)]
    return {ref.rsplit("/", 1)[-1]: ref for ref in own}


def commits(root: Path, names: Sequence[str]) -> dict[str, str]:
    """Name of a chain -> hash of the git commit that keeps it; the workspace has none."""
    known = experiments(root)
    return {
        name: git(root, "rev-parse", f"{known.get(name, name)}^{{commit}}").strip()
        for name in names
        if name != WORKSPACE
    }


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
    runs, left_out = [], []
    for name in (WORKSPACE, *known):
        try:
            runs.append(read_run(root, name, known))
        except (ComparisonError, ParamsError) as error:
            left_out.append(str(error))
    if not runs:
        raise ComparisonError("chains", wanted="at least one with scores", got=" / ".join(left_out))
    return runs, left_out


def read_run(root: Path, name: str, known: Mapping[str, str]) -> Run:
    """A chain by the name of an experiment or revision, or ``workspace``.

    Args:
        root: the project's folder, which is git's top level.
        name: which.
        known: what `experiments` found.

    Raises:
        ComparisonError: no such experiment or revision, one without scores, or with scores of
            other parameters than its params.yaml has.
        ParamsError: a params.yaml without sections.
    """
    revision = known.get(name, name)
    if name != WORKSPACE:
        try:
            git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        except ProjectError as error:
            have = ", ".join(known) or "none"
            wanted = f"an experiment ({have}), a git revision or {WORKSPACE}"
            raise ComparisonError(name, wanted=wanted, got="neither") from error
    try:
        files = _workspace_files(root) if name == WORKSPACE else revision_files(root, revision)
    except UnicodeDecodeError as error:
        raise ComparisonError(name, wanted=f"params.yaml and {METRICS}", got=str(error)) from error
    return _run(name, files)


def read_parameters(path: Path) -> dict[str, Any]:
    """A params file as dotted keys.

    Raises:
        ParamsError: it is missing or holds no sections.
    """
    return _parameters(str(path), read_yaml(path))


def revision_files(root: Path, revision: str) -> Files:
    """What a comparison reads of a revision, by one call of git.

    Files that are not there are left out.
    """
    listed = git(root, "ls-tree", "-r", "--name-only", revision, "--", METRICS, GENERATIONS)
    paths = ["params.yaml", CHAIN, LOCK, SUMMARY]
    paths += [path for path in listed.split("\n") if path.endswith((".json", LOCK))]
    asked = "".join(f"{revision}:./{path}\n" for path in paths)
    answer = git(root, "cat-file", "--batch", given=asked).encode(errors="surrogateescape")
    files: dict[str, str] = {}
    for path in paths:
        head, _, answer = answer.partition(b"\n")
        if head.endswith(b" missing"):
            continue
        size = int(head.split()[-1])
        files[path], answer = answer[:size].decode(), answer[size + 1 :]
    return files


def locked_stages(files: Files) -> Stages:
    """The stages of all locks that ran.

    A project from before each generation had a lock of its own has one dvc.lock for all, where the
    names are ``score@g07`` already.
    """
    stages: dict[str, Mapping[str, Any]] = {}
    for path, content in files.items():
        if Path(path).name != LOCK:
            continue
        lock = parse_yaml(content, MOST_LOCK)
        entries = lock.get("stages") if isinstance(lock, Mapping) else None
        generation = Path(path).parent.name
        for name, entry in entries.items() if isinstance(entries, Mapping) else ():
            if isinstance(entry, Mapping):
                _check_entry(f"{path}: {name}", entry)
                stages[f"{name}@{generation}" if generation else str(name)] = entry
    return stages


def stale(stages: Stages, parameters: Mapping[str, Any]) -> dict[str, list[str]]:
    """What the locks say was computed with other parameters.

    Args:
        stages: of the locks.
        parameters: the dotted keys of params.yaml.

    Returns:
        Generation -> the parameters that were others when one of its stages ran; prepare's stand
        under g00. Generations that agree are left out.
    """
    others: dict[str, list[str]] = {}
    missing = object()
    for stage, entry in stages.items():
        generation = "g00" if stage == "prepare" else stage.partition("@")[2]
        locked = flattened((entry.get("params") or {}).get("params.yaml") or {})
        keys = [
            key
            for key, value in locked.items()
            if canonical(parameters.get(key, missing)) != canonical(value)
        ]
        if generation and keys:
            others[generation] = sorted({*others.get(generation, []), *keys})
    return others


def inconsistent_inputs(stages: Stages, generations: Collection[str]) -> list[str]:
    """Inputs that a stage read before another stage wrote them anew: `dvc repro` was cut short.

    Args:
        stages: of the locks.
        generations: those whose stages count, beside `prepare`.
    """
    counted = {
        name: entry
        for name, entry in stages.items()
        if name == "prepare" or name.partition("@")[2] in generations
    }
    written = {
        out["path"]: (name, out["md5"])
        for name, entry in counted.items()
        for out in entry.get("outs") or ()
        if "md5" in out
    }
    return [
        f"{name} read another {dep['path']} than {written[dep['path']][0]} wrote"
        for name, entry in counted.items()
        for dep in entry.get("deps") or ()
        if dep["path"] in written and written[dep["path"]][1] != dep.get("md5")
    ]


def _workspace_files(root: Path) -> Files:
    paths = [root / "params.yaml", root / CHAIN, root / LOCK, root / SUMMARY]
    paths += sorted([*root.glob(f"{GENERATIONS}/*/{LOCK}"), *root.glob(f"{METRICS}/*.json")])
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in paths
        if path.is_file()
    }


def _run(name: str, files: Files) -> Run:
    try:
        if "params.yaml" not in files:
            raise ComparisonError(name, wanted="a params.yaml", got="none")
        parameters = _parameters(name, parse_yaml(files["params.yaml"]))
        chain = parse_yaml(files.get(CHAIN, ""))
        stages = locked_stages(files)
        generations = {
            int(path.stem[1:]): parse_json(content)
            for path, content in ((Path(path), content) for path, content in files.items())
            if path.parent.as_posix() == METRICS
            and path.stem[0] == "g"
            and NAME.fullmatch(path.stem)
            and _belongs(path.stem, chain)
        }
        for number, metrics in generations.items():
            _check_numbers(f"{name}: {METRICS}/{generation_name(number)}.json", metrics)
        summary = _summary(files, generations) if generations else {}
    except ValueError as error:
        raise ComparisonError(name, wanted=f"params.yaml and {METRICS}", got=str(error)) from error
    if not generations:
        wanted = f"scored generations ({METRICS}/g00.json and on)"
        raise ComparisonError(name, wanted=wanted, got="none", hint="dvc repro, then commit")
    # a lock may still have what a longer chain had
    names = {generation_name(number) for number in generations}
    old = {key: others for key, others in stale(stages, parameters).items() if key in names}
    if old:
        keys = sorted({key for others in old.values() for key in others})
        raise ComparisonError(
            name,
            wanted="scores of the parameters in its params.yaml",
            got=f"{', '.join(sorted(old))} scored with other {', '.join(keys)}",
            hint="dvc repro, then commit",
        )
    if apart := inconsistent_inputs(stages, names):
        raise ComparisonError(
            name,
            wanted="scores of what the stages before them wrote",
            got=apart[0] + (f", and {len(apart) - 1} more" if len(apart) > 1 else ""),
            hint="dvc repro, then commit",
        )
    return Run(name, parameters, generations, summary)


def _summary(
    files: Files, generations: Mapping[int, Mapping[str, float | None]]
) -> Mapping[str, Any]:
    """What the report says of the chain, if it is of these generations."""
    whole = parse_json(files.get(SUMMARY, "{}"))
    numbers = whole.get("numbers") if isinstance(whole, dict) else None
    if not isinstance(numbers, dict):
        return {}
    last = max(generations)
    fits = numbers.get("generations") == last
    if not fits or numbers.get("integrity") != generations[last].get("integrity"):
        return {}
    found = {name: numbers.get(name) for name in FACTS}
    _check_numbers(SUMMARY, found)
    return found


def _check_numbers(name: str, metrics: Any) -> None:
    """Makes sure that a generation's small file holds numbers and nulls by name."""
    wanted = "numbers or null by metric"
    if not isinstance(metrics, dict):
        raise ComparisonError(name, wanted=wanted, got=repr(metrics)[:60])
    for metric, value in metrics.items():
        if value is not None and type(value) not in (int, float):
            raise ComparisonError(name, wanted=wanted, got=repr(value)[:60])
        if not METRIC.fullmatch(metric):  # it becomes a cell of a table, a file, a title
            wanted = "metrics with names of letters, digits and underscores"
            raise ComparisonError(name, wanted=wanted, got=repr(metric))


def _check_entry(name: str, entry: Mapping[str, Any]) -> None:
    """Makes sure that what is read of a lock's entry has the form that DVC gives it.

    Raises:
        ValueError: it has not.
    """
    params = entry.get("params") or {}
    mine = params.get("params.yaml") or {} if isinstance(params, Mapping) else None
    fits = isinstance(mine, Mapping)
    for kind in ("deps", "outs"):
        items = entry.get(kind) or []
        fits = fits and isinstance(items, list)
        for item in items if fits else ():
            fits = fits and isinstance(item, Mapping) and isinstance(item.get("path"), str)
    if not fits:
        raise ValueError(f"{name} is no entry of a lock")


def _parameters(name: str, params: Any) -> dict[str, Any]:
    if not isinstance(params, Mapping):
        raise ParamsError(name, wanted="params.yaml with sections", got=repr(params)[:60])
    return flattened(params)


def _belongs(generation: str, chain: Any) -> bool:
    """Whether chain.yaml has the generation; without a chain.yaml all belong.

    Before `transitions`, a chain.yaml named its generations under `generations`.
    """
    named = None
    if isinstance(chain, Mapping):
        named = chain.get("transitions") or chain.get("generations")
    return not isinstance(named, Mapping) or generation in named
