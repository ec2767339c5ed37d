"""What prepare refuses of model, tokenizer, prompts and machine before anything is trained."""

from typing import Any

import pytest
import torch

from palimpsest.core.errors import CorpusError, ModelError, PalimpsestError, ParamsError
from palimpsest.core.parameters import Parameters
from palimpsest.lm.readiness import check_ready
from palimpsest.lm.tokenizer import Tokenizer, train_tokenizer
from tests.tiny import tiny_params, turn

TEXTS = [f"The river number {number} flows to the city of the king." for number in range(60)]
PARTS = {"train": TEXTS[:40], "heldout": TEXTS[40:]}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(TEXTS, 300)


def check(tokenizer: Tokenizer, values: dict[str, Any], context: int = 64) -> None:
    params = tiny_params()
    for key, value in values.items():
        turn(params, key, value)
    check_ready(Parameters.of(params), context, tokenizer, PARTS)


def test_a_chain_that_can_be_computed_passes(tokenizer: Tokenizer) -> None:
    check(tokenizer, {})
    check(tokenizer, {"generate.prompts": ["The river"], "generate.prompt_tokens": 0})
    check(tokenizer, {"generate.prompt_tokens": 4})
    check(tokenizer, {"regime.kind": "mix", "regime.real": "fixed", "regime.real_fraction": 1.0})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"generate.prompts": ["The river " * 30]},
         r"generate.prompts: want prompts of at most 23 tokens \(context 64 less start and 40 new"),
        ({"witness.prompts": ["ok", "The river " * 80]},
         r"witness.prompts: want prompts of at most 62 tokens .* in 'The river .*shorten"),
    ],
)  # fmt: skip
def test_a_prompt_that_does_not_fit_is_named(
    tokenizer: Tokenizer, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(ParamsError, match=said):
        check(tokenizer, values)


def test_rows_longer_than_a_ready_models_context_are_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(ParamsError, match=r"pretrain.block_tokens: want <= 32"):
        check(tokenizer, {}, context=32)


def test_an_encoder_that_is_not_there_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(ParamsError, match=r"embed.encoder.model: want a folder that is there"):
        check(tokenizer, {"embed.encoder.model": "./gone"})


def test_prompts_longer_than_every_document_are_refused(tokenizer: Tokenizer) -> None:
    short = {"train": ["a b"] * 5, "heldout": ["a b"] * 5}
    params = tiny_params()
    turn(params, "generate.prompt_tokens", 20)
    with pytest.raises(CorpusError, match=r"generate.prompt_tokens: want a human document of more"):
        check_ready(Parameters.of(params), 64, tokenizer, short)


def test_a_fixed_share_of_more_than_there_is_is_refused(tokenizer: Tokenizer) -> None:
    params = tiny_params()
    for key, value in (("regime.kind", "mix"), ("regime.real", "fixed"),
                       ("regime.real_fraction", 1.0)):  # fmt: skip
        turn(params, key, value)
    few = {"train": TEXTS[:7], "heldout": TEXTS[40:]}
    with pytest.raises(CorpusError, match=r"corpus.train: want >= 20 documents .*, got 7; raise"):
        check_ready(Parameters.of(params), 64, tokenizer, few)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("values", [{"compute.device": "cuda"}, {"compute.device": "cuda:1"}])
def test_a_gpu_that_is_not_there_is_refused(tokenizer: Tokenizer, values: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=r"compute.device: want cpu or auto, got cuda.* no GPU"):
        check(tokenizer, values)


def test_more_processes_than_gpus_are_refused(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from palimpsest.lm import readiness

    def no_cards(device: str, count: int) -> bool:
        raise PalimpsestError("compute.processes", wanted="<= 1", got=count)

    monkeypatch.setattr(readiness, "check_cards", no_cards)
    check(tokenizer, {})
    with pytest.raises(PalimpsestError, match=r"compute.processes: want <= 1, got 2"):
        check(tokenizer, {"compute.processes": 2})
