"""What documents begin with, human text cut alike, and what witness prompts are continued with."""

from functools import partial

import pytest

from palimpsest.core.errors import CorpusError
from palimpsest.core.parameters import WitnessParams
from palimpsest.core.rng import stream, uniforms
from palimpsest.lm.engines import NativeAuthor
from palimpsest.lm.generation import generate
from palimpsest.lm.prompts import continuations, human_columns, human_continuations, openings
from tests.lm.tiny import TEXTS, pair, sampling, tokenizer

NOISE = partial(uniforms, 7, "witness", 1)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return pair("gpt2", tmp_path_factory.mktemp("gpt2"), seed=3)[1]


def test_documents_begin_with_nothing_by_default():
    found = openings(sampling(documents=5), tokenizer(), TEXTS, stream(0, "prompts"))
    assert found == [[]] * 5


def test_listed_prompts_are_taken_in_turn():
    params = sampling(documents=5, prompts=["The fox", "A river"])
    fox, river = tokenizer().encode(["The fox", "A river"])
    found = openings(params, tokenizer(), TEXTS, stream(0, "prompts"))
    assert found == [fox, river, fox, river, fox]


def test_human_documents_are_cut_and_each_is_taken_once_before_any_again():
    params = sampling(documents=7, prompt_tokens=4)
    human = [*TEXTS[:3], "a"]
    assert len(tokenizer().encode(["a"])[0]) < 4
    found = openings(params, tokenizer(), human, stream(0, "prompts"))
    cut = [row[:4] for row in tokenizer().encode(TEXTS[:3])]
    assert sorted(found[:3]) == sorted(found[3:6]) == sorted(cut)
    assert found[6] == found[0]
    assert found == openings(params, tokenizer(), human, stream(0, "prompts"))
    many = sampling(documents=len(TEXTS), prompt_tokens=12)
    orders = [openings(many, tokenizer(), TEXTS, stream(seed, "prompts")) for seed in (0, 1)]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


def test_a_human_document_goes_on_behind_its_prompt():
    (ids,) = tokenizer().encode(["The fox"])
    params = sampling(documents=5, prompt_tokens=len(ids))
    human = ["The fox", "The foxa", "a"]
    assert len(tokenizer().encode(human)[1]) == len(ids) + 1
    assert openings(params, tokenizer(), human, stream(0, "prompts")) == [ids] * 5
    with pytest.raises(CorpusError, match=r"more than 2 tokens, got none among 2; lower it"):
        openings(params, tokenizer(), ["The fox", "a"], stream(0, "prompts"))


def test_no_human_document_is_long_enough():
    params = sampling(prompt_tokens=50)
    message = r"^generate\.prompt_tokens: want a human document of more than 50 tokens, got none am"
    with pytest.raises(CorpusError, match=rf"{message}ong 20; lower it"):
        openings(params, tokenizer(), TEXTS, stream(0, "prompts"))


def test_human_text_is_cut_alike_by_hand():
    # The| fox|a|b: prompts of one token, continuations of two; The has nothing behind it
    human = ["The foxab", "The", "The fox", "The foxa"]
    assert [len(row) for row in tokenizer().encode(human)] == [4, 1, 2, 3]
    prompts, texts = human_continuations(tokenizer(), human, (), 1, 2)
    assert prompts == ["The"] * 3
    assert texts == [" foxa", " fox", " foxa"]
    assert human_continuations(tokenizer(), human, (), 4, 2) == ([], [])
    assert human_continuations(tokenizer(), [], (), 1, 2) == ([], [])
    # without a prompt nothing is left out, and only what is too long is cut
    cut = ["The foxa", "The", "The fox", "The foxa"]
    assert human_continuations(tokenizer(), human, (), 0, 3) == ([""] * 4, cut)
    assert human_continuations(tokenizer(), human, (), 0, 4) == ([""] * 4, human)


