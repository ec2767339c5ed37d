"""The options of the monitor: what is measured, how often, and when a training is stopped."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from palimpsest.core.config import Number, Section, Texts
from palimpsest.core.errors import ParamsError
from palimpsest.core.parameters import FEWEST_TEXTS, SamplingParams, Seed
from palimpsest.metrics.registry import REGISTRY

MOST_SAMPLES = 64
"""Texts of a measurement where nothing else is asked for. The encoder takes as long for a small
model's text as for a large one's: with 128, a measurement took more than a tenth of the time that
200 steps of a model of 656,000 weights take."""
BATCH_TEXTS = 128
"""Texts that are written side by side."""


def _names(*families: str, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    return tuple(
        name
        for name, entry in REGISTRY.items()
        if entry.family in families and entry.tested and name not in without
    )


OF_SAMPLES = (
    # integrity_published is a share of generation 0's, and there are no generations
    *_names("geometry", "spectrum", "distribution", "text", without=("integrity_published",)),
    "novel_ngrams",
    "memorised",
)
"""Metrics of the texts that the model writes. They have a null band."""
OF_HELDOUT = (
    "perplexity_heldout",
    "bits_per_byte_heldout",
    "perplexity_tail",
    "next_token_entropy",
    # word geometry proper reads a probe of the synthetic encyclopedia's words
    *_names(
        "model",
        without=("synonym_gap", "synonym_separation", "antonym_gap", "category_gap"),
    ),
)
"""Metrics of the model on the held-out texts. They have none."""
DEFAULT_METRICS = (
    "integrity",
    "drift",
    "vendi",
    "recall",
    "distinct_2",
    "repetition_diversity",
    "duplicates",
    "length_mean",
    "perplexity_heldout",
    "nc1_cdnv",
    "nc2_etf_error",
    "nc3_dual_error",
    "nc4_agreement",
)
"""One or two of each kind of evidence: room, place and reach of the meanings, variety of the words
between and within texts, copies, length; how strange human text is to the model; NC1 to NC4."""


class MonitorParams(Section):
    """How a training is measured; `DEFAULTS` has the value of every option."""

    every: Annotated[int, Field(ge=1)]
    """Optimizer steps from one measurement to the next; the last step is measured, too."""
    at_start: bool
    """Also measure before the first step: the origin of the curves of a fine-tuning."""
    samples: Annotated[int | None, Field(ge=FEWEST_TEXTS)]
    """n, texts that the model writes each time, at most a third of the reference; null takes 64,
    or a third of the reference where that is less."""
    max_new_tokens: Annotated[int, Field(ge=1)]
    """Longest text, in tokens; reference texts are cut to it. A smaller context cuts both."""
    temperature: Annotated[Number, Field(gt=0)]
    """Divides the scores before drawing; 1 leaves the model's distribution."""
    top_k: Annotated[int, Field(ge=0)]
    """Draw from the k likeliest tokens; 0 draws from all."""
    top_p: Annotated[Number, Field(gt=0, le=1)]
    """Draw from the likeliest tokens that hold this share of probability."""
    prompts: Texts
    """Texts to continue, in turn; an empty list begins with the start token alone."""
    heldout_tokens: Annotated[int, Field(ge=1)]
    """Tokens of held-out text that are read each time, at the most."""
    min_count: Annotated[int, Field(ge=1)]
    """Occurrences in them from which on a next token is a class of neural collapse."""
    metrics: Texts
    """Names of docs/metrics.md that are logged."""
    null_samples: Annotated[int, Field(ge=2)]
    """Samples of the reference behind the null bands."""
    stop_on: Texts
    """Metrics that stop the training when they leave their null band; none by default."""
    patience: Annotated[int, Field(ge=1)]
    """Measurements in a row outside, after one inside, before the training is stopped: a single
    one lies outside by chance in 5 % of cases."""
    seed: Seed
    """Of the texts that are written (with the step's number) and of what is drawn once."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        known = (*OF_SAMPLES, *OF_HELDOUT)
        if not self.metrics or {*self.metrics} - {*known}:
            self.refuse("metrics", f"names among {', '.join(known)}")
        banded = [name for name in self.metrics if name in OF_SAMPLES]
        if {*self.stop_on} - {*banded}:
            self.refuse("stop_on", f"names among the measured ones with a null band: {banded}")
        return self

    @classmethod
    def from_options(cls, options: Mapping[str, Any], has_heldout: bool) -> Self:
        """The options of a callback, the others as in `DEFAULTS`.

        Args:
            options: by name.
            has_heldout: whether there are held-out texts. Without, the default metrics are those
                of samples.

        Raises:
            ParamsError: an unknown name, a value out of its range, or metrics of held-out texts
                without any.
        """
        chosen = cls.of(dict(DEFAULTS) | dict(options), "monitor")
        if has_heldout:
            return chosen
        kept = [name for name in chosen.metrics if name in OF_SAMPLES]
        if "metrics" in options and len(kept) < len(chosen.metrics):
            missing = next(name for name in chosen.metrics if name in OF_HELDOUT)
            wanted = f"heldout texts for {missing}"
            raise ParamsError("monitor.metrics", wanted=wanted, got="none")
        return chosen.changed(metrics=kept)

    def sampling(self, documents: int, room: int) -> SamplingParams:
        """How `documents` texts of at most `room` tokens are written."""
        return SamplingParams(
            documents=documents,
            max_new_tokens=min(self.max_new_tokens, room),
            strategy="sample",
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            min_p=0.0,
            repetition_penalty=1.0,
            beams=1,
            stop_at_end=True,
            prompts=self.prompts,
            prompt_tokens=0,
            prompts_from="train",
            keep_prompt=False,
            padding="left",
            batch_size=BATCH_TEXTS,
            dtype="float32",
            engine="native",
        )


DEFAULTS = MonitorParams(
    every=200,
    at_start=False,
    samples=None,
    max_new_tokens=64,
    temperature=1.0,
    top_k=0,
    top_p=1.0,
    prompts=(),
    heldout_tokens=8192,
    min_count=20,
    metrics=DEFAULT_METRICS,
    null_samples=20,
    stop_on=(),
    patience=3,
    seed=0,
)
