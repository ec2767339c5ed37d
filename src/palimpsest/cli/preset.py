"""`palimpsest preset NAME`: writes params.yaml and chain.yaml of a published protocol."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from palimpsest.cli.chain import removal, runner
from palimpsest.core.config import flattened, nested
from palimpsest.core.disk_space import need_of_models
from palimpsest.core.errors import ParamsError
from palimpsest.core.extras import require
from palimpsest.core.kept_models import most_models
from palimpsest.core.named_paths import path_of
from palimpsest.core.parameters import Parameters
from palimpsest.core.parsing import parse_yaml
from palimpsest.core.storage import write_bytes
from palimpsest.experiments.overwriting import keep_old
from palimpsest.experiments.presets import load_preset, written
from palimpsest.experiments.project import Change, chain_yaml, write_chain
from palimpsest.experiments.revisions import read_parameters

DESCRIPTION = "Writes params.yaml (comments kept) and chain.yaml, and prints what changed."


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument("name", help="a file of presets/, without .yaml")
    add_shared_arguments(parser, "the protocol's")


def add_shared_arguments(parser: argparse.ArgumentParser, generations: str) -> None:
    """Adds what every command takes that writes params.yaml and chain.yaml.

    Args:
        parser: of the command.
        generations: how many there are where nothing is said, in words.
    """
    parser.add_argument(
        "-S", "--set-param", action="append", default=[], metavar="KEY=VALUE", dest="parameters",
        help="another value, for example your own model; may be repeated, as in `dvc exp run`",
    )  # fmt: skip
    parser.add_argument("--generations", type=int, metavar="N", help=f"default: {generations}")
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
    parameters = {**preset.parameters, **given_parameters(args.parameters)}
    last = preset.generations if args.generations is None else args.generations
    null = preset.control_chain if args.null is None else args.null
    old = read_parameters(root / "params.yaml")
    checked, change = write_files(root, written(root, parameters), last, null, old, args.force)
    models = 1 + last * (1 + null)
    source = path_of("model.source", checked.model.source)
    at_once = most_models(last, 1 + null, checked.models.keep_every)
    if needed := need_of_models(root, source, models, checked.finetune.save_dtype, at_once):
        print(f"disk: {needed}")
    if change.removed:
        print(removal(change))
    then = f", then palimpsest compare --published {preset.name}" if preset.published else ""
    print(f"next: {runner(checked.models.keep_every)}{then}")
    return 0


def write_files(
    root: Path, text: str, last: int, control: bool, old: Mapping[str, Any], force: bool
) -> tuple[Parameters, Change]:
    """Writes params.yaml and chain.yaml, loses nothing, and prints what changed.

    Args:
        root: the project.
        text: of params.yaml.
        last: number of the last generation.
        control: with the control chain.
        old: the dotted parameters from before.
        force: over changes that git does not know; they are kept.

    Raises:
        ParamsError: a value that a parameter cannot have, or a reserve of human text that would not
            last for the chain.
        ProjectError: one of the files has changes that git does not know, and no force.
    """
    new = flattened(parse_yaml(text))
    checked = Parameters.of(nested(new))
    checked.check_reserve(last, control)
    files = {"params.yaml": text, "chain.yaml": chain_yaml(last, control)}
    for line in keep_old(root, force, files):
        print(line)
    change = write_chain(root, last, control, checked)
    write_bytes(root / "params.yaml", text.encode())
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            print(f"{key}: {as_yaml(old.get(key))} -> {as_yaml(new.get(key))}")
    print(f"chain.yaml: {change.chain}")
    return checked, change


def as_yaml(value: Any) -> str:
    """A value as YAML writes it, on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=1000).strip()
    return text.removesuffix("...").strip()


def given_parameters(words: list[str]) -> dict[str, Any]:
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
