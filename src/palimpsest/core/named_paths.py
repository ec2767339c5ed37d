"""What params.yaml names by path: files and folders that DVC must see as dependencies of a stage.

DVC follows the paths of dvc.yaml and the values of params.yaml, not what a value points at. So
`palimpsest chain` (and preset, sweep) writes those paths into the deps of the stages that read
them, and a stage that DVC runs refuses a path that is not among its deps: an edited corpus, model
or encoder would otherwise leave "Data and pipelines are up to date".

Known gap: `dvc repro STAGE` inside a generation's folder does not say which dvc.yaml it runs; that
stage is not checked.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from palimpsest.core.config import read_yaml
from palimpsest.core.errors import ParamsError
from palimpsest.core.parameters import Parameters

RUN_BY_DVC = "DVC_STAGE"
"""Environment variable in which DVC names the stage that it runs."""
ADDRESS = re.compile(r"(?:.*?((?:generations/\w+/)?dvc\.yaml):)?(\w+)")
OUTPUTS = ("data", "models", "metrics", "plots")
"""Folders of the graph's own outputs, which as a whole can be no dependency."""

OWN = ("scratch", "bundled")
"""Names of a model and of an encoder that are no paths."""

Named = dict[str, list[str]]
"""Parameter -> paths that it names, as dvc.yaml has them."""


def named_paths(parameters: Parameters, stage: str) -> Named:
    """The files and folders that a stage reads because a parameter names them.

    Args:
        parameters: all of them.
        stage: its name.

    Returns:
        Paths as they are written, ``~`` resolved. A glob is the folder that it searches, or the
        files that it finds where that folder holds the graph's outputs. Hub ids, and what comes
        with the project, are no paths.
    """
    corpus, model, encoder = parameters.corpus, parameters.model, parameters.embed.encoder.model
    named: Named = {}
    if stage == "prepare":
        if corpus.source == "files":
            found = [path for pattern in corpus.files.paths for path in _searched(pattern)]
            named["corpus.files.paths"] = list(dict.fromkeys(found))
        named["model.source"] = _local(model.source)
        if model.source == "scratch" and model.tokenizer is not None:
            named["model.tokenizer"] = _local(model.tokenizer)
    regime = parameters.regime
    judged = regime.kind == "filtered" and regime.criterion == "nearest_human"
    if stage == "embed" or (stage == "generate" and judged):
        named["embed.encoder.model"] = _local(encoder)
    if stage == "score":
        modules = (
            one.partition(":")[0].replace(".", "/") + ".py" for one in parameters.score.custom
        )
        named["score.custom"] = [path for path in dict.fromkeys(modules) if Path(path).is_file()]
    return {key: paths for key, paths in named.items() if paths}


def require_dependencies(params: Path, environment: Mapping[str, str] = os.environ) -> None:
    """Makes sure that DVC sees what params.yaml names for the stage that it runs just now.

    Args:
        params: of the stage.
        environment: in which DVC names the stage; nothing is checked where it does not.

    Raises:
        ParamsError: a path is no dependency; or see `Parameters.load`.
    """
    address = ADDRESS.fullmatch(environment.get(RUN_BY_DVC, ""))
    if address is None:
        return
    file, stage = address[1] or "dvc.yaml", address[2]
    try:
        deps = read_yaml(Path(file))["stages"][stage]["deps"]
    except (ParamsError, LookupError, TypeError):
        return
    listed = {dep if isinstance(dep, str) else next(iter(dep)) for dep in deps}
    for key, paths in named_paths(Parameters.load(params), stage).items():
        for path in paths:
            if path.replace("${", "\\${") not in listed:
                raise ParamsError(
                    key,
                    wanted=f"{path} among the deps of {stage} in {file}",
                    got="none: DVC would not see it change",
                    hint="with the path in params.yaml: palimpsest chain",
                )


def dependency_lines(paths: Sequence[str]) -> list[str]:
    """Paths as entries of a list of deps: quoted, what DVC would fill in left as it is."""
    return [json.dumps(path.replace("${", "\\${"), ensure_ascii=False) for path in paths]


def all_named(every: Sequence[Parameters], stage: str) -> list[str]:
    """The paths of several sets of parameters, each once."""
    named = [paths for one in every for paths in named_paths(one, stage).values()]
    return list(dict.fromkeys(path for paths in named for path in paths))


def _local(name: str) -> list[str]:
    """A model's name if it is a folder."""
    path = Path(name).expanduser()
    return [path.as_posix()] if name not in OWN and path.exists() else []


def _searched(pattern: str) -> list[str]:
    """A file, or the folder that a glob searches."""
    path = Path(pattern).expanduser()
    if path.exists() or not any(sign in pattern for sign in "*?["):
        return [path.as_posix()]
    fixed = Path(*_before_glob(path))
    if fixed != Path() and not (len(fixed.parts) == 1 and fixed.parts[0] in OUTPUTS):
        return [fixed.as_posix()]
    return sorted(match.as_posix() for match in Path().glob(str(path)) if match.is_file())


def _before_glob(path: Path) -> list[str]:
    """The parts of a glob before the first that has a sign of one."""
    parts = []
    for part in path.parts[:-1]:
        if any(sign in part for sign in "*?["):
            break
        parts.append(part)
    return parts
