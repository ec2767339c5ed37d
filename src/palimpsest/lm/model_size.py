"""Whether a configuration of `transformers` asks for more than the files of its weights hold.

It is held against names and shapes, which the headers of the files say, before it is given memory.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from palimpsest.core.errors import ModelError
from palimpsest.core.memory import is_shortage
from palimpsest.lm.model_config import MOST_LAYERS, MOST_POSITIONS
from palimpsest.lm.weights import Shape

POSITIONS = ("max_position_embeddings", "n_positions", "max_seq_len")
"""Names that families give the longest text; the last is MPT's."""
SPARE_BYTES = 2**30
"""What a model may hold beside its weights (tables of positions and masks)."""


def positions_of(config: Any) -> int | None:
    """The longest text that a configuration speaks of."""
    text = config.get_text_config(decoder=True)
    limits = (getattr(text, key, None) for key in POSITIONS)
    return next((int(limit) for limit in limits if limit is not None), None)


def check_size(config: Any, shapes: Mapping[str, Shape], what: Path, folder: Path) -> None:
    """Refuses a configuration that asks for more than there is.

    Args:
        config: of `transformers`.
        shapes: of the weights in the files, by name.
        what: the file that the configuration comes from, for errors.
        folder: of the model, for errors.

    Raises:
        ModelError: positions, layers, experts or weights out of all proportion, or a
            configuration that makes no causal language model.
    """
    try:
        text = config.get_text_config(decoder=True)
        positions, layers = positions_of(config), int(getattr(text, "num_hidden_layers", 1))
        experts = [
            value
            for key, value in text.to_dict().items()
            if "num" in key and "experts" in key and isinstance(value, int)
        ]
    except Exception as error:  # whatever a family's code raises
        raise unusable(folder, error) from error
    if positions is not None and not 1 <= positions <= MOST_POSITIONS:
        raise ModelError(str(what), wanted=f"1 to {MOST_POSITIONS} positions", got=positions)
    if not 1 <= layers <= min(MOST_LAYERS, len(shapes)):
        wanted = f"1 to {min(MOST_LAYERS, len(shapes))} layers"
        raise ModelError(str(what), wanted=wanted, got=layers)
    if max(experts, default=0) > MOST_LAYERS:
        raise ModelError(str(what), wanted=f"at most {MOST_LAYERS} experts", got=max(experts))
    try:
        with torch.device("meta"):
            planned = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except Exception as error:  # whatever a family's code raises
        raise unusable(folder, error) from error
    held = sum(torch.Size(shape).numel() for shape in shapes.values())
    asked = sum(weight.numel() for weight in planned.parameters())
    beside = sum(buffer.nbytes for buffer in planned.buffers())
    if asked > 2 * held or beside > SPARE_BYTES:
        got = f"{asked:,} weights and {beside:,} bytes of tables"
        raise ModelError(str(what), wanted=f"the {held:,} weights of the files", got=got)


def unusable(what: Path | str, reason: object) -> ModelError:
    """The error for what is no causal language model: in one line, whatever the reason's text.

    A lack of memory is not the model's fault: it is raised as it is.
    """
    if isinstance(reason, Exception) and is_shortage(reason):
        raise reason
    text = str(reason)
    if isinstance(reason, Exception):
        text = text.splitlines()[0] if text else type(reason).__name__
    return ModelError(str(what), wanted="a causal language model", got=text)
