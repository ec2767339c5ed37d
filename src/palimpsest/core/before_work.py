"""What can be known to fail before the first stage works: whole sections, the chain, the machine.

Every stage asks it first, whichever section it reads itself. DVC runs `prepare` only where what it
tracks has changed, so that a chain whose last stage cannot work would otherwise be computed up to
there. Light: no model, encoder or corpus is opened; `palimpsest check` does that too.
"""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from palimpsest.core.config import read_yaml
from palimpsest.core.errors import ParamsError
from palimpsest.core.extras import require
from palimpsest.core.named_paths import path_of
from palimpsest.core.parameters import Parameters
from palimpsest.core.transitions import Transition, read_transitions

EXPERIMENT = "DVC_EXP_NAME"
"""Environment variable in which `dvc exp run` names the experiment to its stages."""
UNDO = (
    "to undo the parameters of `dvc exp run`: git checkout params.yaml metrics plots; dvc checkout"
)


def check_before_work(params: Path) -> None:
    """Refuses a chain that would fail later.

    Args:
        params: of the chain; a chain.yaml beside it counts too.

    Raises:
        ParamsError: a section that cannot be meant, unseen human text that does not last for the
            chain, a metric of one's own that is not there; or no chain.yaml of this form.
        InstallationError: a package of an extra is not there that a later stage needs.
    """
    if not params.exists():
        return  # the stage says so
    content = read_yaml(params)
    if not isinstance(content, dict):
        return  # as well
    parameters = Parameters.of(content)
    chain = params.with_name("chain.yaml")
    if chain.exists():
        check_lasts(parameters, read_transitions(chain))
    _check_installed(parameters)
    for name in parameters.score.custom:
        _check_module(name)


def check_lasts(parameters: Parameters, chain: Mapping[str, Transition]) -> None:
    """Makes sure that unseen human text lasts for a chain, see `Parameters.check_reserve`."""
    last = max(entry["index"] for entry in chain.values())
    parameters.check_reserve(last, any(name.startswith("n") for name in chain))


def after_refusal(environment: Mapping[str, str] = os.environ) -> str | None:
    """What to do where `dvc exp run` has left parameters that were refused; else None.

    An experiment of the queue runs in a copy under .dvc: the workspace is as it was.
    """
    in_a_copy = ".dvc" in Path.cwd().parts
    return UNDO if environment.get(EXPERIMENT) and not in_a_copy else None


def _check_installed(parameters: Parameters) -> None:
    """The packages that stages import as late as they need them."""
    require("matplotlib")
    if parameters.corpus.source == "hub":
        require("datasets")
    if parameters.compute.processes > 1:
        require("accelerate", "processes")
    if parameters.generate.engine == "vllm":
        require("vllm")


def _check_module(name: str) -> None:
    """A metric of one's own is looked for where the score stage will: it is not run."""
    module, sign, function = name.partition(":")
    if not sign or not function.isidentifier():
        raise ParamsError("score.custom", wanted='"module:function"', got=repr(name))
    reason = f"ModuleNotFoundError: No module named {module!r}"
    try:
        found = find_spec(module)
    except Exception as error:  # whatever a stranger's package raises that the module is in
        found, reason = None, f"{type(error).__name__}: {error}"
    if found is None:
        hint = "modules are looked for in the project root"
        raise ParamsError(f"score.custom: {name}", wanted="a module", got=reason, hint=hint)


def check_encoder(name: str) -> None:
    """A folder that is named as one must be there; a hub id is known when it is asked for.

    Args:
        name: ``embed.encoder.model``.

    Raises:
        ParamsError: it is not there.
    """
    path = path_of("embed.encoder.model", name)
    named_as_path = path.is_absolute() or name.startswith(".") or len(path.parts) > 2
    if named_as_path and not path.is_dir():
        hint = "bundled, a folder, or a hub id such as sentence-transformers/all-MiniLM-L6-v2"
        wanted = "a folder that is there"
        raise ParamsError("embed.encoder.model", wanted=wanted, got=name, hint=hint)
