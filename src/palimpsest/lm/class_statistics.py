"""Per-class sums of hidden states, gathered while a model reads (docs/metrics.md §6).

Counts, means and variances of each next-token class, batch by batch, where the hidden states are;
and, once the means are known, how often the classifier agrees with the nearest of them. Memory is
O(K·d): a batch is added by index, no one-hot matrix of tokens × K is ever formed.

Known gaps: Σ‖h‖² − ‖Σh‖²/n loses digits where a class is much narrower than it is far from the
origin (a variance below about 1e-15 ‖μ‖² reads as noise of that size, never as less than 0); on a
GPU, additions to one class happen in no fixed order, so that sums may differ in the last digit.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from palimpsest.core.errors import MetricError
from palimpsest.core.resume import Arrays

ROWS = 256
"""Hidden states that are turned to float64 at a time: larger copies fall out of the cache, and the
memory that they take is given back and asked for again at every batch."""

EQUAL = 1e-12
"""Share of the largest score within which two scores are one."""


class Classes(NamedTuple):
    """Some classes and their statistics."""

    ids: NDArray[np.int64]
    """(C,) token ids, ascending."""
    counts: NDArray[np.int64]
    """(C,) occurrences."""
    means: NDArray[np.float64]
    """(C, d) mean hidden state before the token."""
    variances: NDArray[np.float64]
    """(C,) mean squared distance to the mean, >= 0."""


class ClassSums:
    """Count, Σh and Σ‖h‖² of K classes in float64; `update` is a visitor of `likelihood`.

    Args:
        classes: K, the number of classes (token types).
        width: d, the width of a hidden state.
        device: where the sums are kept, best where the hidden states are.

    Raises:
        MetricError: fewer than one class or dimension.
    """

    def __init__(self, classes: int, width: int, device: torch.device | str = "cpu") -> None:
        if classes < 1 or width < 1:
            raise MetricError("class sums", wanted="classes and width >= 1", got=(classes, width))
        self._counts_K = torch.zeros(classes, dtype=torch.int64, device=device)
        self._sums_Kd = torch.zeros(classes, width, dtype=torch.float64, device=device)
        self._squares_K = torch.zeros(classes, dtype=torch.float64, device=device)

    def update(self, hidden_Nd: Tensor, targets_N: Tensor, logits_NV: Tensor | None = None) -> None:
        """Adds a batch: hidden states and the class (next token) that each of them predicts.

        Args:
            hidden_Nd: (N, d) of any floating type.
            targets_N: (N,) classes, 0 to K − 1.
            logits_NV: not looked at.

        Raises:
            MetricError: another shape, a class out of range, a hidden state that is not finite;
                the sums are then as they were.
        """
        classes, width = self._sums_Kd.shape
        count = len(targets_N)
        if targets_N.dim() != 1 or hidden_Nd.shape != (count, width):
            got = (*hidden_Nd.shape, *targets_N.shape)
            raise MetricError("hidden states", wanted=f"(N, {width}) and (N,)", got=got)
        targets = targets_N.to(self._counts_K.device, torch.int64)
        if count and not 0 <= int(targets.min()) <= int(targets.max()) < classes:
            ends = [int(targets.min()), int(targets.max())]
            raise MetricError("targets", wanted=f"0 to {classes - 1}", got=ends)
        hidden = hidden_Nd.detach().to(self._sums_Kd.device)
        norms = torch.linalg.vector_norm(hidden, dim=1, dtype=torch.float64)
        if not torch.isfinite(norms).all():
            raise MetricError("hidden states", wanted="finite numbers", got="NaN or infinity")
        self._counts_K.index_add_(0, targets, torch.ones_like(targets))
        self._squares_K.index_add_(0, targets, norms.square())
        for begin in range(0, count, ROWS):
            rows = slice(begin, begin + ROWS)
            self._sums_Kd.index_add_(0, targets[rows], hidden[rows].double())

    def state(self) -> Arrays:
        """The sums so far."""
        return {name: tensor.cpu().numpy() for name, tensor in self._tensors().items()}

    def take_up(self, state: Arrays) -> None:
        """Goes on from the sums of another of its kind."""
        for name, tensor in self._tensors().items():
            tensor.copy_(torch.from_numpy(state[name]))

    def _tensors(self) -> dict[str, Tensor]:
        return {
            "class_counts": self._counts_K,
            "class_sums": self._sums_Kd,
            "class_squares": self._squares_K,
        }

    def merged(self, states: Sequence[Arrays]) -> "ClassSums":
        """The sums of several passes.

        Args:
            states: of each, see `state`.
        """
        classes, width = self._sums_Kd.shape
        total, part = (ClassSums(classes, width, self._sums_Kd.device) for _ in range(2))
        for state in states:
            part.take_up(state)
            total.merge(part)
        return total

    def merge(self, other: "ClassSums") -> None:
        """Adds what another pass has seen.

        Raises:
            MetricError: it has other classes or another width.
        """
        shape, theirs = tuple(self._sums_Kd.shape), tuple(other._sums_Kd.shape)
        if shape != theirs:
            raise MetricError("class sums", wanted=shape, got=theirs)
        for own, more in (
            (self._counts_K, other._counts_K),
            (self._sums_Kd, other._sums_Kd),
            (self._squares_K, other._squares_K),
        ):
            own.add_(more.to(own.device))

    @property
    def counts(self) -> NDArray[np.int64]:
        """(K,) occurrences of each class."""
        return self._counts_K.cpu().numpy().copy()

    @property
    def means(self) -> NDArray[np.float64]:
        """(K, d) class means; zeros for a class that never occurs."""
        return self._of(torch.arange(len(self._counts_K))).means

    @property
    def variances(self) -> NDArray[np.float64]:
        """(K,) mean ‖h − μ_c‖²; 0 for a class that never occurs."""
        return self._of(torch.arange(len(self._counts_K))).variances

    def at_least(self, min_count: int) -> Classes:
        """The classes with `min_count` occurrences (at least 1) or more."""
        kept = self._counts_K >= max(min_count, 1)
        return self._of(kept.nonzero().squeeze(1).cpu())

    def _of(self, ids: Tensor) -> Classes:
        rows = ids.to(self._counts_K.device)
        counts = self._counts_K[rows]
        share = counts.clamp(min=1).double()
        means = self._sums_Kd[rows] / share[:, None]
        variances = (self._squares_K[rows] / share - means.square().sum(dim=1)).clamp(min=0.0)
        arrays = (array.cpu().numpy() for array in (rows, counts, means, variances))
        return Classes(*arrays)


class CentreAgreement:
    """NC4: how often the classifier agrees with the nearest class mean; the second pass.

    Counts the tokens for which argmax_c ⟨w_c, h⟩ = argmin_c ‖h − μ_c‖, both over the C classes
    given. A score that two classes share (to 1e-12 of the largest) agrees with nothing, and neither
    does a single class.

    Args:
        weights: (C, d) rows of the output embedding.
        means: (C, d) class means.
        device: where the comparison runs.

    Raises:
        MetricError: shapes that differ, no class, or numbers that are not finite.
    """

    def __init__(
        self,
        weights: NDArray[np.floating],
        means: NDArray[np.floating],
        device: torch.device | str = "cpu",
    ) -> None:
        if means.ndim != 2 or not means.size or weights.shape != means.shape:
            raise MetricError("class means", wanted=f"(C, d) as {weights.shape}", got=means.shape)
        self._weights_Cd = torch.from_numpy(weights).to(device, torch.float64)
        means_Cd = torch.from_numpy(means).to(device, torch.float64)
        if not (torch.isfinite(self._weights_Cd).all() and torch.isfinite(means_Cd).all()):
            raise MetricError("class means", wanted="finite numbers", got="NaN or infinity")
        self._centre_d = means_Cd.mean(dim=0)
        self._moved_Cd = means_Cd - self._centre_d
        self._offsets_C = self._moved_Cd.square().sum(dim=1) / 2.0
        self.agreed, self.tokens = 0, 0

    def update(self, hidden_Nd: Tensor) -> None:
        """Counts the agreements of a batch (N, d)."""
        for begin in range(0, len(hidden_Nd), ROWS):
            h_Nd = hidden_Nd[begin : begin + ROWS].to(self._weights_Cd.device, torch.float64)
            classified = _winner(h_Nd @ self._weights_Cd.T)
            # ‖h − μ‖² is least where ⟨h, μ⟩ − ‖μ‖²/2 is largest
            nearest = _winner((h_Nd - self._centre_d) @ self._moved_Cd.T - self._offsets_C)
            self.agreed += int(((classified == nearest) & (classified >= 0)).sum())
            self.tokens += len(h_Nd)


def _winner(scores_NC: Tensor) -> Tensor:
    """Position of each row's largest score, −1 where it is shared to within rounding."""
    top_N, best_N = scores_NC.max(dim=1)
    room_N = EQUAL * scores_NC.abs().max(dim=1).values
    alone_N = (scores_NC >= (top_N - room_N)[:, None]).sum(dim=1) == 1
    return torch.where(alone_N & (scores_NC.shape[1] > 1), best_N, -1)
