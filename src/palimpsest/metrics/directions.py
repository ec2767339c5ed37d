"""Which way every metric goes when text collapses: the one table that says so.

Two facts a metric. ``collapse`` is the side on which collapse lies (docs/metrics.md). ``family``
is what kind of evidence it is: "room" (how much space the embeddings take), "reach" (how much of
the human ground they cover), "words" (how varied the wording is), "likelihood" (how a model takes
it), "truth" (what is left of the facts) and "distance" (how far from the human corpus). A distance
alone is no collapse: a healthy text about something else is far away too.

Known gap: a metric whose good side depends on the case (text length, Zipf's exponent, every measure
of neural collapse) has no direction here.
"""

from typing import Literal, NamedTuple

Side = Literal["down", "up", "none"]
Family = Literal["room", "reach", "words", "likelihood", "truth", "distance", "other"]


class Direction(NamedTuple):
    """Where collapse lies on a metric's axis, and what kind of evidence it is."""

    collapse: Side
    family: Family


def _table() -> dict[str, Direction]:
    names: dict[tuple[Side, Family], str] = {
        ("down", "room"): "volume dispersion compression outlier ainex integrity volume_rarefied "
        "volume_refit spread effective_rank participation_ratio intrinsic_dimension vendi",
        ("up", "room"): "loss anisotropy",
        ("down", "reach"): "recall coverage",
        ("down", "words"): "distinct_1 distinct_2 distinct_3 distinct_4 repetition_diversity ttr "
        "mtld hapax entropy_1 entropy_2",
        ("up", "words"): "self_bleu_4 compression_ratio duplicates",
        ("down", "likelihood"): "perplexity_human perplexity_self surprise_q05 surprise_q50 "
        "surprise_q95 next_token_entropy",
        ("up", "likelihood"): "perplexity_heldout bits_per_byte_heldout perplexity_tail",
        ("down", "truth"): "truth parsed fact_coverage tail_coverage entity_entropy entities",
        ("up", "truth"): "false novel unparsable lock_in axioms axiom_age ngram_lock_in",
        ("up", "distance"): "drift drift_relative frechet mmd2 energy kl_human",
        ("down", "distance"): "precision density nearest_human",
        ("none", "other"): "residual explained zipf length_mean novel_ngrams memorised",
    }
    return {name: Direction(*key) for key, line in names.items() for name in line.split()}


DIRECTIONS: dict[str, Direction] = _table()
"""By metric name; `direction` answers for names that are not in it."""


def direction(metric: str) -> Direction:
    """The direction of a metric; one that is not in the table has none."""
    return DIRECTIONS.get(metric, Direction("none", "other"))
