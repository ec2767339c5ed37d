"""Packages that only an extra of the installation brings, and what is said where one is missing.

`pip install palimpsest` brings the audit and the library. What the laboratory needs beside them
(stages, chains, pictures) comes with an extra: a user who lacks it is told its name.
"""

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


def require(module: str) -> None:
    """Makes sure that a module of the extra can be imported, without importing it.

    Args:
        module: a key of `PIPELINE`.

    Raises:
        InstallationError: it is not installed.
    """
    if find_spec(module) is None:
        raise _lacking(module)


def missing_extra(error: ModuleNotFoundError) -> InstallationError | None:
    """What to say of an import that failed; None where it is no package of the extra.

    Args:
        error: as Python raised it.
    """
    module = (error.name or "").partition(".")[0]
    return _lacking(module) if module in PIPELINE else None


def _lacking(module: str) -> InstallationError:
    return InstallationError(
        f"the package {PIPELINE[module]}",
        wanted="an installation of the laboratory",
        got="one of the audit and the library alone",
        hint="pip install 'palimpsest[pipeline]'",
    )
