"""Palimpsest: a laboratory for model collapse.

Importing this package is free: what it re-exports is loaded at first use, because every stage of
the graph is a process that pays for its imports.
"""

from typing import Any

__all__ = ["integrity"]


def __getattr__(name: str) -> Any:
    if name == "integrity":
        from palimpsest.metrics.geometry import integrity

        return integrity
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
