"""YAML and JSON that nobody vouches for: parsed within limits, every failure a ValueError.

Nothing becomes an object of code (YAML's safe loader), and nothing small becomes large: an alias
counts as all that it stands for, depth and the length of a number are limited. Depth is counted
before the parsers see the content, since theirs recurse and can take the process with them.
"""

import json
import math
import re
from collections.abc import Iterable
from typing import Any, NoReturn

import yaml

DEEPEST = 100
"""Levels of nesting; the project's own files have up to 6."""
LONGEST_NUMBER = 200
"""Characters of a number: more are no number of this project, and take square time to read."""
MOST_NODES = 1_000_000
"""Nodes of a YAML file with every alias written out."""
MOST_YAML = 2**22
"""Bytes of a YAML file that people write; chain.yaml of 999 generations has 0.2 MB."""
MOST_LOCK = 2**25
"""Bytes of a lock, which DVC writes: up to 9 kB a generation."""
MOST_UNPACKED, MOST_RATIO = 2**30, 20
"""A packed file may unpack to a GiB, and a larger one to so many times its own size."""

HALF = re.compile("[\ud800-\udfff]")
"""Half a character (a surrogate alone), which no file can hold: JSON and YAML alone can say it."""
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
"""A whole JSON text, so that its brackets do not count, or a bracket."""
_NUMERIC = re.compile(r"[-+.0-9a-fA-FoxX_:]+")
_HALF_ESCAPED = re.compile(r"\\ud[89a-f]", re.IGNORECASE)


def parse_yaml(content: str | bytes, most: int = MOST_YAML) -> Any:
    """The one document of a YAML file.

    Args:
        content: of the file.
        most: bytes or characters that it may have.

    Raises:
        ValueError: no YAML, a value that its tag does not allow, a tag of code, or more than the
            limits of this module.
    """
    if len(content) > most:
        raise ValueError(f"more than {most:,} bytes")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a safe one either way
    try:
        _check_events(yaml.parse(content, Loader=loader))
        return yaml.load(content, Loader=loader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError) as error:
        # what PyYAML runs into while it makes a value: !!bool maybe, !!timestamp x, !!int ""
        raise ValueError(f"a value that cannot be made ({error!r})") from error


def parse_json(content: str | bytes, finite: bool = True) -> Any:
    """The value of a JSON text.

    Args:
        content: of the file.
        finite: refuses NaN and infinity, which JSON has not; `transformers` writes them all the
            same (the limits of a state-space model's time step).

    Raises:
        ValueError: no JSON; NaN or infinity (if `finite`); a number too long for any use; half a
            character (a surrogate alone); nested too deeply.
    """
    text = content if isinstance(content, str) else content.decode("utf-8")
    check_depth(text)
    value = (_STRICT if finite else _LOOSE).decode(text)
    if _HALF_ESCAPED.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ValueError("half a character (a surrogate alone)") from error
    return value


def check_depth(text: str) -> None:
    """Makes sure that a JSON text can be read without recursing deeply.

    Raises:
        ValueError: more than `DEEPEST` levels.
    """
    if text.count("[") + text.count("{") <= DEEPEST:
        return
    depth = 0
    for match in _BRACKETS.finditer(text):
        sign = match[0]
        depth += (sign in "[{") - (sign in "]}")
        if depth > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} levels deep")


def check_unpacked(promised: int, packed: int) -> None:
    """Makes sure that a packed file is no bomb.

    Args:
        promised: bytes that it says to unpack to.
        packed: bytes that it has.

    Raises:
        ValueError: more than a GiB, and than 20 times its size.
    """
    if promised > max(MOST_UNPACKED, MOST_RATIO * packed):
        raise ValueError(f"{promised:,} bytes packed into {packed:,}")


def _check_events(events: Iterable[Any]) -> None:
    """Walks through a YAML file without making anything of it, and counts.

    Raises:
        ValueError: too deep, too many nodes, a number too long, or an alias inside what it names.
    """
    sizes: dict[str | None, int | None] = {}  # None: still open
    opened: list[tuple[str | None, int]] = []  # anchor, nodes before it
    total = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            size = sizes.get(event.anchor, 1)
            if size is None:
                raise ValueError(f"an alias inside what it names (*{event.anchor})")
            total += size
        elif isinstance(event, yaml.ScalarEvent):
            _check_scalar(event)
            total += 1
            if event.anchor is not None:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append((event.anchor, total))
            if event.anchor is not None:
                sizes[event.anchor] = None
            if len(opened) > DEEPEST:
                raise ValueError(f"nested more than {DEEPEST} levels deep")
            total += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = opened.pop()
            if anchor is not None:
                sizes[anchor] = total - before
        if total > MOST_NODES:
            raise ValueError(f"more than {MOST_NODES:,} values, its aliases written out")


def _check_scalar(event: Any) -> None:
    if len(event.value) <= LONGEST_NUMBER:
        return
    plain, tagged = event.implicit[0], event.tag not in (None, "!", "tag:yaml.org,2002:str")
    if tagged or (plain and _NUMERIC.fullmatch(event.value)):
        raise ValueError(f"a number of {len(event.value):,} characters")


def _whole(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"a number of {len(digits):,} digits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"a finite number is wanted, got {digits[:20]}")
    return number


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


_STRICT = json.JSONDecoder(parse_int=_whole, parse_float=_finite, parse_constant=_refuse)
_LOOSE = json.JSONDecoder(parse_int=_whole)
