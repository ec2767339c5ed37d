"""What finished generations say of those to come."""

from pathlib import Path

from palimpsest.experiments.expected import in_words, of_finished
from palimpsest.experiments.watching import watched
from tests.experiments.watched_project import SECONDS, Chain


def test_nothing_is_said_before_a_generation_behind_the_first_is_done(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 3)
    chain.generation("g00")
    assert of_finished(watched(tmp_path, chain.now)) is None
    chain.stage("generate", "g01")
    assert of_finished(watched(tmp_path, chain.now)) is None


def test_times_are_the_middle_ones_and_memory_the_most(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 3)
    for number in range(4):
        chain.generation(f"g{number:02d}")
    for name, seconds, peak in (("g01", 3.0, 7_000), ("g02", 300.0, 9_000), ("g03", 4.0, None)):
        chain.note("finetune", name, seconds=seconds, peak_bytes=peak)
    chain.note("finetune", "g00", seconds=1e6, peak_bytes=10**9)  # another kind of training
    found = of_finished(watched(tmp_path, chain.now))
    assert found is not None
    assert found.generations == 3
    assert found.seconds == {**SECONDS, "finetune": 4.0}
    assert found.peak_bytes == {"finetune": 9_000}


def test_times_in_words() -> None:
    assert in_words({"generate": 60.0, "embed": 5.0}) == "1 min 5 s (generate 1 min, embed 5 s)"
