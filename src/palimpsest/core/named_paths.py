"""What params.yaml names by path: files and folders that DVC must see as dependencies of a stage.

DVC follows the paths of dvc.yaml and the values of params.yaml, not what a value points at. So
`palimpsest chain` (and preset, sweep) writes those paths into the deps of the stages that read
them, and a stage that DVC runs refuses a path that is not among its deps: an edited corpus, model
or encoder would otherwise leave "Data and pipelines are up to date".

Known gaps: a file that a glob outside the project finds anew is seen when the stage runs for
another reason; ``~`` is written out, so it is another dependency for another user; `dvc repro
STAGE` inside a generation's folder does not say which dvc.yaml it runs, and is not checked.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from palimpsest.core.config import read_yaml
from palimpsest.core.errors import ParamsError
from palimpsest.core.launched import RUN_BY_DVC
from palimpsest.core.parameters import Parameters

ADDRESS = re.compile(r"(?:.*?((?:generations/\w+/)?dvc\.yaml):)?(\w+)")
OUTPUTS = ("data", "models", "metrics", "plots")
"""Folders of the graph's own outputs, which as a whole can be no dependency."""
OWN = ("scratch", "bundled")
"""Names of a model and of an encoder that are no paths."""
DATASET_FILE = "state.json"
"""In a folder that `datasets.Dataset.save_to_disk` wrote: it is read as one file."""
GLOB = re.compile(r"[*?\[]")

Named = dict[str, list[str]]
"""Parameter -> paths that it names, as dvc.yaml has them."""


def named_paths(parameters: Parameters, stage: str) -> Named:
    """The files and folders that a stage reads because a parameter names them.

    Args:
        parameters: all of them.
        stage: its name.

    Returns:
        Normalised paths, ``~`` resolved. A glob inside the project is the folder that it searches,
        where that holds no outputs of the graph; another is the files that it finds. Hub ids, and
        what comes with the project, are no paths.

    Raises:
        ParamsError: a path with a user that is not known.
    """
    corpus, model, encoder = parameters.corpus, parameters.model, parameters.embed.encoder.model
    named: Named = {}
    if stage == "prepare":
        if corpus.source == "files":
            key = "corpus.files.paths"
            found = [path for one in corpus.files.paths for path in _searched(key, one)]
            named[key] = list(dict.fromkeys(found))
        named["model.source"] = _local("model.source", model.source)
        if model.source == "scratch" and model.tokenizer is not None:
            named["model.tokenizer"] = _local("model.tokenizer", model.tokenizer)
    regime = parameters.regime
    judged = regime.kind == "filtered" and regime.criterion == "nearest_human"
    if stage == "embed" or (stage == "generate" and judged):
        named["embed.encoder.model"] = _local("embed.encoder.model", encoder)
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
        ParamsError: a path is no dependency, nor in a folder that is one; or see
            `Parameters.load`.
    """
    address = ADDRESS.fullmatch(environment.get(RUN_BY_DVC, ""))
    if address is None:
        return
    file, stage = address[1] or "dvc.yaml", address[2]
    try:
        deps = read_yaml(Path(file))["stages"][stage]["deps"]
        listed = {_plain(dep if isinstance(dep, str) else next(iter(dep))) for dep in deps}
    except (ParamsError, LookupError, TypeError, StopIteration):
        return
    for key, paths in named_paths(Parameters.load(params), stage).items():
        for path in paths:
            if listed.isdisjoint(map(str, (Path(path), *Path(path).parents))):
                raise ParamsError(
                    key,
                    wanted=f"{path} among the deps of {stage} in {file}",
                    got="none: DVC would not see it change",
                    hint="with the path in params.yaml: palimpsest chain",
                )


def dependencies(parameters: Parameters, stage: str) -> list[str]:
    """What a stage's deps must list: quoted, and what DVC would fill in left as it is."""
    named = named_paths(parameters, stage).values()
    paths = dict.fromkeys(path for paths in named for path in paths)
    return [json.dumps(path.replace("${", "\\${"), ensure_ascii=False) for path in paths]


def path_of(key: str, name: str) -> Path:
    """A path that a parameter names, ``~`` resolved.

    Args:
        key: of the parameter, for the error.
        name: its value.

    Raises:
        ParamsError: ``~user`` of a user that is not known.
    """
    try:
        return Path(name).expanduser()
    except RuntimeError as error:
        raise ParamsError(key, wanted="a path of a user who is known", got=name) from error


def globbed(pattern: Path) -> list[Path]:
    """What a glob finds, files and folders, sorted; ``**`` at its end finds files, as in a shell.

    Raises:
        ValueError: a glob that is none.
    """
    root = Path(pattern.anchor)
    relative = str(pattern.relative_to(root)) if pattern.anchor else str(pattern)
    return sorted(root.glob(f"{relative}/*" if pattern.name == "**" else relative))


def _plain(dependency: str) -> str:
    """A dependency of dvc.yaml as a normalised path."""
    return os.path.normpath(dependency.replace("\\${", "${"))


def _local(key: str, name: str) -> list[str]:
    """A model's name if it is a folder."""
    path = path_of(key, name)
    return [os.path.normpath(path)] if name not in OWN and path.exists() else []


def _searched(key: str, pattern: str) -> list[str]:
    """A file, or what stands for the files that a glob finds."""
    path = path_of(key, pattern)
    if path.exists() or not GLOB.search(pattern):
        return [os.path.normpath(path)]
    fixed = Path(os.path.normpath(Path(*_before_glob(path.parts))))
    inside = fixed != Path() and not fixed.is_absolute() and fixed.parts[0] != ".."
    if inside and not (len(fixed.parts) == 1 and fixed.parts[0] in OUTPUTS):
        return [str(fixed)]
    found = (one for one in globbed(path) if one.is_file() or (one / DATASET_FILE).is_file())
    return sorted(os.path.normpath(one) for one in found)


def _before_glob(parts: Iterable[str]) -> list[str]:
    """The parts of a glob before the first that has a sign of one."""
    before: list[str] = []
    for part in parts:
        if GLOB.search(part):
            break
        before.append(part)
    return before
