"""How often the 95 % interval of docs/metrics.md §9 holds what it should.

    python -m benchmarks.coverage

For each of 300 synthetic populations: a human sample and a sample of n = 400 texts from the
population are drawn; the delete-half jackknife (B = 100) gives every metric of §1 to §3 its
interval. Two questions are asked. Does it hold *the population's value*, measured on 20,000 fresh
texts (2,000 of them for pairwise metrics)? And does it hold *the value expected of n texts*, the
mean over 5 fresh samples? Both targets are samples themselves: an interval is widened by their
error, √(1 + n/20,000), √(1 + n/2,000) and √(1 + 1/5). A metric whose value depends on n fails the
first and may pass the second, which is the one that matters where every generation has the same
number of texts. Writes the table of docs/metrics.md.

Known gap: texts are independent of each other here; a model's texts may not be.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.reference import replace_block
from palimpsest.core.rng import stream
from palimpsest.metrics import distribution, geometry, spectrum
from palimpsest.metrics.family import Rows
from palimpsest.statistics.jackknife import HALF_SAMPLES, NORMAL_95, intervals

Points = NDArray[np.float64]

POPULATIONS, TEXTS, DIMENSIONS, TOPICS = 300, 400, 32, 6
MANY, LOOKED_AT, FRESH = 20_000, 2_000, 5
PAIRWISE = (
    "compression", "mmd2", "energy", "precision", "recall", "density", "coverage",
    "nearest_human", "intrinsic_dimension",
)  # fmt: skip
"""Metrics that look at LOOKED_AT of the MANY texts."""
CONSTANT = ("explained",)
"""Metrics of the human corpus alone: no text of the sample moves them."""
WANTED = (0.90, 0.99)
"""What a 95 % interval is asked to reach, and not to exceed."""


@dataclass(frozen=True)
class Population:
    """A mixture of normal topics that has shrunk and moved away from the human one."""

    centres: Points
    scales: Points
    tail: float
    shrunk: float
    shift: Points

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Population":
        """A population with its own topics, spectrum, tails and degree of collapse."""
        decay = np.arange(1, DIMENSIONS + 1) ** -rng.uniform(0.3, 1.0)
        direction = rng.normal(size=DIMENSIONS) * decay
        direction /= np.linalg.norm(direction)
        return cls(
            centres=rng.normal(size=(TOPICS, DIMENSIONS)) * decay,
            scales=decay * rng.uniform(0.6, 1.4, DIMENSIONS),
            tail=rng.uniform(6.0, 30.0),
            shrunk=rng.uniform(0.5, 1.0),
            shift=direction * rng.uniform(0.6, 1.5),
        )

    def human(self, count: int, rng: np.random.Generator) -> Points:
        """Texts before the collapse: topics at random, Student's t around them."""
        topics = rng.integers(TOPICS, size=count)
        noise = rng.standard_t(self.tail, size=(count, DIMENSIONS))
        return self.centres[topics] + noise * self.scales

    def generated(self, count: int, rng: np.random.Generator) -> Points:
        """Texts after it."""
        return self.shrunk * self.human(count, rng) + self.shift


@dataclass(frozen=True)
class Trial:
    """One metric of one sample: its value, half its interval, and what it should hold."""

    value: float
    reach: float
    population: float
    expected: float


class HumanSample:
    """What the metrics of §1 to §3 are held against."""

    def __init__(self, human: Points) -> None:
        self.basis = geometry.fit_basis(human)
        self.reference = distribution.prepare_reference(human)

    def metrics(self, points: Points) -> Callable[[Rows | None], dict[str, float]]:
        """Gives the metrics of all points (None), or of some rows of them."""
        shape = geometry.prepare(self.basis, points)
        cloud = spectrum.prepare(points)
        pair = distribution.prepare(self.reference, points)
        return lambda rows: shape.compute(rows) | cloud.compute(rows) | pair.compute(rows)


def trial(number: int, samples: int = HALF_SAMPLES, many: int = MANY) -> dict[str, Trial]:
    """Every metric of one sample of population `number`."""
    rng = stream(0, "coverage", item=number)
    population = Population.drawn(rng)
    human = HumanSample(population.human(TEXTS, rng))
    measured = intervals(
        human.metrics(population.generated(TEXTS, rng)), TEXTS, samples, seed=number
    )
    with looking_at(LOOKED_AT):
        whole = human.metrics(population.generated(many, rng))(None)
    fresh = [human.metrics(population.generated(TEXTS, rng))(None) for _ in range(FRESH)]
    return {
        name: Trial(
            value=float(one.value or 0.0),
            reach=float((one.high or 0.0) - (one.value or 0.0)),
            population=whole[name],
            expected=float(np.mean([other[name] for other in fresh])),
        )
        for name, one in measured.items()
    }


