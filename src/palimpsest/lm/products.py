"""Products with a weight matrix, by the library that is fastest for their type.

On a CPU torch takes MKL's products in float32, which reach half of what a processor of AMD with
AVX-512 can do (115 of 250 GFLOP/s a core); oneDNN's reach it. Of few rows, as in writing, they are
two to three times as fast, with the weights in their own layout and the activation in the same
pass also in bfloat16, whose products are oneDNN's anyway (docs/decisions.md). Their bits are
others, so a process that has promised the same bits on every processor
(`palimpsest.core.compute`) does without.

Known gaps: x86-64 alone, where it was measured. oneDNN is reached by operators that torch keeps for
its compiler; a build without them takes torch's own products.
"""

import platform
from collections.abc import Callable
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from palimpsest.core.compute import X86_64, is_portable

OPERATORS = ("_reorder_linear_weight", "_linear_pointwise", "_is_mkldnn_bf16_supported")

Affine = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""(x (..., I), weight (O, I), bias (O) or None) -> (..., O), with gradients."""


def onednn_pays(weight: Tensor) -> bool:
    """Whether products with this weight may be oneDNN's: on a CPU whose bits may be its own."""
    x86 = platform.machine().lower() in X86_64
    if weight.device.type != "cpu" or not x86 or is_portable():
        return False
    there: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not there or not all(hasattr(torch.ops.mkldnn, name) for name in OPERATORS):
        return False
    if weight.dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return weight.dtype == torch.float32


def affine_for(weight: Tensor) -> Affine:
    """The product of layers with weights like this one, in this process, with gradients."""
    return onednn_affine if weight.dtype == torch.float32 and onednn_pays(weight) else F.linear


def onednn_affine(x: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
    """``F.linear`` in float32 on a CPU by oneDNN, equal up to rounding.

    Args:
        x: (..., I).
        weight_OI: contiguous, or the transpose of a contiguous one: neither is copied.
        bias_O: (O); None for none.
    """
    if not x.numel():  # oneDNN knows no empty product
        return F.linear(x, weight_OI, bias_O)
    made: Tensor = _OneDnn.apply(x.reshape(-1, x.shape[-1]), weight_OI, bias_O)  # type: ignore[no-untyped-call]
    return made.view(*x.shape[:-1], made.shape[1])


class Product:
    """``activation(x @ rows.T + bias)`` with a copy of the weights in oneDNN's own layout.

    It has no gradients.

    Args:
        rows: the weights, (out, in); later changes of them are not seen.
        bias: (out,), or None.
        activation: ``none``, or ``gelu`` in GPT-2's form with the hyperbolic tangent.
    """

    def __init__(
        self, rows: Tensor, bias: Tensor | None = None, activation: Literal["none", "gelu"] = "none"
    ) -> None:
        self._rows = torch.ops.mkldnn._reorder_linear_weight(rows.detach())
        self._bias = None if bias is None else bias.detach()
        self._activation = activation, "tanh" if activation == "gelu" else ""

    def __call__(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out), in the type of the weights."""
        name, form = self._activation
        out: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._rows, self._bias, name, [], form)
        return out


class _OneDnn(torch.autograd.Function):
    """All three products, of which autograd's own backward would leave two to MKL."""

    @staticmethod
    def forward(ctx: Any, x_NI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
        ctx.save_for_backward(x_NI, weight_OI)
        return _product(x_NI, weight_OI, bias_O)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (grad_NO,) = gradients
        x_NI, weight_OI = ctx.saved_tensors
        grad_x, grad_weight, grad_bias = None, None, None
        if ctx.needs_input_grad[0]:
            grad_x = _product(grad_NO, weight_OI.t())
        if ctx.needs_input_grad[1]:
            # the other way round, all of the scores' gradient would be copied
            grad_weight = _product(x_NI.t(), grad_NO.t()).t()
        if ctx.needs_input_grad[2]:
            grad_bias = grad_NO.sum(dim=0)
        return grad_x, grad_weight, grad_bias


def _product(left_NI: Tensor, right_OI: Tensor, bias_O: Tensor | None = None) -> Tensor:
    """``F.linear``: `left` is copied unless it is contiguous, `right` is not."""
    made: Tensor = torch.ops.mkldnn._linear_pointwise(left_NI, right_OI, bias_O, "none", [], "")
    return made
