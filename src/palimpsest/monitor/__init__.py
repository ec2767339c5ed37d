"""Collapse measured while a model is trained: a callback for the `Trainer` of `transformers`.

Importing this package loads nothing; `CollapseCallback` is loaded at first use.
"""

from typing import Any

__all__ = ["CollapseCallback"]


def __getattr__(name: str) -> Any:
    if name == "CollapseCallback":
        from palimpsest.monitor.callback import CollapseCallback

        return CollapseCallback
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
