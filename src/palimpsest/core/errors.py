"""What goes wrong, in a line each: what it was about, what was wanted, what was got, what next."""

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LONGEST, LONGEST_WANTED = 300, 1500
"""Characters of a part of a line; what was wanted may be a list of names."""
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What moves a terminal's cursor, turns the reading direction, or is half a character."""


def shown(value: object, keep: str = "") -> str:
    """A value as text whose control characters are written out, never sent to a terminal.

    Args:
        value: what to show; names and texts may come from strangers.
        keep: control characters that stay, such as the end of a line.
    """
    text = written_out(value, str)
    return _UNSEEN.sub(lambda match: match[0] if match[0] in keep else ascii(match[0])[1:-1], text)


def written_out(value: object, write: "Callable[[object], str]" = repr) -> str:
    """A value as Python writes it; some numbers are too long for it."""
    try:
        return write(value)
    except ValueError:
        return "a number of more than 4,300 digits"


def _part(value: object, longest: int = LONGEST) -> str:
    """One part of a line: cut in its middle, white space made single."""
    text = written_out(value, str)
    if len(text) > longest:
        end = longest // 4
        text = f"{text[: longest - end]} … {text[-end:]} ({len(text):,} characters)"
    return shown(" ".join(text.split()))


class PalimpsestError(Exception):
    """A mistake in the input that the user can mend.

    Its line is short and safe to print, whatever the parts hold: see `shown`.

    Args:
        what: the key, file or array at fault.
        wanted: what would have been right.
        got: what was found instead.
        hint: the next step.
    """

    def __init__(
        self,
        what: str,
        *,
        wanted: object = None,
        got: object = None,
        hint: str | None = None,
    ) -> None:
        self.what, self.wanted, self.got, self.hint = what, wanted, got, hint
        line = _part(what)
        if wanted is not None:
            line += f": want {_part(wanted, LONGEST_WANTED)}"
            if got is not None:
                line += f", got {_part(got)}"
        elif got is not None:
            line += f": got {_part(got)}"
        if hint:
            line += f"; {_part(hint)}"
        super().__init__(line)


@contextmanager
def called(names: "Mapping[str, str]") -> "Iterator[None]":
    """Errors raised within speak of what the user typed.

    A command without a project has no params.yaml: what its code calls ``embed.encoder.model`` came
    from an option.

    Args:
        names: the beginning of what an error may be about -> what it is called here.

    Raises:
        PalimpsestError: the same one, renamed.
    """
    try:
        yield
    except PalimpsestError as error:
        known = (name for name in names if error.what.startswith(name))
        name = max(known, key=len, default=None)
        if name is None:
            raise
        what = names[name] + error.what.removeprefix(name)
        same = type(error)
        raise same(what, wanted=error.wanted, got=error.got, hint=error.hint) from error


class ParamsError(PalimpsestError):
    """params.yaml or chain.yaml says something that cannot be meant."""


class CorpusError(PalimpsestError):
    """The human text is missing, empty or too small."""


class ModelError(PalimpsestError):
    """A model folder, tokenizer or encoder cannot be used."""


class TrainingError(PalimpsestError):
    """Training went wrong, for example a loss that is not a number."""


class MemoryShortage(PalimpsestError):
    """Memory has run out; see `palimpsest.core.memory`."""


class ProcessError(PalimpsestError):
    """Processes that share a stage cannot be started, or one of them has ended before its time."""


class MetricError(PalimpsestError):
    """Arrays or texts that no metric can be computed from."""


class ProjectError(PalimpsestError):
    """DVC or git said no."""


class InstallationError(PalimpsestError):
    """A package is missing that an extra of the installation brings."""


class ComparisonError(PalimpsestError):
    """Chains that cannot be compared."""
