"""Tokenizers: text comes back, every document has a start and an end, nothing else does."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors

from palimpsest.core.errors import CorpusError, ModelError
from palimpsest.lm.checkpoint import load_model_and_tokenizer
from palimpsest.lm.tokenizer import (
    END_OF_TEXT,
    Tokenizer,
    check_same_tokenizer,
    load_tokenizer,
    train_tokenizer,
)
from tests.lm.tiny import SHARED, TEXTS, VOCABULARY, saved, theirs, tokenizer

STORIES, GPT2 = SHARED / "tinystories-656k", SHARED / "gpt2-tokenizer"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared models here")


def words(folder, special=(), **config):
    """A folder with a tokenizer of seven words and the given special tokens."""
    vocabulary = {"<s>": 0, "</s>": 1, "<unk>": 2, "a": 3, "b": 4, "c": 5, "end": 6}
    backend = tokenizers.Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.add_special_tokens(list(special))
    folder.mkdir(exist_ok=True)
    backend.save(str(folder / "tokenizer.json"))
    if config:
        (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


@cache
def pieces():
    """A tokenizer like SentencePiece's: a mark for the space before a word, bytes where it must."""
    alphabet = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *"▁The foxcat"]
    merges = [("▁", "f"), ("▁f", "o"), ("▁fo", "x"), ("▁", "T"), ("h", "e"), ("▁T", "he")]
    listed = [*alphabet, *(first + second for first, second in merges)]
    vocabulary = {piece: at for at, piece in enumerate(dict.fromkeys(listed))}
    backend = tokenizers.Tokenizer(
        models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True)
    )
    backend.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    backend.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    backend.add_special_tokens(["<s>", "</s>"])
    backend.encode_special_tokens = True
    return Tokenizer(backend, start=1, end=2)


def behind(ours, prompt, ids):
    """The text of one prompt, and what ids add behind it."""
    starts, texts = ours.decode_behind([prompt], [ids])
    return starts[0], texts[0]


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_text_comes_back(text):
    assert tokenizer().decode(tokenizer().encode([text])) == [text]


def test_a_special_token_in_a_text_is_plain_text():
    text = f"before{END_OF_TEXT}after"
    (ids,) = tokenizer().encode([text])
    assert tokenizer().end not in ids
    assert tokenizer().decode([ids]) == [text]


def test_special_tokens_are_left_out_whatever_a_normalizer_makes_of_their_names(tmp_path):
    marks = [AddedToken(name, normalized=True, special=True) for name in ("<s>", "</s>")]
    folder = words(tmp_path, special=marks, bos_token="<s>", eos_token="</s>")
    backend = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    backend.normalizer = normalizers.Prepend("▁")
    backend.save(str(folder / "tokenizer.json"))
    ours = load_tokenizer(folder)
    assert ours.backend.decode([3, 1, 4], skip_special_tokens=True) == "a ▁</s> b"
    assert ours.decode([[3, 1, 4], [0], [0, 5, 1]]) == ["a b", "", "c"]


@pytest.mark.parametrize("tokens", [tokenizer, pieces])
def test_the_space_before_a_word_stays_behind_a_prompt(tokens):
    ours = tokens()
    prompt, longer = ours.encode(["The", "The fox"])
    new = longer[len(prompt) :]
    assert longer[: len(prompt)] == prompt
    # SentencePiece shows no space in front of a text's first word
    assert ours.decode([new]) == ["fox" if tokens is pieces else " fox"]
    assert behind(ours, prompt, new) == ("The", " fox")
    assert behind(ours, [], longer) == ("", "The fox")
    assert behind(ours, longer, []) == ("The fox", "")
    assert behind(ours, [ours.start, *prompt], [*new, ours.end]) == ("The", " fox")
    assert ours.decode_behind([], []) == ([], [])
    assert ours.decode_behind([prompt, []], [new, longer]) == (["The", ""], [" fox", "The fox"])


@pytest.mark.parametrize("tokens", [tokenizer, pieces])
@pytest.mark.parametrize("letter", ["é", "東", "🦊"])
def test_a_letter_that_the_prompt_begins_belongs_to_the_continuation(tokens, letter):
    ours = tokens()
    (ids,) = ours.encode([f"The {letter}x"])
    (before,) = ours.encode(["The "])
    for cut in range(len(before) + 1, len(before) + len(letter.encode())):
        assert ours.decode([ids[:cut]])[0].endswith("\ufffd")
        assert behind(ours, ids[:cut], ids[cut:]) == ("The ", f"{letter}x")
    whole = len(before) + len(letter.encode())
    assert behind(ours, ids[:whole], ids[whole:]) == (f"The {letter}", "x")


