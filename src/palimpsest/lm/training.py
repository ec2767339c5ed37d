"""Trains a model on texts with AdamW: rows of tokens, no loss on padding, one curve.

The loss of a batch is divided by a constant number of tokens (the mean of a batch), not by the
batch's own: means over batches of unequal length would over-weight the ends of short documents, and
a chain of generations would collapse in length by itself.

Several processes take every n-th row of a batch each, and add their gradients up: with a constant
divisor, that is the gradient of the whole batch.

Known gaps: no dropout, no accumulation of gradients over several batches.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import fields

import numpy as np
import torch
from torch import Tensor

from palimpsest.core.errors import ParamsError, TrainingError
from palimpsest.core.parameters import TrainingParams
from palimpsest.core.resume import NOTHING_KEPT, Arrays, Checkpoints, Task, digest
from palimpsest.core.team import ALONE, Team
from palimpsest.lm.batching import IGNORED, collate
from palimpsest.lm.checkpoint import LanguageModel
from palimpsest.lm.cross_entropy import backward
from palimpsest.lm.memory import kept_memory
from palimpsest.lm.runtime import DTYPES, model_digest
from palimpsest.lm.tokenizer import Tokenizer
from palimpsest.lm.training_curve import Curve, Step, Taken
from palimpsest.lm.training_plan import planned, predicted, rows_of, some_rows
from palimpsest.lm.transfers import Arriving, sent

EPSILON = 1e-8
"""AdamW's epsilon, as in torch."""
AHEAD = 1
"""Steps that a GPU is given before the numbers of the one before them are looked at."""
HOST = torch.device("cpu")
"""Where batches are put together."""


def train(
    model: LanguageModel,
    tokenizer: Tokenizer,
    texts: Sequence[str],
    params: TrainingParams,
    generator: np.random.Generator,
    progress: Callable[[Step, int], None] = lambda step, steps: None,
    like: Sequence[str] | None = None,
    section: str = "finetune",
    kept: Checkpoints = NOTHING_KEPT,
    team: Team = ALONE,
) -> tuple[LanguageModel, list[Step]]:
    """Trains a copy of the model.

    Args:
        model: where to start from, in float32.
        tokenizer: its tokenizer.
        texts: the training set.
        params: the parameters.
        generator: of the order of the rows.
        progress: called after every step with the step and their number.
        like: texts that ``epochs`` are counted on, so that training sets of different sizes get
            as many tokens each, to half a batch; the training set itself by default.
        section: of params.yaml, for errors.
        kept: where the state between two steps is kept; training goes on from what is there, and
            ends with the same bits as without a pause.
        team: who trains; each process a part of every batch, and all have the result.

    Returns:
        The trained model in float32, its weights rounded to ``save_dtype``; and the curve.

    Raises:
        CorpusError: no text to learn from.
        ParamsError: rows longer than the model's context.
        TrainingError: the loss or the gradient is not a number; names the step. No weight has
            moved by a single bit of ``save_dtype``.
    """
    _check_context(model, params, section)
    rows = some_rows(tokenizer, texts, params)
    divisor = predicted(rows, params) / math.ceil(len(rows) / params.batch_size)
    counted = rows if like is None else rows_of(tokenizer, like, params)
    tokens = (params.epochs or 0) * predicted(counted, params)
    plan = planned(rows, params, generator, tokens)
    steps = len(plan)
    worker = model.to(DTYPES[params.dtype], model.device)
    exact = worker if worker.dtype == torch.float32 else model.to(torch.float32, model.device)
    masters = {name: weight.detach() for name, weight in exact.parameters().items()}
    update = _Update(worker, masters, params, steps, team)

    def key() -> str:
        sizes = tokenizer.end, divisor, steps
        return digest("train", model_digest(model), params.as_dict(), rows, plan, sizes)

    task = kept.task(section, "step", key)
    task.done, task.state = team.from_first((task.done, task.state))
    curve = Curve(update.take_up(task), lambda step: progress(step, steps))
    ahead = 0 if model.device.type == "cpu" else AHEAD
    with kept_memory():
        for number, batch in enumerate(plan[task.done :], task.done + 1):
            pieces = [rows[index] for index in team.dealt(batch)]
            loss, count = torch.zeros((), device=model.device), 0
            if pieces:  # the last batch may have fewer rows than there are processes
                given = [params.skip_tokens] * len(pieces)
                ids_BT, targets_BT = collate(pieces, tokenizer.end, HOST, given)
                loss, count = _backward(worker, ids_BT, targets_BT, divisor)
            curve.add(update(number, loss, count), ahead)
            task.keep(number, lambda: update.state(curve.read()))
    _check_moved(model, masters, curve.read(), section, DTYPES[params.save_dtype])
    return _with_weights(model, masters, DTYPES[params.save_dtype]), curve.read()


