# %% [markdown]
# # Audit texts against human text
#
# Have texts that a model wrote collapsed? They are held against human texts of their kind. Here
# both are made up, so that the cells run anywhere; with your own, begin at the third cell.

# %%
import random

import palimpsest as pal

# %%
# Notes of two birdwatchers: one has seen much, the other writes the same few sentences again.
BIRDS = ("heron", "wren", "swift", "kite", "coot", "finch", "dipper", "plover", "snipe", "teal")
PLACES = ("the weir", "a mown field", "the old pier", "our gate", "a wet alder wood", "the quarry")
DOINGS = ("fed its young", "sang for an hour", "stood in the rain", "chased a crow away", "slept")
SKIES = ("under low cloud", "in a cold wind", "at first light", "before the storm", "in thick fog")


def note(rng: random.Random) -> str:
    """A sentence or two of somebody who looks."""
    one = f"A {rng.choice(BIRDS)} by {rng.choice(PLACES)} {rng.choice(DOINGS)}"
    two = f"and {rng.randint(2, 40)} others passed {rng.choice(SKIES)}"
    return f"{one}, {two}; a {rng.choice(BIRDS)} called from {rng.choice(PLACES)}."


rng = random.Random(0)
human = [note(rng) for _ in range(300)]
texts = [note(rng) for _ in range(5)] * 20

# %%
# Any iterable of strings will do: a list, a column of a table, a generator.
result = pal.audit(texts, reference=human)
print(repr(result))  # in a notebook, `result` alone shows the table too

# %%
# Every metric is a row: value, 95 % interval, and where samples of the human text lie.
for row in result.metrics:  # pandas.DataFrame(result.metrics)
    if row["counts"] == "collapse":
        band = f"human samples {row['null_low']:.3g} to {row['null_high']:.3g}"
        print(f"{row['metric']:22} {row['value']:8.3g}   {band}")

# %%
# The texts that have a fault of their own, by their row.
print(len(result.flagged), "texts; the first:", result.flagged[0])

# %%
result.to_html("audit.html")
