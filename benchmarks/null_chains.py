"""What the trajectory's procedures say where nothing happened (docs/metrics.md §10).

    python -m benchmarks.null_chains world corpus/wikipedia.jsonl

Human text against itself: from each pool (`benchmarks.pools`) 40 human sides are dealt for samples
of n = 100, 250 and 500, and from each five chains of 21 generations, every generation a fresh human
sample. How often is there a phase, a half-life, an alarm; what is the mean integrity?

Then the alarm alone, on 500 such chains of the first pool at n = 500: as they are; with eight
metrics beside them that have really left their band (near copies of each other); and where the
generations do not forget: each is ρ times the one before and the rest new. Writes two tables into
docs/metrics.md.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.coverage import WORDS
from benchmarks.pools import Pool, parser, pool
from benchmarks.reference import replace_block
from palimpsest.core.rng import stream
from palimpsest.evaluation.evaluator import Evaluator, values
from palimpsest.evaluation.human import human_side
from palimpsest.evaluation.null_bands import bands_of
from palimpsest.statistics.null_band import Band
from palimpsest.trajectory.alarms import find_alarms
from palimpsest.trajectory.changepoint import find_phases
from palimpsest.trajectory.curves import Trajectory
from palimpsest.trajectory.summary import half_life

SIZES, SIDES, CHAINS, GENERATIONS, NULL_SAMPLES = (100, 250, 500), 40, 5, 21, 20
SAMPLES = 2 * GENERATIONS
"""Fresh samples of a side, from which its chains are dealt."""
ALARM_CHAINS, COPIES, EFFECT = 500, 8, 6.0
"""Of the second table; a real effect is so many standard deviations."""
CORRELATIONS = (0.5, 0.8)

Numbers = Mapping[str, float | None]


@dataclass(frozen=True)
class Side:
    """A human side: its bands, and what fresh samples read."""

    bands: dict[str, Band]
    rows: list[Numbers]


_pools: dict[str, Pool] = {}
"""What the processes share, forked."""


def side(number: int, name: str, size: int) -> Side:
    """Deals a side of a pool and measures fresh samples on it."""
    one = _pools[name]
    order = stream(number, "null_chains.side").permutation(one.size)
    used = (1 + NULL_SAMPLES) * size
    human = human_side(one.human.at(order[:used]), size, NULL_SAMPLES, number, name)
    reference = human.reference(one.training, one.facts, 1.0, min(WORDS, 20 * size))
    with threadpool_limits(1):
        evaluator = Evaluator(reference)
        null = [values([*evaluator.measure(one.sample()).values()]) for one in human.null]
        rows = []
        for at in range(SAMPLES):
            fresh = stream(number, "null_chains.new", item=at).choice(
                order[used:], size, replace=False
            )
            measured = evaluator.measure(one.human.at(fresh).sample())
            rows.append(values([*measured.values()]))
    return Side(bands_of(null, size, human.widening), rows)


def trajectory(bands: Mapping[str, Band], rows: Sequence[Numbers]) -> Trajectory:
    """A chain that reads these numbers."""
    cards: list[dict[str, Any]] = [
        {
            "generation": at,
            "documents": 0,
            "metrics": {
                name: {"value": value, "low": None, "high": None} for name, value in row.items()
            },
        }
        for at, row in enumerate(rows)
    ]
    cards[0]["null"] = {name: band.as_dict() for name, band in bands.items()}
    return Trajectory.from_scorecards(cards)


def dealt(one: Side, number: int) -> list[Numbers]:
    """The samples of a chain."""
    rows = stream(number, "null_chains.chain").permutation(len(one.rows))[:GENERATIONS]
    return [one.rows[row] for row in rows]


def alarmed(chain: Trajectory) -> list[str]:
    """The metrics that warn."""
    return [alarm.metric for alarm in find_alarms(chain) if alarm.generation is not None]


def against_itself(sides: Sequence[Side]) -> list[str]:
    """Mean integrity, and the shares of chains with a phase, a half-life, an alarm."""
    chains = [trajectory(one.bands, dealt(one, at)) for one in sides for at in range(CHAINS)]
    integrity = [float(one.curve("integrity").value.mean()) for one in chains]
    found = (
        [find_phases(one).count == 2 for one in chains],
        [half_life(one) is not None for one in chains],
        [bool(alarmed(one)) for one in chains],
    )
    return [f"{np.mean(integrity):.3f}", *(f"{100 * np.mean(one):.1f} %" for one in found)]


def walking(bands: Mapping[str, Band], rows: Sequence[Numbers], kept: float) -> list[Numbers]:
    """The chain where each generation keeps so much of the one before; the same deviation."""
    walked: list[dict[str, float | None]] = []
    for row in rows:
        new: dict[str, float | None] = {}
        for name, value in row.items():
            band = bands.get(name)
            before = walked[-1].get(name) if walked else None
            if band is None or value is None or before is None:
                new[name] = value
                continue
            fresh = np.sqrt(1 - kept**2) * (value - band.mean)
            new[name] = float(band.mean + kept * (before - band.mean) + fresh)
        walked.append(new)
    return list(walked)


def with_effect(
    one: Side, rows: Sequence[Numbers], number: int
) -> tuple[dict[str, Band], list[Numbers]]:
    """The chain with eight metrics beside it that have left their band, almost copies."""
    rng = stream(number, "null_chains.effect")
    band = next(iter(one.bands.values()))
    unit = Band(-2.15, 2.15, band.samples, 0.0, 1.0)
    names = [f"real_{copy}" for copy in range(COPIES)]
    shift = EFFECT + rng.standard_normal(len(rows))
    more = [
        {name: float(shift[at] + 0.1 * rng.standard_normal()) for name in names}
        for at in range(len(rows))
    ]
    joined = [{**row, **extra} for row, extra in zip(rows, more, strict=True)]
    return {**one.bands, **dict.fromkeys(names, unit)}, joined


def alarm_table(sides: Sequence[Side]) -> str:
    """How often the alarm is wrong."""
    lines = ["| 500 chains | with a false alarm | false among all alarms |", "|---|--:|--:|"]
    names = ["nothing happens", "eight copies of a real effect"]
    names += [f"nothing happens, autocorrelation {kept:g}" for kept in CORRELATIONS]
    for case, name in enumerate(names):
        wrong, among = [], []
        for number in range(ALARM_CHAINS):
            one = sides[number % len(sides)]
            bands, rows = dict(one.bands), dealt(one, 1000 + number)
            if case == 1:
                bands, rows = with_effect(one, rows, number)
            if case > 1:
                rows = walking(bands, rows, CORRELATIONS[case - 2])
            warned = alarmed(trajectory(bands, rows))
            false = [metric for metric in warned if not metric.startswith("real_")]
            wrong.append(bool(false))
            among.append(len(false) / max(len(warned), 1))
        lines.append(f"| {name} | {100 * np.mean(wrong):.1f} % | {100 * np.mean(among):.1f} % |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Prints the tables and writes them into docs/metrics.md."""
    args = parser(__doc__).parse_args(argv)
    lines = ["| text | n | mean integrity | two phases | half-life | any alarm |"]
    lines.append("|---|--:|--:|--:|--:|--:|")
    largest: list[Side] = []
    for name in args.pools:
        _pools[name] = pool(name, args.judge)
        for size in SIZES:
            with ProcessPoolExecutor() as workers:
                sides = list(workers.map(partial(side, name=name, size=size), range(SIDES)))
            cells = " | ".join(against_itself(sides))
            lines.append(f"| {_pools[name].name} | {size} | {cells} |")
            print(lines[-1], flush=True)
            largest = largest or (sides if size == max(SIZES) else [])
    first, second = "\n".join(lines), alarm_table(largest)
    print(f"{first}\n\n{second}")
    replace_block(args.docs / "metrics.md", "null_chains", first)
    replace_block(args.docs / "metrics.md", "false_alarms", second)


if __name__ == "__main__":
    main()
