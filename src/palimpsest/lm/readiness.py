"""Whether the first model, its tokenizer and this machine can do what later stages will ask.

Said by `prepare`, before hours of training: what a stage would find only when it is its turn.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from palimpsest.core.before_work import check_encoder
from palimpsest.core.errors import CorpusError, ParamsError
from palimpsest.core.parameters import Parameters
from palimpsest.core.team import ALONE
from palimpsest.lm.processes import check_cards
from palimpsest.lm.prompts import openings
from palimpsest.lm.runtime import placed
from palimpsest.lm.tokenizer import Tokenizer


def check_ready(
    parameters: Parameters, context: int, tokenizer: Tokenizer, parts: Mapping[str, Sequence[str]]
) -> None:
    """Refuses what generate, finetune and embed could not do.

    Args:
        parameters: of the chain.
        context: longest sequence of the first model, in tokens.
        tokenizer: of the models.
        parts: the human corpus.

    Raises:
        ParamsError: rows, documents or prompts that are longer than the context, or an encoder
            that is not there.
        CorpusError: no human document goes on behind ``generate.prompt_tokens``, or a fixed share
            of human documents is more than generation 0 is trained on.
        ModelError: the device, a type or as many GPUs as processes are not there.
        ProcessError: see `palimpsest.lm.processes.check_cards`.
    """
    check_encoder(parameters.embed.encoder.model)
    parameters.check_context(context)
    generate, regime = parameters.generate, parameters.regime
    _check_prompts(
        "generate.prompts", generate.prompts, tokenizer, context, generate.max_new_tokens
    )
    _check_prompts("witness.prompts", parameters.witness.prompts, tokenizer, context, 1)
    openings(generate, tokenizer, parts[generate.prompts_from], np.random.default_rng(0))
    share, there = round(regime.real_fraction * generate.documents), len(parts["train"])
    if regime.kind == "mix" and regime.real == "fixed" and share > there:
        raise CorpusError(
            "corpus.train",
            wanted=f">= {share} documents (regime.real_fraction of generate.documents)",
            got=there,
            hint="raise corpus.train, or lower regime.real_fraction",
        )
    sections = {name: getattr(parameters, name) for name in ("pretrain", "finetune", "embed")}
    sections |= {"generate": generate, "embed.encoder": parameters.embed.encoder}
    placed(ALONE, parameters.compute, **sections)
    if parameters.compute.processes > 1:
        check_cards(parameters.compute.device, parameters.compute.processes)


def _check_prompts(
    key: str, prompts: Sequence[str], tokenizer: Tokenizer, context: int, behind: int
) -> None:
    """Makes sure that start token, prompt and so many new tokens fit in the context."""
    lengths = [len(ids) for ids in tokenizer.encode(prompts)] if prompts else [0]
    room = context - 1 - behind
    if max(lengths) > room:
        longest = prompts[lengths.index(max(lengths))]
        more = f"{behind} new token{'s' if behind > 1 else ''}"
        raise ParamsError(
            key,
            wanted=f"prompts of at most {room} tokens (context {context} less start and {more})",
            got=f"{max(lengths)} in {longest[:40]!r}",
            hint="shorten it, or lower generate.max_new_tokens" if behind > 1 else "shorten it",
        )
