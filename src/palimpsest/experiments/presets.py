"""Presets: params.yaml and chain.yaml of a published protocol, and what it published.

A preset is a YAML file in presets/: a header comment, `paper`, `protocol`, `chain`, `published`
(numbers as data) and `parameters`, what differs from presets/quick.yaml, which is the whole default
params.yaml. `like` names a preset that it starts from.
"""

import io
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from palimpsest.core.config import flattened, read_yaml
from palimpsest.core.errors import ComparisonError, ParamsError, ProjectError
from palimpsest.core.parsing import parse_yaml
from palimpsest.experiments.comparison import canonical
from palimpsest.experiments.revisions import WORKSPACE, read_parameters, read_run
from palimpsest.experiments.scorecards import scorecards

FOLDER = Path("presets")
QUICK = "quick"
"""The default: its file is a whole params.yaml."""
QUICK_CHAIN = {"generations": 20, "control_chain": False}


@dataclass(frozen=True)
class Preset:
    """A published protocol."""

    name: str
    parameters: Mapping[str, Any]
    """What differs from the default."""
    generations: int
    control_chain: bool
    published: Sequence[Mapping[str, Any]]
    """``generation``, ``metric``, ``value`` each, and the ``parameters`` of the arm that has it."""


def load_preset(root: Path, name: str, seen: Sequence[str] = ()) -> Preset:
    """A preset by its name.

    Args:
        root: the project.
        name: of the preset.
        seen: those that start from it, for the one that starts from itself.

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
        if "like" in content and content["like"] in (name, *seen):
            raise ValueError("presets that start from each other")
        like = load_preset(root, content["like"], (name, *seen)) if "like" in content else None
        chain = content.get("chain") or {}
        parameters = {**(like.parameters if like else {}), **content["parameters"]}
        generations = chain["generations"] if chain or not like else like.generations
        control = chain["control_chain"] if chain or not like else like.control_chain
        if type(generations) is not int or type(control) is not bool:
            raise TypeError("chain: generations is a whole number, control_chain true or false")
        if not all(isinstance(key, str) for key in parameters):
            raise TypeError("parameters have names")
        published = _numbers(content.get("published") or (like.published if like else ()))
        return Preset(name, parameters, generations, control, published)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        wanted = "chain, published and parameters"
        raise ParamsError(f"{FOLDER / name}.yaml", wanted=wanted, got=repr(error)) from error


def _numbers(published: Any) -> list[Mapping[str, Any]]:
    return [
        {
            "generation": int(entry["generation"]),
            "metric": str(entry["metric"]),
            "value": float(entry["value"]),
            "parameters": dict(entry.get("parameters") or {}),
        }
        for entry in published
    ]


def written(root: Path, parameters: Mapping[str, Any], base: Path | None = None) -> str:
    """A params.yaml with some parameters changed, its comments where they were.

    Args:
        root: the project.
        parameters: dotted name -> new value.
        base: the file to change; None for the default one, presets/quick.yaml.

    Raises:
        ParamsError: a parameter that it does not have, or a file that is none.
    """
    from ruamel.yaml import YAML  # of the laboratory's packages; the audit starts without it

    editor = YAML()
    editor.preserve_quotes, editor.width = True, 1000
    editor.indent(mapping=2, sequence=4, offset=2)
    editor.representer.add_representer(type(None), lambda r, _: r.represent_scalar(
        "tag:yaml.org,2002:null", "null"
    ))  # fmt: skip
    default = root / FOLDER / f"{QUICK}.yaml" if base is None else base
    if not isinstance(read_yaml(default), dict):  # within the limits, before the slow reader
        raise ParamsError(str(default), wanted="sections with keys", got="others")
    try:
        content = editor.load(default.read_text(encoding="utf-8"))
    except Exception as error:  # what the one takes, the other may not
        raise ParamsError(str(default), wanted="valid YAML", got=str(error)) from error
    for key, value in parameters.items():
        *path, last = key.split(".")
        node: Any = content
        for part in path:
            node = node.get(part) if isinstance(node, MutableMapping) else None
        old = node.get(last, {}) if isinstance(node, MutableMapping) else {}
        if isinstance(old, Mapping):
            raise ParamsError(key, wanted="a parameter of params.yaml", got="no such parameter")
        if isinstance(old, list) and isinstance(value, list):
            _refill(old, value)
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


@dataclass(frozen=True)
class PublishedNumber:
    """A published number beside the measured one."""

    generation: int
    metric: str
    published: float
    measured: float | None
    """None where the generation was not run, or does not have the metric."""


def published_numbers(
    root: Path, preset: Preset
) -> tuple[list[PublishedNumber], list[tuple[str, Any, Any]], str | None]:
    """Measured beside published.

    Published numbers of other arms than that of params.yaml are left out.

    Returns:
        The numbers; the parameters in which params.yaml is not the preset's, with its value and the
        preset's; and why scores that are there do not count, or None.

    Raises:
        ParamsError: the preset has no published numbers, or params.yaml no sections.
    """
    if not preset.published:
        raise ParamsError(f"preset {preset.name}", wanted="published numbers", got="none")
    parameters = read_parameters(root / "params.yaml")
    measured: dict[int, Mapping[str, Any]] = {}
    reason = None
    try:
        cards = scorecards(root, read_run(root, WORKSPACE, {}))
        measured = {number: card["metrics"] for number, card in cards.items()}
    except ComparisonError as error:
        reason = str(error)
    numbers = []
    for entry in preset.published:
        arm = entry["parameters"].items()
        if all(canonical(parameters.get(key)) == canonical(value) for key, value in arm):
            generation, metric = entry["generation"], entry["metric"]
            own = measured.get(generation, {}).get(metric)
            value = own["value"] if own else None
            numbers.append(PublishedNumber(generation, metric, entry["value"], value))
    protocol = flattened(parse_yaml(written(root, preset.parameters)))
    others = [
        (key, parameters.get(key), value)
        for key, value in protocol.items()
        if canonical(parameters.get(key)) != canonical(value)
    ]
    return numbers, others, reason
