"""What writes a generation's texts: one interface, and an engine behind it for each
``generate.engine``.

`NativeAuthor` is this project's own loop (`palimpsest.lm.generation`), `VllmAuthor` gives the model
to vLLM. Both draw from the distribution that the parameters describe, with a random stream for each
document; the numbers are others, and so are the texts.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from palimpsest.core.memory import shortage_names
from palimpsest.core.parameters import ComputeParams, SamplingParams
from palimpsest.core.resume import NOTHING_KEPT, Checkpoints
from palimpsest.core.team import ALONE, Team
from palimpsest.lm import generation
from palimpsest.lm.checkpoint import LanguageModel, load_model_and_tokenizer
from palimpsest.lm.generation import Uniforms
from palimpsest.lm.runtime import machine_facts, placed
from palimpsest.lm.tokenizer import Tokenizer


class Author(Protocol):
    """A model that writes, and its tokenizer."""

    tokenizer: Tokenizer

    @property
    def context(self) -> int:
        """Its longest text, in tokens."""

    def write(
        self,
        prompts: Sequence[Sequence[int]],
        params: SamplingParams,
        uniforms: Uniforms,
        progress: Callable[[int], None] = lambda done: None,
        kept: Checkpoints = NOTHING_KEPT,
    ) -> list[list[int]]:
        """Continues every prompt; see `palimpsest.lm.generation.generate`."""

    def facts(self) -> dict[str, Any]:
        """What about the machine may change a text, for provenance.json."""


class NativeAuthor:
    """A model that writes by this project's own loop.

    Args:
        model: the model.
        tokenizer: its tokenizer.
        team: the processes that share the work.
    """

    def __init__(self, model: LanguageModel, tokenizer: Tokenizer, team: Team = ALONE) -> None:
        self.model, self.tokenizer, self.team = model, tokenizer, team

    @property
    def context(self) -> int:
        """See `Author.context`."""
        return self.model.context

    def write(
        self,
        prompts: Sequence[Sequence[int]],
        params: SamplingParams,
        uniforms: Uniforms,
        progress: Callable[[int], None] = lambda done: None,
        kept: Checkpoints = NOTHING_KEPT,
    ) -> list[list[int]]:
        """See `Author.write`."""
        rest = uniforms, progress, kept, self.team
        return generation.generate(self.model, self.tokenizer, prompts, params, *rest)

    def facts(self) -> dict[str, Any]:
        """See `Author.facts`."""
        return {**machine_facts(self.model), "processes": self.team.size}


def load_author(
    folder: Path, params: SamplingParams, compute: ComputeParams, team: Team = ALONE
) -> Author:
    """The model of a folder behind the engine that is asked for.

    Args:
        folder: of the model.
        params: with the engine and the type.
        compute: where.
        team: the processes that share the work.

    Raises:
        InstallationError: vLLM is asked for and not there.
        ModelError: the device or the type is not there; see `load_model_and_tokenizer`.
        MemoryShortage: the model itself does not fit; names the type that takes less.
    """
    if params.engine == "vllm":
        from palimpsest.lm.vllm_engine import VllmAuthor

        return VllmAuthor(folder, params, compute)
    place = placed(team, compute, generate=params)
    with shortage_names("generate", params, "dtype"):
        return NativeAuthor(*load_model_and_tokenizer(folder, params.dtype, place), team)
