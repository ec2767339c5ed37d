"""How often the 95 % interval of every metric of texts holds what it should (docs/metrics.md §9).

    python -m benchmarks.coverage world g10 corpus/wikipedia.jsonl --judge models/g00

From each pool (`benchmarks.pools`) 400 samples of n = 500 texts are drawn; their mean is the value
that n texts are expected to read. Another 400 samples get their intervals, by the estimator that
the registry names. A metric whose interval holds the expected value in less than 90 % or more than
99 % of them, in any pool where it moves at all, is printed without one. With ``--both``, what
either estimator would reach. Writes the table of docs/metrics.md; 10 minutes a pool on two cores.

Known gap: the human side is one, as in a chain: intervals do not tell how another one would move a
distance (the null band does).
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.pools import Pool, parser, pool
from benchmarks.reference import replace_block
from palimpsest.core.rng import stream
from palimpsest.evaluation.evaluator import Evaluator, values, with_intervals
from palimpsest.evaluation.human import human_side
from palimpsest.metrics.family import Measurement
from palimpsest.metrics.registry import REGISTRY, metric
from palimpsest.statistics import jackknife
from palimpsest.statistics.jackknife import Interval

TEXTS, WORDS = 500, 10_000
"""n and W, the default chain's."""
NULL_SAMPLES = 20
VALUES, INTERVALS = 400, 400
"""Samples that tell the expected value, and samples that get intervals."""
WANTED = (0.90, 0.99)
"""What a printed 95 % interval reaches."""
HALF_SAMPLES = 100

Row = Mapping[str, Interval]
_shared: dict[str, object] = {}
"""What the processes of a pool share: the evaluator and the pool, forked."""


def evaluator_for(human: Pool, judged: Pool, seed: int = 0) -> Evaluator:
    """Fitted on the first texts of a pool, as a chain's is on its own."""
    count = min(human.size, (1 + NULL_SAMPLES) * TEXTS)
    order = stream(seed, "coverage.human").permutation(human.size)[:count]
    side = human_side(human.human.at(order), TEXTS, NULL_SAMPLES, seed, human.name)
    reference = side.reference(human.training, judged.facts, 1.0, WORDS, side.null[0].embeddings)
    return Evaluator(reference)


def measured(number: int, what: str) -> list[Measurement]:
    """Sample `number` of the shared pool, ready to be measured."""
    one, evaluator = _shared["pool"], _shared["evaluator"]
    assert isinstance(one, Pool)
    assert isinstance(evaluator, Evaluator)
    rows = stream(1, f"coverage.{what}", item=number).permutation(one.size)[: 2 * TEXTS]
    return [*evaluator.measure(one.sample(rows[:TEXTS], rows[TEXTS:])).values()]


def _value(number: int) -> dict[str, float | None]:
    with threadpool_limits(1):
        return values(measured(number, "value"))


def _interval(number: int, kinds: Sequence[str]) -> dict[str, dict[str, Interval]]:
    """By kind of estimator; "registry" is what the registry names."""
    found: dict[str, dict[str, Interval]] = {}
    with threadpool_limits(1):
        parts = measured(number, "interval")
        for kind in kinds:
            if kind == "registry":
                rows = with_intervals(parts, HALF_SAMPLES, number, threads=1)
                found[kind] = {
                    name: Interval(one["value"], one["low"], one["high"])
                    for name, one in rows.items()
                }
                continue
            estimator: Callable[..., dict[str, Interval]] = getattr(jackknife, f"delete_{kind}")
            found[kind] = {
                name: jackknife.share_interval(one, part.count) if metric(name).is_share else one
                for part in parts
                for name, one in estimator(part.compute, part.count, seed=number).items()
            }
    return found


def coverage(name: str, judge: Path, kinds: Sequence[str]) -> dict[str, dict[str, float]]:
    """Share of intervals that hold the expected value: metric -> kind -> share in one pool.

    A metric that reads the same in every sample is left out.
    """
    one = pool(name, judge)
    human = pool("world", judge) if one.of_world else one
    _shared.update(pool=one, evaluator=evaluator_for(human, one))
    with ProcessPoolExecutor() as workers:
        rows = list(workers.map(_value, range(VALUES), chunksize=8))
        trials = list(workers.map(partial(_interval, kinds=kinds), range(INTERVALS), chunksize=4))
    result = {}
    for metric_name in rows[0]:
        known = [row[metric_name] for row in rows if row.get(metric_name) is not None]
        column = np.array(known, dtype=np.float64)
        if len(column) < VALUES or np.ptp(column) <= 1e-9 * abs(column.mean()):
            continue
        held = {
            kind: _held([trial[kind][metric_name] for trial in trials], column) for kind in kinds
        }
        result[metric_name] = {kind: share for kind, share in held.items() if share is not None}
    return result


def _held(intervals: Sequence[Interval], column: NDArray[np.float64]) -> float | None:
    expected, known = float(column.mean()), [one for one in intervals if one.low is not None]
    if not known:
        return None
    inside = [(one.low or 0.0) <= expected <= (one.high or 0.0) for one in known]
    return float(np.mean(inside))


def main(argv: list[str] | None = None) -> None:
    """Prints the table and writes it into docs/metrics.md."""
    command = parser(__doc__)
    command.add_argument("--both", action="store_true", help="both estimators, for every metric")
    args = command.parse_args(argv)
    kinds = ("half", "group") if args.both else ("registry",)
    found = {name: coverage(name, args.judge, kinds) for name in args.pools}
    heads = [f"{Path(name).stem}{', ' + k if args.both else ''}" for name in found for k in kinds]
    lines = [
        f"| metric | interval | {' | '.join(heads)} |",
        f"|---|---|{'--:|' * len(heads)}",
    ]
    for name, entry in REGISTRY.items():
        cells = [_cell(one.get(name), kind) for one in found.values() for kind in kinds]
        if any(cells):
            lines.append(f"| `{name}` | {entry.interval} | {' | '.join(cells)} |")
    text = "\n".join(lines)
    print(text)
    if not args.both:
        replace_block(args.docs / "metrics.md", "coverage", text)


def _cell(shares: Mapping[str, float] | None, kind: str) -> str:
    if shares is None or kind not in shares:
        return ""
    share = shares[kind]
    return f"{100 * share:.1f} %{'' if WANTED[0] <= share <= WANTED[1] else ' ✗'}"


if __name__ == "__main__":
    main()
