"""`palimpsest sweep`: queues the experiments of a grid that are missing.

A chain's name ends in a hash of all its dials and of chain.yaml, by which one that ran or waits is
known again: a sweep can be stopped, extended and taken up. Known gap: the code is not part of the
hash; an experiment of older code counts as done until `dvc exp remove` takes it away.
"""

import argparse
import hashlib
import itertools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from palimpsest.decay.comparison import told
from palimpsest.dials import check_values
from palimpsest.dvc_project import dvc
from palimpsest.errors import ParamsError, ProjectError
from palimpsest.experiments import experiments, read_dials
from palimpsest.params import read_yaml

WAITING = ("Queued", "Running")
"""States of DVC's queue in which a chain will still come."""
FAILED = "Failed"
Overrides = dict[str, Any]


def run_sweep(args: argparse.Namespace) -> int:
    """Plans, queues and says what is next.

    Raises:
        ParamsError: the file is no grid, names a dial that params.yaml does not have, or gives
            one a value that it cannot have.
        ProjectError: DVC or git said no; what was queued before stays queued.
    """
    root = Path.cwd()
    dials = read_dials(root / "params.yaml")
    plan = planned(read_yaml(args.file), dials, str(args.file))
    for turned in plan:
        check_values(dials | turned)
    chain = _chain(root)
    named = {name_of(overrides, dials | overrides, chain): overrides for overrides in plan}
    ran = {_hash(name): name for name in experiments(root)}
    states = _queue(root)
    ours = [name for name in named if _hash(name) not in ran]
    known = {name: states.get(_hash(name), ("", "")) for name in ours}
    waiting = [name for name in ours if known[name][1] in WAITING]
    missing = [name for name in ours if name not in waiting]
    failed = [known[name][0] for name in missing if known[name][1] == FAILED]
    for name in missing:
        words = [f"{key}={_hydra(value)}" for key, value in named[name].items()]
        print(f"{'would queue' if args.dry_run else 'queue'} {name}: {' '.join(words)}")
        if not args.dry_run:
            dvc(root, "exp", "run", "--queue", "--name", name, *(f"-S{word}" for word in words))
    done = len(named) - len(waiting) - len(missing)
    now = "missing" if args.dry_run else "queued now"
    print(f"{len(named)} chains: {done} done, {len(waiting)} waiting, {len(missing)} {now}")
    if failed:
        print(f"failed before: {' '.join(failed)}; dvc queue logs NAME says why")
    if missing or waiting:
        print("next: dvc queue start; its workers may stop with tasks left, so look at dvc queue")
        print("status afterwards, and run this again")
    else:
        print(f"next: palimpsest compare {' '.join(ran[_hash(name)] for name in named)}")
    return 0


def planned(content: Any, dials: Mapping[str, Any], file: str) -> list[Overrides]:
    """The chains of a sweep as dials that are turned, each once, in the order of the file.

    Args:
        content: of the YAML file.
        dials: the dotted dials of params.yaml.
        file: its name, for errors.

    Raises:
        ParamsError: see `run_sweep`.
    """
    wanted = "`grid` (dial: list of values), `variants` (list of dial: value), or both"
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
            wanted = "dials with values"
            raise ParamsError(f"{file}: variants, {number}", wanted=wanted, got=repr(variant))
    for key in {key for part in (grid, *variants) for key in part}:
        if key not in dials:
            raise ParamsError(f"{file}: {key}", wanted="a dial of params.yaml", got="no such dial")
        if key in grid and any(key in variant for variant in variants):
            wanted = "each dial in `grid` or in `variants`"
            raise ParamsError(f"{file}: {key}", wanted=wanted, got="it in both")
    combined = [
        {**variant, **dict(zip(grid, values, strict=True))}
        for variant in variants
        for values in itertools.product(*grid.values())
    ]
    first: dict[str, Overrides] = {}
    for one in combined:
        first.setdefault(told({**dials, **one}), one)
    return list(first.values())


def _hash(name: str) -> str:
    """What a chain's name ends in."""
    return name.rsplit("-", 1)[-1]


def name_of(overrides: Mapping[str, Any], dials: Mapping[str, Any], chain: bytes) -> str:
    """An experiment's name: the turned dials for the eye, a hash of everything for the sweep."""
    turned = "-".join(f"{key.split('.')[-1]}-{value}" for key, value in overrides.items())
    content = json.dumps(dials, sort_keys=True).encode() + chain
    digest = hashlib.blake2b(content, digest_size=4).hexdigest()
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', turned)[:60].strip('-') or 'as-is'}-{digest}"


def _hydra(value: Any) -> str:
    """A value as `dvc exp run -S` reads it: Hydra unescapes backslashes before a quote alone.

    Known gap: DVC writes params.yaml by YAML 1.2, where a text such as ``on`` needs no quotes; read
    by 1.1 it is true.
    """
    if isinstance(value, list):
        return f"[{','.join(_hydra(item) for item in value)}]"
    if isinstance(value, str) and re.fullmatch(r"(?!null|true|false|nan|inf)[a-z_]+", value):
        return value
    if isinstance(value, str):
        doubled = re.sub(r"(\\+)(?='|$)", r"\1\1", value)
        return "'{}'".format(doubled.replace("'", "\\'").replace("${", "\\${"))
    return json.dumps(value)


def _chain(root: Path) -> bytes:
    try:
        return (root / "chain.yaml").read_bytes()
    except OSError as error:
        raise ProjectError(
            "chain.yaml", wanted="a file", got=str(error.strerror), hint="palimpsest chain N"
        ) from error


def _queue(root: Path) -> dict[str, tuple[str, str]]:
    """Hash -> name and state of what DVC's queue knows; of several tries one that waits counts."""
    found: dict[str, tuple[str, str]] = {}
    for line in dvc(root, "queue", "status").splitlines():
        cells = re.split(r"\s{2,}", line.strip())
        if len(cells) >= 4 and cells[0] != "Task":
            key = _hash(cells[1])
            if found.get(key, ("", ""))[1] not in WAITING:
                found[key] = (cells[1], cells[-1])
    return found
