"""What a chain will need is said before it runs, in sizes that people read."""

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from palimpsest.core.disk_space import (
    amount,
    need_of_a_generation,
    need_of_chain,
    need_of_models,
    warn_of_need,
)
from palimpsest.core.storage import write_texts


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0.0 kB"), (999, "1.0 kB"), (12_345, "12 kB"), (999_499, "999 kB"),
        (999_500, "1.0 MB"), (4_100_825, "4.1 MB"), (9_960_000, "10 MB"), (60.4e9, "60 GB"),
        (2.5e12, "2,500 GB"),
    ],
)  # fmt: skip
def test_amounts_are_read_at_a_glance(count: float, said: str) -> None:
    assert amount(count) == said


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """What `prepare` leaves: a model of 1,000 bytes and 4 texts of 10."""
    for name in ("models/base", "data/texts/g00", "data/human"):
        (tmp_path / name).mkdir(parents=True)
    config = json.dumps({"n_embd": 8, "vocab_size": 100})
    (tmp_path / "models/base/config.json").write_text(config)
    (tmp_path / "models/base/model.safetensors").write_bytes(bytes(1000 - len(config)))
    for name in ("texts", "training"):
        (tmp_path / f"data/texts/g00/{name}.jsonl").write_text('{"text":1}\n' * 4)
    write_texts(tmp_path / "data/human/heldout.jsonl", ["a"] * 3)
    write_texts(tmp_path / "data/human/null.jsonl", ["a"] * 12)
    return tmp_path


def folders(root: Path) -> tuple[Path, Path, Path]:
    return root / "models/base", root / "data/texts/g00", root / "data/human"


def test_each_part_is_added_up(prepared: Path) -> None:
    need = need_of_a_generation(*folders(prepared))
    assert need.model == 1000
    assert need.texts == 2 * 44 + 2500
    vectors, likelihoods = 4 * 384 * 4, 8 * (4 * 4 + 5 * 3)
    states, scores = 4 * 8 * 175, 25_000 + 8 * 3 * 4
    assert need.embeddings == vectors + likelihoods + states + scores
    assert need.first == 12 * (4 * 384 + 16) + 44
    assert need.generation == need.model + need.texts + need.embeddings


def test_weights_that_are_saved_short_take_half_the_room(prepared: Path) -> None:
    config = (prepared / "models/base/config.json").stat().st_size
    long, short = (
        need_of_a_generation(*folders(prepared), dtype) for dtype in ("float32", "bfloat16")
    )
    assert short.model == config + (1000 - config) // 2
    assert long.generation - short.generation == 1000 - short.model
    assert short.while_training == long.while_training == 6000  # it is trained in float32
    said = need_of_chain(prepared, 20, "bfloat16")
    assert said is not None
    assert said.startswith("20 generations × ")
    assert said != need_of_chain(prepared, 20)


def test_of_models_that_are_dropped_only_those_at_once_count(prepared: Path) -> None:
    every, some = need_of_chain(prepared, 20), need_of_chain(prepared, 20, at_once=8)
    assert every == need_of_chain(prepared, 20, at_once=20)
    assert some is not None
    # 40.7 kB a generation, of which 1.0 are its model
    assert some.startswith(
        "20 generations × 40 kB and 8 models at once × 1.0 kB = 802 kB, as much again in DVC's cac"
    )


def test_before_prepare_the_models_are_told_of_a_folder(tmp_path: Path) -> None:
    source = tmp_path / "model"
    source.mkdir()
    save_file({"a": np.ones((1000, 100), np.float32)}, source / "model-00001-of-00002.safetensors")
    save_file({"b": np.ones(25_000, np.float16)}, source / "model-00002-of-00002.safetensors")
    said = need_of_models(tmp_path, source, 41, "bfloat16")
    assert said is not None
    assert said.startswith(
        "models of 41 generations × 250 kB and the first one: 11 MB, as much again in DVC's cache, "
        "3.0 MB while one is trained; "
    )
    long = need_of_models(tmp_path, source, 41, "float32")
    assert long is not None
    assert "× 500 kB and the first one: 21 MB" in long
    few = need_of_models(tmp_path, source, 41, "float32", 11)
    assert few is not None
    assert few.startswith(
        "models of 41 generations, 11 at once × 500 kB and the first one: 6.0 MB, as much again"
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"\xff" * 8, (9).to_bytes(8, "little") + b"[1, 2, 3]",
     (8).to_bytes(8, "little") + b'{"a": 1}', (11).to_bytes(8, "little") + b'{"a": {}}  ',
     (2).to_bytes(8, "little") + b"{}"],
)  # fmt: skip
def test_of_what_is_no_model_nothing_is_known(tmp_path: Path, content: bytes) -> None:
    assert need_of_models(tmp_path, tmp_path / "none", 3, "float32") is None
    assert need_of_models(tmp_path, tmp_path, 3, "float32") is None
    (tmp_path / "model.safetensors").write_bytes(content)
    assert need_of_models(tmp_path, tmp_path, 3, "float32") is None


@pytest.mark.parametrize(
    ("free", "level"), [(10**12, logging.INFO), (10**4, logging.WARNING)], ids=["room", "none"]
)
def test_too_little_room_is_a_warning(
    prepared: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    free: int,
    level: int,
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(free, 0, free))  # type: ignore[attr-defined]
    with caplog.at_level(logging.INFO):
        warn_of_need(*folders(prepared))
    (record,) = caplog.records
    assert record.levelno == level
    said = record.getMessage()
    assert said.startswith("each generation needs about 41 kB (model 1.0 kB, embeddings 37 kB, tex")
    assert f"generation 0 needs 19 kB more; {amount(free)} are free" in said
    assert ("too little" in said) == (level == logging.WARNING)


def test_a_chain_is_told_in_all(prepared: Path) -> None:
    said = need_of_chain(prepared, 20)
    assert said is not None
    assert said.startswith("20 generations × 41 kB = 814 kB, as much again in DVC's cache; ")


@pytest.mark.parametrize("path", ["models/base/config.json", "data/human/null.jsonl", "data/texts"])
def test_before_prepare_nothing_is_known(prepared: Path, path: str) -> None:
    target = prepared / path
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    assert need_of_chain(prepared, 20) is None
    (prepared / "models/base/config.json").write_text("no JSON")
    assert need_of_chain(prepared, 20) is None
