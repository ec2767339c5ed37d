"""Whether the generations of a chain were made with the parameters that params.yaml has.

A run that is resumed after an edit, or a stage that is run alone, leaves generations of other
parameters side by side; their curve would be no chain's. provenance.json of a generation's scores
names its parameters, and under ``made_with`` those of its texts, model and embeddings.

Known gap: parameters that an older provenance.json does not name, or that params.yaml does not have
any more, are not compared.
"""

import json
from collections.abc import Mapping
from typing import Any

from palimpsest.core.config import flattened
from palimpsest.core.errors import ParamsError
from palimpsest.core.provenance import portable
from palimpsest.core.storage import json_bytes

Provenance = Mapping[str, Any]


def check_made_with(
    provenances: Mapping[str, Provenance], values: Mapping[str, Any], seeds: Mapping[str, int]
) -> None:
    """Compares every generation's parameters with those of now.

    Args:
        provenances: of the scores, by the generation's name.
        values: all sections of params.yaml, plain.
        seeds: of ``texts``, ``model``, ``embeddings`` and ``scores``.

    Raises:
        ParamsError: one is another; names the generation, the artifact, the key and both values.
    """
    now = flattened(json.loads(json_bytes(portable(values))))
    for name, provenance in provenances.items():
        made = {**provenance.get("made_with", {}), "scores": provenance.get("parameters", {})}
        for artifact, parameters in made.items():
            own = "scores" if (name, artifact) == ("g00", "texts") else artifact
            # the texts of generation 0 are dealt with the corpus, by its seed
            known = {**now, "seed": seeds.get(own)}
            if name == "g00":
                del known["regime.match_tokens"]  # without an effect there, and noted so
            if name.startswith("n"):
                del known["regime.kind"]  # the control chain has its own
            for key, value in flattened(parameters).items():
                if known.get(key, value) != value:
                    raise ParamsError(
                        f"{name}: {key} of its {artifact}",
                        wanted=f"{known[key]!r}, as params.yaml says",
                        got=repr(value),
                        hint="it was changed half-way: dvc repro",
                    )
