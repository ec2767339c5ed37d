"""What each metric does when texts are changed in a way whose meaning is known.

    python -m benchmarks.stress

Documents of the world, read by the bundled encoder, are changed in twelve ways. A metric's
response is how far the change moves it, in standard deviations of the same metric over fresh human
samples of the same size (the null of docs/metrics.md §9), averaged over `REPEATS` samples. Writes
the picture docs/pictures/stress.png and the two tables of docs/metrics.md. `tests/metrics/
test_stress.py` holds the same changes on made-up points and small texts against what is claimed.

Known gaps: metrics that ask a language model (§5, §6) are not here: a model has no sample of texts
to be changed.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.reference import replace_block
from palimpsest.core.parameters import Parameters
from palimpsest.core.rng import stream
from palimpsest.core.storage import write_bytes
from palimpsest.corpus.world.generator import World
from palimpsest.corpus.world.parser import Parser
from palimpsest.embedding.cache import CachedEncoder
from palimpsest.embedding.encoder import Encoder
from palimpsest.figures.style import BLUE, DPI, INK, STYLE, VERMILION, png
from palimpsest.metrics import distribution, geometry, lexical, lock_in, spectrum, truth

Points = NDArray[np.float64]
Rows = NDArray[np.int64]
Values = Mapping[str, float | None]

TITLES = {
    "rotated": "all texts rotated",
    "more": "four times as many texts",
    "outlier": "one outlier at 10 σ",
    "shrunk": "shrunk by 0.8",
    "hidden": "dimensions 4… shrunk by 0.8",
    "shifted": "centroid moved in the basis",
    "shifted_hidden": "centroid moved outside it",
    "turned": "turned away from the basis",
    "duplicates": "30 % exact duplicates",
    "topics": "half the topics gone",
    "shuffled": "words shuffled in sentences",
    "human": "fresh human texts",
}
ON_POINTS = ("outlier", "shrunk", "hidden", "shifted", "shifted_hidden", "turned")
ON_ROWS = ("more", "duplicates", "topics")
STILL = 2.0
"""Null standard deviations up to which a metric stands still: as far as the null band reaches."""
COMPANIONS = (
    "volume", "volume_rarefied", "volume_refit", "spread", "dispersion", "residual",
    "effective_rank", "vendi", "energy",
)  # fmt: skip
"""Volume and what is read beside it where it fails."""
NULLS, REPEATS = 20, 5
TEXTS = 500
WORDS = 5000
"""Budget of the lexical metrics, about a third of what the texts of a sample have."""


@dataclass(frozen=True)
class Response:
    """How a metric answers a change.

    Attributes:
        deviations: mean change in standard deviations of the null.
        relative: mean change as a share of the unchanged value; None where that is 0.
        same: no sample moved by more than rounding.
    """

    deviations: float
    relative: float | None
    same: bool

    @property
    def sign(self) -> str:
        """``=`` the same to rounding, ``.`` still, ``+`` or ``-`` moved."""
        if self.same:
            return "="
        if abs(self.deviations) < STILL:
            return "."
        return "+" if self.deviations > 0 else "-"


def moved(change: str, points: Points, basis: geometry.Basis, rng: np.random.Generator) -> Points:
    """Embeddings (n, d) after a change of `ON_POINTS`."""
    mean = points.mean(axis=0)
    centred = points - mean
    inside = centred @ basis.components.T @ basis.components
    human_spread = float(np.sqrt(basis.variance))
    direction = rng.normal(size=len(basis.components)) @ basis.components
    direction /= np.linalg.norm(direction)
    if change == "outlier":
        changed = points.copy()
        sigma = human_spread / np.sqrt(len(basis.components))
        changed[0] = mean + 10.0 * sigma * direction
        return changed
    if change == "shrunk":
        return mean + 0.8 * centred
    if change == "hidden":
        return mean + inside + 0.8 * (centred - inside)
    if change == "shifted":
        return points + 0.5 * human_spread * direction
    if change == "turned":
        return mean + centred @ rotation(points.shape[1], rng)
    away = rng.normal(size=points.shape[1])
    away -= away @ basis.components.T @ basis.components
    return points + 0.5 * human_spread * away / np.linalg.norm(away)


def picked(change: str, rows: Rows, topics: Rows, rng: np.random.Generator) -> Rows:
    """Positions of texts after a change of `ON_ROWS`; `topics` of all texts there are."""
    if change == "more":
        others = np.setdiff1d(np.arange(len(topics)), rows)
        return np.concatenate([rows, rng.choice(others, 3 * len(rows), replace=False)])
    if change == "duplicates":
        kept = rng.permutation(rows)
        copies = round(0.3 * len(rows))
        return np.concatenate([kept[copies:], rng.choice(kept[copies:], copies)])
    there = np.unique(topics)
    left = rng.choice(there, len(there) // 2, replace=False)
    stay = rows[np.isin(topics[rows], left)]
    others = np.setdiff1d(np.flatnonzero(np.isin(topics, left)), stay)
    return np.concatenate([stay, rng.choice(others, len(rows) - len(stay), replace=False)])


def rotation(dims: int, rng: np.random.Generator) -> Points:
    """A random rotation (or reflection) of `dims` dimensions."""
    return np.linalg.qr(rng.normal(size=(dims, dims)))[0]


def shuffled(text: str, rng: np.random.Generator) -> str:
    """The text with the words of every sentence in random order."""
    sentences = [sentence.rstrip(".").split() for sentence in text.split(". ")]
    return ". ".join(" ".join(rng.permutation(words)) for words in sentences) + "."


def responses(
    plain: Sequence[Values], changed: Sequence[Values], null: Sequence[Values], resolution: float
) -> dict[str, Response]:
    """How every metric answers, from its values before and after and on the null's samples.

    Args:
        plain: of each sample as it is.
        changed: of each sample after the change.
        null: of fresh human samples.
        resolution: the share one text is; the least standard deviation believed.
    """
    answers = {}
    for name in plain[0]:
        columns = [[sample[name] for sample in samples] for samples in (plain, changed, null)]
        if any(value is None for column in columns for value in column):
            continue
        before, after, usual = (np.array(column, dtype=float) for column in columns)
        least = resolution * max(abs(float(usual.mean())), 1.0)
        sd = float(usual.std(ddof=1))
        gap = after - before
        scale = np.abs(before).max()
        answers[name] = Response(
            deviations=float(gap.mean()) / (sd if sd > 1e-9 * least else least),
            relative=float(after.mean() / before.mean() - 1.0) if before.mean() else None,
            same=bool((np.abs(gap) <= 1e-6 * max(scale, 1e-6)).all()),
        )
    return answers


def array_responses(
    human: Points,
    pool: Points,
    topics: Rows,
    size: int,
    shuffled_points: Points | None = None,
    nulls: int = NULLS,
    repeats: int = REPEATS,
) -> dict[str, dict[str, Response]]:
    """Change -> metric -> response, for the metrics of §1 to §3.

    Args:
        human: (n, d) the human reference.
        pool: (at least (nulls + repeats)·size, d) more human embeddings; samples of `size` from
            its start are changed, those that follow are the null.
        topics: topic of each of the pool.
        size: texts in a sample.
        shuffled_points: the first repeats·size of the pool with shuffled words.
        nulls: samples of the null.
        repeats: samples that are changed.
    """
    samples, fresh = _samples(size, nulls, repeats)
    usual = [pool[rows] for rows in fresh]
    measure = array_metrics(human, usual)
    basis = geometry.fit_basis(human)
    plain = [measure(pool[rows]) for rows in samples]
    null = [measure(pool[rows]) for rows in fresh]
    answer: dict[str, dict[str, Response]] = {}
    for change in TITLES:
        rng = stream(0, f"stress.{change}")
        if change == "rotated":
            turn = rotation(pool.shape[1], rng)
            turned = array_metrics(human @ turn, [points @ turn for points in usual])
            after = [turned(pool[rows] @ turn) for rows in samples]
        elif change in ON_POINTS:
            after = [measure(moved(change, pool[rows], basis, rng)) for rows in samples]
        elif change in ON_ROWS:
            after = [measure(pool[picked(change, rows, topics, rng)]) for rows in samples]
        elif change == "human":
            answer[change] = responses([mean_of(null)] * repeats, plain, null, 1 / size)
            continue
        elif shuffled_points is not None:
            after = [measure(shuffled_points[rows]) for rows in samples]
        else:
            continue
        answer[change] = responses(plain, after, null, 1 / size)
    return answer


def text_responses(
    texts: Sequence[str],
    topics: Rows,
    size: int,
    world: World,
    words: int = WORDS,
    nulls: int = NULLS,
    repeats: int = REPEATS,
) -> dict[str, dict[str, Response]]:
    """Change -> metric -> response, for the metrics of §4, §7 and §8; `texts` as `pool` above."""
    measure = text_metrics(world, size, words)
    samples, fresh = _samples(size, nulls, repeats)
    plain = [measure([texts[row] for row in rows]) for rows in samples]
    null = [measure([texts[row] for row in rows]) for rows in fresh]
    answer = {}
    for change in (*ON_ROWS, "shuffled"):
        rng = stream(0, f"stress.{change}")
        after = []
        for rows in samples:
            if change == "shuffled":
                after.append(measure([shuffled(texts[row], rng) for row in rows]))
            else:
                after.append(measure([texts[row] for row in picked(change, rows, topics, rng)]))
        answer[change] = responses(plain, after, null, 1 / size)
    answer["human"] = responses([mean_of(null)] * repeats, plain, null, 1 / size)
    return answer


def _samples(size: int, nulls: int, repeats: int) -> tuple[list[Rows], list[Rows]]:
    """Positions of the samples that are changed, and of those of the null."""
    parts = [np.arange(size) + size * part for part in range(repeats + nulls)]
    return parts[:repeats], parts[repeats:]


def array_metrics(human: Points, null: Sequence[Points]) -> Callable[[Points], Values]:
    """The metrics of §1 to §3 against a human reference and fresh human samples."""
    fitted = geometry.fit(human, null, human)
    reference = distribution.prepare_reference(human)

    def measure(points: Points) -> Values:
        return (
            geometry.prepare(fitted, points).compute()
            | spectrum.spectrum_metrics(points)
            | distribution.distribution_metrics(reference, points)
        )

    return measure


def text_metrics(world: World, size: int, words: int) -> Callable[[Sequence[str]], Values]:
    """The metrics of §4, §7 and §8 on documents of a world."""
    training = world.documents(16 * size, seed=2)
    before, human = world.documents(size, seed=3), world.documents(size, seed=4)
    ledger = world.ledger(training)
    parse, known = Parser(ledger).parse, lock_in.known_ngrams(training)
    frequencies = ledger.frequencies()

    def measure(texts: Sequence[str]) -> Values:
        statements = [parse(text) for text in texts]
        return (
            lexical.lexical_metrics(texts, human, words)
            | truth.measure_truth(statements, frequencies).metrics
            | lock_in.lock_in_metrics(texts, known, before)
        )

    return measure


def mean_of(samples: Sequence[Values]) -> Values:
    """The mean of each metric; None where one is undefined."""
    columns = {name: [sample[name] for sample in samples] for name in samples[0]}
    return {
        name: None if None in column else float(np.mean([value or 0.0 for value in column]))
        for name, column in columns.items()
    }


def topics_of(texts: Sequence[str], world: World) -> Rows:
    """The category of the entity that each text names first."""
    ledger = world.ledger()
    parse = Parser(ledger).parse
    numbers = {category.name: number for number, category in enumerate(world.categories)}
    first = [next(s.entity for s in parse(text) if s.entity is not None) for text in texts]
    return np.array([numbers[ledger.categories[entity]] for entity in first])


def table(answer: Mapping[str, Mapping[str, Response]], names: Sequence[str]) -> str:
    """A Markdown table: a row a metric, a column a change; null standard deviations."""
    changes = [change for change in TITLES if change in answer]
    lines = [
        "| metric | " + " | ".join(TITLES[change] for change in changes) + " |",
        "|---|" + "--:|" * len(changes),
    ]
    for name in names:
        cells = [_cell(answer[change].get(name)) for change in changes]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def relative_table(
    answer: Mapping[str, Mapping[str, Response]], names: Sequence[str], changes: Sequence[str]
) -> str:
    """A Markdown table of relative changes."""
    lines = [
        "| metric | " + " | ".join(TITLES[change] for change in changes) + " |",
        "|---|" + "--:|" * len(changes),
    ]
    for name in names:
        shares = [100.0 * (answer[change][name].relative or 0.0) for change in changes]
        cells = [f"{share:+.1f} %".replace("-", "−") for share in shares]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def picture(arrays: Mapping[str, Mapping[str, Response]], names: Sequence[str]) -> Figure:
    """The responses of §1 to §3 as a map: a row a metric, a column a change."""
    changes = [change for change in TITLES if change in arrays]
    grid = np.array([[arrays[change][name].deviations for change in changes] for name in names])
    same = np.array([[arrays[change][name].same for change in changes] for name in names])
    grid[same] = 0.0
    shades = np.sign(grid) * np.log10(1.0 + np.maximum(np.abs(grid) - STILL, 0.0))
    colours = LinearSegmentedColormap.from_list("response", [VERMILION, "#FFFFFF", BLUE])
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(11, 9.6), dpi=DPI, layout="constrained")
        ax = figure.subplots()
        ax.imshow(shades, cmap=colours, vmin=-2.2, vmax=2.2, aspect="auto")
        for (row, column), value in np.ndenumerate(grid):
            response = arrays[changes[column]][names[row]]
            dark = abs(shades[row, column]) > 1.3
            ax.text(
                column, row, _cell(response), ha="center", va="center", fontsize=8.5,
                color="white" if dark else INK if abs(value) >= STILL else "#999999",
            )  # fmt: skip
        ax.set_xticks(range(len(changes)), [TITLES[change] for change in changes])
        ax.tick_params(axis="x", rotation=38, top=True, labeltop=True, bottom=False)
        ax.tick_params(axis="x", labelbottom=False, length=0)
        ax.tick_params(axis="y", length=0)
        for tick in ax.get_xticklabels():
            tick.set(ha="left", rotation_mode="anchor")
        ax.set_yticks(range(len(names)), names)
        ax.set_xticks(np.arange(-0.5, len(changes)), minor=True)
        ax.set_yticks(np.arange(-0.5, len(names)), minor=True)
        ax.grid(which="minor", color="white", linewidth=2)
        ax.tick_params(which="minor", length=0)
        for side in ax.spines.values():
            side.set_visible(False)
        figure.text(
            0.01, 0.012,
            "How far each change moves each metric, in standard deviations over fresh human "
            f"samples.  = : to rounding not at all.  · : less than {STILL:.0f}.",
            fontsize=9, color="#666666",
        )  # fmt: skip
        figure.get_layout_engine().set(rect=(0, 0.035, 1, 0.965))  # type: ignore[union-attr]
        return figure


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="folder of metrics.md")
    parser.add_argument("--cache", type=Path, default=Path("build/stress"), help="embeddings")
    args = parser.parse_args(argv)
    params = Parameters.load(Path("params.yaml"))
    world = World(params.corpus.world, seed=0)
    pool = world.documents(TEXTS * (NULLS + REPEATS), seed=1)
    rng = stream(0, "stress.words")
    mixed = [shuffled(text, rng) for text in pool[: TEXTS * REPEATS]]
    cache = CachedEncoder(Encoder.load(params.embed.encoder), args.cache, warn=print)
    human, points, mixed_points = (
        cache(texts).astype(np.float64)
        for texts in (
            world.documents(TEXTS, seed=4), pool, mixed,
        )
    )  # fmt: skip
    topics = topics_of(pool, world)
    with threadpool_limits(1, "blas"):
        arrays = array_responses(human, points, topics, TEXTS, mixed_points)
        words = text_responses(pool, topics, TEXTS, world)
    names = list(arrays["human"])
    replace_block(args.docs / "metrics.md", "stress-arrays", table(arrays, names))
    part = relative_table(arrays, COMPANIONS, ("more", "outlier", "shrunk", "hidden", "turned"))
    replace_block(args.docs / "metrics.md", "stress-volume", part)
    replace_block(args.docs / "metrics.md", "stress-texts", table(words, list(words["human"])))
    write_bytes(args.docs / "pictures" / "stress.png", png(picture(arrays, names)))


def _cell(response: Response | None) -> str:
    if response is None:
        return ""
    if response.same:
        return "="
    if abs(response.deviations) < STILL:
        return "·"
    return f"{response.deviations:+.0f}".replace("-", "−")


if __name__ == "__main__":
    main()