class _Update:
    """AdamW on float32 weights: the worker's own, or behind one that computes in a shorter type."""

    def __init__(
        self,
        worker: LanguageModel,
        masters: dict[str, Tensor],
        params: TrainingParams,
        steps: int,
        team: Team = ALONE,
    ) -> None:
        self.params, self.steps, self.masters, self.team = params, steps, masters, team
        self.workers = worker.parameters()
        for weight in self.workers.values():
            weight.requires_grad_(True)
        matrices = [weight for weight in masters.values() if weight.dim() >= 2]
        vectors = [weight for weight in masters.values() if weight.dim() < 2]
        self.optimizers = [
            _AdamW(matrices, params.weight_decay, (params.beta1, params.beta2)),
            _AdamW(vectors, 0.0, (params.beta1, params.beta2)),
        ]

    def state(self, curve: Sequence[Step]) -> Arrays:
        """Masters, moments and the curve: all that the next step depends on.

        The workers' weights are the masters', rounded; the order of the batches is planned before
        the first step.
        """
        columns = ([getattr(step, field.name) for step in curve] for field in fields(Step))
        arrays = {f"curve/{number}": np.array(column) for number, column in enumerate(columns)}
        return arrays | {name: tensor.cpu().numpy() for name, tensor in self._tensors().items()}

    def take_up(self, task: Task) -> list[Step]:
        """Takes the weights and moments that were kept, if any, and returns the curve so far."""
        if not task.done:
            return []
        with torch.no_grad():
            for name, tensor in self._tensors().items():
                tensor.copy_(torch.from_numpy(task.state[name]))
            self._copy_to_worker()
        columns = [task.state[f"curve/{number}"].tolist() for number in range(len(fields(Step)))]
        return [Step(*row) for row in zip(*columns, strict=True)]

    def _tensors(self) -> dict[str, Tensor]:
        """Masters and both moments, by name."""
        tensors = {f"weight/{name}": weight for name, weight in self.masters.items()}
        for number, optimizer in enumerate(self.optimizers):
            moments = {"mean": optimizer.means, "square": optimizer.squares}
            for kind, group in moments.items():
                tensors |= {f"{kind}/{number}/{i}": tensor for i, tensor in enumerate(group)}
        return tensors

    def _copy_to_worker(self) -> None:
        for name, master in self.masters.items():
            if self.workers[name].dtype != master.dtype:  # else it is the same memory
                self.workers[name].copy_(master)

    def __call__(self, number: int, loss: Tensor, count: int) -> Taken:
        if self.team.size > 1:
            losses, counts = zip(*self.team.gathered((float(loss), count)), strict=True)
            loss, count = loss.new_tensor(sum(losses), dtype=torch.float64), sum(counts)
        for name, master in self.masters.items():
            gradient = self.workers[name].grad
            master.grad = torch.zeros_like(master) if gradient is None else gradient.float()
            self.workers[name].grad = None
        self.team.add_up([master.grad for master in self.masters.values()])
        limit = self.params.clip_norm or math.inf
        norm = torch.nn.utils.clip_grad_norm_(list(self.masters.values()), limit)
        rate = self.params.learning_rate * schedule(number, self.steps, self.params)
        with torch.no_grad():
            for optimizer in self.optimizers:
                optimizer.step(number, rate)
            self._copy_to_worker()
        return Taken(number, rate, count, Arriving([loss, norm]))


