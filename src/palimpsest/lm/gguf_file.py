"""A language model in a GGUF file: read by `transformers`, dequantised once, to float32.

GGUF is the format of llama.cpp: weights, configuration and tokenizer in one file, mostly quantised.
What is read here is handed on as any other model is, so that `prepare` writes it as safetensors and
no later stage knows where it came from.

Known gaps: only families that `transformers` reads from GGUF; a file in several parts has to be
joined first; a tokenizer's rules are those that `transformers` takes from the file, which for some
families are simpler than the original's.
"""

import io
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from palimpsest.core.errors import ModelError
from palimpsest.core.extras import GGUF, require
from palimpsest.lm.checkpoint import PROMPT, LanguageModel, fitted
from palimpsest.lm.gguf_header import Header, read_header
from palimpsest.lm.hub import HubModel
from palimpsest.lm.model_size import check_size, unusable
from palimpsest.lm.tokenizer import Tokenizer, held_tokenizer
from palimpsest.lm.transformer import ARCHITECTURES, Transformer
from palimpsest.lm.weights import check_loaded, check_shapes

OF_THE_FILE = ("quantization_config", "_name_or_path", "_model_name_or_path")
"""What `transformers` notes of the file: no longer true of what is handed on."""

UNREAD = {"gpt2": {"context_length": "n_positions", "feed_forward_length": "n_inner"}}
"""By family: metadata that `transformers` does not carry into the configuration, and its key."""

NAME = "model.gguf"


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the progress bars of `transformers` where nobody watches them move."""
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    if sys.stderr.isatty():
        yield
        return
    with redirect_stderr(io.StringIO()):  # one of them cannot be switched off
        yield


@contextmanager
def _alone(file: Path) -> Iterator[dict[str, Any]]:
    """What `transformers` is asked for: the file in a folder of its own.

    Files that happen to lie beside it, another tokenizer or code, must not have a say.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / NAME).symlink_to(file.resolve())
        yield {
            "pretrained_model_name_or_path": folder,
            "gguf_file": NAME,
            "local_files_only": True,
            "trust_remote_code": False,
        }


def load_gguf(file: Path) -> tuple[LanguageModel, Tokenizer]:
    """The model of a GGUF file in float32, on the CPU, and its tokenizer.

    Args:
        file: ends in .gguf, or not.

    Raises:
        ModelError: see `read_header`; a family that `transformers` does not read from GGUF, weights
            that are missing or no numbers, a tokenizer that does not fit.
        InstallationError: the packages of the extra ``gguf`` are not there.
    """
    header = read_header(file)
    for module in GGUF:
        require(module)
    with _alone(file) as asked:
        return _load(file, header, asked)


def _load(file: Path, header: Header, asked: dict[str, Any]) -> tuple[LanguageModel, Tokenizer]:
    try:
        with _quietly():
            config = AutoConfig.from_pretrained(**asked)
        family = str(header.values.get("general.architecture"))
        for key, name in UNREAD.get(family, {}).items():
            if f"{family}.{key}" in header.values:
                setattr(config, name, header.values[f"{family}.{key}"])
    except Exception as error:  # whatever the reader or a family's code raises
        raise _unreadable(file, header, error) from error
    check_size(config, header.shapes, file, file)
    try:
        with _quietly():
            theirs = AutoTokenizer.from_pretrained(**asked)
    except Exception as error:  # whatever the reader or a converter raises
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(str(file), wanted="a tokenizer", got=reason) from error
    tokenizer = held_tokenizer(theirs)
    prompt = [tokenizer.start, *tokenizer.encode([PROMPT])[0]]
    model = _dequantised(file, header, asked | {"config": config}, prompt)
    return model, fitted(tokenizer, model, str(file))


def _dequantised(
    file: Path, header: Header, asked: dict[str, Any], prompt: Sequence[int]
) -> LanguageModel:
    try:
        with _quietly():
            theirs, report = AutoModelForCausalLM.from_pretrained(
                **asked, dtype=torch.float32, output_loading_info=True
            )
    except Exception as error:  # whatever the reader or a family's code raises
        raise _unreadable(file, header, error) from error
    weights: dict[str, Tensor] = theirs.state_dict()
    check_loaded(file, report["missing_keys"], weights.items())
    config: dict[str, Any] = theirs.config.to_dict()
    config = {key: value for key, value in config.items() if key not in OF_THE_FILE}
    architecture = ARCHITECTURES.get(str(config.get("model_type")))
    if architecture is not None and architecture.supports(config):
        named = architecture.named(config, weights)
        wanted = architecture.sizes.read(config, file.parent).shapes()
        check_shapes(file, wanted, {name: tuple(one.shape) for name, one in named.items()})
        return Transformer(config, {name: named[name].detach().contiguous() for name in wanted})
    # a model without the quantiser, which would not let itself be saved
    plain = AutoModelForCausalLM.from_config(type(theirs.config).from_dict(config))
    plain.load_state_dict(weights)
    return HubModel.held(plain.float().eval(), prompt, str(file))


def _unreadable(file: Path, header: Header, error: Exception) -> ModelError:
    family = header.values.get("general.architecture")
    what = str(file) if family is None else f"{file} ({family})"
    if "mismatched" in str(error):  # it points at a report that was printed
        return ModelError(what, wanted="weights of the shapes that its metadata say", got="others")
    return unusable(what, error)
