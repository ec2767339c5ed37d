"""A section of params.yaml: every key, no other, its type and its range; errors name the key."""

from dataclasses import FrozenInstanceError, dataclass
from typing import Annotated, Any, ClassVar, Literal

import pytest

from palimpsest.errors import ParamsError
from palimpsest.params import Params, Range, from_mapping, load, read_yaml


@dataclass(frozen=True)
class Inner(Params):
    section: ClassVar[str] = "outer.inner"

    size: Annotated[int, Range(at_least=1, below=10)]


@dataclass(frozen=True)
class Outer(Params):
    section: ClassVar[str] = "outer"

    rate: Annotated[float, Range(above=0, at_most=1)]
    steps: Annotated[int | None, Range(at_least=1)]
    limit: float | None
    kind: Literal["one", "two"]
    flag: bool
    names: tuple[str, ...]
    sizes: Annotated[tuple[int, ...], Range(at_least=0)]
    inner: Inner

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.flag and self.kind == "two":
            raise self.refuse("flag", "false for two", hint="take one")


GOOD: dict[str, Any] = {
    "rate": 0.5,
    "steps": 3,
    "limit": None,
    "kind": "one",
    "flag": True,
    "names": ["a", "b"],
    "sizes": [0, 4],
    "inner": {"size": 2},
}


def outer(**changes: Any) -> Outer:
    return from_mapping(GOOD | changes, Outer, "outer")


def test_a_whole_section():
    got = outer()
    assert got == Outer(0.5, 3, None, "one", True, ("a", "b"), (0, 4), Inner(2))
    assert got.as_dict() == GOOD | {"names": ("a", "b"), "sizes": (0, 4)}
    with pytest.raises(FrozenInstanceError):
        got.rate = 0.1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("field", "given", "got"),
    [
        ("rate", 1, 1.0),
        ("rate", "5e-4", 5e-4),  # a string to YAML 1.1
        ("limit", 2, 2.0),
        ("limit", "1e3", 1000.0),
        ("steps", None, None),
        ("names", [], ()),
    ],
)
def test_what_yaml_reads_differently_than_it_was_meant(field, given, got):
    value = getattr(outer(**{field: given}), field)
    assert value == got
    assert type(value) is type(got)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"rate": 0.0}, "outer.rate: want > 0 and <= 1, got 0.0"),
        ({"rate": 1.5}, "outer.rate: want > 0 and <= 1, got 1.5"),
        ({"rate": float("nan")}, "outer.rate: want a finite number, got nan"),
        ({"rate": float("inf")}, "outer.rate: want a finite number, got inf"),
        ({"rate": "nan"}, "outer.rate: want a finite number, got nan"),
        ({"limit": float("-inf")}, "outer.limit: want a finite number, got -inf"),
        ({"rate": True}, "outer.rate: want a number, got True"),
        ({"rate": "fast"}, "outer.rate: want a number, got 'fast'"),
        ({"rate": None}, "outer.rate: want a number, got None"),
        ({"steps": 0}, "outer.steps: want >= 1, got 0"),
        ({"steps": True}, "outer.steps: want a whole number or null, got True"),
        ({"steps": 2.0}, "outer.steps: want a whole number or null, got 2.0"),
        ({"steps": "2"}, "outer.steps: want a whole number or null, got '2'"),
        ({"kind": "three"}, "outer.kind: want one of 'one', 'two', got 'three'"),
        ({"kind": 1}, "outer.kind: want one of 'one', 'two', got 1"),
        ({"flag": 1}, "outer.flag: want true or false, got 1"),
        ({"flag": "yes"}, "outer.flag: want true or false, got 'yes'"),
        ({"names": "a"}, "outer.names: want a list of text, got 'a'"),
        ({"names": ["a", 1]}, "outer.names: want a list of text, got ('a', 1)"),
        ({"sizes": [1, True]}, "outer.sizes: want a list of a whole number, got (1, True)"),
        ({"sizes": [1, -2]}, "outer.sizes: want >= 0, got -2"),
        ({"inner": {"size": 0}}, "outer.inner.size: want >= 1 and < 10, got 0"),
        ({"inner": {"size": 10}}, "outer.inner.size: want >= 1 and < 10, got 10"),
        ({"inner": {}}, "outer.inner.size: want a value, got none (the key is missing)"),
        ({"inner": {"size": 1, "x": 2}}, "outer.inner.x: want one of: size, got an unknown key"),
        ({"inner": 3}, "outer.inner: want a section with keys, got 3"),
        ({"kind": "two"}, "outer.flag: want false for two, got True; take one"),
        (
            {"rates": 1},
            "outer.rates: want one of: flag, inner, kind, limit, names, rate, sizes, steps, "
            "got an unknown key",
        ),
    ],
)
def test_errors_name_the_key_and_what_was_wanted_and_got(changes, line):
    with pytest.raises(ParamsError) as caught:
        outer(**changes)
    assert str(caught.value) == line


