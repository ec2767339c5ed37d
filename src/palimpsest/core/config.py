"""Reads params.yaml: each section becomes a frozen, checked model; every mistake is one line.

The sections themselves are in `palimpsest.core.parameters`; this module holds the machinery on top
of pydantic. Nothing has a hidden default, unknown keys are refused, and a range stands in the
annotation: ``temperature: Annotated[Number, Field(gt=0)]``.
"""

from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    NoReturn,
    Self,
    Union,
    get_args,
    get_origin,
)

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from palimpsest.core.errors import ParamsError, written_out
from palimpsest.core.parsing import HALF, MOST_YAML, parse_yaml

BOUNDS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
OUT_OF_BOUNDS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
"""Error types of pydantic for a number outside its range."""
WRITTEN_BY = {
    "params.yaml": "palimpsest init --texts FILES, or palimpsest preset quick, writes one",
    "chain.yaml": "palimpsest chain 20 writes one",
}
"""File of a project -> what to do where it is missing."""
MOST_WHOLE = 2**63 - 1
"""The largest whole number that torch and numpy count with."""


def number_of(value: Any) -> Any:
    """The number that a text stands for; anything else as it is.

    YAML 1.1 reads 5e-4 as text, and everyone who writes it means the number.
    """
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Number = Annotated[float, BeforeValidator(number_of)]
"""A finite number; whole numbers and 5e-4 are read as such."""
Texts = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
]
"""A list of texts."""


class Section(BaseModel):
    """Base of every section of params.yaml, and of other checked settings."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )
    moved: ClassVar[Mapping[str, str]] = {}
    """Keys that a section once had -> the dotted key that stands for them now, for errors."""

    @classmethod
    def of(cls, values: Any, name: str = "") -> Self:
        """Checks values and fills the section with them.

        Args:
            values: a mapping from the YAML file.
            name: the section's dotted name, for errors.

        Raises:
            ParamsError: an unknown or a missing key, a wrong type, a number that is NaN, infinite
                or out of its range, values that do not go together. It carries the key's full name.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            # a misspelled key is an unknown one first, and only then a missing one
            every = error.errors(include_url=False)
            unknown = (one for one in every if one["type"] == "extra_forbidden")
            raise _params_error(cls, next(unknown, every[0]), name) from error

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        """Refuses numbers that no library counts with, and texts that no file can hold."""
        for text in value if isinstance(value, list | tuple) else [value]:
            if isinstance(text, str) and HALF.search(text):
                wanted = "text of whole characters (no surrogate alone)"
                context = {"wanted": wanted, "got": written_out(text)}
                raise PydanticCustomError("refused", "want {wanted}", context)
        if type(value) is int and abs(value) > MOST_WHOLE:
            context = {"wanted": "a whole number of at most 63 bits", "got": written_out(value)}
            raise PydanticCustomError("refused", "want {wanted}", context)
        return value

    def changed(self, **values: Any) -> Self:
        """A copy with other values, checked as in `of`."""
        return self.of({**dict(self), **values})

    def refuse(self, field: str, wanted: object) -> NoReturn:
        """Refuses a field (a dotted one, of a section inside) whose value does not go with others.

        For validators of the class.
        """
        template = "want {wanted}"
        got = written_out(attrgetter(field)(self))
        context = {"field": field, "wanted": str(wanted), "got": got}
        raise PydanticCustomError("refused", template, context)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a provenance file."""
        return self.model_dump()


def read_yaml(path: Path) -> Any:
    """The parsed YAML file; what it may hold is limited, see `palimpsest.core.parsing`.

    Raises:
        ParamsError: it cannot be read, or is no YAML within the limits.
    """
    try:
        with path.open("rb") as file:  # a device has no end
            return parse_yaml(file.read(MOST_YAML + 1).decode("utf-8"))
    except FileNotFoundError as error:
        hint = WRITTEN_BY.get(path.name)
        raise ParamsError(str(path), wanted="a YAML file", got="no such file", hint=hint) from error
    except OSError as error:
        raise ParamsError(str(path), wanted="a YAML file", got=error.strerror) from error
    except ValueError as error:
        raise ParamsError(str(path), wanted="valid YAML", got=str(error)) from error


def flattened(node: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested sections as dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in node.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted keys as nested sections: the inverse of `flattened`."""
    sections: dict[str, Any] = {}
    for key, value in flat.items():
        *path, last = key.split(".")
        node = sections
        for part in path:
            node = node.setdefault(part, {})
        node[last] = value
    return sections


def _params_error(cls: type[BaseModel], details: ErrorDetails, name: str) -> ParamsError:
    """The first of pydantic's errors in this project's words."""
    context, location = details.get("ctx", {}), details["loc"]
    kind, got = details["type"], written_out(details["input"])
    if kind == "invalid_key":  # YAML reads the keys 1, on and null as no texts
        location = (*location[:-1], str(details["input"]))
    keys = [name, *(key for key in location if isinstance(key, str)), context.get("field")]
    where = ".".join(key for key in keys if key) or "the parameters"
    if kind == "refused":
        return ParamsError(where, wanted=context["wanted"], got=context["got"])
    parent, field = _field(cls, location)
    if kind == "missing":
        return ParamsError(where, wanted="a value", got="none (the key is missing)")
    if kind in ("extra_forbidden", "invalid_key"):
        moved = parent.moved if issubclass(parent, Section) else {}
        if (now := moved.get(str(location[-1]))) is not None:
            return ParamsError(where, wanted=f"{now} in its place", got="a key of an older version")
        wanted = f"one of: {', '.join(sorted(parent.model_fields))}"
        return ParamsError(where, wanted=wanted, got="an unknown key")
    if kind == "model_type":
        return ParamsError(where, wanted="a section with keys", got=got)
    assert field is not None, "every other error is one of a field's value"
    if kind in OUT_OF_BOUNDS:
        return ParamsError(where, wanted=_range(field), got=got)
    wanted = "a finite number" if kind == "finite_number" else _description(field.annotation)
    return ParamsError(where, wanted=wanted, got=got)


def _field(
    cls: type[BaseModel], location: tuple[int | str, ...]
) -> tuple[type[BaseModel], FieldInfo | None]:
    """The innermost section of a location and its field there, if it has one of that name."""
    field = None
    for key in location:
        if isinstance(key, int):
            break
        annotation = cls if field is None else field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            cls = annotation
        field = cls.model_fields.get(key)
    return cls, field


def _range(field: FieldInfo) -> str:
    """The bounds of a number in words: > 0 and <= 1."""
    bounds = [
        f"{sign} {getattr(item, name)}"
        for item in field.metadata
        for name, sign in BOUNDS.items()
        if getattr(item, name, None) is not None
    ]
    return " and ".join(bounds)


def _description(annotation: Any) -> str:
    """A type in words: a whole number or null."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _description(get_args(annotation)[0])
    if origin is Literal:
        return "one of " + ", ".join(repr(choice) for choice in get_args(annotation))
    if origin in (Union, UnionType):
        return " or ".join(_description(option) for option in get_args(annotation))
    if origin is tuple:
        return f"a list of {_description(get_args(annotation)[0])}"
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    return "null" if annotation is NoneType else names.get(annotation, str(annotation))
