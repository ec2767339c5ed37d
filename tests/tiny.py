"""A chain so small that all of it runs in seconds: its params, and single parameters turned."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
TINY: dict[str, Any] = {
    "corpus": {"train": 40, "heldout": 10, "null_pool": 60, "reserve": 40},
    "corpus.world": {"entities": 10},
    "model": {"vocabulary": 300, "layers": 1, "heads": 2, "width": 16, "context": 64},
    "pretrain": {"steps": 6, "epochs": None, "block_tokens": 64, "batch_size": 8},
    "finetune": {"steps": 6, "epochs": None, "block_tokens": 64, "batch_size": 8},
    "generate": {"documents": 20, "max_new_tokens": 40, "batch_size": 20},
    "witness": {"prompts": ["The city of", "The river"]},
    "compute": {"threads": 1, "portable": False},  # the tests have loaded numpy already
    "score": {"words": 100, "half_samples": 4, "null_samples": 2},
}


def tiny_params() -> dict[str, Any]:
    """The tracked params.yaml, made small."""
    params: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    for section, values in TINY.items():
        for key, value in values.items():
            turn(params, f"{section}.{key}", value)
    return params


def turn(params: dict[str, Any], key: str, value: Any) -> None:
    """Sets a dotted key."""
    *path, last = key.split(".")
    node = params
    for part in path:
        node = node[part]
    node[last] = value


def drop(params: dict[str, Any], key: str) -> None:
    """Takes a dotted key away."""
    *path, last = key.split(".")
    node = params
    for part in path:
        node = node[part]
    del node[last]


def chain_text(last: int) -> str:
    """A chain.yaml of generations 0 to `last`, which may be 0."""
    # it loads numpy: not before a stage has settled how it computes
    from palimpsest.experiments.project import transitions

    whole = transitions(max(last, 1))
    return yaml.safe_dump(
        {"transitions": {name: dict(whole[name]) for name in [*whole][: last + 1]}}
    )


def write_params(path: Path, params: dict[str, Any]) -> None:
    """Writes a params.yaml."""
    path.write_text(yaml.safe_dump(params, sort_keys=False))
