"""`palimpsest preset NAME`: writes params.yaml and chain.yaml of a published protocol."""

import argparse
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from palimpsest.cli.chain import removal
from palimpsest.core.config import flattened, nested
from palimpsest.core.disk_space import need_of_models
from palimpsest.core.errors import ParamsError, ProjectError
from palimpsest.core.extras import require
from palimpsest.core.locks import OWN
from palimpsest.core.named_paths import path_of
from palimpsest.core.parameters import Parameters
from palimpsest.core.parsing import parse_yaml
from palimpsest.core.storage import write_bytes
from palimpsest.experiments.presets import load_preset, written
from palimpsest.experiments.project import chain_yaml, git, transitions, write_chain
from palimpsest.experiments.revisions import read_parameters

DESCRIPTION = "Writes params.yaml (comments kept) and chain.yaml, and prints what changed."


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument("name", help="a file of presets/, without .yaml")
    parser.add_argument(
        "-S", "--set-param", action="append", default=[], metavar="KEY=VALUE", dest="parameters",
        help="another value, for example your own model; may be repeated, as in `dvc exp run`",
    )  # fmt: skip
    parser.add_argument("--generations", type=int, metavar="N", help="default: the protocol's")
    parser.add_argument(
        "--null", action=argparse.BooleanOptionalAction, help="with the control chain, or without"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="over uncommitted changes; the old file is kept under .dvc/tmp",
    )


def run(args: argparse.Namespace) -> int:
    """Writes the two files.

    Raises:
        ParamsError: no such preset (lists them) or parameter, a value that a parameter cannot have,
            or a reserve of human text that would not last for the chain.
        ProjectError: params.yaml or chain.yaml has changes that git does not know.
        InstallationError: the laboratory is not installed.
    """
    require("ruamel")
    root = Path.cwd()
    preset = load_preset(root, args.name)
    parameters = {**preset.parameters, **_given(args.parameters)}
    last = preset.generations if args.generations is None else args.generations
    null = preset.control_chain if args.null is None else args.null
    old = read_parameters(root / "params.yaml")
    text = written(root, parameters)
    new = flattened(parse_yaml(text))
    checked = Parameters.of(nested(new))
    checked.check_reserve(last, null)
    transitions(last, null)
    _keep(root, args.force, {"params.yaml": text, "chain.yaml": chain_yaml(last, null)})
    change = write_chain(root, last, null, checked)
    write_bytes(root / "params.yaml", text.encode())
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            print(f"{key}: {as_yaml(old.get(key))} -> {as_yaml(new.get(key))}")
    print(f"chain.yaml: {change.chain}")
    models = 1 + last * (1 + null)
    source = path_of("model.source", checked.model.source)
    if needed := need_of_models(root, source, models, checked.finetune.save_dtype):
        print(f"disk: {needed}")
    if change.removed:
        print(removal(change))
    then = f", then palimpsest compare --published {preset.name}" if preset.published else ""
    print(f"next: dvc repro{then}")
    return 0


def as_yaml(value: Any) -> str:
    """A value as YAML writes it, on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=1000).strip()
    return text.removesuffix("...").strip()


def _given(words: list[str]) -> dict[str, Any]:
    """KEY=VALUE as YAML reads the value."""
    values = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key:
            raise ParamsError("-S", wanted="KEY=VALUE", got=repr(word))
        try:
            values[key] = parse_yaml(value)
        except ValueError as error:
            raise ParamsError(key, wanted="a YAML value", got=repr(value)) from error
    return values


def _keep(root: Path, force: bool, new: Mapping[str, str]) -> None:
    """Nothing is lost: changes that git does not know are refused, or kept out of git's sight.

    Those that are what is to be written anyway, as after the same command before, do not count.
    """
    changed = [
        name
        for name, text in new.items()
        if _changed(root, name) and (root / name).read_bytes() != text.encode()
    ]
    if changed and not force:
        wanted = "no uncommitted changes"
        hint = "commit them, or --force: the old file is kept under .dvc/tmp"
        raise ProjectError(" and ".join(changed), wanted=wanted, got="some", hint=hint)
    folder = root / OWN
    for name in changed:
        content = (root / name).read_bytes()
        numbers = (folder / f"{name}.old{number or ''}" for number in itertools.count())
        kept = next(p for p in numbers if not p.exists() or p.read_bytes() == content)
        write_bytes(kept, content)
        print(f"{name}: the old one is {kept.relative_to(root)}")


def _changed(root: Path, name: str) -> bool:
    """Whether a file has content that git does not know; outside git, whether there is one."""
    try:
        return bool(git(root, "status", "--porcelain", "--ignored", "--", name))
    except ProjectError:
        return (root / name).exists()
