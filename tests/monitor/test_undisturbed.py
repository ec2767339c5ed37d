import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from palimpsest.monitor.undisturbed import precision, undisturbed


def net() -> nn.Module:
    made = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.BatchNorm1d(3)).train()
    made[2].eval()  # frozen by its user
    return made


def drawn() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: NPY002


def seed() -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)


def test_modes_and_random_states_are_put_back() -> None:
    model = net()
    seed()
    expected = drawn()
    seed()
    with undisturbed(model):
        assert not any(module.training for module in model.modules())
        drawn()
    assert drawn() == expected
    assert [module.training for module in model] == [True, True, False]


def test_they_are_put_back_after_an_error_too() -> None:
    model = net()
    seed()
    expected = drawn()
    seed()

    with pytest.raises(ZeroDivisionError), undisturbed(model):
        print(drawn()[0] / 0)
    assert model.training
    assert drawn() == expected


def test_a_buffer_that_was_replaced_is_put_back() -> None:
    """One that was made in inference mode could not be trained with."""
    model = net()
    before = model[2].running_mean
    with undisturbed(model), torch.inference_mode():
        model[2].running_mean = torch.ones(3)
    assert model[2].running_mean is before


@pytest.mark.parametrize(
    ("args", "dtype"),
    [({"bf16": True}, torch.bfloat16), ({"bf16": False, "fp16": False}, torch.float32)],
)
def test_the_precision_is_the_trainings(args: dict[str, Any], dtype: torch.dtype) -> None:
    with precision(SimpleNamespace(**args), torch.device("cpu")):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
