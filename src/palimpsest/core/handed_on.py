"""What a stage hands on beside its files: what must be seen, and how its inputs were made.

A finding that is no error, but that a reader of the results must know, is a warning: one line in
the terminal where it is found, and data in provenance.json. `score` puts the warnings of all that
it read into the scorecard, and the report shows them by generation. Beside them goes ``made_with``:
the parameters of the artifacts that were read (`palimpsest.core.made_with`).
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from palimpsest.core.config import Section
from palimpsest.core.option_warnings import option_warnings
from palimpsest.core.provenance import Artifact

log = logging.getLogger(__name__)


def warn(sentences: Sequence[str]) -> None:
    """Logs each sentence as a warning, a line each."""
    for sentence in sentences:
        log.warning("warning: %s", sentence)


def handed_on(
    own: Sequence[str] = (), sections: Mapping[str, Section] | None = None, **inputs: Artifact
) -> dict[str, Any]:
    """Logs a stage's own warnings, and adds those of its inputs.

    Args:
        own: sentences.
        sections: of params.yaml, by name, whose warnings are its own too.
        **inputs: name -> what was read.

    Returns:
        Facts for provenance.json: ``warnings``, left out where there are none, and ``made_with``
        (name -> parameters of that input and of those that it names itself), left out without
        inputs.
    """
    own = [*option_warnings(**(sections or {})), *own]
    warn(own)
    found: list[str] = []
    made_with: dict[str, Any] = {}
    for name, artifact in inputs.items():
        content = artifact.provenance
        found += content.get("warnings", [])
        made_with |= {**content.get("made_with", {}), name: content.get("parameters", {})}
    warnings = list(dict.fromkeys([*found, *own]))
    facts = {"warnings": warnings, "made_with": made_with}
    return {name: fact for name, fact in facts.items() if fact}
