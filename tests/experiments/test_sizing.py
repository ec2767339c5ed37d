"""How many texts each part gets, for corpora of any size."""

import pytest

from palimpsest.core.errors import CorpusError, ParamsError
from palimpsest.experiments.sizing import (
    LEAST,
    Sizes,
    proposed_lengths,
    proposed_parameters,
    proposed_sizes,
    proposed_training,
)


@pytest.mark.parametrize(
    ("texts", "sizes"),
    [  # train, held out, of a generation, pool, reserve
        (150, Sizes(50, 20, 20, 60, 0)),
        (500, Sizes(200, 50, 25, 225, 0)),
        (5_000, Sizes(2_000, 500, 250, 2_250, 0)),
        (50_000, Sizes(28_500, 500, 500, 10_500, 10_000)),
    ],
)
def test_the_parts_of_some_corpora(texts: int, sizes: Sizes) -> None:
    assert proposed_sizes(texts, 20) == sizes


@pytest.mark.parametrize("control", [False, True])
@pytest.mark.parametrize("generations", [1, 5, 20, 100])
def test_whatever_the_number_the_parts_fit_and_are_large_enough(
    generations: int, control: bool
) -> None:
    wanted: list[tuple[int, int]] = []
    for texts in [*range(0, 3_000, 7), 10_000, 123_456, 2_000_000]:
        try:
            sizes = proposed_sizes(texts, generations, control)
        except CorpusError as error:
            wanted.append((texts, int(str(error).split(">= ")[1].split()[0])))
            continue
        assert sizes.whole <= texts
        assert sizes.train >= LEAST["train"]
        assert sizes.heldout >= LEAST["heldout"]
        assert sizes.documents >= LEAST["documents"]
        assert 3 * sizes.documents <= sizes.null_pool <= 21 * sizes.documents
        if control:
            assert sizes.reserve == generations * sizes.documents
    assert len(wanted) > 10
    assert all(texts < least for texts, least in wanted)


@pytest.mark.parametrize(
    ("texts", "generations", "control", "documents"),
    [(40, 20, False, None), (149, 20, False, None), (0, 1, False, None), (300, 20, True, None),
     (400, 20, False, 100), (1_000, 20, True, 50), (4_000, 20, False, 900)],
)  # fmt: skip
def test_the_number_that_an_error_wants_is_the_smallest_that_works(
    texts: int, generations: int, control: bool, documents: int | None
) -> None:
    with pytest.raises(CorpusError) as refused:
        proposed_sizes(texts, generations, control, documents)
    said = str(refused.value)
    least = int(said.split(">= ")[1].split()[0])
    assert f"got {texts}" in said
    assert "to train on" in said
    assert ("--no-null" in said) == control
    assert proposed_sizes(least, generations, control, documents).whole <= least
    with pytest.raises(CorpusError):
        proposed_sizes(least - 1, generations, control, documents)


def test_of_too_few_documents_no_metric_says_much() -> None:
    with pytest.raises(ParamsError, match=r"generate.documents: want >= 20, got 5; of fewer"):
        proposed_sizes(1_000, 20, documents=5)


def test_words_are_those_that_a_generation_has() -> None:
    sizes = Sizes(200, 50, 25, 225, 0)
    assert proposed_parameters(sizes, [80, 100, 900])["score.words"] == 2_000
    assert proposed_parameters(sizes, [1_000])["score.words"] == 10_000
    assert proposed_parameters(sizes, [])["score.words"] == 100
    found = proposed_parameters(sizes, [80])
    assert found["generate.documents"] == found["generate.batch_size"] == 25


@pytest.mark.parametrize(
    ("longest", "context", "row", "new"),
    [(100, 512, 102, 100), (900, 512, 512, 511), (2, 512, 10, 8)],
)
def test_lengths_hold_nearly_all_texts_and_fit_the_model(
    longest: int, context: int, row: int, new: int
) -> None:
    found = proposed_lengths([longest] * 20 + [10_000], context)
    assert found == {
        "pretrain.block_tokens": row, "finetune.block_tokens": row, "generate.max_new_tokens": new
    }  # fmt: skip


@pytest.mark.parametrize(("longest", "context"), [(40, 128), (126, 128), (200, 256), (9000, 512)])
def test_a_model_from_scratch_has_a_context_for_the_texts(longest: int, context: int) -> None:
    found = proposed_lengths([longest] * 30, None)
    assert found["model.context"] == context
    assert found["pretrain.block_tokens"] <= context
    assert found["generate.max_new_tokens"] < context


def test_a_model_from_scratch_learns_longer_and_a_large_one_more_slowly() -> None:
    sizes = Sizes(800, 50, 25, 225, 0)
    assert proposed_training(sizes, None) == {"pretrain.steps": 180, "pretrain.epochs": None}
    assert proposed_training(sizes, 656_000)["pretrain.learning_rate"] == 5e-4
    assert proposed_training(sizes, 135_000_000)["finetune.learning_rate"] == 5e-5
