"""How often a null band holds a new human sample, for every metric (docs/metrics.md §9).

    python -m benchmarks.null_band world corpus/wikipedia.jsonl

From each pool (`benchmarks.pools`) a human side is dealt 16 times: a fit sample, and texts from
which 20 null samples of n = 500 make the bands, without a common text (a pool of 20 n) and
overlapping (a pool of 4 n). Every band is asked about 25 samples of texts that are in neither: 400
new samples a cell, as many as texts allow. Written into docs/metrics.md as a table.

Known gap: the 24,000 texts of a pool are dealt again and again, so the 16 sides are not
independent: the shares are known to about 3 %.
"""

from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.coverage import TEXTS, WORDS
from benchmarks.pools import Pool, parser, pool
from benchmarks.reference import replace_block
from palimpsest.core.rng import stream
from palimpsest.evaluation.evaluator import Evaluator, values
from palimpsest.evaluation.human import human_side
from palimpsest.evaluation.null_bands import bands_of
from palimpsest.metrics.registry import REGISTRY

SIDES, NEW, NULL_SAMPLES = 16, 25, 20
POOLS = {"disjoint": 20, "overlapping": 4}
"""Samples that fit into the pool behind the fit sample."""

Held = dict[str, list[bool]]


def held_by_side(one: Pool, number: int, samples_in_pool: int) -> Held:
    """Deals a human side, and asks its bands about new samples."""
    order = stream(number, "null_band.side").permutation(one.size)
    used = (1 + samples_in_pool) * TEXTS
    side = human_side(one.human.at(order[:used]), TEXTS, NULL_SAMPLES, number, one.name)
    reference = side.reference(one.training, one.facts, 1.0, WORDS)
    evaluator = Evaluator(reference)
    rows = [values([*evaluator.measure(null.sample()).values()]) for null in side.null]
    bands = bands_of(rows, TEXTS, side.widening)
    held: Held = defaultdict(list)
    rest = order[used:]
    for at in range(NEW):
        start = at * TEXTS
        fresh = rest[start : start + TEXTS]
        if len(fresh) < TEXTS:
            fresh = stream(number, "null_band.new", item=at).choice(rest, TEXTS, replace=False)
        new = values([*evaluator.measure(one.human.at(fresh).sample()).values()])
        for name, band in bands.items():
            value = new[name]
            if value is not None:
                held[name].append(band.holds(value))
    return dict(held)


_pools: dict[str, Pool] = {}
"""What the processes share, forked."""


def _held(number: int, name: str, samples_in_pool: int) -> Held:
    with threadpool_limits(1):
        return held_by_side(_pools[name], number, samples_in_pool)


def main(argv: list[str] | None = None) -> None:
    """Prints the table and writes it into docs/metrics.md."""
    args = parser(__doc__).parse_args(argv)
    shares: dict[tuple[str, str], dict[str, float]] = {}
    for name in args.pools:
        one = _pools[name] = pool(name, args.judge)
        for kind, samples in POOLS.items():
            task = partial(_held, name=name, samples_in_pool=samples)
            with ProcessPoolExecutor() as workers:
                sides = list(workers.map(task, range(SIDES)))
            shares[one.name, kind] = {
                metric: float(np.mean([value for side in sides for value in side[metric]]))
                for metric in sides[0]
            }
    heads = [f"{name}, {kind}" for name, kind in shares]
    lines = [f"| metric | {' | '.join(heads)} |", f"|---|{'--:|' * len(heads)}"]
    for metric in REGISTRY:
        cells = [f"{100 * one[metric]:.1f} %" if metric in one else "" for one in shares.values()]
        if any(cells):
            lines.append(f"| `{metric}` | {' | '.join(cells)} |")
    text = "\n".join(lines)
    print(text)
    replace_block(args.docs / "metrics.md", "null_band", text)


if __name__ == "__main__":
    main()
