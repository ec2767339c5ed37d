"""How to make a chain again: its parameters beside the defaults, the versions, the commands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from palimpsest.core.config import flattened

NO_PARAMETERS = "documents"
"""What the texts' provenance holds beside parameters: how many documents a part came to have."""


@dataclass(frozen=True)
class Changed:
    """A parameter that is not at its default."""

    key: str
    value: str
    default: str


@dataclass(frozen=True)
class Origin:
    """What a chain was made of, and how to make it again."""

    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Hashes and versions; may be nested."""
    changed: Sequence[Changed] = ()
    """Parameters that are not at their defaults."""
    files: Mapping[str, str] = field(default_factory=dict)
    """What a file of numbers holds -> where it lies, as seen from the page."""

    @classmethod
    def of(
        cls,
        fingerprint: str,
        first: Mapping[str, Any],
        last: Mapping[str, Any],
        default: Mapping[str, Any],
        files: Mapping[str, str],
    ) -> "Origin":
        """That of a chain.

        Args:
            fingerprint: of its scores.
            first: provenance of generation 0's score.
            last: of the last generation's.
            default: the content of the default params.yaml.
            files: see the attribute.
        """
        changed = changed_parameters(used_parameters([first, last]), default)
        return cls({"fingerprint": fingerprint, **last}, changed, files)

    def shown(self) -> list[tuple[str, str]]:
        """The provenance as dotted keys with texts, without the parameters of the inputs: they are
        compared, not shown.
        """
        facts = {key: fact for key, fact in self.provenance.items() if key != "made_with"}
        return [(k, "–" if fact is None else str(fact)) for k, fact in flattened(facts).items()]


def used_parameters(provenances: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The parameters that made a chain, as dotted keys: those that its stages read.

    Args:
        provenances: of the scores of generation 0 and of the last generation.
    """
    used: dict[str, Any] = {}
    for one in provenances:
        parts = [*one.get("made_with", {}).values(), one.get("parameters", {})]
        for part in parts:
            used |= flattened({key: part[key] for key in part if key != NO_PARAMETERS})
    return used


def changed_parameters(used: Mapping[str, Any], default: Mapping[str, Any]) -> list[Changed]:
    """Those that differ from the default, by name.

    Args:
        used: see `used_parameters`.
        default: the content of the default params.yaml.
    """
    known = flattened(default)
    return [
        Changed(key, parameter_text(used[key]), parameter_text(known[key]))
        for key in sorted(used.keys() & known.keys())
        if used[key] != known[key]
    ]


def parameter_text(value: Any) -> str:
    """A parameter's value for readers, as params.yaml writes it."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
