"""Every metric, in one place: what it is called, which way it moves, where it is shown.

The alarm, the audit, the report, the curves, `dvc plots` and the tables of docs/metrics.md read
this table. A new metric is a function and an entry here: either its name among the numbers that a
family computes (`palimpsest.metrics.geometry` and its neighbours), or, with ``function``, a metric
that stands alone (a function of texts and embeddings, as in docs/custom_metrics.md).

Known gap: a metric whose good side depends on the case (text length, Zipf's exponent, every measure
of neural collapse) has no direction.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Literal

Direction = Literal["down", "up", "none"]
Evidence = Literal["room", "reach", "words", "likelihood", "truth", "distance", "other"]
Function = Callable[..., float | Mapping[str, float]]
"""(texts, embeddings, human_texts, human_embeddings) -> a number, or numbers by name."""

DOWN: Direction = "down"
UP: Direction = "up"
NONE: Direction = "none"
FAMILIES = (
    "geometry",
    "spectrum",
    "distribution",
    "text",
    "likelihood",
    "model",
    "truth",
    "lock_in",
)
"""The families of metrics: sections 1 to 8 of docs/metrics.md."""
PLACES = ("generation", "comparison", "table", "plot", "picture", "breadth")
"""Where a metric may be shown; see `Metric.shown`."""


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: as published, where it was published.
        family: which of `FAMILIES`.
        direction: where it moves when text collapses; "none" if it has no side of its own.
        evidence: what kind of evidence that is: "room" (how much space the embeddings take),
            "reach" (how much of the human ground they cover), "words" (how varied the wording is),
            "likelihood" (how a model takes it), "truth" (what is left of the facts), "distance"
            (how far from the human corpus). A distance alone is no collapse: a healthy text about
            something else is far away too.
        low: the least value that it can have.
        high: the largest.
        label: its name for readers.
        unit: empty for a share or a ratio.
        definition: in words or a formula.
        degenerate: what it reads where texts are all equal, empty or silent.
        source: the paper that defines it; "here" where this project does.
        code: module of `palimpsest` and function.
        range: in words, where the bounds do not say all.
        interval: "half" or "group", the jackknife that was shown to hold (docs/metrics.md §9), or
            "none": for a function of one model over one text, and where none was shown to hold.
        alias_of: a metric that says the same, so that the two count as one piece of evidence.
        tested: whether it says anything of the texts; not so for a function of the reference.
        shown: places, separated by blanks: "generation" (metrics/generations), "comparison"
            (`palimpsest compare`), "table" (the report's chief table), "plot" (plots/curves),
            "picture" (the pictures of a chain), "breadth" (one of those by which an audit says
            "collapsed").
        function: of a metric that stands alone.
    """

    name: str
    family: str
    direction: Direction
    evidence: Evidence
    low: float
    high: float
    label: str
    unit: str
    definition: str
    degenerate: str
    source: str
    code: str
    range: str = ""
    interval: Literal["half", "group", "none"] = "group"
    alias_of: str | None = None
    tested: bool = True
    shown: str = ""
    function: Function | None = None

    @property
    def own_evidence(self) -> bool:
        """Whether it counts where metrics are tested together."""
        return self.tested and self.alias_of is None

    @property
    def is_share(self) -> bool:
        """Whether it is a share of something, in [0, 1]."""
        return (self.low, self.high) == (0, 1)

    @property
    def range_text(self) -> str:
        """Its range in words."""
        if self.range:
            return self.range
        return f"{self.low:g} to {self.high:g}" if self.high < inf else f"≥ {self.low:g}"


def _family(name: str, *rows: tuple[Any, ...], **common: Any) -> dict[str, Metric]:
    """The metrics of a family; the last cell of a row holds what is not the default."""
    metrics = {}
    for key, direction, evidence, (low, high), label, unit, *words, other in rows:
        metrics[key] = Metric(
            key, name, direction, evidence, low, high, label, unit, *words, **{**common, **other}
        )
    return metrics