@pytest.mark.parametrize("key", GOOD)
def test_no_key_has_a_default(key):
    with pytest.raises(ParamsError, match=rf"^outer\.{key}: want a value, got none \(the key is m"):
        from_mapping({name: value for name, value in GOOD.items() if name != key}, Outer, "outer")


def test_a_class_that_fills_another_section_names_that_one():
    section = {"size": 0}
    with pytest.raises(ParamsError, match=r"^other\.size: want >= 1 and < 10, got 0"):
        from_mapping(section, Inner, "other")
    assert from_mapping({"size": 1}, Inner, "other") == Inner(1)
    assert Inner(1).section == "outer.inner"
    with pytest.raises(ParamsError, match=r"^other\.flag: want false for two, got True; take one"):
        from_mapping(GOOD | {"kind": "two"}, Outer, "other")


def test_construction_checks_too():
    with pytest.raises(ParamsError, match=r"outer\.inner\.size: want a whole number, got 'a'"):
        Inner("a")  # type: ignore[arg-type]


def test_a_section_without_a_name_names_the_field():
    @dataclass(frozen=True)
    class Bare(Params):
        size: Annotated[int, Range(at_least=1)]

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.size == 7:
                raise self.refuse("size", "another")

    with pytest.raises(ParamsError, match=r"^size: want >= 1, got 0"):
        Bare(0)
    with pytest.raises(ParamsError, match=r"^size: want another, got 7"):
        Bare(7)


def test_an_annotation_that_cannot_be_checked_is_our_own_bug():
    @dataclass(frozen=True)
    class Odd(Params):
        table: dict[str, int]

    with pytest.raises(TypeError, match=r"no check for dict\[str, int\]"):
        Odd({})


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        (Range(above=0), [1e-300, 5], [0, -1]),
        (Range(at_least=0), [0, 5], [-1e-300]),
        (Range(below=1), [0.999, -5], [1, 2]),
        (Range(at_most=1), [1, -5], [1.001]),
        (Range(), [-1e300, 0], []),
    ],
)
def test_ranges_by_hand(bounds, inside, outside):
    assert all(number in bounds for number in inside)
    assert not any(number in bounds for number in outside)


def test_ranges_in_words():
    assert str(Range(above=0, below=1)) == "> 0 and < 1"
    assert str(Range(at_least=0, at_most=1)) == ">= 0 and <= 1"


# Files


def test_a_dotted_section_of_a_file(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("outer:\n  inner:\n    size: 4\nother:\n  size: 0\n", encoding="utf-8")
    assert load(path, Inner) == Inner(4)
    with pytest.raises(ParamsError, match=r"^other\.size: want >= 1"):
        load(path, Inner, "other")
    for name in ("another", "outer.another", "outer.inner.size.deep"):
        with pytest.raises(ParamsError, match=rf"params\.yaml: {name}: want a section of this nam"):
            load(path, Inner, name)


def test_a_file_that_is_its_own_section(tmp_path):
    (tmp_path / "params.yaml").write_text("size: 4\n", encoding="utf-8")
    assert load(tmp_path / "params.yaml", Inner, "") == Inner(4)


@pytest.mark.parametrize("content", [b"a: [1", b"\xff\xfe\x00", b"a: b: c"])
def test_what_is_no_yaml_is_named(content, tmp_path):
    (tmp_path / "params.yaml").write_bytes(content)
    with pytest.raises(ParamsError, match=r"params\.yaml: want valid YAML, got") as caught:
        read_yaml(tmp_path / "params.yaml")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ParamsError, match=r"params\.yaml: want a YAML file, got no such file"):
        load(tmp_path / "params.yaml", Inner)
