"""The transitions of chain.yaml: which generation is trained on what, and their names."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from palimpsest.core.config import read_yaml
from palimpsest.core.errors import ParamsError

NAME = re.compile(r"[gn][0-9]{2,3}")
"""A generation's name: g07, n07 in the control chain."""
WORD = re.compile(r"[A-Za-z0-9_]+")
"""What stands in a transition: it becomes part of paths and of commands."""
KEYS = ("index", "parent", "previous", "training", "regime")
LONGEST = 999
"""Most generations of a chain."""

Transition = Mapping[str, Any]
"""``index``, ``parent``, ``previous``, ``training`` and ``regime`` of a generation."""


def read_transitions(path: Path) -> dict[str, Transition]:
    """The transitions of a chain.yaml, in order.

    Raises:
        ParamsError: no such file, or none of this form.
    """
    content = read_yaml(path)
    entries = content.get("transitions") if isinstance(content, dict) else None
    wanted = "transitions: index, parent, previous, training and regime of each generation"
    hint = "palimpsest chain 20"
    if not isinstance(entries, dict) or not entries:
        raise ParamsError(str(path), wanted=wanted, got="none", hint=hint)
    for name, entry in entries.items():
        fits = isinstance(name, str) and NAME.fullmatch(name) and isinstance(entry, dict)
        if not fits or not _is_transition(entry):
            raise ParamsError(f"{path}: {name}", wanted=wanted, got=repr(entry)[:80], hint=hint)
    if "g00" not in entries:
        raise ParamsError(str(path), wanted=wanted, got="none of g00", hint=hint)
    return dict(sorted(entries.items(), key=lambda item: (item[0][0], item[1]["index"])))


def _is_transition(entry: Mapping[Any, Any]) -> bool:
    words = [entry.get(key) for key in KEYS[1:]]
    return (
        entry.keys() == {*KEYS}
        and type(entry["index"]) is int
        and 0 <= entry["index"] <= LONGEST
        and all(isinstance(word, str) and WORD.fullmatch(word) for word in words)
    )
