"""Made-up documents of generations, as the score stage writes them."""

import numpy as np

from palimpsest.core.rng import stream
from palimpsest.report.documents import Written


def row(text, **changes):
    """What is known of a text of which little is known."""
    none = dict.fromkeys(("nearest", "nearest_text", "copied", "copied_text", "twin", "topic"))
    return {"text": text, "nats": 1.0, **none, **changes}


def written(name="g01", count=8, text="in {name} it is said that {at}", ledger=True, **changes):
    """A generation of so many documents about nothing in particular."""
    rows = [
        row(
            text.replace("{name}", name).replace("{at}", str(at)),
            nats=0.5 + at / 10,
            nearest=round(0.9 - at / 50, 4),
            nearest_text=f"human {at % 3}",
            topic=("city", "river", None)[at % 3],
            **({"sentences": [2, 0, 0, 0], "untrue": []} if ledger else {}),
            **changes,
        )
        for at in range(count)
    ]
    return Written(name, rows, cloud(count, int(name[1:])))


def cloud(count, seed=0):
    """(count, 3) points."""
    return stream(seed, "tests.cloud").normal(size=(count, 3))


def chain(length=3, control=0, **kwargs):
    """Generations of a chain, then of its control chain."""
    names = [f"g{at:02d}" for at in range(length)] + [f"n{at:02d}" for at in range(1, control + 1)]
    return [written(name, **kwargs) for name in names]


def flat(one):
    """The same documents, all in one plane."""
    return Written(one.name, one.rows, one.points * np.array([1.0, 1.0, 0.0]))