# fmt: off
GEOMETRY = _family(
    "geometry",
    ("volume", DOWN, "room", (0, inf), "hull volume", "PCA units³",
     "convex-hull volume V_g of y", "0, also for rank below 3",
     "Ainex 2026", "metrics.hull:hull_volume", {"shown": "generation table plot picture"}),
    ("drift", UP, "distance", (0, inf), "drift", "PCA units",
     "‖μ_g − μ_F‖, F the human fit sample", "none of its own",
     "Ainex 2026", "metrics.geometry:geometry_metrics",
     {"shown": "generation comparison table plot picture"}),
    ("dispersion", DOWN, "room", (0, inf), "dispersion", "PCA units",
     "mean ‖y_i − μ_g‖", "0",
     "Ainex 2026", "metrics.geometry:geometry_metrics",
     {"shown": "generation table plot picture"}),
    ("compression", DOWN, "room", (0, inf), "mean pair distance", "PCA units",
     "mean distance over pairs that are apart", "0",
     "Ainex 2026", "metrics.geometry:geometry_metrics",
     {"shown": "generation table plot picture"}),
    ("outlier", DOWN, "room", (0, inf), "farthest text", "PCA units",
     "max ‖y_i − μ_g‖", "0",
     "Ainex 2026", "metrics.geometry:geometry_metrics",
     {"interval": "none", "shown": "generation table plot picture"}),
    ("ainex", DOWN, "room", (0, inf), "Ainex score", "PCA units³",
     "V_g / (1 + λ · drift²), λ = 1 unless set", "0",
     "Ainex 2026", "metrics.geometry:geometry_metrics", {"alias_of": "integrity"}),
    ("integrity", DOWN, "room", (0, inf), "integrity", "share of fresh human text's",
     "ainex_g / mean ainex of fresh human samples",
     "0, also where the human texts have no volume; null without human samples",
     "Ainex 2026, calibrated here", "metrics.geometry:geometry_metrics",
     {"shown": "generation comparison table plot picture"}),
    ("loss", UP, "room", (-inf, 100), "integrity lost", "%",
     "100 · (1 − integrity), %", "100",
     "Ainex 2026", "metrics.geometry:geometry_metrics",
     {"range": "≤ 100", "alias_of": "integrity", "shown": "table plot"}),
    ("integrity_published", DOWN, "room", (0, inf), "integrity as published", "share of g00's",
     "ainex_g / ainex_0, basis and hull of generation 0: in-sample, 1 at g = 0", "0",
     "Ainex 2026", "metrics.geometry:geometry_metrics",
     {"range": "≥ 0, 1 at g = 0", "alias_of": "integrity", "shown": "table plot"}),
    ("volume_rarefied", DOWN, "room", (0, inf), "rarefied hull volume", "PCA units³",
     "mean hull volume of 64 draws of m = min(200, ⌊n/2⌋) texts", "0",
     "here", "metrics.geometry:geometry_metrics", {"interval": "half"}),
    ("volume_refit", DOWN, "room", (0, inf), "hull volume, own basis", "PCA units³",
     "hull volume in the generation's own 3 components", "0",
     "here", "metrics.geometry:geometry_metrics", {}),
    ("residual", NONE, "other", (0, 1), "variance outside the basis", "",
     "share of X_g's variance outside the basis", "1",
     "here", "metrics.geometry:geometry_metrics", {}),
    ("spread", DOWN, "room", (0, inf), "spread", "PCA units",
     "det(Cov y)^(1/6), a length", "0",
     "here", "metrics.geometry:geometry_metrics", {"shown": "breadth"}),
    ("drift_relative", UP, "distance", (0, inf), "drift in human spreads", "human spreads",
     "drift / √(trace Cov y_F)", "1e9 where the human texts have no spread",
     "here", "metrics.geometry:geometry_metrics", {"alias_of": "drift"}),
    ("explained", NONE, "other", (0, 1), "variance explained", "",
     "variance share of the 3 human components", "0",
     "Pearson 1901", "metrics.basis:fit_basis", {"tested": False, "interval": "none"}),
)
SPECTRUM = _family(
    "spectrum",
    ("effective_rank", DOWN, "room", (1, inf), "effective rank", "dimensions",
     "exp(−Σ p ln p)", "1",
     "Roy & Vetterli 2007", "metrics.spectrum:effective_rank",
     {"range": "1 to d", "shown": "table picture breadth"}),
    ("participation_ratio", DOWN, "room", (1, inf), "participation ratio", "dimensions",
     "(Σλ)² / Σλ²", "1",
     "Gao et al. 2017", "metrics.spectrum:participation_ratio", {"range": "1 to d"}),
    ("intrinsic_dimension", DOWN, "room", (0, inf), "intrinsic dimension", "dimensions",
     "TwoNN: m / Σ ln(r₂/r₁) over the m distinct texts with 0 < r₁ < r₂", "0",
     "Facco et al. 2017", "metrics.spectrum:two_nn", {"interval": "half"}),
    ("anisotropy", UP, "room", (-1, 1), "anisotropy", "",
     "mean cosine over pairs", "1",
     "Ethayarajh 2019", "metrics.spectrum:mean_cosine", {"range": "−1/(n−1) to 1"}),
)
DISTRIBUTION = _family(
    "distribution",
    ("frechet", UP, "distance", (0, inf), "Fréchet distance", "",
     "‖μ_g − μ_F‖² + tr(Σ_g + Σ_F − 2(Σ_g Σ_F)^½)", "as defined, large",
     "Heusel et al. 2017", "metrics.distribution:distribution_metrics",
     {"range": "≥ 0, 0 when equal"}),
    ("mmd2", UP, "distance", (-inf, inf), "MMD²", "",
     "unbiased MMD², kernel exp(−d²/2σ²), σ the median human distance", "as defined, large",
     "Gretton et al. 2012", "metrics.distribution:distribution_metrics",
     {"range": "about 0 when equal"}),
    ("energy", UP, "distance", (0, inf), "energy distance", "",
     "2E‖X−Y‖ − E‖X−X'‖ − E‖Y−Y'‖, all pairs", "as defined, large",
     "Székely & Rizzo 2013", "metrics.distribution:distribution_metrics",
     {"range": "≥ 0, bias of order 1/n"}),
    ("precision", DOWN, "distance", (0, 1), "precision", "",
     "share of texts inside a human ball", "0",
     "Kynkäänniemi et al. 2019", "metrics.distribution:distribution_metrics", {}),
    ("recall", DOWN, "reach", (0, 1), "recall", "",
     "share of human texts inside a ball of the generation", "0",
     "Kynkäänniemi et al. 2019", "metrics.distribution:distribution_metrics",
     {"interval": "none", "shown": "breadth"}),
    ("density", DOWN, "distance", (0, inf), "density", "",
     "mean number of human balls around a text, over k", "0",
     "Naeem et al. 2020", "metrics.distribution:distribution_metrics", {}),
    ("coverage", DOWN, "reach", (0, 1), "coverage", "",
     "share of human balls with a text of the generation inside",
     "0, or 1/n and a little more at a human text",
     "Naeem et al. 2020", "metrics.distribution:distribution_metrics", {"shown": "breadth"}),
    ("vendi", DOWN, "room", (1, inf), "Vendi score", "texts",
     "exp(−Σ λ ln λ), λ eigenvalues of K/n, cosine kernel", "1",
     "Friedman & Dieng 2023", "metrics.distribution:distribution_metrics",
     {"range": "1 to n", "shown": "breadth"}),
    ("nearest_human", DOWN, "distance", (-1, 1), "cosine to the nearest human text", "",
     "mean cosine of a text to its nearest human text", "of that one text",
     "here", "metrics.distribution:distribution_metrics",
     {"range": "−1 to 1, no best value: 1 is copying"}),
)
TEXT = _family(
    "text",
    ("distinct_1", DOWN, "words", (0, 1), "distinct words", "",
     "distinct words / words", "0 without words",
     "Li et al. 2016", "metrics.lexical:lexical_metrics", {}),
    ("distinct_2", DOWN, "words", (0, 1), "distinct 2-grams", "",
     "the same of word pairs", "0",
     "Li et al. 2016", "metrics.lexical:lexical_metrics",
     {"shown": "generation comparison table plot picture breadth"}),
    ("distinct_3", DOWN, "words", (0, 1), "distinct 3-grams", "",
     "of 3-grams", "0",
     "Li et al. 2016", "metrics.lexical:lexical_metrics", {}),
    ("distinct_4", DOWN, "words", (0, 1), "distinct 4-grams", "",
     "of 4-grams", "0",
     "Li et al. 2016", "metrics.lexical:lexical_metrics", {"shown": "breadth"}),
    ("repetition_diversity", DOWN, "words", (0, 1), "diversity inside texts", "",
     "Π over n = 2, 3, 4 of the mean share of distinct n-grams inside a text", "0",
     "Su et al. 2022", "metrics.lexical:lexical_metrics", {"interval": "half"}),
    ("self_bleu_4", UP, "words", (0, 1), "self-BLEU", "",
     "mean BLEU-4 of a text against all others, of 200 texts", "1",
     "Zhu et al. 2018", "metrics.self_bleu:SelfBleu", {"interval": "half"}),
    ("ttr", DOWN, "words", (0, 1), "type-token ratio", "",
     "types / words", "0",
     "Johnson 1944", "metrics.lexical:lexical_metrics", {"alias_of": "distinct_1"}),
    ("mtld", DOWN, "words", (0, inf), "MTLD", "words a factor",
     "words a factor of type-token ratio 0.72, both ways",
     "0 without words, 2 for one word repeated",
     "McCarthy & Jarvis 2010", "metrics.word_diversity:mtld", {"interval": "half"}),
    ("hapax", DOWN, "words", (0, 1), "words used once", "",
     "types seen once / types", "0",
     "Baayen 2001", "metrics.lexical:lexical_metrics", {"interval": "half"}),
    ("entropy_1", DOWN, "words", (0, inf), "word entropy", "nats",
     "entropy of words, nats", "0",
     "Shannon 1948", "metrics.word_diversity:entropy", {}),
    ("entropy_2", DOWN, "words", (0, inf), "word-pair entropy", "nats",
     "entropy of word pairs, nats", "0",
     "Shannon 1948", "metrics.word_diversity:entropy", {}),
    ("zipf", NONE, "other", (0, 10), "Zipf exponent", "",
     "exponent of frequency over rank, maximum likelihood on the ranks that occur", "10",
     "Clauset et al. 2009", "metrics.word_diversity:zipf", {"range": "0 to 10"}),
    ("compression_ratio", UP, "words", (0, inf), "compression ratio", "",
     "bytes / zlib level 9 bytes", "1032",
     "Shaib et al. 2024", "metrics.lexical:lexical_metrics", {"range": "> 0"}),
    ("duplicates", UP, "words", (0, 1), "duplicate texts", "",
     "share of texts equal to an earlier one", "(n−1)/n",
     "Lee et al. 2022", "metrics.lexical:lexical_metrics",
     {"shown": "generation comparison table plot"}),
    ("length_mean", NONE, "other", (0, inf), "mean length", "words",
     "words a text", "0",
     "–", "metrics.lexical:lexical_metrics", {}),
    ("kl_human", UP, "distance", (0, inf), "KL from human words", "nats",
     "KL(generation‖human) of add-one-smoothed words, union vocabulary, nats",
     "that of a flat distribution",
     "Kullback & Leibler 1951", "metrics.lexical:lexical_metrics", {}),
)
LIKELIHOOD = _family(
    "likelihood",
    ("perplexity_heldout", UP, "likelihood", (1, inf), "held-out perplexity", "per token",
     "model g on held-out human text", "1e9 without a token",
     "Jelinek et al. 1977", "metrics.likelihood:Heldout",
     {"shown": "generation comparison table plot picture"}),
    ("bits_per_byte_heldout", UP, "likelihood", (0, inf), "held-out bits per byte", "bits",
     "the same NLL in bits a UTF-8 byte: free of the tokenizer", "1e9",
     "Gao et al. 2020", "metrics.likelihood:bits_per_byte", {"alias_of": "perplexity_heldout"}),
    ("perplexity_tail", UP, "likelihood", (1, inf), "held-out perplexity, rare tokens",
    "per token",
     "only tokens of the rarest decile of types of the training corpus", "1e9",
     "Shumailov et al. 2024", "metrics.likelihood:Heldout", {}),
    ("perplexity_human", DOWN, "likelihood", (1, inf), "perplexity under model 0", "per token",
     "generation g's texts under model 0", "1e9",
     "Shumailov et al. 2024", "metrics.likelihood:Written", {}),
    ("perplexity_self", DOWN, "likelihood", (1, inf), "perplexity under the author", "per token",
     "the same under their author, model g − 1; null for g = 0", "1e9",
     "here", "metrics.likelihood:Written", {}),
    ("surprise_q05", DOWN, "likelihood", (0, inf), "surprise, 5 % quantile", "nats a token",
     "5 % quantile of a text's mean NLL under model 0, nats", "0",
     "Shumailov et al. 2024", "metrics.likelihood:surprise", {"interval": "half"}),
    ("surprise_q50", DOWN, "likelihood", (0, inf), "surprise, median", "nats a token",
     "median of it", "0",
     "Shumailov et al. 2024", "metrics.likelihood:surprise", {"interval": "half"}),
    ("surprise_q95", DOWN, "likelihood", (0, inf), "surprise, 95 % quantile", "nats a token",
     "95 % quantile of it: the tail", "0",
     "Shumailov et al. 2024", "metrics.likelihood:surprise", {"interval": "half"}),
    ("next_token_entropy", DOWN, "likelihood", (0, inf), "next-token entropy", "nats",
     "mean entropy of model g's predictions on held-out text, nats", "0",
     "Shannon 1948", "metrics.likelihood:Heldout", {}),
)
MODEL = _family(
    "model",
    ("nc1_cdnv", NONE, "other", (0, 1e9), "NC1: spread within classes", "0: collapsed",
     "mean over pairs of (σ²_c + σ²_c') / (2‖μ_c − μ_c'‖²)", "1e9",
     "Galanti et al. 2021", "metrics.neural_collapse:cdnv",
     {"range": "0 to 1e9, 0", "shown": "plot"}),
    ("nc1_cdnv_squared", NONE, "other", (0, 1e9), "NC1, exponent 2", "0: collapsed",
     "the same with ‖·‖⁴", "1e9",
     "Wu & Papyan 2024", "metrics.neural_collapse:cdnv", {"range": "0 to 1e9, 0"}),
    ("nc2_equinorm", NONE, "other", (0, inf), "NC2: unequal norms", "0: collapsed",
     "std / mean of ‖μ_c − μ_G‖", "√(K−1)",
     "Papyan et al. 2020", "metrics.neural_collapse:equinorm", {"range": "0 to √(K−1), 0"}),
    ("nc2_equinorm_log", NONE, "other", (0, 47.72), "NC2: unequal log norms", "0: collapsed",
     "variance of ln ‖μ_c − μ_G‖", "47.7",
     "Wu & Papyan 2024", "metrics.neural_collapse:equinorm_log", {"range": "0 to 47.7, 0"}),
    ("nc2_etf_error", NONE, "other", (0, 2**0.5), "NC2: distance from a simplex", "0: collapsed",
     "‖MMᵀ/‖MMᵀ‖_F + 11ᵀ/(K√(K−1)) − I/√(K−1)‖_F", "√2",
     "Papyan et al. 2020", "metrics.neural_collapse:etf_error",
     {"range": "0 to √2, 0", "shown": "plot"}),
    ("gnc2_log", NONE, "other", (0, 52.63), "GNC2: uneven distances", "0: collapsed",
     "variance over pairs of −ln‖m̃_c − m̃_c'‖, unit rows of M", "52.6",
     "Wu & Papyan 2024", "metrics.neural_collapse:log_kernel",
     {"range": "0 to 52.6, 0", "shown": "plot"}),
    ("gnc2_log_mean", NONE, "other", (-0.694, 13.82), "GNC2: mean −ln distance", "nats",
     "its mean", "13.8",
     "Wu & Papyan 2024", "metrics.neural_collapse:log_kernel", {"range": "−0.69 to 13.8"}),
    ("nc3_dual_error", NONE, "other", (0, 2), "NC3: classifier not dual", "0: collapsed",
     "`nc2_etf_error` with W Mᵀ for MMᵀ", "√2",
     "Papyan et al. 2020", "metrics.neural_collapse:dual_error",
     {"range": "0 to 2, 0", "shown": "plot"}),
    ("unc3", NONE, "other", (0, 1), "UNC3: uneven duality", "0: collapsed",
     "variance over classes of cos(w_c, μ_c − μ_G)", "1",
     "Wu & Papyan 2024", "metrics.neural_collapse:uniform_duality", {"range": "0 to 1, 0"}),
    ("nc4_agreement", NONE, "other", (0, 1), "NC4: nearest mean decides",
    "of tokens, 1: collapsed",
     "share of held-out tokens where classifier and nearest class mean agree",
     "0",
     "Papyan et al. 2020", "lm.class_statistics:CentreAgreement",
     {"range": "0 to 1, 1", "shown": "plot"}),
    ("crowding", UP, "other", (-1, 1), "crowding", "cosine to the nearest word",
     "mean cosine of a frequent word's output row to its nearest other", "1",
     "here", "metrics.word_geometry:crowding", {"range": "−1 to 1", "shown": "plot"}),
    ("entanglement", UP, "other", (-1, 1), "entanglement", "mean cosine of words",
     "mean cosine over pairs of those rows", "1",
     "Gao et al. 2019", "metrics.word_geometry:entanglement",
     {"range": "−1/(K−1) to 1", "shown": "plot"}),
    ("synonym_gap", DOWN, "other", (-2, 2), "synonym gap", "cosine, near − unrelated",
     "mean cosine of near-synonyms − of unrelated words, in the same carrier", "0",
     "here", "metrics.word_geometry:synonym_gap", {"range": "−2 to 2", "shown": "plot"}),
    ("synonym_separation", DOWN, "other", (0, 1), "synonyms told apart", "of trials",
     "share of near-synonyms that a leave-one-carrier-out nearest centroid tells apart", "0",
     "here", "metrics.word_geometry:synonym_separation", {"shown": "plot"}),
    ("antonym_gap", NONE, "other", (-2, 2), "antonym gap", "cosine, opposite − unrelated",
     "`synonym_gap` of opposites, where the probe has them", "0",
     "here", "metrics.word_geometry:synonym_gap", {"range": "−2 to 2"}),
    ("category_gap", NONE, "other", (-2, 2), "category gap", "cosine, same − unrelated",
     "`synonym_gap` of words of one category", "0",
     "here", "metrics.word_geometry:synonym_gap", {"range": "−2 to 2"}),
    interval="none",
)
TRUTH = _family(
    "truth",
    ("true_share", DOWN, "truth", (0, 1), "true sentences", "",
     "true sentences / sentences", "0",
     "here", "metrics.truth:TruthTable", {}),
    ("false_share", UP, "truth", (0, 1), "false sentences", "",
     "false / sentences", "0, beside `parsed` 0",
     "here", "metrics.truth:TruthTable", {}),
    ("novel_share", UP, "truth", (0, 1), "sentences on invented entities", "",
     "novel / sentences", "0, beside `parsed` 0",
     "here", "metrics.truth:TruthTable", {}),
    ("unparsable_share", UP, "truth", (0, 1), "unparsable sentences", "",
     "unparsable / sentences", "1",
     "here", "metrics.truth:TruthTable", {"alias_of": "parsed"}),
    ("truth", DOWN, "truth", (0, 1), "truth", "of parsed sentences",
     "true / parsed", "0 where nothing parses",
     "here", "metrics.truth:TruthTable", {"shown": "generation comparison table plot picture"}),
    ("parsed", DOWN, "truth", (0, 1), "parsed sentences", "",
     "parsed / sentences", "0",
     "here", "metrics.truth:TruthTable", {"shown": "generation"}),
    ("fact_coverage", DOWN, "truth", (0, 1), "fact coverage", "",
     "distinct facts stated / facts of the ledger", "0",
     "here", "metrics.truth:TruthTable", {"shown": "generation comparison table plot picture"}),
    ("tail_coverage", DOWN, "truth", (0, 1), "rare-fact coverage", "",
     "the same of the rarest quarter by training frequency", "0",
     "here", "metrics.truth:tail_weights", {"interval": "none", "shown": "table picture"}),
    ("entity_entropy", DOWN, "truth", (0, inf), "entity entropy", "nats",
     "entropy of the real entities mentioned, nats", "0",
     "here", "metrics.truth:TruthTable", {}),
    ("entities", DOWN, "truth", (0, inf), "entities", "",
     "distinct real entities mentioned", "0",
     "here", "metrics.truth:TruthTable", {}),
    ("lock_in", UP, "truth", (0, 1), "lock-in", "",
     "share of the distinct untrue statements that the generation before made too",
     "null",
     "here", "metrics.truth:TruthTable", {"interval": "none"}),
    ("axioms", UP, "truth", (0, inf), "axioms", "untrue, held ≥ 3 generations",
     "untrue statements held for 3 generations in a row or more", "0, beside `parsed` 0",
     "here", "metrics.truth:axioms", {"interval": "none", "shown": "table"}),
    ("axiom_age", UP, "truth", (0, inf), "longest-held untrue statement", "generations",
     "longest such run, generations", "0, beside `parsed` 0",
     "here", "metrics.truth:axioms", {"interval": "none"}),
)
LOCK_IN = _family(
    "lock_in",
    ("novel_ngrams", NONE, "other", (0, 1), "novel 8-grams", "",
     "share of 8-grams found nowhere in the human training corpus", "0 without any 8-gram",
     "McCoy et al. 2023", "metrics.lock_in:lock_in_metrics", {"interval": "none",
      "alias_of": "memorised"}),
    ("ngram_lock_in", UP, "truth", (0, 1), "8-gram lock-in", "",
     "share of the novel ones that the generation before wrote too; null without one", "1",
     "here", "metrics.lock_in:lock_in_metrics", {"interval": "none"}),
    ("memorised", NONE, "other", (0, 1), "memorised 8-grams", "",
     "share of 8-grams found there", "0",
     "Carlini et al. 2023", "metrics.lock_in:lock_in_metrics", {"interval": "none"}),
)
# fmt: on


REGISTRY: dict[str, Metric] = {
    **GEOMETRY, **SPECTRUM, **DISTRIBUTION, **TEXT, **LIKELIHOOD, **MODEL, **TRUTH, **LOCK_IN,
}  # fmt: skip
"""All metrics by name, in the order of docs/metrics.md."""


def metric(name: str) -> Metric:
    """The entry of a metric; one that is not in the registry has no direction and its own name."""
    if name in REGISTRY:
        return REGISTRY[name]
    label = name.replace("_", " ")
    return Metric(
        name, "custom", NONE, "other", -inf, inf, label, "", definition="a metric of your own",
        degenerate="", source="", code="",
    )  # fmt: skip


def shown_in(place: str) -> list[str]:
    """The metrics that are shown in a place, in the registry's order.

    Args:
        place: one of `PLACES`.
    """
    return [name for name, entry in REGISTRY.items() if place in entry.shown.split()]
