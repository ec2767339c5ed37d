"""How files are to be read, and what their options are called where the caller's user sets them."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Unit = Literal["line", "paragraph", "file"]

COMMAND_LINE: Mapping[str, str] = MappingProxyType(
    {
        name: f"--{name}"
        for name in ("field", "role", "unit", "delimiter", "encoding", "format")
    }
)  # fmt: skip
CHAIN: Mapping[str, str] = MappingProxyType(
    {"field": "corpus.files.text_field:", "unit": "corpus.files.txt_unit:"}
)


@dataclasses.dataclass(frozen=True)
class ReadOptions:
    """How texts are read; every option has a value that suits most files."""

    field: str = "text"
    """Field or column of the text: a name, or a path such as ``data.text``,
    ``messages[].content`` or ``turns[0].text``. A field that has the whole path as its name wins.
    Without effect on plain text and on lists of bare strings."""
    role: str | None = None
    """Of a chat's messages, those of this role alone (``assistant`` also names ``gpt``)."""
    unit: Unit | None = None
    """What a text is in plain text; None: a paragraph if there is a blank line, else a line."""
    delimiter: str | None = None
    """Between the cells of .csv and .tsv, one character; None: seen from the file."""
    encoding: str | None = None
    """Of the files that are not UTF-8; None: such files are an error that names the likely one."""
    format: str | None = None
    """Of standard input and of files whose name does not say it: a key of `FORMATS`."""
    named: Mapping[str, str] = dataclasses.field(default_factory=lambda: COMMAND_LINE, hash=False)
    """Option -> how the user sets it, for hints; what is missing here cannot be set."""

    def hint(self, option: str, value: str) -> str | None:
        """``--unit line``, in the caller's words; None if the caller's user cannot set it."""
        name = self.named.get(option)
        return None if name is None else f"{name} {value}"
