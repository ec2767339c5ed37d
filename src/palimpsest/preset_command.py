"""`palimpsest preset`: params.yaml and chain.yaml of a published protocol; what it published.

A preset is a YAML file in presets/: a header comment, `paper`, `protocol`, `chain`, `published`
(numbers as data) and `dials`, what differs from presets/quick.yaml, which is the whole default
params.yaml. `like` names a preset that it starts from.
"""

import argparse
import io
import subprocess
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML

from palimpsest.artifacts import read_json, write_bytes
from palimpsest.dvc_project import generation_name, write_chain
from palimpsest.errors import ParamsError, ProjectError
from palimpsest.experiments import flat
from palimpsest.params import read_yaml
from palimpsest.report.labels import plain

FOLDER = Path("presets")
QUICK = "quick"
"""The default: its file is a whole params.yaml."""
QUICK_CHAIN = {"generations": 20, "null_lineage": False}


@dataclass(frozen=True)
class Preset:
    """A published protocol."""

    name: str
    dials: Mapping[str, Any]
    """What differs from the default."""
    generations: int
    null_lineage: bool
    published: Sequence[Mapping[str, Any]]
    """``generation``, ``metric`` and ``value`` each."""


def add_preset(commands: Any) -> None:
    """Adds the subcommand to the command's parser."""
    parser = commands.add_parser(
        "preset",
        help="write params.yaml and chain.yaml for a published protocol",
        description="Writes params.yaml (comments kept) and chain.yaml, and prints what changed.",
    )
    parser.add_argument("name", help="a file of presets/, without .yaml")
    parser.add_argument(
        "dials", nargs="*", metavar="KEY=VALUE", help="other values, for example your own model"
    )
    parser.add_argument("--generations", type=int, metavar="N", help="default: the protocol's")
    parser.add_argument(
        "--null", action=argparse.BooleanOptionalAction, help="with the null lineage, or without"
    )
    parser.add_argument(
        "--force", action="store_true", help="over uncommitted changes; the old file is kept"
    )
    parser.set_defaults(run=run_preset)


def run_preset(args: argparse.Namespace) -> int:
    """Writes the two files.

    Raises:
        ParamsError: no such preset (lists them) or dial.
        ProjectError: params.yaml or chain.yaml has changes that git does not know.
    """
    root = Path.cwd()
    preset = load_preset(root, args.name)
    dials = {**preset.dials, **_given(args.dials)}
    old = flat(read_yaml(root / "params.yaml"))
    text = written(root, dials)
    new = flat(yaml.safe_load(text))
    _keep(root, args.force)
    write_bytes(root / "params.yaml", text.encode())
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            print(f"{key}: {_yaml(old.get(key))} -> {_yaml(new.get(key))}")
    last = preset.generations if args.generations is None else args.generations
    change = write_chain(root, last, preset.null_lineage if args.null is None else args.null)
    null = ", with the null lineage" if change.null else ""
    print(f"chain.yaml: generations g00 to g{change.after:02d}{null}")
    then = f", then palimpsest compare --published {preset.name}" if preset.published else ""
    print(f"next: dvc repro{then}")
    return 0


def load_preset(root: Path, name: str) -> Preset:
    """A preset by its name.

    Raises:
        ParamsError: no such preset (lists them), or a file that is none.
    """
    folder = root / FOLDER
    known = sorted(path.stem for path in folder.glob("*.yaml") if "-sweep" not in path.stem)
    if name not in known:
        raise ParamsError("preset", wanted=f"one of {', '.join(known) or 'none'}", got=repr(name))
    if name == QUICK:
        return Preset(name, {}, QUICK_CHAIN["generations"], False, ())
    content = read_yaml(folder / f"{name}.yaml")
    try:
        like = load_preset(root, content["like"]) if "like" in content else None
        chain = content.get("chain") or {}
        return Preset(
            name,
            {**(like.dials if like else {}), **content["dials"]},
            chain["generations"] if chain or not like else like.generations,
            chain["null_lineage"] if chain or not like else like.null_lineage,
            content.get("published") or (like.published if like else ()),
        )
    except (KeyError, TypeError, AttributeError) as error:
        wanted = "chain, published and dials"
        raise ParamsError(f"{FOLDER / name}.yaml", wanted=wanted, got=repr(error)) from error


