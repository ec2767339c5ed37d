"""A corpus with a pool and one without: integrity and null bands need it, nothing else does."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from palimpsest.core.storage import read_texts
from tests.stages.conftest import Project
from tests.tiny import turn


def scorecard(root: Path, name: str = "g00") -> dict[str, Any]:
    card: dict[str, Any] = json.loads((root / f"data/scores/{name}/scorecard.json").read_text())
    return card


def test_without_a_pool_there_is_no_integrity_and_no_band(project: Project) -> None:
    with_pool = scorecard(project.root)
    turn(project.params, "corpus.null_pool", 0)
    for stage in ("prepare", "finetune", "embed", "score"):
        project.run(stage, "g00")
    assert read_texts(project.root / "data/human/null.jsonl") == []
    assert len(np.load(project.root / "data/embeddings/g00/null.npy")) == 0
    card = scorecard(project.root)
    assert card["null"] == {}
    assert with_pool["null"].keys() > {"integrity", "volume", "distinct_2"}
    values, others = (
        {name for name, entry in one["metrics"].items() if entry["value"] is not None}
        for one in (card, with_pool)
    )
    assert others - values == {"integrity", "loss"}
    # all else is fitted on generation 0, which is what was published
    assert card["metrics"]["integrity_published"]["value"] == 1
    assert card["metrics"]["drift"]["value"] == 0


def test_generation_0_is_a_human_sample_among_others(project: Project) -> None:
    """It is held against the fit sample, and no more at its centre than a null sample."""
    card = scorecard(project.root)
    metrics, bands = card["metrics"], card["null"]
    assert metrics["drift"]["value"] > 0
    assert metrics["integrity_published"]["value"] == 1
    assert metrics["integrity"]["value"] != 1
    assert metrics["integrity"]["low"] < metrics["integrity"]["value"]
    for name in ("integrity", "volume", "drift", "dispersion"):
        assert bands[name]["samples"] == 2
        assert bands[name]["low"] <= metrics[name]["value"] <= bands[name]["high"], name
    # a pool of 60: a fit sample of 20, and two null samples without a common text
    texts = read_texts(project.root / "data/human/null.jsonl")
    assert len(texts) == 60
