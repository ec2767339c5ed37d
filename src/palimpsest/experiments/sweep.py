"""Plans the experiments of a grid, and finds those that ran, wait or failed.

A chain's name ends in a hash of all its parameters and of chain.yaml, by which one that ran or
waits is known again: a sweep can be stopped, extended and taken up. Known gap: the code is not part
of the hash; an experiment of older code counts as done until `dvc exp remove` takes it away.
"""

import hashlib
import itertools
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from palimpsest.core.errors import ParamsError, ProjectError
from palimpsest.core.parameters import Parameters
from palimpsest.experiments.comparison import NO_DIFFERENCE, canonical
from palimpsest.experiments.project import dependencies_of_stages, dvc, write_chain

WAITING = ("queued", "running")
"""States of DVC's queue in which a chain will still come."""
FAILED = "failed"
MOST_CHAINS = 10_000
"""Chains of a sweep at the most; each of them is a line and hours of work."""
COMMITS = 20
"""How many commits back experiments are looked for in DVC's queue."""
Overrides = dict[str, Any]


def planned(content: Any, parameters: Mapping[str, Any], file: str) -> list[Overrides]:
    """The chains of a sweep as parameters that are set, each once, in the order of the file.

    Args:
        content: of the YAML file.
        parameters: the dotted parameters of params.yaml.
        file: its name, for errors.

    Raises:
        ParamsError: see `run_sweep`.
    """
    wanted = "`grid` (parameter: list of values), `variants` (list of parameter: value), or both"
    if not isinstance(content, dict) or not content or not content.keys() <= {"grid", "variants"}:
        raise ParamsError(file, wanted=wanted, got=repr(content)[:60])
    grid, variants = content.get("grid") or {}, content.get("variants") or [{}]
    if not isinstance(grid, dict) or not isinstance(variants, list):
        raise ParamsError(file, wanted=wanted, got=f"{type(grid).__name__} and others")
    for key, values in grid.items():
        if not isinstance(values, list) or not values:
            raise ParamsError(f"{file}: grid.{key}", wanted="a list of values", got=repr(values))
    for number, variant in enumerate(variants, 1):
        if not isinstance(variant, dict):
            wanted = "parameters with values"
            raise ParamsError(f"{file}: variants, {number}", wanted=wanted, got=repr(variant))
    for key in {key for part in (grid, *variants) for key in part}:
        if key not in parameters:
            raise ParamsError(
                f"{file}: {key}", wanted="a parameter of params.yaml", got="no such parameter"
            )
        if key in grid and any(key in variant for variant in variants):
            wanted = "each parameter in `grid` or in `variants`"
            raise ParamsError(f"{file}: {key}", wanted=wanted, got="it in both")
    count = len(variants) * math.prod(map(len, grid.values()))
    if count > MOST_CHAINS:
        raise ParamsError(file, wanted=f"at most {MOST_CHAINS:,} chains", got=f"{count:,}")
    combined = [
        {**variant, **dict(zip(grid, values, strict=True))}
        for variant in variants
        for values in itertools.product(*grid.values())
    ]
    first: dict[str, Overrides] = {}
    for one in combined:
        first.setdefault(canonical({**parameters, **one}), one)
    return list(first.values())


def hash_of(name: str) -> str:
    """What a chain's name ends in."""
    return name.rsplit("-", 1)[-1]


def name_of(overrides: Mapping[str, Any], parameters: Mapping[str, Any], chain: bytes) -> str:
    """An experiment's name: the set parameters for the eye, a hash of everything for the sweep.

    What moves no number is left out of the hash unless it is set: the chain ran already.
    """
    words = "-".join(f"{key.split('.')[-1]}-{value}" for key, value in overrides.items())
    telling = {
        key: value
        for key, value in parameters.items()
        if key not in NO_DIFFERENCE or key in overrides
    }
    content = canonical(telling).encode() + chain
    digest = hashlib.blake2b(content, digest_size=4).hexdigest()
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', words)[:60].strip('-') or 'as-is'}-{digest}"


def hydra(value: Any) -> str:
    """A value as `dvc exp run -S` reads it: Hydra unescapes backslashes before a quote alone.

    Known gap: DVC writes params.yaml by YAML 1.2, where a text such as ``on`` needs no quotes; read
    by 1.1 it is true.
    """
    if isinstance(value, list):
        return f"[{','.join(hydra(item) for item in value)}]"
    if isinstance(value, str) and re.fullmatch(r"(?!null|true|false|nan|inf)[a-z_]+", value):
        return value
    if isinstance(value, str):
        doubled = re.sub(r"(\\+)(?='|$)", r"\1\1", value)
        return "'{}'".format(doubled.replace("'", "\\'").replace("${", "\\${"))
    return json.dumps(value)


@contextmanager
def own_dependencies(root: Path, workspace: Parameters) -> Iterator[Callable[[Parameters], None]]:
    """Yields what makes dvc.yaml depend on what one chain names by path, before it is queued.

    Each experiment so has its own dependencies and no other's. At the end they are again those of
    the workspace.

    Args:
        root: the project.
        workspace: the parameters of params.yaml.
    """
    named = dependencies_of_stages(workspace)
    now = named

    def depend_on(parameters: Parameters) -> None:
        nonlocal now
        if dependencies_of_stages(parameters) != now:
            now = dependencies_of_stages(parameters)
            write_chain(root, None, None, parameters)

    try:
        yield depend_on
    finally:
        if now != named:
            write_chain(root, None, None, workspace)


def chain_bytes(root: Path) -> bytes:
    """The content of chain.yaml.

    Raises:
        ProjectError: it cannot be read.
    """
    try:
        return (root / "chain.yaml").read_bytes()
    except OSError as error:
        raise ProjectError(
            "chain.yaml", wanted="a file", got=str(error.strerror), hint="palimpsest chain N"
        ) from error


def queue_states(root: Path) -> dict[str, tuple[str, str]]:
    """Hash -> name and state of what DVC's queue knows; of several tries one that waits counts."""
    states: dict[str, tuple[str, str]] = {}
    for commit in json.loads(dvc(root, "exp", "show", "--json", "-n", str(COMMITS))):
        for experiment in commit.get("experiments") or ():
            name = str(experiment.get("name"))
            state = (experiment.get("executor") or {}).get("state")
            if state and states.get(hash_of(name), ("", ""))[1] not in WAITING:
                states[hash_of(name)] = (name, str(state))
    return states
