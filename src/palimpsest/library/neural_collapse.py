"""NC1 to NC4 of a causal language model over a user's texts (docs/metrics.md §6)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from palimpsest.core.errors import MetricError
from palimpsest.core.formatting import plain
from palimpsest.evaluation.model_metrics import class_metrics
from palimpsest.library.inputs import texts_of
from palimpsest.library.models import reader
from palimpsest.library.notebook import html_table

MIN_COUNT = 20
"""Occurrences that make a next token a class, as in the default chain."""


@dataclass(frozen=True, repr=False)
class NeuralCollapse:
    """The result of `neural_collapse`; ``result["nc1_cdnv"]`` is one of its numbers."""

    metrics: list[dict[str, Any]]
    """A dict a metric, as `pandas.DataFrame` takes them: metric, value."""
    classes: int
    """Next-token types that are measured."""
    tokens: int
    """Occurrences of these."""
    classes_left_out: int
    """Types that occur fewer than ``min_count`` times: of their means too little is known."""
    tokens_left_out: int
    """Occurrences of those."""
    min_count: int
    """Occurrences that make a class."""

    @property
    def values(self) -> dict[str, float]:
        """Every metric by name."""
        return {row["metric"]: row["value"] for row in self.metrics}

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name} {plain(value)}" for name, value in self.values.items())
        return f"NeuralCollapse({shown}; {self._counts()})"

    def _repr_html_(self) -> str:
        return html_table(self.metrics, self._counts())

    def _counts(self) -> str:
        return (
            f"{self.classes} classes of {self.tokens} tokens; {self.classes_left_out} with fewer "
            f"than {self.min_count} left out, of {self.tokens_left_out} tokens"
        )


def neural_collapse(
    model: Any, tokenizer: Any, texts: Iterable[str], *, min_count: int = MIN_COUNT
) -> NeuralCollapse:
    """Neural collapse of a causal language model: NC1 to NC4 (Wu & Papyan 2024).

    A class is a next-token type with at least `min_count` occurrences in the texts; its features
    are the final hidden states that predict it. More neural collapse goes with lower loss: it is a
    lens, never by itself damage.

    Args:
        model: any causal model of `transformers`, as `AutoModelForCausalLM` gives it, wherever and
            in whatever type it computes (it is left as it was); or the path of a folder with
            safetensors.
        tokenizer: its tokenizer, as `AutoTokenizer` gives it, or the path of its folder; None where
            the model is a folder that has one.
        texts: what it reads, each from its start token to its end token; a text longer than the
            context is cut into pieces. Human text that it was not trained on says most.
        min_count: occurrences from which on a next token counts as a class, >= 1.

    Returns:
        ``nc1_cdnv``, ``nc1_cdnv_squared``, ``nc2_equinorm``, ``nc2_equinorm_log``,
        ``nc2_etf_error``, ``gnc2_log``, ``gnc2_log_mean``, ``nc3_dual_error``, ``unc3`` and
        ``nc4_agreement`` (docs/metrics.md §6 has definition, range and direction of each), and how
        many classes were measured and left out. Without a class each reads its worst value.

    Raises:
        MetricError: texts that are no strings or none at all, a `min_count` below 1.
        ModelError: no causal language model, no tokenizer, or two that do not fit.

    Example:
        >>> import palimpsest
        >>> from tokenizers import Tokenizer, models, pre_tokenizers
        >>> from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
        >>> words = {word: at for at, word in enumerate(["<end>", "the", "cat", "dog", "sat"])}
        >>> backend = Tokenizer(models.WordLevel(words, unk_token="<end>"))
        >>> backend.pre_tokenizer = pre_tokenizers.Whitespace()
        >>> tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<end>")
        >>> shape = {"n_positions": 16, "n_embd": 8, "n_layer": 1, "n_head": 2}
        >>> config = GPT2Config(vocab_size=5, bos_token_id=0, eos_token_id=0, **shape)
        >>> texts = ["the cat sat", "the dog sat", "the cat sat"]
        >>> nc = palimpsest.neural_collapse(GPT2LMHeadModel(config), tokenizer, texts, min_count=3)
        >>> nc.classes, nc.tokens, nc.classes_left_out  # the, sat and the end; not cat and dog
        (3, 9, 2)
        >>> 0 <= nc["nc4_agreement"] <= 1
        True
    """
    checked = texts_of(texts, "texts")
    if not checked:
        raise MetricError("texts", wanted="at least one text", got="none")
    if isinstance(min_count, bool) or not isinstance(min_count, int) or min_count < 1:
        raise MetricError("min_count", wanted="a whole number >= 1", got=repr(min_count))
    from palimpsest.lm.probing import class_statistics  # torch, once the texts are known to be some

    with reader(model, tokenizer) as (judge, fitting):
        arrays = class_statistics(judge, fitting, checked, min_count)
    measured = class_metrics(arrays)
    seen, tokens = int((arrays["occurrences"] > 0).sum()), int(arrays["counts"].sum())
    return NeuralCollapse(
        metrics=[{"metric": name, "value": value} for name, value in measured.items()],
        classes=len(arrays["ids"]),
        tokens=tokens,
        classes_left_out=seen - len(arrays["ids"]),
        tokens_left_out=int(arrays["occurrences"].sum()) - tokens,
        min_count=min_count,
    )
