"""Products by oneDNN give what torch's give, and its gradients; not where bits are everybody's."""

import pytest
import torch
import torch.nn.functional as F

from palimpsest.core import compute
from palimpsest.lm import products
from palimpsest.lm.products import Product, affine_for, onednn_affine, onednn_pays

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


@needs_onednn
def test_an_affine_product_by_hand():
    x, weight, bias = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0], [5.0, 6.0]]), None
    assert onednn_affine(x, weight, bias).tolist() == [[11.0, 17.0]]
    assert onednn_affine(x, weight.t(), torch.tensor([0.5, -1.0])).tolist() == [[13.5, 15.0]]


@needs_onednn
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("shape", [(17, 6), (2, 5, 6), (1, 1, 6)])
def test_output_and_gradients_are_those_of_torch(shape, with_bias, turned):
    generator = torch.Generator().manual_seed(0)

    def one(product):
        generator.manual_seed(0)
        stored = torch.randn((6, 9) if turned else (9, 6), generator=generator).requires_grad_()
        x = torch.randn(shape, generator=generator).requires_grad_()
        bias = torch.randn(9, generator=generator).requires_grad_() if with_bias else None
        made = product(x, stored.t() if turned else stored, bias)
        made.backward(torch.randn(made.shape, generator=generator))
        return [made, x.grad, stored.grad, *([] if bias is None else [bias.grad])]

    for got, expected in zip(one(onednn_affine), one(F.linear), strict=True):
        assert got.shape == expected.shape
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)


@needs_onednn
def test_what_needs_no_gradient_gets_none():
    x, weight = torch.randn(3, 4), torch.randn(5, 4, requires_grad=True)
    onednn_affine(x, weight, None).sum().backward()
    assert x.grad is None
    torch.testing.assert_close(weight.grad, x.sum(dim=0).expand(5, 4))
    with torch.inference_mode():
        torch.testing.assert_close(onednn_affine(x, weight, None), x @ weight.t())


@needs_onednn
def test_no_rows_are_no_rows():
    assert onednn_affine(torch.empty(0, 4), torch.ones(5, 4), torch.ones(5)).shape == (0, 5)


@needs_onednn
def test_float32_takes_onednn_where_no_bits_are_promised():
    assert affine_for(torch.zeros(1)) is onednn_affine
    assert affine_for(torch.zeros(1, dtype=torch.bfloat16)) is F.linear


def test_promised_bits_are_torchs(monkeypatch):
    for name, value in {**compute.PORTABLE, **compute.BLAS}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(compute.platform, "machine", lambda: "x86_64")
    assert affine_for(torch.zeros(1)) is F.linear


def test_a_build_without_onednn_takes_torchs(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert affine_for(torch.zeros(1)) is F.linear
