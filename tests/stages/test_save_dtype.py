"""A chain that keeps its weights in bfloat16: half the room, and what reads them is the same."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

from palimpsest.core.storage import read_arrays, read_texts
from palimpsest.lm.checkpoint import load_model_and_tokenizer
from palimpsest.lm.scoring import likelihood
from tests.stages.conftest import run_stages
from tests.tiny import tiny_params, turn

STAGES = (
    ("prepare", "g00"), ("finetune", "g00"), ("embed", "g00"),
    ("generate", "g01"), ("finetune", "g01"), ("embed", "g01"),
)  # fmt: skip


def chain(root: Path, **types: str) -> dict[str, Any]:
    root.mkdir()
    params = tiny_params()
    for section, dtype in types.items():
        turn(params, f"{section}.save_dtype", dtype)
    run_stages(root, params, STAGES)
    return params


def weights(root: Path, name: str) -> Any:
    return load_file(root / "models" / name / "model.safetensors")


def test_models_are_kept_short_where_it_is_asked_for(tmp_path: Path) -> None:
    long, short = tmp_path / "long", tmp_path / "short"
    chain(long)
    chain(short, finetune="bfloat16", pretrain="bfloat16")
    kinds = {
        (root.name, name): {str(weight.dtype) for weight in weights(root, name).values()}
        for root in (long, short)
        for name in ("base", "g00", "g01")
    }
    whole, half = {"torch.float32"}, {"torch.bfloat16"}
    assert [kinds["long", name] for name in ("base", "g00", "g01")] == [whole] * 3
    assert [kinds["short", name] for name in ("base", "g00", "g01")] == [whole, half, half]
    before, after = weights(long, "g00"), weights(short, "g00")
    assert all((after[name] == weight.bfloat16()).all() for name, weight in before.items())
    provenance = json.loads((short / "models/g01/provenance.json").read_text())
    assert provenance["parameters"]["finetune"]["save_dtype"] == "bfloat16"
    # what embed measured is the model that lies there
    heldout = read_texts(short / "data/human/heldout.jsonl")
    model, tokenizer = load_model_and_tokenizer(short / "models/g01", device="cpu")
    found = read_arrays(short / "data/embeddings/g01/likelihood.npz")["heldout_nll"]
    np.testing.assert_allclose(found, likelihood(model, tokenizer, heldout).nll_nats, rtol=1e-6)


@pytest.mark.parametrize("section", ["pretrain", "finetune"])
def test_each_section_says_it_for_its_own_models(section: str, tmp_path: Path) -> None:
    chain(tmp_path / "chain", **{section: "bfloat16"})
    kinds = [
        str(next(iter(weights(tmp_path / "chain", name).values())).dtype) for name in ("g00", "g01")
    ]
    expected = ["torch.float32", "torch.float32"]
    expected[section == "finetune"] = "torch.bfloat16"
    assert kinds == expected
