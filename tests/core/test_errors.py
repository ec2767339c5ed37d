"""Errors are one line: what, wanted, got, what next."""

import pytest

from palimpsest.core import errors
from palimpsest.core.errors import ModelError, PalimpsestError, ParamsError, called, shown


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ({}, "key"),
        ({"wanted": "> 0"}, "key: want > 0"),
        ({"wanted": "> 0", "got": -1}, "key: want > 0, got -1"),
        ({"got": 0}, "key: got 0"),
        ({"wanted": "> 0", "got": 0, "hint": "raise it"}, "key: want > 0, got 0; raise it"),
        ({"hint": "raise it"}, "key; raise it"),
        ({"wanted": "two\n  lines", "got": "a\ttab"}, "key: want two lines, got a tab"),
    ],
)
def test_the_line_by_hand(parts, line):
    error = PalimpsestError("key", **parts)
    assert str(error) == line
    assert (error.what, error.wanted, error.got) == ("key", parts.get("wanted"), parts.get("got"))
    assert error.hint == parts.get("hint")


def test_one_class_catches_them_all():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert len(kinds) == 11
    assert all(issubclass(kind, PalimpsestError) for kind in kinds)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("half \ud800", "half \\ud800"),
        ("bell \x07 null \x00", "bell \\x07 null \\x00"),
        ("ünïcödé ✓ \u200d", "ünïcödé ✓ \u200d"),
    ],
)
def test_control_characters_are_shown_and_not_sent(text, line):
    assert shown(text) == line
    assert str(PalimpsestError(text)) == line
    assert str(PalimpsestError("a", wanted=text, got=text, hint=text)) == (
        f"a: want {line}, got {line}; {line}"
    )


def test_what_is_kept_is_sent():
    assert shown("a\n\tb\r", keep="\n\t") == "a\n\tb\\r"


@pytest.mark.parametrize(
    "got", ["9" * 5000, "a\n" * 5000, "\x1b" * 5000, 10**6000], ids=["9", "a", "esc", "huge"]
)
def test_a_line_stays_short(got):
    line = str(PalimpsestError("key", wanted="a number", got=got))
    assert line.startswith("key: want a number, got ")
    assert len(line) < 1500
    assert "\n" not in line


def test_a_long_path_keeps_both_its_ends():
    line = str(PalimpsestError("/start/" + "a" * 5000 + "/end.json", got="none"))
    assert line.startswith("/start/aaa")
    assert "/end.json (5,016 characters): got none" in line


def test_an_error_speaks_of_what_was_typed():
    names = {"embed.encoder": "--other", "embed.encoder.model": "--encoder"}
    wanted = r"^--encoder: bundled: want a, got b; c$"
    with pytest.raises(ModelError, match=wanted) as caught, called(names):
        raise ModelError("embed.encoder.model: bundled", wanted="a", got="b", hint="c")
    assert str(caught.value.__cause__) == "embed.encoder.model: bundled: want a, got b; c"
    with pytest.raises(ParamsError, match=r"^seed: got 1$"), called(names):
        raise ParamsError("seed", got=1)
