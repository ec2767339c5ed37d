from types import MethodType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2Model

from palimpsest.core.errors import ModelError
from palimpsest.monitor.live import check_whole, live_model, live_tokenizer
from tests.lm import tiny
from tests.monitor.trained import fast, model, tokenizer


def scores(module: Any, ids: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return module.logits(module.hidden(ids)[0])


def test_weights_are_shared_not_copied() -> None:
    trained = model().eval()
    live = live_model(trained)
    ids = tiny.ids(1, 7)
    before = scores(live, ids)
    with torch.no_grad():
        trained.transformer.wte.weight.mul_(1.5)
    after = scores(live, ids)
    assert not torch.allclose(before, after)
    with torch.inference_mode():
        assert torch.allclose(after, trained(ids).logits[0], atol=1e-4)


def test_a_forward_that_was_hung_on_the_object_is_not_called() -> None:
    """As accelerate does for mixed precision."""
    trained = model().eval()
    plain = scores(live_model(trained), tiny.ids(1, 7))
    whole = trained.forward
    trained.forward = MethodType(lambda self, *args, **given: whole(*args, **given), trained)
    assert torch.equal(scores(live_model(trained), tiny.ids(1, 7)), plain)
    assert "forward" in vars(trained)


def test_adapters_are_looked_into() -> None:
    trained = model().eval()
    around = SimpleNamespace(get_base_model=lambda: trained)
    expected = scores(live_model(trained), tiny.ids(1, 5))
    assert torch.equal(scores(live_model(around), tiny.ids(1, 5)), expected)


@pytest.mark.parametrize(
    "broken", [nn.Linear(2, 2), GPT2Model(GPT2Config(vocab_size=50, **tiny.GPT2))]
)
def test_what_is_no_causal_language_model_is_refused(broken: Any) -> None:
    with pytest.raises(ModelError, match="monitor: model: want a causal language model"):
        live_model(broken)


def test_a_head_that_sees_something_else_is_refused() -> None:
    trained = model().eval()
    forward = type(trained).forward

    class Odd(type(trained)):  # type: ignore[misc]
        def forward(self, *args: Any, **given: Any) -> Any:
            out = forward(self, *args, **given)
            if "inputs_embeds" not in given:
                out.logits = -out.logits
            return out

    trained.__class__ = Odd
    with pytest.raises(ModelError, match="scores that are not its head's"):
        live_model(trained)


@pytest.mark.parametrize(
    ("attribute", "said"), [("ds_id", "ZeRO-3"), ("device_mesh", "spread over a device mesh")]
)
def test_weights_in_pieces_are_refused(attribute: str, said: str) -> None:
    sharded = nn.Linear(2, 2)
    check_whole(SimpleNamespace(fsdp=[]), sharded)
    setattr(sharded.weight, attribute, 0)
    with pytest.raises(ModelError, match=said):
        check_whole(SimpleNamespace(fsdp=[]), sharded)


def test_fsdp_and_learned_prompts_are_refused() -> None:
    with pytest.raises(ModelError, match=r"want whole weights on each process, got FSDP"):
        check_whole(SimpleNamespace(fsdp=["full_shard"]), nn.Linear(2, 2))
    prompted = nn.Linear(2, 2)
    prompted.active_peft_config = SimpleNamespace(is_prompt_learning=True)  # type: ignore[assignment]
    with pytest.raises(ModelError, match="got a learned prompt"):
        check_whole(SimpleNamespace(fsdp=None), prompted)


def test_a_tokenizer_of_transformers_is_read_and_left_as_it_is() -> None:
    given = fast()
    given.backend_tokenizer.enable_truncation(3)
    read = live_tokenizer(given, 290)
    own, text = tokenizer(), "t1w2 cow3 t1w2 cow5 <|endoftext|>"
    assert read.encode([text]) == own.encode([text])
    assert (read.start, read.end, read.limit) == (own.start, own.end, 290)
    assert given.backend_tokenizer.truncation["max_length"] == 3
    assert live_tokenizer(SimpleNamespace(tokenizer=given)).encode([text]) == own.encode([text])
    assert live_tokenizer(own, 290).limit == 290


@pytest.mark.parametrize(("given", "got"), [(None, "none"), ("gpt2", "str")])
def test_what_is_no_tokenizer_is_refused(given: Any, got: str) -> None:
    with pytest.raises(ModelError, match=f"monitor.tokenizer: .*got {got}; CollapseCallback"):
        live_tokenizer(given)


def test_a_tokenizer_without_an_end_is_refused() -> None:
    given = fast()
    given.eos_token = None
    with pytest.raises(ModelError, match="want an end-of-text token, got none"):
        live_tokenizer(given)
