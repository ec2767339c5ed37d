"""Every family of `transformers` through the stages, two generations of 20 texts each.

    python -m tests.faults.families

A minute random model of each family (`tests.lm.architectures`) goes through prepare, finetune and
embed as generation 0, and through generate, finetune and embed as generation 1. Then the folder
that finetune wrote is read by `transformers` itself: its greedy texts must be those that the stage
wrote, and its loss on the held-out texts the one that embed found. Exits with 1 if a family fails.
"""

import argparse
import contextlib
import io
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from palimpsest.core.storage import read_arrays, read_rows, read_texts
from palimpsest.lm.tokenizer import load_tokenizer
from tests.lm.architectures import FAMILIES, random_model
from tests.lm.tiny import saved
from tests.stages.conftest import run_stages
from tests.tiny import tiny_params, turn

STAGES = (
    ("prepare", "g00"), ("finetune", "g00"), ("embed", "g00"),
    ("generate", "g01"), ("finetune", "g01"), ("embed", "g01"),
)  # fmt: skip
PARAMETERS = {
    "generate.strategy": "greedy",
    "generate.prompts": ["The city", "A river of", "It is"],
    "generate.padding": "left",
    "generate.max_new_tokens": 12,
    "generate.stop_at_end": False,
    "generate.repetition_penalty": 1.0,
    "corpus.heldout": 5,
    "embed.encoder.max_tokens": 16,
}
TOLERANCE = 1e-4
"""Of a text's loss, relative: sums of float32 in another order."""


def through_stages(family: str, root: Path, **options: Any) -> None:
    """Runs the stages in an empty folder; AssertionError if they say other than the library.

    Args:
        family: its name in `FAMILIES`.
        root: the folder.
        **options: of `save_pretrained`.
    """
    saved(random_model(family), root / "theirs", **options)
    params = tiny_params()
    for key, value in {**PARAMETERS, "model.source": str(root / "theirs")}.items():
        turn(params, key, value)
    run_stages(root, params, STAGES)
    tokenizer = load_tokenizer(root / "models/g00")
    library = type(random_model(family))
    model = library.from_pretrained(str(root / "models/g00")).eval()
    rows = read_rows(root / "data/texts/g01/texts.jsonl")
    assert len(rows) == 20
    for row in rows[:3]:
        ids = [tokenizer.start, *tokenizer.encode([row["prompt"]])[0]]
        prompt = len(ids)
        for _ in range(PARAMETERS["generate.max_new_tokens"]):  # type: ignore[call-overload]
            scores = scores_of(model, ids)[-1]
            scores[tokenizer.end] = -torch.inf
            ids.append(int(scores.argmax()))
        (_, (text,)) = tokenizer.decode_behind([ids[1:prompt]], [ids[prompt:]])
        assert row["text"] == text, f"{row['text']!r} where transformers writes {text!r}"
    found = read_arrays(root / "data/embeddings/g00/likelihood.npz")["heldout_nll"]
    heldout = read_texts(root / "data/human/heldout.jsonl")
    expected = [loss(model, ids) for ids in tokenizer.documents(heldout)]
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE)


@torch.no_grad()
def scores_of(model: torch.nn.Module, ids: list[int]) -> torch.Tensor:
    """Scores behind each token, (T, V), without a cache."""
    scores: torch.Tensor = model(torch.tensor([ids]), use_cache=False).logits[0].float()
    return scores


def loss(model: torch.nn.Module, ids: list[int], context: int = 64) -> float:
    """Summed loss in nats, in rows of the context's length that share a token."""
    total = 0.0
    for begin in range(0, len(ids) - 1, context - 1):
        row = ids[begin : begin + context]
        logp = scores_of(model, row[:-1]).log_softmax(dim=1)
        total -= float(logp.gather(1, torch.tensor(row[1:])[:, None]).sum())
    return total


def main() -> None:
    """Runs the families and prints how many came through."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="families; all by default")
    names = parser.parse_args().names or [*FAMILIES]
    failed, here = [], Path.cwd()
    for name in names:
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                with contextlib.redirect_stderr(io.StringIO()):
                    through_stages(name, Path(folder))
                said = "as transformers"
            except Exception as error:  # whatever a stage or the library says
                failed.append(name)
                said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            os.chdir(here)
        print(f"{name}: {said} ({time.monotonic() - start:.0f} s)", flush=True)
    print(f"{len(names) - len(failed)} of {len(names)} families: as transformers")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
