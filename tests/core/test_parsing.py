"""YAML and JSON of strangers: each fault that was found, and the limits."""

import time

import pytest
import yaml

from palimpsest.core import parsing
from palimpsest.core.parsing import DEEPEST, check_unpacked, parse_json, parse_yaml

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
"""Nine lines that stand for 10⁹ texts."""
MERGED = "a: &a {k: 1}\n" + "".join(
    f"{new}: &{new} {{<<: [{', '.join([f'*{old}'] * 10)}]}}\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
"""The same by merges, which PyYAML writes out."""


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
def test_yaml_is_read_as_pyyaml_reads_it(monkeypatch, loader):
    monkeypatch.setattr(yaml, "CSafeLoader", getattr(yaml, loader, yaml.SafeLoader))
    text = "a: &x [1, 5e-4, 2.5, on, ~, 2001-09-09]\nb: {<<: {c: ä}, d: *x}\n"
    assert parse_yaml(text) == yaml.safe_load(text)
    assert parse_yaml(text.encode()) == yaml.safe_load(text)
    assert parse_yaml("") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed: 2001-99-99", "month must be in"),
        ("seed: 0x_", "invalid literal"),
        ("seed: !!int x", "invalid literal"),
        ('seed: !!int ""', "a value that cannot be made"),
        ("seed: !!bool maybe", "a value that cannot be made"),
        ("seed: !!timestamp x", "a value that cannot be made"),
        ("seed: !!python/object/apply:os.system [echo]", "could not determine a constructor"),
        ("seed: " + "9" * 5000, "a number of 5,000 characters"),
        ("seed: 0x" + "f" * 5000, "a number of 5,002 characters"),
        ("seed: !!int " + "9" * 5000, "a number of 5,000 characters"),
        ("seed: " + "1:" * 3000 + "1", "a number of 6,001 characters"),
        ("[" * 3000, "nested more than 100 levels deep"),
        ("- " * 3000 + "1", "nested more than 100 levels deep"),
        (BOMB, "more than 1,000,000 values, its aliases written out"),
        (MERGED, "more than 1,000,000 values, its aliases written out"),
        ("&a [*a]", "an alias inside what it names"),
        ("&a {b: *a}", "an alias inside what it names"),
        ("a: *nobody", "undefined alias"),
        ("? [1]\n: 2\n? {a: 1}\n: 3", "unhashable key"),
        ('a: "\\ud800"', "."),
        ("a\x00b", "."),
    ],
)
def test_what_yaml_cannot_be_is_refused_at_once(text, said):
    start = time.process_time()
    with pytest.raises(ValueError, match=said):
        parse_yaml(text)
    assert time.process_time() - start < 2


def test_a_long_text_is_no_number():
    assert parse_yaml("a: '" + "9" * 5000 + "'")["a"] == "9" * 5000
    assert parse_yaml("a: " + "word " * 1000)["a"] == ("word " * 1000).strip()
    assert parse_yaml("a: " + "9" * 200)["a"] == int("9" * 200)


def test_yaml_is_as_long_as_allowed():
    assert parse_yaml("a" * 50, most=50) == "a" * 50
    with pytest.raises(ValueError, match="more than 50 bytes"):
        parse_yaml("a" * 51, most=50)


def test_aliases_count_as_what_they_stand_for(monkeypatch):
    monkeypatch.setattr(parsing, "MOST_NODES", 9)
    assert parse_yaml("[&a [1, 2], *a]") == [[1, 2], [1, 2]]  # 1 + 3 + 3
    assert parse_yaml("[&a 1, *a, *a, *a, *a, *a, *a, *a]") == [1] * 8
    with pytest.raises(ValueError, match="more than 9 values"):
        parse_yaml("[&a [1, 2], *a, *a]")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("NaN", "NaN is no number"),
        ("[-Infinity]", "-Infinity is no number"),
        ("1e999", "a finite number is wanted, got 1e999"),
        ("9" * 5000, "a number of 5,000 digits"),
        ('{"a": "\\ud83d"}', "half a character"),
        ('{"\\uDC00": 1}', "half a character"),
        ("[" * 10_000, "nested more than 100 levels deep"),
        ('{"a":' * 10_000, "nested more than 100 levels deep"),
        ('"' + '\\"' * 100_000, "."),
        ('["' + '\\"' * 100_000 + "[" * 200, "."),
        ("", "."),
        ("{", "."),
        ("1 2", "."),
        (b"\xff", "."),
    ],
)
def test_what_json_cannot_be_is_refused_at_once(text, said):
    start = time.process_time()
    with pytest.raises(ValueError, match=said):
        parse_json(text)
    assert time.process_time() - start < 2


def test_json_is_read():
    deep = "[" * DEEPEST + "]" * DEEPEST
    assert parse_json(deep)[0]
    assert parse_json('{"a": [1, 2.5, null], "b": "\\ud83d\\ude00"}') == {
        "a": [1, 2.5, None],
        "b": "\U0001f600",
    }


def test_brackets_in_a_text_are_no_levels():
    text = "[" * 500 + '\\"{' * 50
    assert parse_json(f'{{"a": "{text}"}}')["a"].count("[") == 500


def test_a_bomb_is_more_than_20_times_its_size_and_a_gib():
    check_unpacked(2**30, 1)
    check_unpacked(2**31, 2**27)
    with pytest.raises(ValueError, match="1,073,741,825 bytes packed into 469"):
        check_unpacked(2**30 + 1, 469)


def test_infinity_is_read_where_libraries_write_it() -> None:
    assert parse_json('{"time_step_limit": [0.0, Infinity]}', finite=False) == {
        "time_step_limit": [0.0, float("inf")]
    }
    with pytest.raises(ValueError, match="5,000 digits"):
        parse_json("9" * 5000, finite=False)
