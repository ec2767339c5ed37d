"""Writes with vLLM, an optional engine for GPUs: ``generate.engine: vllm``.

Token ids go in and out, so that our tokenizer is the only one. Every document has a seed of its
own, taken from its random stream. What vLLM means by an option in another way is refused in
`palimpsest.core.parameters`: it counts a prompt's start token among those that a repetition penalty
punishes, it takes min-p before top-p, and its beams end otherwise.

Known gaps: not tried on a GPU here, only against a stand-in for the package; nothing is kept of a
stage that is killed, so it starts over; the model stays on its GPUs while the stage goes on, which
leaves little for a regime that filters by likelihood.
"""

from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from palimpsest.core.errors import ModelError, ParamsError
from palimpsest.core.extras import require
from palimpsest.core.memory import shortage_names
from palimpsest.core.parameters import ComputeParams, SamplingParams
from palimpsest.core.resume import NOTHING_KEPT, Checkpoints
from palimpsest.core.team import ALONE
from palimpsest.lm.generation import Uniforms
from palimpsest.lm.runtime import device_named, placed
from palimpsest.lm.tokenizer import Tokenizer, load_tokenizer

SEEDS = 2**53
"""Seeds that a uniform number can mean: all that a float64 tells apart."""


class VllmAuthor:
    """A model in vLLM; see `palimpsest.lm.engines.Author`.

    Args:
        folder: of the model.
        params: ``dtype``, and ``batch_size`` as the most documents that are written at once.
        compute: its ``processes`` are the GPUs that the model is spread over.

    Raises:
        InstallationError: the package is not there.
        ModelError: no GPU, one without the type, or no tokenizer.
        MemoryShortage: the GPU's memory does not hold it.
    """

    def __init__(self, folder: Path, params: SamplingParams, compute: ComputeParams) -> None:
        require("vllm", "vllm")
        if device_named(placed(ALONE, compute, generate=params)).type == "cpu":
            raise ModelError("generate.engine", wanted="native without a GPU", got="vllm")
        import vllm

        self.tokenizer: Tokenizer = load_tokenizer(folder)
        self._dtype, self._processes = params.dtype, compute.processes
        with shortage_names("generate", params, "batch_size"):
            self._model = vllm.LLM(
                model=str(folder),
                dtype=params.dtype,
                max_num_seqs=params.batch_size,
                tensor_parallel_size=compute.processes,
                skip_tokenizer_init=True,
                generation_config="vllm",  # nothing of the folder's own way to write
                trust_remote_code=False,
                seed=0,  # of what has no seed of its own; every document has one
            )
        self._request = vllm.SamplingParams

    @property
    def context(self) -> int:
        """See `palimpsest.lm.engines.Author.context`."""
        return int(self._model.llm_engine.model_config.max_model_len)

    def write(
        self,
        prompts: Sequence[Sequence[int]],
        params: SamplingParams,
        uniforms: Uniforms,
        progress: Callable[[int], None] = lambda done: None,
        kept: Checkpoints = NOTHING_KEPT,
    ) -> list[list[int]]:
        """See `palimpsest.lm.engines.Author.write`; nothing is kept.

        Raises:
            ParamsError: a prompt and its continuation exceed the model's context.
        """
        if not prompts:
            return []
        room = self.context - 1 - max(map(len, prompts))
        if params.max_new_tokens > room:
            wanted = f"at most {room} (the context of {self.context} less start and prompt)"
            raise ParamsError("generate.max_new_tokens", wanted=wanted, got=params.max_new_tokens)
        start, end = self.tokenizer.start, self.tokenizer.end
        seeds = [int(number * SEEDS) for number in uniforms(range(len(prompts)), 1)[:, 0].tolist()]
        asked = [self._request(**request(params, end), seed=seed) for seed in seeds]
        rows = [{"prompt_token_ids": [start, *prompt]} for prompt in prompts]
        answers = self._model.generate(rows, asked, use_tqdm=False)
        progress(len(prompts))
        texts = [list(answer.outputs[0].token_ids) for answer in answers]
        return [ids[: ids.index(end)] if end in ids else ids for ids in texts]

    def facts(self) -> dict[str, Any]:
        """See `palimpsest.lm.engines.Author.facts`."""
        return {
            "dtype": self._dtype,
            "device": "cuda",
            "threads": torch.get_num_threads(),
            "portable": False,
            "processes": self._processes,
            "engine": f"vllm {version('vllm')}",
        }


def request(params: SamplingParams, end: int) -> dict[str, Any]:
    """What vLLM calls the parameters, all but the seed.

    Args:
        params: the parameters.
        end: the token that ends a document.
    """
    greedy = params.strategy == "greedy"
    drawing = {
        "temperature": params.temperature,
        "top_k": params.top_k or -1,
        "top_p": params.top_p,
        "min_p": params.min_p,
    }
    return {
        **({"temperature": 0.0} if greedy else drawing),
        "max_tokens": params.max_new_tokens,
        # no stop token before so many: where a document shall not end, it is never written
        "min_tokens": 0 if params.stop_at_end else params.max_new_tokens,
        "stop_token_ids": [end],
        "ignore_eos": True,  # the end is ours, not the one that the model's configuration names
        "detokenize": False,
    }
