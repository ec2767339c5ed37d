"""Products with a weight matrix by oneDNN, with the activation in the same pass: for writing alone.

oneDNN's products of a few rows are two to three times as fast as MKL's in float32 on AMD processors
with AVX-512, and in bfloat16 up to a third faster than torch's, which take the weights as they lie
(docs/decisions.md). Their bits are others than those of torch's products, so a chain that shall
have the same bits on every processor does without.

Known gaps: no gradients; x86-64 alone, where it was measured; a second copy of the weights, as long
as the products are held.
"""

import platform
from typing import Literal

import torch
from torch import Tensor

from palimpsest.core.compute import X86_64, is_portable

OPERATORS = ("_reorder_linear_weight", "_linear_pointwise", "_is_mkldnn_bf16_supported")


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


class Product:
    """``activation(x @ rows.T + bias)`` with a copy of the weights in oneDNN's own layout.

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