def test_of_listed_prompts_human_text_has_as_many_tokens_cut_off_as_they_have():
    # The| fox|a|b: prompts of one and three tokens, two on average
    human = ["The foxab", "The fox", "The foxa"]
    prompts, texts = human_continuations(tokenizer(), human, ("The", "The foxa"), 0, 9)
    assert (prompts, texts) == (["The fox", "The fox"], ["ab", "a"])


@pytest.mark.parametrize("given", [0, 1, 5, 12])
@pytest.mark.parametrize("most", [1, 6, 100])
def test_cut_human_text_has_the_lengths_of_generated_text(given, most):
    rows = [row for row in tokenizer().encode(TEXTS) if len(row) > given]
    prompts, texts = human_continuations(tokenizer(), TEXTS, (), given, most)
    assert tokenizer().encode(prompts) == [row[:given] for row in rows]
    whole = [prompt + text for prompt, text in zip(prompts, texts, strict=True)]
    assert tokenizer().encode(whole) == [row[: given + most] for row in rows]
    assert len(rows) > 10


def test_continuations_hold_no_prompt(model):
    witness = WitnessParams(prompts=("The fox of the", "river", ""))
    params = sampling(max_new_tokens=9, stop_at_end=False)
    found = continuations(NativeAuthor(model, tokenizer()), witness, params, NOISE)
    prompts = tokenizer().encode(witness.prompts)
    expected = generate(model, tokenizer(), prompts, params, NOISE)
    assert len(found) == 3
    assert found == tokenizer().decode(expected)


def test_continuations_are_shorter_where_the_context_ends(model):
    text = " ".join(TEXTS[:9])
    (long,) = tokenizer().encode([text])
    prompt = tokenizer().decode([long[:58]])[0]
    (ids,) = tokenizer().encode([prompt])
    room = model.context - 1 - len(ids)
    assert 0 < room < 12
    params = sampling(max_new_tokens=12, stop_at_end=False)
    witness = WitnessParams(prompts=(prompt, "river"))
    found = continuations(NativeAuthor(model, tokenizer()), witness, params, NOISE)
    shorter = sampling(max_new_tokens=room, stop_at_end=False)
    expected = generate(model, tokenizer(), tokenizer().encode(witness.prompts), shorter, NOISE)
    assert [len(row) for row in expected] == [room, room]
    assert found == tokenizer().decode(expected)


def test_no_witness_prompts_ask_nothing(model):
    params = sampling()
    assert (
        continuations(NativeAuthor(model, tokenizer()), WitnessParams(prompts=()), params, NOISE)
        == []
    )


def test_the_end_of_a_document_is_not_written(model):
    witness = WitnessParams(prompts=("The fox",) * 8)
    found = continuations(NativeAuthor(model, tokenizer()), witness, sampling(), NOISE)
    assert len(set(found)) > 1
    assert not any("endoftext" in text for text in found)


PARTS = {"train": TEXTS[:3], "heldout": [*TEXTS[3:9], "a", ""], "reserve": TEXTS[9:11], "null": []}


def test_human_parts_are_written_as_they_are():
    columns = human_columns(tokenizer(), PARTS, 0)
    assert columns == {name: {"texts": PARTS[name]} for name in ("train", "heldout", "reserve")}


def test_held_out_documents_stand_behind_what_models_continue():
    columns = human_columns(tokenizer(), PARTS, 4)
    heldout = columns.pop("heldout")
    assert columns == {name: {"texts": PARTS[name]} for name in ("train", "reserve")}
    whole = [one + two for one, two in zip(heldout["prompt"], heldout["texts"], strict=True)]
    assert whole == TEXTS[3:9]  # the short ones are left out
    assert heldout["prompt"] == tokenizer().decode([r[:4] for r in tokenizer().encode(whole)])
    with pytest.raises(
        CorpusError, match=r"at least 5 held-out documents of more than 90 .*, got 0"
    ):
        human_columns(tokenizer(), PARTS, 90)
