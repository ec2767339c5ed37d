"""A model held against human text: what it writes, and how it takes held-out text.

`Monitor` is fitted once; `measure` then costs what writing, embedding and reading cost. The
reference is dealt as the audit's is, into a fit sample and null samples of n texts (docs/metrics.md
§9), after its texts were cut as those that the model writes: behind a prompt, at most as long.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # by scikit-learn

from palimpsest.auditing.copies import distinct_texts
from palimpsest.auditing.samples import Called, Encode, fitted_evaluator
from palimpsest.auditing.samples import sample_size as audited_size
from palimpsest.core.errors import CorpusError, MetricError, ModelError
from palimpsest.core.rng import stream, uniforms
from palimpsest.embedding.alike import all_alike
from palimpsest.evaluation.evaluator import Evaluator, values
from palimpsest.evaluation.human import HumanSide, Texts, human_side
from palimpsest.evaluation.model_metrics import model_metrics
from palimpsest.evaluation.null_bands import null_bands, short_texts
from palimpsest.lm.checkpoint import LanguageModel
from palimpsest.lm.generation import generate
from palimpsest.lm.probing import heldout_and_classes
from palimpsest.lm.prompts import human_continuations, openings
from palimpsest.lm.tokenizer import Tokenizer
from palimpsest.metrics import likelihood
from palimpsest.metrics.family import Sample
from palimpsest.monitor.null_positions import POSITION, PREFIX, is_outside, position
from palimpsest.monitor.options import MOST_SAMPLES, OF_HELDOUT, OF_SAMPLES, MonitorParams
from palimpsest.statistics.null_band import Band

Precision = Callable[[], AbstractContextManager[None]]
"""Makes the context that a model computes in."""

POOL_SAMPLES = 16
"""Reference texts that are embedded, in samples: null samples that overlap so much are widened by
the root of 16/14, and more would take longer to embed than a short training lasts."""
NO_PROBE = {
    "states": np.empty((0, 1)),
    "kinds": np.empty(0, dtype=str),
    "members": np.empty((0, 2), dtype=np.int64),
    "unrelated": np.empty((0, 2), dtype=np.int64),
    "skipped": np.array(0),
}
"""Of the words whose geometry the chain looks at; other corpora have no such list."""


@dataclass(frozen=True)
class Measured:
    """One measurement."""

    step: int
    """The optimizer steps before it."""
    seconds: float
    """How long it took."""
    values: Mapping[str, float]
    """By metric, those that are defined."""
    bands: Mapping[str, Band]
    """Null bands of those that have one."""

    @property
    def positions(self) -> dict[str, float]:
        """Where each metric lies in its null band."""
        return {name: position(band, self.values[name]) for name, band in self.bands.items()}

    def logs(self) -> dict[str, float]:
        """What is logged: every name begins with ``collapse/``."""
        places = self.positions
        numbers = {"step": float(self.step), "seconds": self.seconds, **self.values}
        numbers |= {f"{name}{POSITION}": place for name, place in places.items()}
        numbers["outside"] = float(sum(is_outside(name, place) for name, place in places.items()))
        return {f"{PREFIX}{name}": number for name, number in numbers.items()}


class Monitor:
    """Fitted on human text; measures a model as often as it is asked.

    Args:
        tokenizer: the model's.
        context: the longest text that the model reads, in tokens.
        reference: human texts, at least 15 distinct ones.
        heldout: human texts that the model is not trained on; none leaves their metrics out.
        encode: gives embeddings (n, d) of texts.
        params: the options.

    Raises:
        ModelError: a prompt fills the model's context; a text uses a token that it does not have.
        CorpusError: the reference has fewer distinct texts, once cut, than three samples; or the
            held-out texts are all empty.
        MetricError: embeddings of another shape, not finite, or one for texts that differ.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        context: int,
        reference: Sequence[str],
        heldout: Sequence[str],
        encode: Encode,
        params: MonitorParams,
    ) -> None:
        self.tokenizer, self.encode, self.params = tokenizer, encode, params
        longest = max(map(len, tokenizer.encode(params.prompts)), default=0)
        room = context - 1 - longest
        if room < 1:
            wanted = f"prompts of fewer than {context - 1} tokens, the model's context less a start"
            raise ModelError("monitor.prompts", wanted=wanted, got=f"one of {longest}")
        tokens = min(params.max_new_tokens, room)
        cut = human_continuations(tokenizer, reference, params.prompts, 0, tokens)[1]
        human = distinct_texts(cut)
        size = sample_size(len(human), params.samples)
        order = stream(params.seed, "monitor.reference").permutation(len(human))
        pool = [human[at] for at in order[: POOL_SAMPLES * size].tolist()]
        self.sampling = params.sampling(size, room)
        no_draw = stream(params.seed, "monitor.prompts")  # only prompts cut off texts are drawn
        self.prompts = openings(self.sampling, tokenizer, (), no_draw)
        self.writes = bool({*params.metrics} & {*OF_SAMPLES})
        """Whether a metric is one of samples: else nothing is written, and nothing embedded."""
        if self.writes:
            texts = Texts(pool, self._embedded(pool, "monitor.reference"), None)
            deal = params.null_samples, params.seed, "monitor.reference"
            self.side = human_side(texts, size, *deal)
            self.evaluator, self.bands = _fitted(self.side)
        self.heldout = heldout_part(tokenizer, heldout, params.heldout_tokens, params.seed)
        if heldout and not self.heldout:
            wanted = "a text with a token"
            raise CorpusError("monitor.heldout", wanted=wanted, got="empty texts")
        self.counts = tokenizer.counts(reference)

    def measure(
        self, model: LanguageModel, step: int, precision: Precision = nullcontext
    ) -> Measured:
        """Lets the model write and read.

        Args:
            model: in evaluation mode.
            step: the optimizer steps before; another step draws other random numbers.
            precision: of the model alone; the encoder reads every sample as it read the reference.

        Raises:
            ModelError: scores that are not numbers.
            MetricError: embeddings or hidden states that are none.
        """
        began = time.perf_counter()
        numbers: dict[str, float | None] = {}
        bands: Mapping[str, Band] = {}
        if self.writes:
            with precision():
                texts = self.write(model, step)
            numbers, bands = self._of_samples(texts)
        with precision():
            numbers |= self.read(model)
        wanted = {name: numbers.get(name) for name in self.params.metrics}
        defined = {name: float(value) for name, value in wanted.items() if value is not None}
        held = {name: bands[name] for name in defined if name in bands and name in OF_SAMPLES}
        return Measured(step, time.perf_counter() - began, defined, held)

    def write(self, model: LanguageModel, step: int) -> list[str]:
        """The texts of a measurement: the same for the same model, seed and step."""
        seed = self.params.seed

        def noise(texts: Sequence[int], width: int) -> NDArray[np.float64]:
            return uniforms(seed, "monitor", step, texts, width)

        new = generate(model, self.tokenizer, self.prompts, self.sampling, noise)
        return self.tokenizer.decode_behind(self.prompts, new)[1]

    def _of_samples(
        self, texts: Sequence[str]
    ) -> tuple[dict[str, float | None], Mapping[str, Band]]:
        """Metrics of texts, and the bands that they are held against."""
        embeddings = self._embedded(texts, "monitor: the model's texts", told_apart=False)
        with threadpool_limits(1, "blas"):  # small products: a threaded BLAS makes them slower
            short = short_texts(self.evaluator, self.side, texts)
            sample = Sample(texts, embeddings)
            if short:
                sample = replace(sample, words=short.words)
            numbers = values([*self.evaluator.measure(sample).values()])
        return numbers, self.bands | (short.bands if short else {})

    def read(self, model: LanguageModel) -> dict[str, float | None]:
        """Metrics of the model on the held-out texts, from one pass over them."""
        if not self.heldout or not {*self.params.metrics} & {*OF_HELDOUT}:
            return {}
        arrays, classes = heldout_and_classes(
            model, self.tokenizer, self.heldout, self.counts, self.params.min_count
        )
        rare = likelihood.scored(arrays["heldout_rare_nll"], arrays["heldout_rare_tokens"])
        heldout = likelihood.Heldout(
            scored=likelihood.scored(arrays["heldout_nll"], arrays["heldout_tokens"]),
            num_bytes=np.array([len(text.encode()) for text in self.heldout], dtype=np.float64),
            tail=rare,
            entropy_nats=arrays["heldout_entropy"].astype(np.float64),
        )
        return {**heldout.compute(), **model_metrics(classes, NO_PROBE)[0]}

    def _embedded(
        self, texts: Sequence[str], name: str, told_apart: bool = True
    ) -> NDArray[np.float32]:
        embeddings = np.asarray(self.encode(texts))
        if embeddings.ndim != 2 or len(embeddings) != len(texts):
            wanted = f"embeddings of shape ({len(texts)}, d)"
            raise MetricError(name, wanted=wanted, got=embeddings.shape)
        if not np.isfinite(embeddings).all():
            raise MetricError(name, wanted="finite embeddings", got="NaN or infinity")
        # else collapse would read as perfection: every text would be alike
        if told_apart and all_alike(embeddings):
            got = f"one embedding for {len(texts)} distinct texts"
            raise MetricError(name, wanted="an encoder that tells texts apart", got=got)
        return embeddings


