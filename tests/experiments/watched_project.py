"""A project as DVC leaves it while a chain is computed: locks, scorecards, notes of the stages."""

import json
import os
from pathlib import Path
from typing import Any

import yaml

from palimpsest.core.activity import STAGES
from palimpsest.experiments.project import chain_yaml
from tests.trajectory.chains import rich

BEGAN = 1_800_000_000.0
"""When the first stage began, in seconds since 1970."""
SECONDS = {"generate": 10.0, "finetune": 20.0, "embed": 5.0, "score": 5.0}
GENERATION = sum(SECONDS.values())


def md5(*parts: object) -> str:
    return f"{abs(hash(parts)) % 16**32:032x}"[-32:]


def item(path: str, version: object) -> dict[str, object]:
    return {"path": path, "hash": "md5", "md5": f"{md5(path, version)}.dir", "size": 1, "nfiles": 1}


class Chain:
    """Writes what the stages of a chain leave, without running them."""

    def __init__(self, root: Path, last: int, control: bool = False) -> None:
        self.root, self.now = root, BEGAN
        (root / ".dvc").mkdir(parents=True, exist_ok=True)
        (root / "dvc.yaml").write_text("stages: {}\n")
        (root / "chain.yaml").write_text(chain_yaml(last, control))
        (root / "params.yaml").write_text("seed: 0\ngenerate: {temperature: 0.9}\n")
        self.cards = rich(last + 1)

    def stage(self, stage: str, name: str, version: object = 0, **more: Any) -> None:
        """The lock of a stage that ran, and its note."""
        number, letter = int(name[1:]), name[0]
        before = "g00" if number == 1 else f"{letter}{number - 1:02d}"
        deps = [item(f"models/{before}", version)] if number and stage == "generate" else []
        parts = ["generate", "finetune", "embed", "score"]
        at = parts.index(stage)
        if at > (number == 0):
            deps.append(item(f"{self.out(parts[at - 1], name)}", version))
        entry = {
            "cmd": f"python -m stages.{stage}",
            "deps": deps,
            "params": {"params.yaml": {"seed": 0, "generate": {"temperature": 0.9}}},
            "outs": [item(self.out(stage, name), version)],
        }
        path = self.root / "generations" / name / "dvc.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = (
            yaml.safe_load(path.read_text()) if path.exists() else {"schema": "2.0", "stages": {}}
        )
        lock["stages"][stage] = entry
        path.write_text(yaml.safe_dump(lock))
        self.note(stage, name, **{"seconds": SECONDS[stage], **more})
        self.now += SECONDS[stage]

    def note(self, stage: str, name: str, **more: Any) -> None:
        """What a stage notes of itself."""
        folder = self.root / STAGES
        folder.mkdir(parents=True, exist_ok=True)
        content = {"stage": stage, "name": name, "pid": os.getpid(), "began": self.now, **more}
        (folder / f"{stage}-{name}.json").write_text(json.dumps(content))

    def out(self, stage: str, name: str) -> str:
        """Where a stage's output lies."""
        folders = {"generate": "data/texts", "finetune": "models", "embed": "data/embeddings"}
        return f"{folders.get(stage, 'data/scores')}/{name}"

    def generation(self, name: str, version: object = 0) -> None:
        """All stages of a generation, and its scorecard."""
        for stage in SECONDS:
            if name != "g00" or stage != "generate":
                self.stage(stage, name, version)
        self.scorecard(name)

    def scorecard(self, name: str) -> None:
        """That of a generation."""
        path = self.root / "data" / "scores" / name / "scorecard.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.cards[int(name[1:])]))
