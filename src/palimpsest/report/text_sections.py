"""What the page's sections of texts name: the cloud, the lists of texts, the made-up statements."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from palimpsest.core.formatting import plain
from palimpsest.metrics.registry import metric
from palimpsest.report import tables
from palimpsest.report.documents import Written
from palimpsest.report.lives import lives_table
from palimpsest.report.reading import text_blocks
from palimpsest.report.story import g
from palimpsest.trajectory.curves import Scorecard, Trajectory, number
from palimpsest.trajectory.false_statements import lives

OF_CLOUD = ("volume", "drift", "dispersion")
"""Metrics that say what the cloud shows."""
OF_LOCK_IN = ("novel_ngrams", "ngram_lock_in")
"""Metrics that say what a chain made up, where no ledger does."""


@dataclass(frozen=True)
class TextSections:
    """Data blocks by id, what the templates name, and links to the sections that are there."""

    blocks: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    links: tuple[tuple[str, str, object], ...] = ()


def text_sections(
    trajectory: Trajectory,
    scorecards: Sequence[Scorecard],
    written: Sequence[Written],
    samples: Sequence[object],
) -> TextSections:
    """The sections of texts.

    Args:
        trajectory: of the chain.
        scorecards: its generations' in order.
        written: their documents, then those of the control chain; without any there is no cloud.
        samples: texts that are shown where no script runs.
    """
    made, last = lives(scorecards), int(trajectory.generations[-1])
    blocks = text_blocks(written, captions(trajectory))
    return TextSections(
        blocks=blocks,
        values={
            "has_documents": bool(written),
            "samples": samples,
            "limit": blocks["documents-data"]["limit"] if written else None,
            "cloud": tables.by_generation(trajectory, OF_CLOUD),
            "lives": None if made is None else lives_table(made, written, last + 1),
            "lock_in": tables.by_generation(trajectory, OF_LOCK_IN),
            "g_first": g(0),
            "g_last": g(last),
        },
        links=(
            ("cloud", "Where the texts lie", written),
            ("texts", "Texts, as written", samples or written),
            ("untrue", "What the models made up", True),
        ),
    )


def captions(trajectory: Trajectory) -> dict[str, str]:
    """A sentence on each generation's cloud, for those who do not see it."""
    said = {}
    for at, generation in enumerate(trajectory.generations.tolist()):
        parts = [f"{trajectory.documents[at]} texts"]
        for name in OF_CLOUD[:2]:
            if name in trajectory:
                value = plain(number(trajectory.curve(name).value[at]))
                parts.append(f"{metric(name).label} {value}")
        said[g(generation)] = f"{g(generation)}: {', '.join(parts)}."
    return said