def sample_size(reference: int, samples: int | None) -> int:
    """n: what is asked for, else 64 or a third of the reference's texts.

    Raises:
        CorpusError: the reference has fewer than 3n texts, or than 15.
    """
    called = Called("monitor.samples", "texts", "monitor.reference", "distinct texts")
    return audited_size(None, reference, samples, MOST_SAMPLES, called)


def heldout_part(tokenizer: Tokenizer, texts: Sequence[str], tokens: int, seed: int) -> list[str]:
    """Whole texts, in a seeded order, as long as they fit; the first is cut if it alone does not.

    Args:
        tokenizer: counts the tokens.
        texts: held-out texts; empty ones are left out.
        tokens: how many there may be together.
        seed: of the order.
    """
    rows = tokenizer.encode(texts)
    order = [at for at in stream(seed, "monitor.heldout").permutation(len(rows)) if rows[at]]
    if order and len(rows[order[0]]) > tokens:
        return tokenizer.decode([rows[order[0]][:tokens]])
    chosen: list[str] = []
    for at in order:
        if len(rows[at]) <= tokens:
            tokens -= len(rows[at])
            chosen.append(texts[at])
    return chosen


def _fitted(side: HumanSide) -> tuple[Evaluator, dict[str, Band]]:
    """The evaluator on the fit sample, and the bands of the null samples."""
    with threadpool_limits(1, "blas"):
        evaluator = fitted_evaluator(side)[0]
        return evaluator, null_bands(evaluator, side)
