"""Packages that only an extra of the installation brings, and what is said where one is missing.

`pip install palimpsest` brings the audit and the library. What the laboratory needs beside them
(stages, chains, pictures) comes with an extra, and what reads GGUF files with another: a user who
lacks one is told its name.
"""

from collections.abc import Mapping
from importlib.util import find_spec

from palimpsest.core.errors import InstallationError

PIPELINE = {
    "datasets": "datasets",
    "dvc": "dvc",
    "matplotlib": "matplotlib",
    "mpl_toolkits": "matplotlib",
    "ruamel": "ruamel.yaml",
}
"""Name that is imported -> package of the extra ``pipeline`` in pyproject.toml."""
GGUF = {"accelerate": "accelerate", "gguf": "gguf"}
"""The same of the extra ``gguf``: transformers dequantises with both."""


def require(module: str) -> None:
    """Makes sure that a module of an extra can be imported, without importing it.

    Args:
        module: a key of `PIPELINE` or of `GGUF`.

    Raises:
        InstallationError: it is not installed.
    """
    if find_spec(module) is None:
        raise _lacking(module)


def missing_extra(error: ModuleNotFoundError) -> InstallationError | None:
    """What to say of an import that failed; None where it is no package of an extra.

    Args:
        error: as Python raised it.
    """
    module = (error.name or "").partition(".")[0]
    return _lacking(module) if module in PIPELINE or module in GGUF else None


def _lacking(module: str) -> InstallationError:
    packages: Mapping[str, str] = PIPELINE
    extra, wanted = "pipeline", "an installation of the laboratory"
    got = "one of the audit and the library alone"
    if module in GGUF:
        packages, extra = GGUF, "gguf"
        wanted, got = "an installation that reads GGUF files", "one without it"
    return InstallationError(
        f"the package {packages[module]}",
        wanted=wanted,
        got=got,
        hint=f"pip install 'palimpsest[{extra}]'",
    )