class _AdamW:
    """AdamW of some weights (Loshchilov & Hutter 2019), bit for bit ``torch.optim.AdamW(fused)``.

    The same kernel without the class around it, whose first use imports torch._dynamo: two seconds
    that every generation would pay.
    """

    def __init__(self, weights: list[Tensor], decay: float, betas: tuple[float, float]) -> None:
        self.weights, self.decay, self.betas = weights, decay, betas
        self.means = [torch.zeros_like(weight) for weight in weights]
        self.squares = [torch.zeros_like(weight) for weight in weights]

    def step(self, number: int, learning_rate: float) -> None:
        """Moves the weights along their ``grad``; `number` counts from 1."""
        if not self.weights:
            return
        count = torch.full((), float(number), device=self.weights[0].device)
        torch.ops.aten._fused_adamw_(
            self.weights,
            [weight.grad for weight in self.weights],
            self.means,
            self.squares,
            [],
            [count] * len(self.weights),
            lr=learning_rate,
            beta1=self.betas[0],
            beta2=self.betas[1],
            weight_decay=self.decay,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )


def _check_context(model: LanguageModel, params: TrainingParams, section: str) -> None:
    """Makes sure that the model can read a row."""
    if params.block_tokens > model.context:
        raise ParamsError(
            f"{section}.block_tokens",
            wanted=f"at most the model's context of {model.context}",
            got=params.block_tokens,
            hint="longer documents go on in further rows",
        )


def _check_moved(
    model: LanguageModel,
    masters: dict[str, Tensor],
    curve: Sequence[Step],
    section: str,
    dtype: torch.dtype,
) -> None:
    """Makes sure that training has changed what is saved: else it would be the same model again."""
    start = model.parameters()
    if all(torch.equal(start[name].detach().to(dtype), w.to(dtype)) for name, w in masters.items()):
        norm = max(step.gradient_norm for step in curve)
        short = "" if dtype == torch.float32 else f"Does {section}.save_dtype round it away?"
        raise TrainingError(
            f"the weights after {len(curve)} steps",
            wanted="others than before",
            got=f"the same to the last bit (largest gradient norm {norm:.3g})",
            hint=f"no model was written; is {section}.learning_rate too low? {short}",
        )


def schedule(step: int, steps: int, params: TrainingParams) -> float:
    """The learning rate of a step (1 … steps) as a share of its peak, in [0, 1]."""
    warm = math.ceil(params.warmup * steps)
    if step <= warm:
        return step / warm
    if params.schedule == "constant":
        return 1.0
    progress = (step - warm) / max(1, steps - warm)
    fall = progress if params.schedule == "linear" else (1 - math.cos(math.pi * progress)) / 2
    return 1 - (1 - params.final) * fall


def _backward(
    model: LanguageModel, ids_BT: Tensor, targets_BT: Tensor, divisor: float
) -> tuple[Tensor, int]:
    """Gradients of a batch in the host's memory, where a count need not be waited for.

    Returns:
        Its summed loss in nats over the tokens with loss, and their number.
    """
    places = (targets_BT != IGNORED).flatten().nonzero().squeeze(1)
    targets_N = sent(targets_BT.flatten()[places], model.device)
    hidden_Nd = model.hidden_at(sent(ids_BT, model.device), sent(places, model.device))
    return backward(model, hidden_Nd, targets_N, divisor), len(places)


def _with_weights(
    model: LanguageModel, masters: dict[str, Tensor], dtype: torch.dtype
) -> LanguageModel:
    """A copy of the model that holds the trained weights, in float32 and rounded to a type."""
    trained = model.to(torch.float32, model.device)
    with torch.no_grad():
        for name, weight in trained.parameters().items():
            weight.copy_(masters[name].to(dtype))
    return trained
