"""A section of params.yaml becomes a frozen, checked dataclass.

Each dataclass lives beside the code that it steers; this module holds the machinery. There are no
hidden defaults: a section must name every field, and only these. Ranges are part of the annotation:
``temperature: Annotated[float, Range(above=0)]``.
"""

import dataclasses
import math
import types
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin
from typing import get_type_hints as type_hints

import yaml

from palimpsest.errors import ParamsError


@dataclasses.dataclass(frozen=True)
class Range:
    """Bounds of a number; a bound that is None does not bind."""

    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None

    def __contains__(self, number: float) -> bool:
        return (
            (self.above is None or number > self.above)
            and (self.at_least is None or number >= self.at_least)
            and (self.below is None or number < self.below)
            and (self.at_most is None or number <= self.at_most)
        )

    def __str__(self) -> str:
        signs = {"above": ">", "at_least": ">=", "below": "<", "at_most": "<="}
        bounds = [(sign, getattr(self, name)) for name, sign in signs.items()]
        return " and ".join(f"{sign} {bound}" for sign, bound in bounds if bound is not None)


@dataclasses.dataclass(frozen=True)
class Params:
    """Base of every params dataclass: construction checks types and ranges.

    Raises:
        ParamsError: a field has the wrong type, is NaN or infinite, or is out of its range; the
            message carries the key's full name.
    """

    section: ClassVar[str] = ""

    def __post_init__(self) -> None:
        hints = type_hints(type(self), include_extras=True)
        for field in dataclasses.fields(self):
            key = f"{self.section}.{field.name}" if self.section else field.name
            _check(key, getattr(self, field.name), hints[field.name])

    def refuse(self, field: str, wanted: object, hint: str | None = None) -> ParamsError:
        """The error for a field whose value does not go with the others."""
        key = f"{self.section}.{field}" if self.section else field
        return ParamsError(key, wanted=wanted, got=repr(getattr(self, field)), hint=hint)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a provenance file."""
        return dataclasses.asdict(self)


P = TypeVar("P", bound=Params)


def load(path: Path, cls: type[P], section: str | None = None) -> P:
    """Reads one (dotted) section of a YAML file.

    Args:
        path: the YAML file.
        cls: the dataclass to fill.
        section: the section's name, by default the class's own.

    Raises:
        ParamsError: no such file or section, an unknown or a missing key, a wrong value.
    """
    name = cls.section if section is None else section
    node: Any = read_yaml(path)
    for part in name.split(".") if name else []:
        if not isinstance(node, dict) or part not in node:
            raise ParamsError(f"{path}: {name}", wanted="a section of this name", got="none")
        node = node[part]
    return from_mapping(node, cls, name)


def read_yaml(path: Path) -> Any:
    """The parsed YAML file, or a ParamsError that names it."""
    try:
        with path.open(encoding="utf-8") as file:
            return yaml.safe_load(file)
    except FileNotFoundError as error:
        raise ParamsError(str(path), wanted="a YAML file", got="no such file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(str(path), wanted="valid YAML", got=str(error)) from error


def from_mapping(node: Any, cls: type[P], name: str) -> P:
    """Fills the dataclass from a mapping, nested sections included."""
    if not isinstance(node, dict):
        raise ParamsError(name, wanted="a section with keys", got=repr(node))
    fields = {field.name for field in dataclasses.fields(cls)}
    for key in node:
        if key not in fields:
            known = ", ".join(sorted(fields))
            raise ParamsError(f"{name}.{key}", wanted=f"one of: {known}", got="an unknown key")
    hints = type_hints(cls, include_extras=True)
    values = {}
    for field in dataclasses.fields(cls):
        key = f"{name}.{field.name}"
        if field.name not in node:
            raise ParamsError(key, wanted="a value", got="none (the key is missing)")
        values[field.name] = _convert(key, node[field.name], hints[field.name])
    new = cls.__new__(cls)
    # one class may fill several sections (pretrain, finetune): errors name the one in the file
    object.__setattr__(new, "section", name)
    new.__init__(**values)  # type: ignore[misc]
    return new


def check_seed(key: str, value: Any) -> int:
    """The seed that stands under a key.

    Raises:
        ParamsError: it is no whole number >= 0.
    """
    if type(value) is not int or value < 0:
        raise ParamsError(key, wanted="a whole number >= 0", got=repr(value))
    return value


def _convert(key: str, value: Any, hint: Any) -> Any:
    """YAML's lists to tuples, its whole numbers to floats where asked, sections to dataclasses."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if isinstance(hint, type) and issubclass(hint, Params):
        return from_mapping(value, hint, key)
    if get_origin(hint) is tuple and isinstance(value, list):
        return tuple(value)
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if float in options and type(value) is int:
        return float(value)
    if float in options and int not in options and isinstance(value, str):
        return _scientific(value)
    return value


def _scientific(text: str) -> Any:
    """YAML 1.1 reads 5e-4 as a string; everyone who writes it means the number."""
    try:
        return float(text)
    except ValueError:
        return text


def _check(key: str, value: Any, hint: Any) -> None:
    bounds = None
    if get_origin(hint) is Annotated:
        hint, bounds = get_args(hint)[0], get_args(hint)[1]
    if not _fits(value, hint):
        raise ParamsError(key, wanted=_describe(hint), got=repr(value))
    if isinstance(value, float) and not math.isfinite(value):
        raise ParamsError(key, wanted="a finite number", got=value)
    if bounds is not None and value is not None:
        for number in value if isinstance(value, tuple) else (value,):
            if number not in bounds:
                raise ParamsError(key, wanted=bounds, got=number)


def _fits(value: Any, hint: Any) -> bool:
    origin = get_origin(hint)
    if origin is Literal:
        return any(value == choice and type(value) is type(choice) for choice in get_args(hint))
    if origin in (Union, types.UnionType):
        return any(_fits(value, option) for option in get_args(hint))
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(v, get_args(hint)[0]) for v in value)
    if hint is type(None):
        return value is None
    if isinstance(hint, type):
        return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))
    raise TypeError(f"no check for {hint}")


def _describe(hint: Any) -> str:
    origin = get_origin(hint)
    if origin is Literal:
        return "one of " + ", ".join(repr(choice) for choice in get_args(hint))
    if origin in (Union, types.UnionType):
        return " or ".join(_describe(option) for option in get_args(hint))
    if origin is tuple:
        return f"a list of {_describe(get_args(hint)[0])}"
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    return "null" if hint is type(None) else names.get(hint, getattr(hint, "__name__", str(hint)))
