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

from palimpsest.core.errors import MetricError, ParamsError
from palimpsest.metrics.family import Reference, Rows, Sample

Floats = NDArray[np.float32]
KEY = "score.custom"
_NAME = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<function>[A-Za-z_]\w*)", re.A)
_ENTRY = re.compile(r"\w+", re.A)


@dataclass(frozen=True)
class Plugin:
    """A metric that stands alone, before it is fitted on a reference."""

    name: str
    """``module:function``, or a name in the registry."""
    function: Callable[..., Any]

    def fit(self, reference: Reference) -> "FittedPlugin":
        """The metric with the human texts that it may compare with."""
        return FittedPlugin(self, list(reference.texts), _read_only(reference.embeddings))


@dataclass(frozen=True)
class FittedPlugin:
    """A metric that stands alone; see `palimpsest.metrics.family.Family`."""

    plugin: Plugin
    human_texts: list[str]
    human_embeddings: Floats

    def prepare(self, sample: Sample) -> "PluginMeasurement":
        """The metric of these texts."""
        return PluginMeasurement(self, list(sample.texts), _read_only(sample.embeddings), set())


@dataclass(frozen=True)
class PluginMeasurement:
    """One sample under a metric that stands alone; see `palimpsest.metrics.family.Measurement`."""

    fitted: FittedPlugin
    texts: list[str]
    embeddings: Floats
    names: set[str]
    """The names that the first call gave."""

    @property
    def count(self) -> int:
        """Number of texts."""
        return len(self.texts)

    def compute(self, rows: Rows | None = None) -> dict[str, float]:
        """The function's numbers of all texts, or of those in some rows.

        Returns:
            By name: that of the function for a number, that name, an underscore and the key for a
            dict of numbers.

        Raises:
            MetricError: the function raises, returns anything but finite numbers, or other names
                than in the first call.
        """
        texts, points = self.texts, self.embeddings
        if rows is not None:
            texts, points = [texts[row] for row in rows.tolist()], points[rows]
        numbers = self._numbers(self._call(texts, points))
        self.names.update(numbers if not self.names else ())
        if numbers.keys() != self.names:
            wanted = f"the names of the first call ({', '.join(sorted(self.names))})"
            raise MetricError(self._key, wanted=wanted, got=", ".join(sorted(numbers)))
        return numbers

    @property
    def _key(self) -> str:
        return f"{KEY}: {self.fitted.plugin.name}"

    def _call(self, texts: list[str], points: Floats) -> Any:
        try:
            # lists of its own: one that it sorts or empties is nobody else's
            return self.fitted.plugin.function(
                texts=list(texts),
                embeddings=points,
                human_texts=list(self.fitted.human_texts),
                human_embeddings=self.fitted.human_embeddings,
            )
        except Exception as error:  # whatever a stranger's function raises
            got = f"{type(error).__name__}: {error}"
            raise MetricError(self._key, wanted="a number", got=got) from error

    def _numbers(self, result: Any) -> dict[str, float]:
        own = self.fitted.plugin.name.rsplit(":", 1)[-1]
        entries = result if isinstance(result, Mapping) else {"": result}
        if not entries:
            raise MetricError(self._key, wanted="numbers by name", got="none")
        numbers = {}
        for key, value in entries.items():
            if isinstance(result, Mapping) and not (isinstance(key, str) and _ENTRY.fullmatch(key)):
                wanted = "names of letters, digits and underscores"
                raise MetricError(self._key, wanted=wanted, got=repr(key))
            what = self._key + (f"[{key!r}]" if isinstance(result, Mapping) else "")
            number = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
            if isinstance(number, bool | np.bool_) or not isinstance(number, Real):
                raise MetricError(what, wanted="a number", got=f"{type(value).__name__}")
            if not math.isfinite(number):
                raise MetricError(what, wanted="a finite number", got=float(number))
            numbers[f"{own}_{key}" if key else own] = float(number)
        return numbers


def load_plugins(names: Sequence[str]) -> tuple[Plugin, ...]:
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
    return tuple(Plugin(name, _function(name)) for name in names)


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
    function = getattr(module, match["function"], None)
    if not callable(function):
        got = "no such name" if function is None else type(function).__name__
        raise ParamsError(f"{KEY}: {name}", wanted="a function of the module", got=got)
    return function  # type: ignore[no-any-return]


def _read_only(array: Floats) -> Floats:
    """A view that cannot be written to: every metric sees the same numbers."""
    view = array.view()
    view.flags.writeable = False
    return view
