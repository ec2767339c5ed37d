"""What must be seen of a chain: warnings of its stages, and a first model that never learned."""

import math
from collections.abc import Mapping, Sequence

from palimpsest.core.formatting import plain
from palimpsest.trajectory.curves import Scorecard

LEARNED = 0.1
"""A first model has learned something if words before a token tell it this share of what the
frequencies of tokens leave open (in nats). The default's first model gains 0.90. A mere table of
word pairs, smoothed, gains 0.65 from the default world's 8,000 documents; with GPT-2's tokens 0.16
from 20,000 paragraphs of Wikipedia, and 0.05 from 2,000."""


def chain_warnings(
    scorecards: Sequence[Scorecard],
    control: Sequence[Scorecard],
    unigram_perplexity: float | None = None,
) -> list[str]:
    """The warnings of a chain, each once: "g01 to g05, g08: ...".

    Args:
        scorecards: of the chain, g00 first.
        control: of the control chain behind g00, which both share; empty without one.
        unigram_perplexity: of the human text, see `never_learned`; None where it is unknown.
    """
    named = {f"g{int(card['generation']):02d}": card for card in scorecards}
    named |= {f"n{int(card['generation']):02d}": card for card in control[1:]}
    generations: dict[str, list[str]] = {}
    for name, card in named.items():
        for sentence in card.get("warnings", ()):
            generations.setdefault(sentence, []).append(name)
    order = {name: place for place, name in enumerate(named)}
    first = scorecards[0]["metrics"].get("perplexity_heldout", {}).get("value")
    never = never_learned(first, unigram_perplexity)
    said = [f"{_spans(names, order)}: {sentence}" for sentence, names in generations.items()]
    return [never, *said] if never else said


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


def never_learned(perplexity: float | None, unigram_perplexity: float | None) -> str | None:
    """A warning where the first model knows hardly more than how often each token occurs.

    Args:
        perplexity: of the first model on held-out human text.
        unigram_perplexity: of the human text for who knows its frequencies alone.
    """
    if perplexity is None or unigram_perplexity is None or unigram_perplexity <= 1:
        return None
    gained = 1 - math.log(perplexity) / math.log(unigram_perplexity)
    if gained >= LEARNED:
        return None
    return (
        f"The first model has not learned to write: its perplexity on held-out human text is "
        f"{plain(perplexity)}, and {plain(unigram_perplexity)} is what word frequencies alone "
        "reach. What happens to its texts says nothing about model collapse; train it longer "
        "(pretrain.steps), or begin with a trained model (model.source)."
    )
