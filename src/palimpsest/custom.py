"""Metrics of your own (`score.custom`): a function of texts and embeddings becomes a metric.

See docs/custom_metrics.md. What such a function gets wrong (it is missing, raises, returns no
number) is said in one line that names `score.custom` and the function.
"""

import importlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palimpsest.errors import MetricError, ParamsError

Floats = NDArray[np.float32]
KEY = "score.custom"
_NAME = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<function>[A-Za-z_]\w*)", re.A)
_ENTRY = re.compile(r"\w+", re.A)


@dataclass(frozen=True)
class CustomMetric:
    """One entry of `score.custom`."""

    name: str
    """``module:function``."""
    function: Callable[..., Any]

    def prepare(
        self,
        texts: Sequence[str],
        embeddings: Floats,
        human_texts: Sequence[str],
        human_embeddings: Floats,
    ) -> Callable[[NDArray[Any] | None], dict[str, float]]:
        """The metric of these texts, or of those in some rows of them.

        Args:
            texts: to be measured, n texts.
            embeddings: theirs, (n, d).
            human_texts: generation 0's human sample.
            human_embeddings: theirs.

        Returns:
            A function of rows (None for all of them) that returns numbers by name: that of the
            function for a number, that name, an underscore and the key for a dict of numbers.

        Raises:
            MetricError: (when called) the function raises, returns anything but finite numbers, or
                other names than in the first call.
        """
        human = list(human_texts), _read_only(human_embeddings)
        names: set[str] = set()

        def measure(rows: NDArray[Any] | None) -> dict[str, float]:
            chosen = list(texts) if rows is None else [texts[row] for row in rows.tolist()]
            points = _read_only(embeddings) if rows is None else embeddings[rows]
            found = self._numbers(self._call(chosen, points, *human))
            names.update(found if not names else ())
            if found.keys() != names:
                wanted = f"the names of the first call ({', '.join(sorted(names))})"
                raise MetricError(
                    f"{KEY}: {self.name}", wanted=wanted, got=", ".join(sorted(found))
                )
            return found

        return measure

    def _call(
        self, texts: list[str], points: Floats, human_texts: list[str], human_points: Floats
    ) -> Any:
        try:
            return self.function(
                texts=texts,
                embeddings=points,
                human_texts=human_texts,
                human_embeddings=human_points,
            )
        except Exception as error:  # whatever a stranger's function raises
            got = f"{type(error).__name__}: {error}"
            raise MetricError(f"{KEY}: {self.name}", wanted="a number", got=got) from error

    def _numbers(self, result: Any) -> dict[str, float]:
        own = self.name.split(":")[1]
        entries = result if isinstance(result, Mapping) else {"": result}
        if not entries:
            raise MetricError(f"{KEY}: {self.name}", wanted="numbers by name", got="none")
        found = {}
        for key, value in entries.items():
            if isinstance(result, Mapping) and not (isinstance(key, str) and _ENTRY.fullmatch(key)):
                wanted = "names of letters, digits and underscores"
                raise MetricError(f"{KEY}: {self.name}", wanted=wanted, got=repr(key))
            what = f"{KEY}: {self.name}" + (f"[{key!r}]" if isinstance(result, Mapping) else "")
            number = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
            if isinstance(number, bool | np.bool_) or not isinstance(number, Real):
                raise MetricError(what, wanted="a number", got=f"{type(value).__name__}")
            if not math.isfinite(number):
                raise MetricError(what, wanted="a finite number", got=float(number))
            found[f"{own}_{key}" if key else own] = float(number)
        return found


def load_custom(names: Sequence[str]) -> tuple[CustomMetric, ...]:
    """The functions of `score.custom`.

    Args:
        names: ``module:function`` each; modules are imported from the project root (or wherever
            Python finds them).

    Raises:
        ParamsError: an entry of another form or twice, a module that cannot be imported, a
            function that it does not have or that cannot be called.
    """
    for name in names:
        if names.count(name) > 1:
            raise ParamsError(KEY, wanted="each function once", got=f"{name!r} twice")
    return tuple(CustomMetric(name, _function(name)) for name in names)


def _function(name: str) -> Callable[..., Any]:
    match = _NAME.fullmatch(name)
    if match is None:
        raise ParamsError(KEY, wanted='"module:function"', got=repr(name))
    try:
        module = importlib.import_module(match["module"])
    except Exception as error:  # whatever a stranger's module raises
        got = f"{type(error).__name__}: {error}"
        hint = "modules are looked for in the project root"
        raise ParamsError(f"{KEY}: {name}", wanted="a module", got=got, hint=hint) from error
    found = getattr(module, match["function"], None)
    if not callable(found):
        got = "no such name" if found is None else type(found).__name__
        raise ParamsError(f"{KEY}: {name}", wanted="a function of the module", got=got)
    return found  # type: ignore[no-any-return]


def _read_only(array: Floats) -> Floats:
    """A view that cannot be written to: every metric sees the same numbers."""
    view = array.view()
    view.flags.writeable = False
    return view
