"""How a metric is called on the page: its name in words and its unit, in reading order."""

from typing import NamedTuple


class Label(NamedTuple):
    """A metric's name for readers."""

    title: str
    unit: str
    """Empty for a share or a ratio."""


LABELS: dict[str, Label] = {
    "integrity": Label("integrity", "share of g00's"),
    "loss": Label("integrity lost", "%"),
    "volume": Label("hull volume", "PCA units³"),
    "drift": Label("drift", "PCA units"),
    "dispersion": Label("dispersion", "PCA units"),
    "compression": Label("mean pair distance", "PCA units"),
    "outlier": Label("farthest text", "PCA units"),
    "effective_rank": Label("effective rank", "dimensions"),
    "perplexity_heldout": Label("held-out perplexity", "per token"),
    "distinct_2": Label("distinct 2-grams", ""),
    "duplicates": Label("duplicate texts", ""),
    "fact_coverage": Label("fact coverage", ""),
    "tail_coverage": Label("rare-fact coverage", ""),
    "truth": Label("truth", "of parsed sentences"),
    "axioms": Label("axioms", "untrue, held ≥ 3 generations"),
}
"""The metrics of the page's main table."""

OF_MODEL: dict[str, Label] = {
    "nc1_cdnv": Label("NC1: spread within classes", "0: collapsed"),
    "nc1_cdnv_squared": Label("NC1, exponent 2", "0: collapsed"),
    "nc2_equinorm": Label("NC2: unequal norms", "0: collapsed"),
    "nc2_equinorm_log": Label("NC2: unequal log norms", "0: collapsed"),
    "nc2_etf_error": Label("NC2: distance from a simplex", "0: collapsed"),
    "gnc2_log": Label("GNC2: uneven distances", "0: collapsed"),
    "gnc2_log_mean": Label("GNC2: mean −ln distance", "nats"),
    "nc3_dual_error": Label("NC3: classifier not dual", "0: collapsed"),
    "unc3": Label("UNC3: uneven duality", "0: collapsed"),
    "nc4_agreement": Label("NC4: nearest mean decides", "of tokens, 1: collapsed"),
    "crowding": Label("crowding", "cosine to the nearest word"),
    "entanglement": Label("entanglement", "mean cosine of words"),
    "synonym_gap": Label("synonym gap", "cosine, near − unrelated"),
    "synonym_separation": Label("synonyms told apart", "of trials"),
    "antonym_gap": Label("antonym gap", "cosine, opposite − unrelated"),
    "category_gap": Label("category gap", "cosine, same − unrelated"),
}
"""What is measured inside a model (docs/metrics.md §6): a table of its own."""


def label(name: str) -> Label:
    """The label of a metric; its own name where it has none."""
    return (LABELS | OF_MODEL).get(name, Label(name.replace("_", " "), ""))


def plain(value: float | None) -> str:
    """A number for readers: three significant digits, a true minus, "–" for what is undefined."""
    if value is None or value != value:
        return "–"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e6 or size < 1e-4:
        return f"{value:.2e}".replace("-", "−")
    if size >= 1000:
        return f"{value:,.0f}".replace("-", "−").replace(",", " ")
    if float(value).is_integer():
        return f"{value:.0f}".replace("-", "−")
    return (f"{value:#.4g}" if size >= 100 else f"{value:#.3g}").rstrip(".").replace("-", "−")
