"""What the parsers are given: valid files with parts exchanged, hostile pieces, plain noise.

``PALIMPSEST_FUZZ_EXAMPLES`` is the number of inputs for each parser (default: 500); ``python -m
tests.fuzz.run`` sets it.
"""

import json
import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from palimpsest.core.errors import PalimpsestError

EXAMPLES = int(os.environ.get("PALIMPSEST_FUZZ_EXAMPLES", "500"))
LONGEST_LINE = 4_000
"""Characters of an error at the most."""

fuzz = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=EXAMPLES <= 500,  # `make test` says the same each time; more inputs are other ones
    suppress_health_check=list(HealthCheck),
)
"""Of every test here; a folder of pytest's is written over by each example."""

YAML_PIECES = (
    "2001-99-99", "0x_", "0b_", "!!int x", '!!int ""', "!!float x", "!!bool maybe",
    "!!timestamp x", "!!binary ä", "!!python/object/apply:os.system [touch x]", "!!set [1]",
    "!!omap 3", "!!pairs [1, [2]]", "9" * 5000, "0x" + "f" * 5000, "1:" * 3000 + "1",
    "[" * 3000, "{" * 3000, "- " * 3000, "&a [*a]", "&a {<<: *a}", "*nobody", "<<: 3",
    "<<: [1]", ".inf", "-.inf", ".nan", "1e999", "5e-4", '"\\ud800"', '"\\x1b[2J"', "true: 1",
    '"": 1', "? [1]\n: 2", "null: 1", "1: 2", "---\n", "...\n", "%YAML 9.9\n", "\t", "\x00",
    "\ufeff", "|2\n", ">", "!<!>", "'", '"', "a: b: c", "-1", "1.5", "[]", "{}", "~", "''", "[1]",
    "{a: 1}", "100000000000000000000000", "../../../etc/passwd", "=cmd()", "<script>", "\u202e",
)  # fmt: skip
JSON_PIECES = (
    "9" * 5000, "-" + "1" * 400, "1e999", "NaN", "Infinity", "-Infinity", "[" * 10_000,
    '{"a":' * 2000, '"\\ud800"', '"\\u0000"', '"\\u001b[2J"', "null", "true", "1.5", "-1", "[]",
    "{}", '""', '"x"', "[1]", '{"a": 1}', "\ufeff", "\x00", "'", '"', "\\", ",", ":", "\n",
    '"../../x"', '"=cmd()"', '"<script>"',
)  # fmt: skip


def exchanged(content, edits):
    """A file with parts exchanged.

    Args:
        content: bytes of the whole one.
        edits: where (as a share of 65536), how many bytes are taken out, what comes in.
    """
    for place, length, piece in edits:
        at = place * len(content) >> 16
        content = content[:at] + piece + content[at + length :]
    return content


def variants(*whole, pieces=()):
    """A strategy of bytes: one of the whole files with one to four parts exchanged, or noise."""
    piece = st.one_of(
        st.sampled_from([one.encode("utf-8", "surrogatepass") for one in pieces] or [b""]),
        st.binary(max_size=6),
    )
    edits = st.lists(
        st.tuples(st.integers(0, 65535), st.integers(0, 40), piece), min_size=1, max_size=4
    )
    noise = st.one_of(
        st.binary(max_size=64), st.lists(piece, min_size=1, max_size=6).map(b" ".join)
    )
    return st.one_of(
        *(edits.map(lambda edits, content=content: exchanged(content, edits)) for content in whole),
        noise,
    )


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from([10**30, -(10**30), 2**63, 10**400, -1, 0, 1]),
        st.integers(4_400, 6_000).map(lambda digits: 10**digits),  # Python writes it nowhere
        st.floats(),
        st.text(st.characters(), max_size=8),
        st.sampled_from(["\ud800", "\x1b[2J", "", "1e999", "5e-4", "../x", "=1", "g07"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
"""Values of any kind, those among them that JSON and YAML cannot say."""


def replaced(tree):
    """A strategy: a tree of dictionaries and lists with one of its values replaced or its key lost.

    Args:
        tree: plain values.
    """
    return st.tuples(st.sampled_from(list(_paths(tree))), st.one_of(st.just(...), VALUES)).map(
        lambda edit: _with(tree, *edit)
    )


def _paths(tree, path=()):
    yield path
    if not isinstance(tree, dict | list):
        return
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield from _paths(value, (*path, key))


def _with(tree, path, value):
    if not path:
        return None if value is ... else value
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    if value is ... and len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = _with(copy[path[0]], path[1:], value)
    return copy


def as_json(tree):
    """JSON bytes, also of what JSON cannot say (NaN, half characters, numbers too long)."""
    try:
        return json.dumps(tree).encode()
    except ValueError:
        return b"1" * 6001


def read_or_refused(call, *args):
    """What a call returns; None if it is a mistake in one printable line.

    Anything else that is raised is the fault that these tests look for.
    """
    try:
        return call(*args)
    except PalimpsestError as error:
        line = str(error)
        assert line
        assert len(line) < LONGEST_LINE
        assert not any(character in line for character in "\n\r\x1b\x00\u202e")
        line.encode()
        return None
