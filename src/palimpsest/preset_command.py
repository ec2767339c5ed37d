"""`palimpsest preset`: params.yaml and chain.yaml of a published protocol; what it published.

A preset is a YAML file in presets/: a header comment, `paper`, `protocol`, `chain`, `published`
(numbers as data) and `dials`, what differs from presets/quick.yaml, which is the whole default
params.yaml. `like` names a preset that it starts from.
"""

import argparse
import io
import itertools
import math
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML

from palimpsest.artifacts import read_json, write_bytes
from palimpsest.decay.comparison import told
from palimpsest.dials import check_values
from palimpsest.dvc_project import chain_yaml, generation_name, git, write_chain
from palimpsest.errors import ComparisonError, ParamsError, ProjectError
from palimpsest.experiments import WORKSPACE, flat, read_dials, read_run
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
    """``generation``, ``metric``, ``value`` each, and the ``dials`` of the arm that has it."""


def run_preset(args: argparse.Namespace) -> int:
    """Writes the two files.

    Raises:
        ParamsError: no such preset (lists them) or dial, a value that a dial cannot have, or a
            reserve of human text that would not last for the chain.
        ProjectError: params.yaml or chain.yaml has changes that git does not know.
    """
    root = Path.cwd()
    preset = load_preset(root, args.name)
    dials = {**preset.dials, **_given(args.dials)}
    last = preset.generations if args.generations is None else args.generations
    null = preset.null_lineage if args.null is None else args.null
    old = read_dials(root / "params.yaml")
    text = written(root, dials)
    new = flat(yaml.safe_load(text))
    check_values(new)
    _check_reserve(new, last, null)
    chain_yaml(last, null)
    _keep(root, args.force)
    change = write_chain(root, last, null)
    write_bytes(root / "params.yaml", text.encode())
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            print(f"{key}: {_yaml(old.get(key))} -> {_yaml(new.get(key))}")
    print(f"chain.yaml: {change.chain}")
    if change.removed:
        print(change.loss)
    then = f", then palimpsest compare --published {preset.name}" if preset.published else ""
    print(f"next: dvc repro{then}")
    return 0


def _check_reserve(dials: Mapping[str, Any], last: int, null: bool) -> None:
    """Makes sure that unseen human text lasts for every generation that learns from it alone."""
    if null or dials["regime.kind"] == "fresh":
        need = last * dials["generate.documents"]
        if dials["corpus.reserve"] < need:
            raise ParamsError(
                "corpus.reserve",
                wanted=f"at least {need} ({last} generations of generate.documents)",
                got=dials["corpus.reserve"],
                hint="raise it, or --no-null",
            )


def load_preset(root: Path, name: str) -> Preset:
    """A preset by its name.

    Raises:
        ParamsError: no such preset (lists them), or a file that is none.
        ProjectError: not a project.
    """
    folder = root / FOLDER
    if not folder.is_dir():
        raise ProjectError(str(root), wanted=f"a folder with {FOLDER}/", got="none")
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
            _numbers(content.get("published") or (like.published if like else ())),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        wanted = "chain, published and dials"
        raise ParamsError(f"{FOLDER / name}.yaml", wanted=wanted, got=repr(error)) from error


def _numbers(published: Any) -> list[Mapping[str, Any]]:
    return [
        {
            "generation": int(entry["generation"]),
            "metric": str(entry["metric"]),
            "value": float(entry["value"]),
            "dials": dict(entry.get("dials") or {}),
        }
        for entry in published
    ]


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
    """Measured beside published, with the relative difference; "not run" where nothing is.

    Published numbers of other arms than that of params.yaml are left out. Below the table: why
    scores that are there do not count, and the dials in which params.yaml is not the preset's.

    Raises:
        ParamsError: no such preset, or one without published numbers.
    """
    preset = load_preset(root, name)
    if not preset.published:
        raise ParamsError(f"preset {name}", wanted="published numbers", got="none")
    dials = read_dials(root / "params.yaml")
    notes = []
    measured: dict[int, Mapping[str, Any]] = {}
    try:
        measured = _cards(root)
    except ComparisonError as error:
        notes.append(f"scores that do not count: {error}")
    lines = [
        f"{'published: ' + name:<28}{'g':>5}{'published':>12}{'measured':>12}{'difference':>12}"
    ]
    for entry in preset.published:
        generation, metric, value = entry["generation"], entry["metric"], entry["value"]
        if any(told(dials.get(key)) != told(own) for key, own in entry["dials"].items()):
            continue
        found = measured.get(generation, {}).get(metric)
        got = found["value"] if found else None
        known = got is not None and value != 0
        apart = f"{100 * (got / value - 1):+.1f} %".replace("-", "−") if known else "–"
        shown = "not run" if got is None else plain(got)
        lines.append(f"{metric:<28}{generation:>5}{plain(value):>12}{shown:>12}{apart:>12}")
    protocol = flat(yaml.safe_load(written(root, preset.dials)))
    lines += notes
    lines += [
        f"not the preset's: {key}: {_yaml(dials.get(key))} (preset: {_yaml(value)})"
        for key, value in protocol.items()
        if told(dials.get(key)) != told(value)
    ]
    return "\n".join(lines)


def _cards(root: Path) -> dict[int, Mapping[str, Any]]:
    """The metrics of every generation of the workspace, as far as they belong to it.

    Raises:
        ComparisonError: see `read_run`; or data/scores and metrics/generations are of two runs.
    """
    found = {}
    for number, small in read_run(root, WORKSPACE, {}).generations.items():
        path = root / "data" / "scores" / generation_name(number) / "card.json"
        if not path.exists():
            continue
        found[number] = read_json(path)["metrics"]
        for name, value in small.items():
            card = (found[number].get(name) or {}).get("value")
            pair = math.nan if value is None else value, math.nan if card is None else card
            same = math.isclose(*pair, rel_tol=1e-4) or all(map(math.isnan, pair))
            if not same:
                raise ComparisonError(
                    f"{generation_name(number)}, {name}",
                    wanted=f"{plain(value)} in data/scores, as in metrics/generations",
                    got=plain(card),
                    hint="dvc checkout, or dvc repro",
                )
    return found


def _given(words: Sequence[str]) -> dict[str, Any]:
    """KEY=VALUE as YAML reads the value."""
    found = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key:
            raise ParamsError("preset", wanted="KEY=VALUE", got=repr(word))
        try:
            found[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ParamsError(key, wanted="a YAML value", got=repr(value)) from error
    return found


def _keep(root: Path, force: bool) -> None:
    """Nothing is lost: changes that git does not know are refused, or kept beside the new file."""
    changed = [name for name in ("params.yaml", "chain.yaml") if _changed(root, name)]
    if changed and not force:
        wanted = "no uncommitted changes"
        hint = "commit them, or --force: the old file is kept as NAME.old"
        raise ProjectError(" and ".join(changed), wanted=wanted, got="some", hint=hint)
    for name in changed:
        content = (root / name).read_bytes()
        numbers = (root / f"{name}.old{number or ''}" for number in itertools.count())
        kept = next(p for p in numbers if not p.exists() or p.read_bytes() == content)
        write_bytes(kept, content)
        print(f"{name}: the old one is {kept.name}")


def _changed(root: Path, name: str) -> bool:
    """Whether a file has content that git does not know; outside git, whether there is one."""
    try:
        return bool(git(root, "status", "--porcelain", "--ignored", "--", name))
    except ProjectError:
        return (root / name).exists()


def _yaml(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=1000).strip()
    return text.removesuffix("...").strip()
