"""Whether two measurements of a metric can be compared: what its values depend on, beside the text.

A value depends on the size of the sample and on the reference, whichever metric it is; on the
number of words only where words are counted, on the encoder only where embeddings are, on the model
only where likelihoods are. A metric of the user's own may depend on anything.
"""

import re
from collections.abc import Mapping

from palimpsest.metrics.registry import FAMILIES, metric

DEPENDENT = {
    "words": ("text",),
    "segmentation": ("text", "lock_in"),
    "encoder": ("geometry", "spectrum", "distribution"),
    "model": ("likelihood",),
}
"""What values depend on -> the families of the metrics that do; of anything else, all do."""
OF_WHOLE_TEXTS = ("duplicates", "length_mean")
"""Of the family of words, the metrics that are not measured on a fixed number of them."""
HASH = 12
"""Characters of a hash that a reader is shown."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


def incomparable(
    name: str, own: Mapping[str, object], its: Mapping[str, object], where: str
) -> str:
    """What keeps two values of a metric from being compared.

    Args:
        name: the metric, as the registry calls it.
        own: what the first value was measured on; None where something is not known.
        its: what the other was.
        where: what the other measurement is called.

    Returns:
        What is not the same, or not known to be, in words; empty where nothing is. What one of the
        two says nothing about counts as the same.
    """
    for what in own:
        if what not in its or not _bears_on(what, name):
            continue
        here, there = own[what], its[what]
        if here is None and there is None:
            return f"the {what} is not known, here and in {where}"
        if here != there:
            return f"{what} {_short(here)} here and {_short(there)} in {where}"
    return ""


def _bears_on(what: str, name: str) -> bool:
    family = metric(name).family
    if what == "words" and name in OF_WHOLE_TEXTS:
        return False
    return what not in DEPENDENT or family not in FAMILIES or family in DEPENDENT[what]


def _short(value: object) -> str:
    if value is None:
        return "unknown"
    text = str(value)
    return text[:HASH] if _SHA256.fullmatch(text) else text
