"""Errors are one line: what, wanted, got, what next."""

import pytest

from palimpsest.core import errors
from palimpsest.core.errors import PalimpsestError


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
    assert len(kinds) == 8
    assert all(issubclass(kind, PalimpsestError) for kind in kinds)
