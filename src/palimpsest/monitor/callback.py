"""`CollapseCallback`: a `TrainerCallback` of `transformers` that measures collapse every k steps.

It is measured on the first process alone, from the weights in training, in evaluation mode and in
the training's own precision; the training then goes on with the bits that it would have had.

Known gap: while the first process measures, the others wait at their next gradient exchange, for
which the process group's timeout must have room.
"""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any

import torch
from torch import distributed
from transformers import Trainer, TrainerCallback

from palimpsest.auditing.copies import distinct_texts
from palimpsest.auditing.samples import Encode
from palimpsest.core.errors import ParamsError
from palimpsest.embedding.encoder import Encoder, named_encoder
from palimpsest.lm.hub import HubModel
from palimpsest.metrics.validation import texts as checked_texts
from palimpsest.monitor.live import check_whole, live_model, live_tokenizer
from palimpsest.monitor.measuring import Measured, Monitor, sample_size
from palimpsest.monitor.null_positions import PREFIX, has_just_left, has_left_for, history
from palimpsest.monitor.options import MonitorParams
from palimpsest.monitor.undisturbed import precision, undisturbed

log = logging.getLogger(__name__)


class CollapseCallback(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Measures a model in training against human text, and logs it with the trainer's own logs.

    Every ``every`` optimizer steps, and after the last, the model writes ``samples`` texts and
    reads held-out ones. Numbers are logged through `Trainer.log`, so that every integration of
    ``report_to`` has them, and stand in ``state.log_history``; docs/monitor.md lists the names. A
    metric that leaves the reference's null band is a warning, and may stop the training
    (``stop_on``). A measurement that fails is a warning, too, once, and the training goes on.

    Args:
        reference: human texts, at least 15 distinct ones (192 for samples of 64), best not those
            that the model is trained on.
        heldout: human texts that the model is not trained on, for perplexity and neural collapse;
            none leaves these out.
        tokenizer: of `transformers` with a fast backend, or a `palimpsest.lm.tokenizer.Tokenizer`;
            None takes the trainer's ``processing_class``.
        encoder: of sentences: ``bundled``, a folder, a hub id, or a function of n texts that
            returns (n, d); loaded once, when a training begins.
        dvclive: a `dvclive.Live` of the caller's own, which gets every number under the training's
            step; None where `DVCLiveCallback` is used, or nothing.
        **options: see `palimpsest.monitor.options.MonitorParams`.

    Raises:
        ParamsError: an unknown option, one out of its range, an ``encoder`` that is no name and no
            function, or a ``dvclive`` that cannot log.
        MetricError: texts that are no list of strings, or too few.
        CorpusError: fewer reference texts than three samples.
        ModelError: a tokenizer that cannot be used.
    """

    def __init__(
        self,
        reference: Sequence[str],
        heldout: Sequence[str] | None = None,
        *,
        tokenizer: Any = None,
        encoder: str | Encode = "bundled",
        dvclive: Any = None,
        **options: Any,
    ) -> None:
        self.reference = checked_texts(reference, "monitor.reference")
        given = () if heldout is None else heldout
        self.heldout = checked_texts(given, "monitor.heldout", fewest=0)
        self.params = MonitorParams.from_options(options, bool(self.heldout))
        sample_size(len(distinct_texts(self.reference)), self.params.samples)
        self.tokenizer = None if tokenizer is None else live_tokenizer(tokenizer)
        if not (isinstance(encoder, str) or callable(encoder)):
            wanted = "a name or a function of texts"
            raise ParamsError("monitor.encoder", wanted=wanted, got=encoder)
        self.encoder, self.dvclive = encoder, dvclive
        for name in () if dvclive is None else ("log_metric", "next_step"):
            if not callable(getattr(dvclive, name, None)):
                wanted, got = "a dvclive.Live or None", type(dvclive).__name__
                raise ParamsError("monitor.dvclive", wanted=wanted, got=got)
        self._monitor: Monitor | None = None
        self._live: HubModel | None = None
        self._failures: set[str] = set()

    @cached_property
    def _encode(self) -> Encode:
        if not isinstance(self.encoder, str):
            return self.encoder
        return Encoder.load(named_encoder(self.encoder, "monitor.encoder")).encode

    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any
    ) -> Any:
        """Embeds the reference and measures its null bands.

        Raises:
            ModelError: a model or tokenizer that cannot be measured, see `palimpsest.monitor.live`.
            CorpusError: too few reference texts that differ once they are cut.
            MetricError: embeddings that are no numbers, or one for texts that differ.
        """
        check_whole(args, model)
        if state.is_world_process_zero:
            with undisturbed(model):
                with precision(args, next(model.parameters()).device):
                    self._live = live_model(model)
                given = self.tokenizer or kwargs.get("processing_class")
                tokenizer = live_tokenizer(given, self._live.vocabulary)
                self._monitor = Monitor(
                    tokenizer,
                    self._live.context,
                    self.reference,
                    self.heldout,
                    lambda texts: self._encode(texts),  # loaded when the first text is embedded
                    self.params,
                )
        return self._observed(args, state, control, model) if self.params.at_start else control

    def on_step_end(
        self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any
    ) -> Any:
        """Measures every k-th step and the last."""
        del kwargs
        is_last = 0 < state.max_steps <= state.global_step
        if state.global_step % self.params.every and not is_last:
            return control
        return self._observed(args, state, control, model)

    def on_epoch_end(
        self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any
    ) -> Any:
        """Measures where something else has stopped the training: integrations still listen."""
        del kwargs
        if control.should_training_stop and state.is_world_process_zero:
            self._measure_once(args, state, model, self._report(state, control))
        return control

    def on_train_end(
        self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any
    ) -> Any:
        """Measures what is not measured yet, into the history alone: integrations have closed.

        Not where the best model was loaded again: it is not that of this step.
        """
        del kwargs
        if state.is_world_process_zero and not args.load_best_model_at_end:
            self._measure_once(args, state, model, lambda logs: _append(state, logs))
        return control

    def _observed(self, args: Any, state: Any, control: Any, model: Any) -> Any:
        """Measures on the first process; all agree on whether to stop."""
        stop = False
        if state.is_world_process_zero:
            self._measure_once(args, state, model, self._report(state, control))
            stop = self._has_left(state)
        if self.params.stop_on and _from_first(stop, model):
            control.should_training_stop = True
        return control

    def _measure_once(
        self, args: Any, state: Any, model: Any, report: Callable[[dict[str, float]], None]
    ) -> None:
        """Measures and reports, unless this step's measurement is in the history."""
        step = state.global_step
        if any(row.get(f"{PREFIX}step") == step for row in state.log_history):
            return
        measured: list[Measured] = []
        with self._survived(f"step {step} was not measured"), undisturbed(model):
            measured.append(self._measured(args, step))
        for one in measured:
            report(one.logs())
            with self._survived(f"step {step} was not logged to dvclive"):
                self._tell_dvclive(one)
            self._warn(one, state)

    def _measured(self, args: Any, step: int) -> Measured:
        assert self._monitor is not None, "on_train_begin comes first"
        assert self._live is not None, "on_train_begin comes first"
        return self._monitor.measure(self._live, step, partial(precision, args, self._live.device))

    @contextmanager
    def _survived(self, what: str) -> Iterator[None]:
        """A training of days must not end by being looked at: each failure is one warning."""
        try:
            yield
        except Exception as error:
            line = f"{type(error).__name__}: {error}".partition("\n")[0]
            if line not in self._failures:
                log.warning("%s: %s", what, line)
            self._failures.add(line)

    def _report(self, state: Any, control: Any) -> Callable[[dict[str, float]], None]:
        """Logs through the trainer, if one is calling; else into the history."""

        def report(logs: dict[str, float]) -> None:
            trainer = _calling_trainer(self)
            if trainer is None:
                _append(state, logs)
                return
            should_log = control.should_log  # the loss of this step, which every log call takes off
            trainer.log(dict(logs))
            control.should_log = should_log

        return report

    def _tell_dvclive(self, measured: Measured) -> None:
        if self.dvclive is None:
            return
        self.dvclive.step = measured.step
        for name, value in measured.logs().items():
            self.dvclive.log_metric(name, value)
        self.dvclive.next_step()

    def _warn(self, measured: Measured, state: Any) -> None:
        """One line on the metrics that were inside their band before, or never measured."""
        left = [
            f"{name} {measured.values[name]:.3g} ({band.low:.3g} to {band.high:.3g})"
            for name, band in measured.bands.items()
            if has_just_left(history(name, state.log_history))
        ]
        if left:
            step, listed = state.global_step, ", ".join(left)
            log.warning("step %d: outside what human samples read: %s", step, listed)

    def _has_left(self, state: Any) -> bool:
        """Whether a metric of `stop_on` has left its band for good."""
        patience = self.params.patience
        rows = state.log_history
        left = [name for name in self.params.stop_on if has_left_for(history(name, rows), patience)]
        if left:
            step, listed = state.global_step, ", ".join(left)
            log.warning("step %d: the training is stopped by monitor.stop_on: %s", step, listed)
        return bool(left)


def _append(state: Any, logs: dict[str, float]) -> None:
    """Into the history as `Trainer.log` does."""
    epoch = {} if state.epoch is None else {"epoch": state.epoch}
    state.log_history.append({**logs, **epoch, "step": state.global_step})


def _calling_trainer(callback: TrainerCallback) -> Trainer | None:
    """The trainer that has called a callback; None if something else has.

    A callback is not given its trainer, and neither the other callbacks, among them those of
    ``report_to``, which stand before it: what it put into a log they would have read already. So
    the trainer is looked for among the callers, where it always is.
    """
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        caller = frame.f_locals.get("self")
        if isinstance(caller, Trainer) and callback in caller.callback_handler.callbacks:
            return caller
    return None


def _from_first(decision: bool, model: Any) -> bool:
    """What the first process has decided: one that went on alone would wait for ever."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return decision
    flag = torch.tensor([int(decision)], device=next(model.parameters()).device)
    distributed.broadcast(flag, src=0)
    return bool(flag.item())
