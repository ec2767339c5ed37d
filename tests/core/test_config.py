"""A section of params.yaml: every key, no other, its type and its range; errors name the key."""

import string
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError, model_validator

from palimpsest.core.config import Number, Section, Texts, flattened, nested, read_yaml
from palimpsest.core.errors import ParamsError
from palimpsest.core.parameters import Parameters

WHOLE: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8")
)


class Inner(Section):
    """A section in a section."""

    size: Annotated[int, Field(ge=1, lt=10)]


class Outer(Section):
    """A field of every kind that params.yaml has."""

    rate: Annotated[Number, Field(gt=0, le=1)]
    steps: Annotated[int | None, Field(ge=1)]
    limit: Number | None
    kind: Literal["one", "two"]
    flag: bool
    names: Texts
    sizes: tuple[int, ...]
    inner: Inner

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.flag and self.kind == "two":
            self.refuse("flag", "false for two")
        if self.steps is not None and self.inner.size > self.steps:
            self.refuse("inner.size", f"<= steps ({self.steps})")
        return self


GOOD: dict[str, Any] = {
    "rate": 0.5,
    "steps": 3,
    "limit": None,
    "kind": "one",
    "flag": True,
    "names": ["a", "b"],
    "sizes": (0, 4),
    "inner": {"size": 2},
}


def outer(**changes: Any) -> Outer:
    """The section with some other values."""
    return Outer.of(GOOD | changes, "outer")


def test_a_whole_section():
    got = outer()
    assert got == Outer(
        rate=0.5,
        steps=3,
        limit=None,
        kind="one",
        flag=True,
        names=("a", "b"),
        sizes=(0, 4),
        inner=Inner(size=2),
    )
    assert got.as_dict() == GOOD | {"names": ("a", "b")}
    with pytest.raises(ValidationError, match="frozen"):
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
        ({"limit": "far"}, "outer.limit: want a number or null, got 'far'"),
        ({"steps": 0}, "outer.steps: want >= 1, got 0"),
        ({"steps": True}, "outer.steps: want a whole number or null, got True"),
        ({"steps": 2.0}, "outer.steps: want a whole number or null, got 2.0"),
        ({"steps": "2"}, "outer.steps: want a whole number or null, got '2'"),
        ({"kind": "three"}, "outer.kind: want one of 'one', 'two', got 'three'"),
        ({"kind": 1}, "outer.kind: want one of 'one', 'two', got 1"),
        ({"flag": 1}, "outer.flag: want true or false, got 1"),
        ({"flag": "yes"}, "outer.flag: want true or false, got 'yes'"),
        ({"names": "a"}, "outer.names: want a list of text, got 'a'"),
        ({"names": ["a", 1]}, "outer.names: want a list of text, got 1"),
        ({"sizes": (1, True)}, "outer.sizes: want a list of a whole number, got True"),
        ({"inner": {"size": 0}}, "outer.inner.size: want >= 1 and < 10, got 0"),
        ({"inner": {"size": 10}}, "outer.inner.size: want >= 1 and < 10, got 10"),
        ({"inner": {}}, "outer.inner.size: want a value, got none (the key is missing)"),
        ({"inner": {"size": 1, "x": 2}}, "outer.inner.x: want one of: size, got an unknown key"),
        ({"inner": 3}, "outer.inner: want a section with keys, got 3"),
        ({"kind": "two"}, "outer.flag: want false for two, got True"),
        ({"inner": {"size": 4}}, "outer.inner.size: want <= steps (3), got 4"),
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
        Outer.of({name: value for name, value in GOOD.items() if name != key}, "outer")


@pytest.mark.parametrize(
    ("key", "name"), [("1", "1"), ("on", "True"), ("null", "None"), ("1.5", "1.5")]
)
def test_a_key_that_yaml_reads_as_no_text_is_unknown(key, name):
    found = yaml.safe_load(f"size: 2\n{key}: 3\n")
    line = f"{name}: want one of: size, got an unknown key"
    with pytest.raises(ParamsError) as caught:
        Inner.of(found, "outer.inner")
    assert str(caught.value) == f"outer.inner.{line}"
    with pytest.raises(ParamsError) as caught:
        outer(inner=found)
    assert str(caught.value) == f"outer.inner.{line}"
    with pytest.raises(ParamsError) as caught:
        Inner.of(found)
    assert str(caught.value) == line


@pytest.mark.parametrize("value", [None, 3, "size", [1]])
def test_what_is_no_section_is_named(value):
    with pytest.raises(ParamsError) as caught:
        Inner.of(value, "outer.inner")
    assert str(caught.value) == f"outer.inner: want a section with keys, got {value!r}"
    with pytest.raises(ParamsError) as caught:
        Inner.of(value)
    assert str(caught.value) == f"the parameters: want a section with keys, got {value!r}"


def test_a_class_that_fills_another_section_names_that_one():
    section = {"size": 0}
    with pytest.raises(ParamsError, match=r"^other\.size: want >= 1 and < 10, got 0$"):
        Inner.of(section, "other")
    assert Inner.of({"size": 1}, "other") == Inner(size=1)
    with pytest.raises(ParamsError, match=r"^other\.flag: want false for two, got True$"):
        Outer.of(GOOD | {"kind": "two"}, "other")


def test_construction_checks_too():
    with pytest.raises(ValidationError, match=r"size\n  Input should be a valid integer"):
        Inner(size="a")  # type: ignore[arg-type]


def test_a_section_without_a_name_names_the_field():
    class Bare(Section):
        size: Annotated[int, Field(ge=1)]

        @model_validator(mode="after")
        def _check(self) -> Self:
            if self.size == 7:
                self.refuse("size", "another")
            return self

    with pytest.raises(ParamsError, match=r"^size: want >= 1, got 0$"):
        Bare.of({"size": 0})
    with pytest.raises(ParamsError, match=r"^size: want another, got 7$"):
        Bare.of({"size": 7})


