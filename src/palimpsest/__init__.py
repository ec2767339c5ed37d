"""Palimpsest: a laboratory for model collapse, and an audit of any texts against human text.

`audit`, `integrity` and `neural_collapse` take texts, arrays and models that are in memory; the
command `palimpsest` takes files. Importing this package is free: what it offers is loaded at first
use, because every stage of the graph is a process that pays for its imports.
"""

from typing import Any

__all__ = ["PalimpsestError", "__version__", "audit", "integrity", "neural_collapse"]


def __getattr__(name: str) -> Any:
    if name == "audit":
        from palimpsest.library.audit import audit

        return audit
    if name == "integrity":
        from palimpsest.library.integrity import integrity

        return integrity
    if name == "neural_collapse":
        from palimpsest.library.neural_collapse import neural_collapse

        return neural_collapse
    if name == "PalimpsestError":
        from palimpsest.core.errors import PalimpsestError

        return PalimpsestError
    if name == "__version__":
        from palimpsest.core.version import installed_version

        return installed_version() or "0+unknown"
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
