"""Draws the next token of each row from the scores of all of them.

Order of the filters, as in `transformers`: repetition penalty (Keskar et al. 2019), temperature,
top-k (Fan et al. 2018), top-p (Holtzman et al. 2020), min-p (Nguyen et al. 2024).

Legend of shapes: B rows, V vocabulary, K the likeliest tokens of a row, S tokens that a row holds.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from palimpsest.core.errors import ModelError
from palimpsest.core.parameters import SamplingParams

LIKELIEST = 1024
"""Tokens that top-p and min-p sort at first: a sort of 50,000 takes longer than the model."""
MOST_SCORES = 1 << 22
"""Scores from which tokens are drawn at once: what that takes beside them stays below 100 MB."""
GPU_MOST_SCORES = 1 << 26
"""The same on a GPU, which many rows at once keep busy: 256 MB of scores in float32."""


class SeenTokens:
    """The tokens that each row holds, for the repetition penalty.

    Args:
        prompts: the tokens of each row, its start token left out.
        new: tokens that will be added at the most.
        device: where the scores are.
    """

    def __init__(self, prompts: Sequence[Sequence[int]], new: int, device: torch.device) -> None:
        self._count = max(map(len, prompts), default=0)
        # a token that stands twice changes nothing, so shorter rows are filled with their own
        fills = [[row[0] if row else 0] * (self._count + new - len(row)) for row in prompts]
        ids = [[*row, *fill] for row, fill in zip(prompts, fills, strict=True)]
        self._ids_BS = torch.tensor(ids, device=device, dtype=torch.long)
        self._held_B1: Tensor | None = None  # rows that hold a token; None: all do
        if not all(map(len, prompts)):
            self._held_B1 = torch.tensor([[len(row) > 0] for row in prompts], device=device)

    @classmethod
    def of(
        cls, rows: Sequence[Sequence[int]], params: SamplingParams, device: torch.device
    ) -> "SeenTokens | None":
        """Those of rows that begin with a start token; None where no penalty asks for them."""
        if params.repetition_penalty == 1:
            return None
        return cls([row[1:] for row in rows], params.max_new_tokens, device)

    def add(self, next_B: Tensor) -> None:
        """One more token in each row."""
        if self._held_B1 is not None:
            before_BS = self._ids_BS[:, : self._count]
            before_BS.copy_(torch.where(self._held_B1, before_BS, next_B[:, None]))
            self._held_B1 = None
        self._ids_BS[:, self._count] = next_B
        self._count += 1

    def reorder(self, rows: Tensor) -> None:
        """Goes on with these rows, in this order."""
        self._ids_BS = self._ids_BS[rows]
        if self._held_B1 is not None:
            self._held_B1 = self._held_B1[rows]

    def punish(self, scores_BV: Tensor, penalty: float) -> None:
        """Divides the positive scores of seen tokens, multiplies the negative ones, in place."""
        ids_BS = self._ids_BS[:, : self._count]
        seen_BS = scores_BV.gather(1, ids_BS)
        punished_BS = torch.where(seen_BS > 0, seen_BS / penalty, seen_BS * penalty)
        if self._held_B1 is not None:
            punished_BS = torch.where(self._held_B1, punished_BS, seen_BS)
        # a token that stands twice is written twice, with one and the same score
        scores_BV.scatter_(1, ids_BS, punished_BS)


def adjusted(
    scores_BV: Tensor, seen: SeenTokens | None, end: int, params: SamplingParams
) -> Tensor:
    """Scores in float32 after the penalty, with end-of-text ruled out if it shall not stop.

    Scores that are float32 already are changed in place.
    """
    scores_BV = scores_BV.float()
    if seen is not None:
        seen.punish(scores_BV, params.repetition_penalty)
    if not params.stop_at_end:
        scores_BV[:, end] = -torch.inf
    return scores_BV


class NumberCheck:
    """Whether every row has a likeliest token, which NaN has not.

    Args:
        at_once: refuse a row without one as soon as it is seen. Else it is noted on the device, so
            that a GPU, which works behind the program that feeds it, need not be waited for, and
            refused by `refuse`; tokens drawn meanwhile mean nothing.
    """

    def __init__(self, at_once: bool = True) -> None:
        self._at_once = at_once
        self._failed: Tensor | None = None

    def __call__(self, best: Tensor) -> None:
        """Sees the highest scores; among NaN and numbers NaN counts as the highest.

        Raises:
            ModelError: one of them is not a number, and that is refused at once.
        """
        failed = ~torch.isfinite(best).all()
        self._failed = failed if self._failed is None else self._failed | failed
        if self._at_once:
            self.refuse()

    def refuse(self) -> None:
        """Waits for the device.

        Raises:
            ModelError: one of the scores that were seen is not a number.
        """
        if self._failed is not None and self._failed:
            raise ModelError("the model's scores", wanted="numbers", got="NaN or infinity")


def sample_next(
    scores_BV: Tensor, noise_B: Tensor, params: SamplingParams, check: NumberCheck | None = None
) -> Tensor:
    """The next token of each row.

    Args:
        scores_BV: unnormalised log-probabilities, (B, V), float32; they are not changed.
        noise_B: uniform numbers in [0, 1), (B,), float64; used by ``sample`` alone.
        params: strategy, temperature and filters.
        check: sees whether scores are numbers; by default, at once.

    Returns:
        Token ids, (B,).

    Raises:
        ModelError: a row holds a score that is not a number.
    """
    check = check or NumberCheck()
    if params.strategy != "sample":
        best_B, likeliest_B = scores_BV.max(dim=1)
        check(best_B)
        return likeliest_B
    vocabulary = scores_BV.shape[1]
    most = MOST_SCORES if scores_BV.device.type == "cpu" else GPU_MOST_SCORES
    rows = max(1, most // vocabulary)
    if len(scores_BV) > rows:
        parts = zip(torch.split(scores_BV, rows), torch.split(noise_B, rows), strict=True)
        return torch.cat([sample_next(*part, params, check) for part in parts])
    if not (params.top_k or params.top_p < 1 or params.min_p > 0):
        best_B1 = scores_BV.amax(dim=1, keepdim=True)
        check(best_B1)
        return _draw(_odds(scores_BV, best_B1, params), noise_B).squeeze(1)
    width = params.top_k or LIKELIEST
    odds_BK, order_BK = _filtered(scores_BV, width, params, check)
    while not params.top_k and width < vocabulary and bool((odds_BK[:, -1] > 0).any()):
        width *= 8  # more tokens may be kept than were looked at
        odds_BK, order_BK = _filtered(scores_BV, width, params, check)
    return order_BK.gather(1, _draw(odds_BK, noise_B)).squeeze(1)


def _filtered(
    scores_BV: Tensor, width: int, params: SamplingParams, check: NumberCheck
) -> tuple[Tensor, Tensor]:
    """Odds of the K likeliest tokens, 0 of those that are filtered out, and their ids; (B, K)."""
    scores_BK, order_BK = scores_BV.topk(min(width, scores_BV.shape[1]), dim=1)
    best_B1 = scores_BK[:, :1]
    check(best_B1)
    odds_BK = _odds(scores_BK, best_B1, params)
    if params.top_p < 1:
        of_all = odds_BK if params.top_k else _odds(scores_BV, best_B1, params)
        share_BK = odds_BK / of_all.sum(dim=1, keepdim=True)
        before_BK = share_BK.cumsum(dim=1) - share_BK
        odds_BK = odds_BK * (before_BK < params.top_p)
    if params.min_p > 0:
        odds_BK = odds_BK * (odds_BK >= params.min_p)
    return odds_BK, order_BK


def _odds(scores: Tensor, best_B1: Tensor, params: SamplingParams) -> Tensor:
    """Probabilities as multiples of the likeliest token's, at the temperature."""
    return (scores - best_B1).div_(params.temperature).exp_()


def _draw(odds_BK: Tensor, noise_B: Tensor) -> Tensor:
    """Places drawn by inverting the cumulative sum of the odds, (B, 1)."""
    total_BK = odds_BK.cumsum(dim=1, dtype=torch.float64)
    mark_B1 = noise_B[:, None] * total_BK[:, -1:]
    return torch.searchsorted(total_BK, mark_B1, right=True).clamp_(max=odds_BK.shape[1] - 1)
