"""Ten families of `transformers`, minute and random, through the stages: see tests.faults.families.

Their weights lie in several files. All fifty are `python -m tests.faults.families`.
"""

from pathlib import Path

import pytest

from tests.faults.families import through_stages

TEN = (
    "GPT2", "GPTNeoX", "OPT", "Llama", "Mistral", "Qwen2", "Qwen3", "Gemma", "Phi", "SmolLM3",
)  # fmt: skip


@pytest.mark.parametrize("family", TEN)
def test_texts_and_likelihoods_of_two_generations_are_the_librarys(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    through_stages(family, tmp_path, max_shard_size="30KB")
    assert len([*(tmp_path / "theirs").glob("model-*.safetensors")]) > 1
