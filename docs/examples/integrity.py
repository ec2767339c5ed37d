# %% [markdown]
# # How much of human text's room is left?
#
# One number: 1 is what fresh human text reads, 0 is one text again and again. It takes texts, or
# embeddings of your own.

# %%
import numpy as np

import palimpsest as pal

# %%
# Points that spread as sentence embeddings do, less from direction to direction. With texts of
# your own: `pal.integrity(human_texts, generated_texts)`.
rng = np.random.default_rng(1)
points = rng.normal(size=(2000, 384)) / np.arange(1, 385) ** 0.25
human, fresh = points[:1500], points[1500:]

# %%
# Fresh points of the same kind, points that have come together, points that are all one.
for name, generated in {
    "fresh": fresh,
    "nearer together": 0.8 * fresh,
    "all one": np.tile(fresh[0], (500, 1)),
}.items():
    score = pal.integrity(human, generated)
    inside = score.band[0] <= score.value <= score.band[1]
    print(f"{name:16} {score}  {'as human text' if inside else 'narrower than human text'}")

# %%
# The published score is 1 for the very sample that its basis comes from: a fresh one reads less.
print("fresh, as published:", round(pal.integrity(human, fresh).published, 2))

# %%
# The whole family of docs/metrics.md, section 1, in the same form as the audit's metrics.
for row in score.metrics[:4]:
    print(row["metric"], row["value"], row["null_mean"])
