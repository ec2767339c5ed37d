"""Products by oneDNN give what torch's give; they are left alone where bits must be everybody's."""

import pytest
import torch
import torch.nn.functional as F

from palimpsest.lm import products
from palimpsest.lm.products import Product, onednn_pays

HERE = onednn_pays(torch.zeros(1))
needs_onednn = pytest.mark.skipif(not HERE, reason="no oneDNN in this build of torch")


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@needs_onednn
@pytest.mark.parametrize("lead", [(7,), (1,), (3, 1), (2, 5), (70, 1)])
@pytest.mark.parametrize("activation", ["none", "gelu"])
@pytest.mark.parametrize("with_bias", [True, False])
def test_a_product_equals_torchs(lead, activation, with_bias):
    x, rows = normal(*lead, 24), normal(40, 24, seed=1)
    bias = normal(40, seed=2) if with_bias else None
    expected = F.linear(x, rows, bias)
    if activation == "gelu":
        expected = F.gelu(expected, approximate="tanh")
    with torch.inference_mode():
        got = Product(rows, bias, activation)(x)
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)


@needs_onednn
def test_weights_may_lie_the_other_way_round():
    x, columns = normal(5, 24), normal(24, 40, seed=1)
    got = Product(columns.T)(x)
    torch.testing.assert_close(got, x @ columns, atol=1e-5, rtol=1e-5)


@needs_onednn
def test_rows_of_a_longer_tensor_may_be_read():
    x, rows = normal(4, 3, 24), normal(40, 24, seed=1)
    torch.testing.assert_close(Product(rows)(x[:, -1]), x[:, -1] @ rows.T, atol=1e-5, rtol=1e-5)


@pytest.mark.skipif(
    not onednn_pays(torch.zeros(1, dtype=torch.bfloat16)), reason="no bfloat16 in this processor"
)
def test_in_bfloat16_the_result_alone_is_rounded():
    x, rows = normal(9, 24).bfloat16(), normal(40, 24, seed=1).bfloat16()
    expected = F.gelu(F.linear(x.float(), rows.float()), approximate="tanh")
    got = Product(rows, None, "gelu")(x)
    assert got.dtype == torch.bfloat16
    torch.testing.assert_close(got.float(), expected, atol=0.01, rtol=0.008)


@needs_onednn
def test_weights_are_those_of_the_time_it_was_made():
    x, rows = normal(5, 24), normal(40, 24, seed=1)
    rows.requires_grad_(True)
    made = Product(rows)
    before = made(x)
    with torch.no_grad():
        rows.zero_()
    assert torch.equal(made(x), before)
    assert not before.requires_grad


def test_only_types_that_models_compute_in():
    assert not onednn_pays(torch.zeros(1, dtype=torch.float64))
    assert not onednn_pays(torch.zeros(1, dtype=torch.float16))
    assert not onednn_pays(torch.zeros(1, device="meta"))


@needs_onednn
def test_not_where_the_bits_shall_be_the_same_everywhere(monkeypatch):
    monkeypatch.setattr(products, "is_portable", lambda: True)
    assert not onednn_pays(torch.zeros(1))


@needs_onednn
def test_not_where_torch_lacks_the_operators(monkeypatch):
    monkeypatch.setattr(products, "OPERATORS", ("_of_another_version",))
    assert not onednn_pays(torch.zeros(1))


@needs_onednn
def test_not_where_torch_was_built_without(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not onednn_pays(torch.zeros(1))


@needs_onednn
def test_not_on_processors_of_another_kind(monkeypatch):
    monkeypatch.setattr(products.platform, "machine", lambda: "aarch64")
    assert not onednn_pays(torch.zeros(1))