def test_the_cause_is_chained():
    with pytest.raises(ParamsError) as caught:
        Inner.of({"size": 0})
    assert isinstance(caught.value.__cause__, ValidationError)


def test_a_changed_copy_is_checked_and_leaves_the_first_as_it_was():
    first = outer()
    changed = first.changed(steps=None, inner=Inner(size=3))
    assert changed == outer(steps=None, inner={"size": 3})
    assert first == outer()
    with pytest.raises(ParamsError, match=r"^flag: want false for two, got True$"):
        first.changed(kind="two")
    with pytest.raises(ParamsError, match=r"^step: want one of: .*, got an unknown key$"):
        first.changed(step=3)


@pytest.mark.parametrize(
    ("bounds", "inside", "outside", "words"),
    [
        ({"gt": 0}, [1e-300, 5.0], [0.0, -1.0], "> 0"),
        ({"ge": 0}, [0.0, 5.0], [-1e-300], ">= 0"),
        ({"lt": 1}, [0.999, -5.0], [1.0, 2.0], "< 1"),
        ({"le": 1}, [1.0, -5.0], [1.001], "<= 1"),
        ({"gt": 0, "lt": 1}, [0.5], [0.0, 1.0], "> 0 and < 1"),
        ({"ge": 0, "le": 1}, [0.0, 1.0], [-0.1, 1.1], ">= 0 and <= 1"),
    ],
)
def test_ranges_by_hand_and_in_words(bounds, inside, outside, words):
    class Bounded(Section):
        number: Annotated[Number | None, Field(**bounds)]

    for number in [*inside, None]:
        assert Bounded.of({"number": number}).number == number
    for number in outside:
        with pytest.raises(ParamsError) as caught:
            Bounded.of({"number": number})
        assert str(caught.value) == f"number: want {words}, got {number}"


# Dotted keys


KEYS = st.text(string.ascii_lowercase + "_", min_size=1, max_size=4)
LEAVES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers(), max_size=2)
SECTIONS = st.dictionaries(
    KEYS,
    st.recursive(LEAVES, lambda node: st.dictionaries(KEYS, node, min_size=1, max_size=3)),
    max_size=4,
)


def test_dotted_keys_by_hand():
    sections = {"seed": 0, "corpus": {"train": 5, "world": {"entities": 10}, "paths": []}}
    flat = {"seed": 0, "corpus.train": 5, "corpus.world.entities": 10, "corpus.paths": []}
    assert flattened(sections) == flat
    assert nested(flat) == sections
    assert nested(dict(reversed(flat.items()))) == sections


@given(SECTIONS)
def test_flattened_and_nested_are_inverses(sections):
    flat = flattened(sections)
    assert nested(flat) == sections
    assert flattened(nested(flat)) == flat
    assert not any(isinstance(value, dict) for value in flat.values())


# Files


@pytest.mark.parametrize("content", [b"a: [1", b"\xff\xfe\x00", b"a: b: c"])
def test_what_is_no_yaml_is_named(content, tmp_path):
    (tmp_path / "params.yaml").write_bytes(content)
    with pytest.raises(ParamsError, match=r"params\.yaml: want valid YAML, got") as caught:
        read_yaml(tmp_path / "params.yaml")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ParamsError, match=r"params\.yaml: want a YAML file, got no such file"):
        read_yaml(tmp_path / "params.yaml")


def test_a_file_is_read_as_it_stands(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("outer:\n  rate: 5e-4\n  name: Ümlaut\n", encoding="utf-8")
    assert read_yaml(path) == {"outer": {"rate": "5e-4", "name": "Ümlaut"}}


@pytest.mark.parametrize(
    "value", [2**63, -(2**63) - 1, 10**400, 10**6000], ids=["64 bits", "below", "400", "6000"]
)
def test_a_whole_number_that_no_library_counts_with_is_refused(value):
    with pytest.raises(ParamsError, match=r"^seed: want a whole number of at most 63 bits, got "):
        Parameters.of({**WHOLE, "seed": value})
    with pytest.raises(ParamsError, match=r"^corpus.train: want a whole number of at most 63 bi"):
        Parameters.of({**WHOLE, "corpus": {**WHOLE["corpus"], "train": value}})


@pytest.mark.parametrize("section", ["generate", "witness"])
def test_half_a_character_in_a_prompt_is_refused(section):
    values = {**WHOLE[section], "prompts": ["The city of", "half \ud800"]}
    message = rf"^{section}\.prompts: want text of whole characters .*, got 'half .ud800'$"
    with pytest.raises(ParamsError, match=message):
        Parameters.of({**WHOLE, section: values})


@pytest.mark.parametrize(
    "content",
    ["seed: 2001-99-99", "seed: &a [*a]", "[" * 3000, b"\xff", "seed: \x1b[2J", "a" * (2**22 + 1)],
)
def test_a_file_that_is_no_yaml_is_one_short_line(content, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ParamsError, match=r"params\.yaml: want valid YAML, got ") as caught:
        read_yaml(path)
    assert len(str(caught.value)) < 700
    assert not set("\n\x1b") & set(str(caught.value))


def test_a_folder_and_a_device_without_an_end_are_no_yaml(tmp_path):
    with pytest.raises(ParamsError, match="want a YAML file, got Is a directory"):
        read_yaml(tmp_path)
    with pytest.raises(ParamsError, match="want valid YAML, got more than 4,194,304 bytes"):
        read_yaml(Path("/dev/zero"))