def written(root: Path, dials: Mapping[str, Any]) -> str:
    """The default params.yaml with some dials turned, its comments where they were.

    Raises:
        ParamsError: a dial that it does not have.
    """
    editor = YAML()
    editor.preserve_quotes, editor.width = True, 1000
    editor.indent(mapping=2, sequence=4, offset=2)
    editor.representer.add_representer(type(None), lambda r, _: r.represent_scalar(
        "tag:yaml.org,2002:null", "null"
    ))  # fmt: skip
    content = editor.load((root / FOLDER / f"{QUICK}.yaml").read_text(encoding="utf-8"))
    for key, value in dials.items():
        *path, last = key.split(".")
        node: Any = content
        for part in path:
            node = node.get(part) if isinstance(node, MutableMapping) else None
        found = node.get(last, {}) if isinstance(node, MutableMapping) else {}
        if isinstance(found, Mapping):
            raise ParamsError(key, wanted="a dial of params.yaml", got="no such dial")
        if isinstance(found, list) and isinstance(value, list):
            _refill(found, value)
        else:
            node[last] = value
    buffer = io.StringIO()
    editor.dump(content, buffer)
    return buffer.getvalue()


def _refill(old: Any, values: list[Any]) -> None:
    """Other entries for a list; the blank line behind its last one stays behind the last."""
    behind = old.ca.items.pop(len(old) - 1, None)
    old[:] = values
    old.ca.items.clear()
    if behind is not None and values:
        old.ca.items[len(values) - 1] = behind


def published_table(root: Path, name: str) -> str:
    """Measured beside published, with the relative difference; "not run" where nothing is."""
    preset = load_preset(root, name)
    if not preset.published:
        raise ParamsError(f"preset {name}", wanted="published numbers", got="none")
    lines = [
        f"{'published: ' + name:<28}{'g':>5}{'published':>12}{'measured':>12}{'difference':>12}"
    ]
    for entry in preset.published:
        generation, metric, value = entry["generation"], entry["metric"], float(entry["value"])
        path = root / "data" / "scores" / generation_name(generation) / "card.json"
        found = read_json(path)["metrics"].get(metric) if path.exists() else None
        got = found["value"] if found else None
        apart = "–" if got is None else f"{100 * (got / value - 1):+.1f} %".replace("-", "−")
        shown = "not run" if got is None else plain(got)
        lines.append(f"{metric:<28}{generation:>5}{plain(value):>12}{shown:>12}{apart:>12}")
    return "\n".join(lines)


def _given(words: Sequence[str]) -> dict[str, Any]:
    """KEY=VALUE as YAML reads the value."""
    found = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign:
            raise ParamsError("preset", wanted="KEY=VALUE", got=repr(word))
        try:
            found[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ParamsError(key, wanted="a YAML value", got=repr(value)) from error
    return found


def _keep(root: Path, force: bool) -> None:
    """Nothing is lost: changes that git does not know are refused, or kept beside the new file."""
    names = ("params.yaml", "chain.yaml")
    done = subprocess.run(
        ["git", "status", "--porcelain", "--", *names],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    changed = [line[3:] for line in done.stdout.splitlines()]
    if done.returncode:
        changed = [name for name in names if (root / name).exists()]
    if changed and not force:
        wanted = "no uncommitted changes"
        hint = "commit them, or --force: the old file is kept as NAME.old"
        raise ProjectError(" and ".join(changed), wanted=wanted, got="some", hint=hint)
    for name in changed:
        write_bytes(root / f"{name}.old", (root / name).read_bytes())
        print(f"{name}: the old one is {name}.old")


def _yaml(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=1000).strip()
    return text.removesuffix("...").strip()