def unmoved_drift(number: int, samples: int = HALF_SAMPLES) -> Trial:
    """The drift of a sample from the human population itself: close to 0, where it is a norm."""
    rng = stream(0, "coverage.unmoved", item=number)
    population = Population.drawn(rng)
    basis = geometry.fit_basis(population.human(TEXTS, rng))
    points, many = (
        geometry.project(population.human(count, rng), basis.mean, basis.components)
        for count in (TEXTS, MANY)
    )

    def drift(rows: Rows | None) -> dict[str, float]:
        chosen = points if rows is None else points[rows]
        return {"drift": float(np.linalg.norm(chosen.mean(axis=0) - basis.centre))}

    one = intervals(drift, TEXTS, samples, seed=number)["drift"]
    value, high = float(one.value or 0.0), float(one.high or 0.0)
    truth = float(np.linalg.norm(many.mean(axis=0) - basis.centre))
    return Trial(value, high - value, truth, truth)


@contextmanager
def looking_at(count: int) -> Iterator[None]:
    """Lets pairwise metrics look at fewer texts: 20,000 would take a minute each."""
    modules = ((geometry, "PAIRS_LIMIT"), (distribution, "PAIRS_LIMIT"))
    places: Any = (*modules, (spectrum, "NEIGHBOUR_TEXTS"))
    usual = [getattr(module, name) for module, name in places]
    try:
        for module, name in places:
            setattr(module, name, count)
        yield
    finally:
        for (module, name), value in zip(places, usual, strict=True):
            setattr(module, name, value)


def held(trials: Sequence[Mapping[str, Trial]], name: str) -> tuple[float, float]:
    """Shares of the intervals that hold the population's value, and the one expected of n texts.

    The interval is widened by the sampling error of what it should hold.
    """
    own = [one[name] for one in trials]
    looked_at = LOOKED_AT if name in PAIRWISE else MANY
    wide = float(np.sqrt(1.0 + TEXTS / looked_at)), float(np.sqrt(1.0 + 1.0 / FRESH))
    return (
        float(np.mean([abs(t.value - t.population) <= wide[0] * t.reach for t in own])),
        float(np.mean([abs(t.value - t.expected) <= wide[1] * t.reach for t in own])),
    )


def bias(trials: Sequence[Mapping[str, Trial]], name: str) -> float:
    """How far the value expected of n texts is from the population's, in its standard errors."""
    return float(
        np.median([
            NORMAL_95 * (one[name].expected - one[name].population) / max(one[name].reach, 1e-300)
            for one in trials
        ])
    )  # fmt: skip


def table(trials: Sequence[Mapping[str, Trial]], unmoved: Sequence[Trial]) -> str:
    """A Markdown table: how often each metric's interval holds what it should."""
    lines = [
        f"{len(trials)} populations:",
        "",
        "| metric | holds the population's value | holds the value expected of n texts | bias |",
        "|---|--:|--:|--:|",
    ]
    for name in trials[0]:
        if name in CONSTANT:
            continue
        population, expected = held(trials, name)
        lean = f"{bias(trials, name):+.1f}".replace("-", "−")
        lines.append(f"| `{name}` | {_share(population)} | {_share(expected)} | {lean} |")
    near, _ = held([{"drift": one} for one in unmoved], "drift")
    lines.append(f"| `drift`, nothing moved | {_share(near)} | | |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="folder of metrics.md")
    parser.add_argument("--populations", type=int, default=POPULATIONS)
    parser.add_argument(
        "--done", type=Path, default=Path("build/coverage.jsonl"), help="goes on from here"
    )
    args = parser.parse_args(argv)
    args.done.parent.mkdir(parents=True, exist_ok=True)
    with threadpool_limits(1, "blas"), args.done.open("a+", encoding="utf-8") as file:
        file.seek(0)
        trials = [_read(line) for line in file][: args.populations]
        for number in range(len(trials), args.populations):
            trials.append(trial(number))
            line = {name: asdict(one) for name, one in trials[-1].items()}
            print(json.dumps(line), file=file, flush=True)
        unmoved = [unmoved_drift(number) for number in range(args.populations)]
    text = table(trials, unmoved)
    print(text)
    replace_block(args.docs / "metrics.md", "coverage", text)


def _read(line: str) -> dict[str, Trial]:
    return {name: Trial(**one) for name, one in json.loads(line).items()}


def _share(share: float) -> str:
    mark = "" if WANTED[0] <= share <= WANTED[1] else " ✗"
    return f"{100 * share:.1f} %{mark}"


if __name__ == "__main__":
    main()
