"""The texts of a row by its field: a name, or a path into objects and lists within it.

``data.text`` is the field ``text`` of the object ``data``; ``messages[].content`` the field
``content`` of every message; ``turns[-1].text`` of the last one. A name that the object really has
wins over a path, at every level. ``[]`` may be left out before a name.
"""

import re
from collections.abc import Iterator
from itertools import islice

DEEPEST_NAMED = 4
"""Levels of an object whose fields an error lists."""
MOST_NAMED = 30
"""Fields that it lists."""
CONTENTS = ("content", "value", "text")
"""What the text of a chat's message is called."""
ROLES = ("role", "from", "speaker")
"""What the speaker of a message is called."""
ALIASES = {"gpt": "assistant", "bot": "assistant", "model": "assistant", "human": "user"}
"""Other words for a role, as collections of chats have them."""
_BRACKETS = re.compile(r"\[(-?\d*)\]")
_SEGMENT = re.compile(r"(.*?)((?:\[-?\d*\])*)", re.DOTALL)


class FieldPath:
    """Where the text of a row is.

    Args:
        field: a name or a path.
        role: of the messages that count; None for all.
    """

    def __init__(self, field: str, role: str | None = None) -> None:
        self.field = field
        self.role = None if role is None else _role(role)
        self._segments = field.split(".")

    @property
    def is_path(self) -> bool:
        """Whether it is written as a path; blanks and hyphens are parts of a name."""
        if _BRACKETS.search(self.field):
            return True
        return len(self._segments) > 1 and all(self._segments)

    @property
    def column(self) -> str:
        """The name with which the path begins."""
        match = _SEGMENT.fullmatch(self._segments[0])
        return match[1] if match and match[1] else self._segments[0]

    def columns(self, names: list[str]) -> str | None:
        """The one of a table's columns that the path begins with; None if there is none."""
        for end in range(len(self._segments), 0, -1):
            name = ".".join(self._segments[:end])
            if name in names:
                return name
        return self.column if self.column in names else None

    def find(self, row: dict[str, object]) -> list[object] | None:
        """The values that the path leads to.

        Returns:
            One for a plain path, one for each element of a list; none if no message has the role;
            None where the row has no such field.
        """
        if self.role is None and self.field in row:
            value = row[self.field]
            return [value] if not isinstance(value, list) else self._leaves(value)
        return self._within(row, self._segments)

    def _within(self, value: object, segments: list[str]) -> list[object] | None:
        if not segments:
            return self._leaves(value)
        if isinstance(value, list):
            return self._each(value, segments)
        if not isinstance(value, dict):
            return None
        for end in range(len(segments), 0, -1):
            name = ".".join(segments[:end])
            if name in value:
                return self._within(value[name], segments[end:])
        match = _SEGMENT.fullmatch(segments[0])
        if match is None or not match[2] or match[1] not in value:
            return None
        return self._indexed(value[match[1]], _BRACKETS.findall(match[2]), segments[1:])

    def _indexed(
        self, value: object, indices: list[str], segments: list[str]
    ) -> list[object] | None:
        """Goes through the brackets behind a name."""
        if not indices:
            return self._within(value, segments)
        if isinstance(value, dict):
            value = _records(value)
        if not isinstance(value, list):
            return None
        if not indices[0]:
            found = [self._indexed(one, indices[1:], segments) for one in self._of_role(value)]
            return _joined(found)
        at = int(indices[0]) if len(indices[0]) < 10 else len(value)
        if not -len(value) <= at < len(value):
            return None
        return self._indexed(value[at], indices[1:], segments)

    def _each(self, value: list[object], segments: list[str]) -> list[object] | None:
        return _joined([self._within(one, segments) for one in self._of_role(value)])

    def _of_role(self, value: list[object]) -> list[object]:
        if self.role is None:
            return value
        return [one for one in value if role_of(one) in (None, self.role)]

    def _leaves(self, value: object) -> list[object]:
        """The value itself, or what the messages of a chat say."""
        if isinstance(value, dict):
            said = next((value[key] for key in CONTENTS if key in value), value)
            return [said if role_of(value) is not None else value]
        if isinstance(value, list) and value and all(role_of(one) is not None for one in value):
            return [said for one in self._of_role(value) for said in self._leaves(one)]
        return [value]


def role_of(message: object) -> str | None:
    """Who says a message of a chat; None if it is no message."""
    if not isinstance(message, dict):
        return None
    found = next((message[key] for key in ROLES if isinstance(message.get(key), str)), None)
    return None if found is None else _role(found)


def paths_in(rows: list[dict[str, object]]) -> list[str]:
    """The paths that lead to values of the first rows, in their order, each once."""
    named = (path for row in rows[:100] for path in _paths(row, "", DEEPEST_NAMED))
    return list(dict.fromkeys(islice(named, 10_000)))[:MOST_NAMED]


def _paths(value: object, path: str, levels: int) -> Iterator[str]:
    if isinstance(value, dict) and value and levels:
        for name, inner in value.items():
            yield from _paths(inner, f"{path}.{name}" if path else str(name), levels - 1)
    elif isinstance(value, list) and value and isinstance(value[0], dict) and path:
        yield from _paths(value[0], f"{path}[]", levels)
    elif path:
        yield path


def _joined(found: list[list[object] | None]) -> list[object] | None:
    """Values of some elements; None if there are elements and none has the field."""
    if found and all(one is None for one in found):
        return None
    return [value for one in found if one is not None for value in one]


def _records(columns: dict[str, object]) -> object:
    """A list of objects for an object of lists of one length, as some tables keep chats."""
    lists = list(columns.values())
    if not all(isinstance(one, list) for one in lists):
        return columns
    pairs = zip(*lists, strict=False)
    return [dict(zip(columns, values, strict=True)) for values in pairs]


def _role(name: str) -> str:
    lowered = name.strip().lower()
    return ALIASES.get(lowered, lowered)