def test_a_letter_that_is_never_ended_stays_with_the_prompt():
    (ids,) = tokenizer().encode(["The é"])
    assert behind(tokenizer(), ids[:-1], tokenizer().encode([" fox"])[0]) == ("The \ufffd", " fox")
    assert behind(tokenizer(), ids[:-1], []) == ("The \ufffd", "")


def test_a_continuation_that_spoils_the_letter_before_it_leaves_the_prompt_alone():
    # byte pieces are decoded together: é and half a letter are three wrong bytes
    whole, half = pieces().encode(["é"])[0], pieces().encode(["東"])[0][1:2]
    assert pieces().decode([[*whole, *half]]) == ["\ufffd" * 3]
    assert behind(pieces(), whole, half) == ("é", "\ufffd")


@pytest.mark.parametrize("tokens", [tokenizer, pieces])
@settings(deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"])), share=st.floats(0, 1))
def test_prompt_and_continuation_are_the_whole(tokens, text, share):
    ours = tokens()
    text = text.replace("▁", " ")  # SentencePiece's own mark is a space to it
    (ids,) = ours.encode([text])
    cut = round(share * len(ids))
    start, rest = behind(ours, ids[:cut], ids[cut:])
    assert start + rest == text
    (shown,) = ours.decode([ids[:cut]])
    assert start in (shown, shown.rstrip("\ufffd"))


@settings(deadline=None)
@given(st.lists(st.integers(0, 299), max_size=12), st.lists(st.integers(0, 299), max_size=12))
def test_so_they_are_for_whatever_a_model_writes(prompt, ids):
    start, rest = behind(tokenizer(), prompt, ids)
    assert start + rest == tokenizer().decode([[*prompt, *ids]])[0]
    (shown,) = tokenizer().decode([prompt])
    assert start in (shown, shown.rstrip("\ufffd"))


@pytest.mark.parametrize("tokens", [tokenizer, pieces])
def test_continued_documents_and_the_tokens_of_their_prompts_by_hand(tokens):
    ours = tokens()
    prompts, texts = ["The", "The f", "", "The fox", "The "], [" fox", "ox", "cat", "", "é"]
    documents, given = ours.continued(prompts, texts)
    assert documents == ours.documents(["The fox", "The fox", "cat", "The fox", "The é"])
    # The|_fox; The_f|ox, of whose second token a part is in the text; |cat; The_fox|; The_|é
    assert given == [1, 1, 0, 2, 2]
    assert ours.continued([], []) == ([], [])


def test_documents_begin_and_end():
    ours = tokenizer()
    assert ours.start == ours.end == ours.backend.token_to_id(END_OF_TEXT)
    (ids,) = ours.encode(["The fox"])
    assert ours.documents(["The fox", ""]) == [[ours.end, *ids, ours.end], [ours.end, ours.end]]
    assert ours.decode(ours.documents(["The fox", ""])) == ["The fox", ""]


def test_counts_by_hand(tmp_path):
    ours = load_tokenizer(words(tmp_path, bos_token="<s>", eos_token="</s>"))
    counts = ours.counts(["a b a", "", "c a what"])
    assert counts.tolist() == [0, 0, 1, 3, 1, 1, 0]
    assert ours.counts([]).tolist() == [0] * ours.size == [0] * 7


def test_training_fills_the_vocabulary_and_is_deterministic():
    ours = train_tokenizer(TEXTS, 290)
    assert ours.size == 290
    assert ours.backend.to_str() == train_tokenizer(TEXTS, 290).backend.to_str()
    (short,), (long,) = ours.encode(["number"]), train_tokenizer(TEXTS, 257).encode(["number"])
    assert len(short) < len(long) == 6


def test_too_little_text_for_the_vocabulary():
    with pytest.raises(
        CorpusError, match=r"^model.vocabulary: want at most the 259 types that.*, got 500"
    ):
        train_tokenizer(["ab ab ab"], 500)


def test_what_was_saved_is_what_is_loaded(tmp_path):
    from transformers import AutoTokenizer

    tokenizer().save(tmp_path)
    first, again = tokenizer(), load_tokenizer(tmp_path)
    assert (again.start, again.end, again.size) == (first.start, first.end, first.size)
    assert again.encode([*TEXTS, END_OF_TEXT]) == tokenizer().encode([*TEXTS, END_OF_TEXT])
    theirs = AutoTokenizer.from_pretrained(str(tmp_path))
    assert theirs(TEXTS).input_ids == tokenizer().encode(TEXTS)
    assert (theirs.bos_token, theirs.eos_token) == (END_OF_TEXT, END_OF_TEXT)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    again.save(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


@pytest.mark.parametrize(
    "name", ["tokenizer_config.json", "special_tokens_map.json", "generation_config.json", "config"]
)
def test_start_and_end_from_any_file_that_names_them(name, tmp_path):
    folder = words(tmp_path, special=["<s>", "</s>"])
    if name == "tokenizer_config.json":
        content = {"bos_token": {"content": "<s>"}, "eos_token": "</s>"}
    elif name == "special_tokens_map.json":
        content = {"bos_token": "<s>", "eos_token": {"content": "</s>"}}
    elif name == "config":
        name, content = "config.json", {"bos_token_id": 0, "eos_token_id": 1}
    else:
        content = {"bos_token_id": 0, "eos_token_id": [1, 6]}
    (folder / name).write_text(json.dumps(content))
    ours = load_tokenizer(folder)
    assert (ours.start, ours.end) == (0, 1)


@pytest.mark.parametrize("name", ["generation_config.json", "config.json"])
def test_a_default_id_of_an_ordinary_word_neither_starts_nor_ends_a_text(name, tmp_path):
    folder = words(tmp_path)
    (folder / name).write_text(json.dumps({"bos_token_id": 0, "eos_token_id": 1}))
    with pytest.raises(ModelError, match="want an end-of-text token"):
        load_tokenizer(folder)


def test_added_tokens_beyond_the_model_harm_only_the_text_that_uses_them(tmp_path):
    folder = saved(theirs("gpt2"), tmp_path)
    backend = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    backend.add_tokens(["heronheron"])
    backend.save(str(folder / "tokenizer.json"))
    _, ours = load_model_and_tokenizer(folder, device="cpu")
    assert ours.size == VOCABULARY
    assert ours.encode(TEXTS) == tokenizer().encode(TEXTS)
    with pytest.raises(ModelError, match=r"token types below 300, .* got 300 \('heronheron'\)"):
        ours.encode(["a heronheron"])


def test_without_a_start_the_end_serves_as_both(tmp_path):
    ours = load_tokenizer(words(tmp_path, bos_token=None, eos_token="</s>"))
    assert (ours.start, ours.end) == (1, 1)


def test_end_of_text_needs_no_config(tmp_path):
    ours = load_tokenizer(words(tmp_path, special=[END_OF_TEXT]))
    assert ours.start == ours.end == 7


@pytest.mark.parametrize(
    "config", [{}, {"eos_token": "<none>"}, {"eos_token": None}, {"bos_token": "<s>"}]
)
def test_no_end_of_text_is_an_error(config, tmp_path):
    with pytest.raises(ModelError, match=r"tokenizer: want an end-of-text token \(eos_token in t"):
        load_tokenizer(words(tmp_path, **config))


def test_an_end_outside_of_the_vocabulary_is_none(tmp_path):
    folder = words(tmp_path)
    (folder / "config.json").write_text(json.dumps({"eos_token_id": 99}))
    with pytest.raises(ModelError, match="want an end-of-text token"):
        load_tokenizer(folder)


def test_a_files_padding_truncation_and_additions_are_ignored(tmp_path):
    folder = words(tmp_path, eos_token="</s>", bos_token="<s>")
    backend = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    backend.enable_padding(length=9)
    backend.enable_truncation(2)
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    backend.save(str(folder / "tokenizer.json"))
    assert load_tokenizer(folder).encode(["a b c"]) == [[3, 4, 5]]


def test_an_older_format_is_converted(tmp_path):
    tokenizer().backend.model.save(str(tmp_path))
    config = {"tokenizer_class": "GPT2Tokenizer", "eos_token": END_OF_TEXT}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    assert not (tmp_path / "tokenizer.json").exists()
    ours = load_tokenizer(tmp_path)
    assert ours.encode(TEXTS) == tokenizer().encode(TEXTS)
    assert ours.end == tokenizer().end


def test_no_folder_and_no_tokenizer(tmp_path):
    with pytest.raises(ModelError, match="nowhere: want a folder with a tokenizer, got no such"):
        load_tokenizer(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=f"{tmp_path.name}: want a tokenizer, got ") as caught:
        load_tokenizer(tmp_path)
    assert "\n" not in str(caught.value)


def test_damaged_files(tmp_path):
    folder = words(tmp_path, eos_token="</s>")
    (folder / "tokenizer_config.json").write_text("{")
    with pytest.raises(ModelError, match=r"tokenizer_config\.json: want valid JSON, got"):
        load_tokenizer(folder)
    (folder / "tokenizer.json").write_text('{"version": ')
    with pytest.raises(ModelError, match=r"tokenizer\.json: want a tokenizer, got"):
        load_tokenizer(folder)


@needs_shared
def test_real_tokenizers():
    story, gpt2 = load_tokenizer(STORIES), load_tokenizer(GPT2)
    assert (story.start, story.end, story.size) == (1, 2, 2048)
    assert gpt2.start == gpt2.end == 50256
    assert gpt2.encode(["Hello world"]) == [[15496, 995]]
    for ours in (story, gpt2):
        assert ours.decode(ours.encode(TEXTS)) == TEXTS


def test_frequent_words_by_hand():
    texts = ["Ġthe", "▁of", "Ġcity", "the", "Ġ", "Ġ42", "Ġx.", ".", "<end>", "Ġrare"]
    vocabulary = {text: at for at, text in enumerate(texts)}
    backend = tokenizers.Tokenizer(models.WordLevel(vocabulary, "<end>"))
    known = Tokenizer(backend, start=8, end=8)
    counts = np.array([3, 7, 3, 9, 9, 9, 9, 9, 9, 0])
    assert known.frequent_words(counts, 10).tolist() == [1, 0, 2]
    assert known.frequent_words(counts, 2).tolist() == [1, 0]
    assert known.frequent_words(counts[:2], 10).tolist() == [1, 0]
    assert known.frequent_words(0 * counts, 10).tolist() == []


def test_tokenizers_that_cut_otherwise_are_not_the_same(tmp_path):
    first = train_tokenizer(TEXTS, 300)
    here, there = tmp_path / "a", tmp_path / "b"
    here.mkdir()
    first.save(here)
    check_same_tokenizer(load_tokenizer(here), first, here, there)
    with pytest.raises(ModelError, match=r"want the vocabulary and rules of .*300 types.*290 ty"):
        check_same_tokenizer(train_tokenizer(TEXTS, 290), first, here, there)
    reversed_ = train_tokenizer([text[::-1] for text in TEXTS], 300)  # of the same size
    with pytest.raises(ModelError, match=r"a: tokenizer: want the vocabulary and rules of .*300"):
        check_same_tokenizer(reversed_, first, here, there)
    other = replace(first, start=first.end + 1)
    with pytest.raises(ModelError, match=r"want start and end 0 and 0, as in .*b, got 1 and 0"):
        check_same_tokenizer(other, first, here, there)


def test_a_tokenizer_that_panics_while_it_encodes_is_one_line():
    class Panic(BaseException):
        """As `tokenizers` raises where its Rust code panics."""

    class Backend:
        def encode_batch_fast(self, texts, add_special_tokens):
            raise Panic("index out of bounds")

    with pytest.raises(ModelError, match=r"the tokenizer: want one whose parts fit .* got index"):
        Tokenizer(Backend(), 0, 0).encode(["a"])


def with_marks():
    """The tests' tokenizer with the marks of a conversation, one of them as its end."""
    backend = tokenizers.Tokenizer.from_str(tokenizer().backend.to_str())
    backend.add_special_tokens(["<|user|>", "<|done|>"])
    backend.add_tokens(["plain"])
    return Tokenizer(backend, start=tokenizer().start, end=backend.token_to_id("<|done|>"))


def test_another_start_and_end_of_a_document():
    words = with_marks()
    user, done = (words.backend.token_to_id(mark) for mark in ("<|user|>", "<|done|>"))
    assert words.between(None, None) == words
    changed = words.between("<|user|>", END_OF_TEXT)
    assert (changed.start, changed.end) == (user, tokenizer().end)
    assert changed.documents(["a b"])[0] == [user, *words.encode(["a b"])[0], tokenizer().end]
    same = words.between("<|done|>", None)
    assert (same.start, same.end) == (done, done)


@pytest.mark.parametrize("token", ["<|nothing|>", "plain", "the", "", "<|user|", "0"])
@pytest.mark.parametrize("name", ["start", "end"])
def test_a_mark_that_the_tokenizer_does_not_have_is_refused(name, token):
    marks = {"start": None, "end": None, name: token}
    message = (
        rf"^model\.{name}_token: want a special token of the tokenizer \(.*<\|user\|>, <\|done"
    )
    with pytest.raises(ModelError, match=message) as said:
        with_marks().between(**marks)
    assert repr(token) in str(said.value)
