"""What must be seen of a chain: the warnings of its stages, each with its generations."""

from collections.abc import Mapping, Sequence

from palimpsest.trajectory.curves import Scorecard


def chain_warnings(scorecards: Sequence[Scorecard], control: Sequence[Scorecard]) -> list[str]:
    """The warnings of a chain, each once: "g01 to g05, g08: ...".

    Args:
        scorecards: of the chain, g00 first.
        control: of the control chain behind g00, which both share; empty without one.
    """
    named = {f"g{int(card['generation']):02d}": card for card in scorecards}
    named |= {f"n{int(card['generation']):02d}": card for card in control[1:]}
    generations: dict[str, list[str]] = {}
    for name, card in named.items():
        for sentence in card.get("warnings", ()):
            generations.setdefault(sentence, []).append(name)
    order = {name: place for place, name in enumerate(named)}
    return [f"{_spans(names, order)}: {sentence}" for sentence, names in generations.items()]


def _spans(names: Sequence[str], order: Mapping[str, int]) -> str:
    """Names of generations, runs of neighbours joined; a run stays within one chain."""
    runs: list[list[str]] = []
    for name in names:
        last = runs[-1][-1] if runs else ""
        if last and order[name] == order[last] + 1 and name[0] == last[0]:
            runs[-1].append(name)
        else:
            runs.append([name])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
