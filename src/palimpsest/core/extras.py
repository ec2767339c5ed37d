"""Packages that only an extra of the installation brings, and what is said where one is missing.

`pip install palimpsest` brings the audit and the library. What the laboratory needs beside them
(stages, chains, pictures) comes with an extra; what reads GGUF files, what joins several processes,
and vLLM come with others: a user who lacks one is told its name.
"""

from collections.abc import Mapping
from importlib.util import find_spec

from palimpsest.core.errors import InstallationError

PIPELINE = {
    "datasets": "datasets",
    "dvc": "dvc",
    "matplotlib": "matplotlib",
    "mpl_toolkits": "matplotlib",
    "PIL": "pillow",
    "plotly": "plotly",
    "ruamel": "ruamel.yaml",
}
"""Name that is imported -> package of the extra ``pipeline`` in pyproject.toml."""
GGUF = {"accelerate": "accelerate", "gguf": "gguf"}
"""The same of the extra ``gguf``: transformers dequantises with both."""
PROCESSES = {"accelerate": "accelerate"}
"""The same of the extra ``processes``."""
VLLM = {"vllm": "vllm"}
"""The same of the extra ``vllm``."""
EXTRAS: Mapping[str, Mapping[str, str]] = {
    "pipeline": PIPELINE,
    "gguf": GGUF,
    "processes": PROCESSES,
    "vllm": VLLM,
}
WANTED = {
    "pipeline": ("an installation of the laboratory", "one of the audit and the library alone"),
    "gguf": ("an installation that reads GGUF files", "one without it"),
    "processes": ("an installation for compute.processes above 1", "one without it"),
    "vllm": ("an installation for generate.engine vllm", "one without it"),
}
"""Extra -> what is wanted where one of its packages is missing, and what is there."""


def require(module: str, extra: str | None = None) -> None:
    """Makes sure that a module of an extra can be imported, without importing it.

    Args:
        module: a name that is imported, of one of the extras.
        extra: which one, where several bring it; by default the first.

    Raises:
        InstallationError: it is not installed.
    """
    if find_spec(module) is None:
        raise _lacking(module, extra)


def missing_extra(error: ModuleNotFoundError) -> InstallationError | None:
    """What to say of an import that failed; None where it is no package of an extra.

    Args:
        error: as Python raised it.
    """
    module = (error.name or "").partition(".")[0]
    known = any(module in packages for packages in EXTRAS.values())
    return _lacking(module) if known else None


def _lacking(module: str, extra: str | None = None) -> InstallationError:
    name = extra or next(name for name, packages in EXTRAS.items() if module in packages)
    wanted, got = WANTED[name]
    return InstallationError(
        f"the package {EXTRAS[name][module]}",
        wanted=wanted,
        got=got,
        hint=f"pip install 'palimpsest[{name}]'",
    )
