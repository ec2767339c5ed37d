"""docs/scale.md: its estimate is what the script computes, its script and files can be read."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from benchmarks.estimate import (
    MODELS,
    Card,
    Experiment,
    Model,
    flops,
    forward_flops,
    hours,
    main,
    models_kept,
    read_tokens,
    table,
    trained_tokens,
    weights_bytes,
    writing_rate,
    written_tokens,
)
from tests.tiny import ROOT

PAGE = ROOT / "docs" / "scale.md"
EXAMPLES = ROOT / "docs" / "examples"
SMALL = Experiment(generations=2, seeds=3, documents=10, tokens=8, heldout=5, epochs=4)
TOY = Model("toy", weights=1000, layers=2, width=16, kv_width=4)
CARD = Card(flops=1e6, bandwidth=1e5, batch=10)


def test_tokens_by_hand() -> None:
    assert trained_tokens(SMALL) == 3 * 3 * 4 * 10 * 8
    assert written_tokens(SMALL) == 3 * 2 * 10 * 8
    assert read_tokens(SMALL) == 3 * 8 * (3 * 5 + 2 * 2 * 10)


def test_operations_by_hand() -> None:
    assert forward_flops(TOY, 8) == 2000 + 2 * 2 * 16 * 8
    assert flops(SMALL, TOY) == 2512 * (3 * 2880 + 480 + 1320)


def test_writing_waits_for_memory_or_for_products() -> None:
    # 2 × 1000 of weights, 10 caches of 2 × 2 × 2 × 4 × 8 / 2; at half of the rate
    assert writing_rate(TOY, CARD, 8) == pytest.approx(10 / ((2000 + 10 * 128) / 1e5 / 0.5))
    many = Card(flops=1e6, bandwidth=1e9, batch=10)
    assert writing_rate(TOY, many, 8) == pytest.approx(10 / (10 * 2512 / 1e6 / 0.5))


def test_hours_by_hand() -> None:
    found = hours(SMALL, TOY, CARD)
    assert found["finetune"] == pytest.approx(3 * 2512 * 2880 / 0.4e6 / 3600)
    assert found["embed"] == pytest.approx(2512 * 1320 / 0.4e6 / 3600)
    assert found["generate"] == pytest.approx(480 / writing_rate(TOY, CARD, 8) / 3600)


def test_models_that_are_kept_by_hand() -> None:
    assert [models_kept(Experiment(), every) for every in (1, 5, 3, 4, 99)] == [11, 3, 5, 4, 2]
    assert weights_bytes(SMALL, TOY, 1, 4) == 3 * 3 * 4 * 1000


def test_the_page_has_what_the_script_computes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "scale.md"
    shutil.copy(PAGE, page)
    main(["--write", str(page)])
    assert page.read_text() == PAGE.read_text()
    assert capsys.readouterr().out.strip() == table(Experiment(), Card())
    main(["--documents", "10"])
    assert "5.63e+05" in capsys.readouterr().out


def test_the_page_states_the_assumptions_of_the_script() -> None:
    text, card = PAGE.read_text(), Card()
    for value in (
        f"{card.flops / 1e12:.0f} TFLOP/s",
        f"{card.bandwidth / 1e12:.2f} TB/s",
        f"{100 * card.training_share:.0f} % of the products",
        f"{100 * card.writing_share:.0f} % of products",
        f"{card.batch} documents at a time",
        f"{Experiment().documents:,} documents of {Experiment().tokens} tokens",
        f"{Experiment().heldout:,} held-out",
    ):
        assert value in text
    assert card.training_share == card.reading_share
    assert Experiment().epochs == 2
    assert [model.name for model in MODELS] == ["1 B", "7 B"]


def test_the_slurm_script_can_be_read_by_bash() -> None:
    script = EXAMPLES / "slurm_array.sh"
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    said = subprocess.run(
        ["bash", str(script)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert said.returncode != 0
    assert "HUB: the git repository" in said.stderr


@pytest.mark.parametrize(("name", "machines"), [("one_node", 1), ("two_nodes", 2)])
def test_the_launchers_files_are_as_accelerate_reads_them(name: str, machines: int) -> None:
    config = pytest.importorskip("accelerate.commands.config.config_args")
    path = EXAMPLES / f"accelerate_{name}.yaml"
    read = config.load_config_from_file(str(path))
    content = yaml.safe_load(path.read_text())
    assert read.num_processes == content["num_processes"] == 8 * machines
    assert read.num_machines == machines


def test_every_file_that_the_page_names_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)", PAGE.read_text()):
        assert (PAGE.parent / target).exists(), target
