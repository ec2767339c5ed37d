"""Whose weights stay on the disk, by ``models.keep_every``: the rule, and no more.

Generation 0's stay, because every later one is measured by that model; the last one's, because a
longer chain goes on from it; and every k-th one's between, from which the others are made again.
"""

IN_FLIGHT = 2
"""Models that a generation at work needs beside those that stay: its parent's and its own."""


def is_kept(index: int, last: int, keep_every: int) -> bool:
    """Whether a generation's weights stay when all that reads them has run.

    Args:
        index: its number.
        last: that of the last generation of its chain.
        keep_every: ``models.keep_every``; 1 keeps every one.
    """
    return index == last or index % keep_every == 0


def most_models(last: int, chains: int, keep_every: int) -> int:
    """How many generations' weights lie there at once while a chain runs, at the most.

    Args:
        last: number of its last generation.
        chains: 2 with a control chain, which has generation 0 in common.
        keep_every: ``models.keep_every``.
    """
    every = 1 + chains * last
    kept = 1 + chains * sum(is_kept(index, last, keep_every) for index in range(1, last + 1))
    return min(every, kept + IN_FLIGHT)
