"""Whether the values of params.yaml can be meant, before a run or a file is made of them.

Every stage checks its own sections when it starts; this checks those of the library together, for
commands that write params.yaml or queue chains. Known gap: `embed`'s own and `report`'s dials
belong to their stages, and files or models that are named are not looked for.
"""

from collections.abc import Mapping
from typing import Any

from palimpsest.decay.comparison import SEEDS
from palimpsest.params import Params, check_seed, from_mapping


def check_values(dials: Mapping[str, Any]) -> None:
    """Raises ParamsError, with the dial's full name, for a value that it cannot have.

    Args:
        dials: dotted keys of the whole params.yaml. Sections that it does not have are not checked.
    """
    # torch is imported by some of these: not before a command runs
    from palimpsest.card import ScoreParams
    from palimpsest.corpus.regime import RegimeParams
    from palimpsest.corpus.source import SOURCES, CorpusParams
    from palimpsest.encoding import EncodeParams
    from palimpsest.lm.model import ModelParams
    from palimpsest.lm.prompts import WitnessParams
    from palimpsest.lm.sampling import SamplingParams
    from palimpsest.lm.training import TrainingParams

    own: list[type[Params]] = [CorpusParams, EncodeParams, ModelParams, RegimeParams, ScoreParams]
    own += [SamplingParams, TrainingParams, WitnessParams, *SOURCES.values()]
    sections = {cls.section: cls for cls in own} | {"pretrain": TrainingParams}
    for section, cls in sections.items():
        found = {
            key.removeprefix(f"{section}."): value
            for key, value in dials.items()
            if key.startswith(f"{section}.") and "." not in key.removeprefix(f"{section}.")
        }
        if found:
            from_mapping(found, cls, section)
    for key in SEEDS:
        seed = dials.get(key, 0)
        if seed is not None or key == "seed":
            check_seed(key, seed)
