"""Words of texts in many scripts, as their readers tell them apart; cuts of a text, in words."""

import unicodedata

import icu4py
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palimpsest.core.words import count_words, cut, normalised, segmentation, words

LANGUAGES = {
    "english": ("The cat didn't sit.", ["the", "cat", "didn't", "sit"]),
    "german": (
        "Die Straße, sagt Ödön, ist die Fußgängerzone.",
        ["die", "straße", "sagt", "ödön", "ist", "die", "fußgängerzone"],
    ),
    "french": ("L'été à Nîmes", ["l'été", "à", "nîmes"]),
    # the lower case of a dotted capital I is an i and a dot above, two characters
    "turkish": ("İyi akşamlar, ışık!", ["i\u0307yi", "akşamlar", "ışık"]),
    # vowel signs, the virama and the nukta belong to their letter
    "hindi": ("मैं हिन्दी बोलता हूँ।", ["मैं", "हिन्दी", "बोलता", "हूँ"]),
    "hindi, conjuncts": ("स्त्री और ज़मीन", ["स्त्री", "और", "ज़मीन"]),
    "arabic": ("السلام عليكم، يا صديقي", ["السلام", "عليكم", "يا", "صديقي"]),
    "arabic, vowelled": ("السَّلَامُ عَلَيْكُمْ", ["السَّلَامُ", "عَلَيْكُمْ"]),
    "hebrew": ("שלום עולם", ["שלום", "עולם"]),
    "hebrew, niqqud": ("שָׁלוֹם עוֹלָם", ["שָׁלוֹם", "עוֹלָם"]),
    "hebrew, gershayim": ("צה״ל וארה״ב", ["צה״ל", "וארה״ב"]),
    "korean": ("나는 학교에 간다.", ["나는", "학교에", "간다"]),
    # no spaces: "I eat rice", "the cat eats fish", "hello"
    "thai": (
        "ฉันกินข้าว แมวกินปลา สวัสดีครับ",
        ["ฉัน", "กิน", "ข้าว", "แมว", "กิน", "ปลา", "สวัสดี", "ครับ"],
    ),
    # "I love you" in both
    "khmer": ("ខ្ញុំស្រឡាញ់អ្នក", ["ខ្ញុំ", "ស្រឡាញ់", "អ្នក"]),
    "lao": ("ຂ້ອຍຮັກເຈົ້າ", ["ຂ້ອຍ", "ຮັກ", "ເຈົ້າ"]),
    # "I like to learn Chinese", "we learn"
    "chinese": ("我喜欢学习中文。我们学习。", ["我", "喜欢", "学习", "中文", "我们", "学习"]),
    # "I drink coffee": kanji, a particle in hiragana, a loanword in katakana
    "japanese": ("私はコーヒーを飲む。", ["私", "は", "コーヒー", "を", "飲む"]),
    "japanese, kanji and kana": ("今日は寒いです", ["今日", "は", "寒い", "です"]),
    "mixed": ("GPUで学習する Python 3", ["gpu", "で", "学習", "する", "python", "3"]),
}  # fmt: skip
"""A text and its words. Sentences of which every dictionary makes the same words."""


@pytest.mark.parametrize(("text", "expected"), LANGUAGES.values(), ids=LANGUAGES)
def test_words_are_those_of_the_language(text, expected):
    wanted = [normalised(word) for word in expected]
    assert words(text) == wanted
    assert count_words(text) == len(wanted)


@pytest.mark.parametrize(("text", "expected"), LANGUAGES.values(), ids=LANGUAGES)
def test_a_cut_ends_with_its_last_word(text, expected):
    for count in range(1, len(expected)):
        part = cut(text, count)
        assert normalised(text).startswith(part)
        assert part.lower().endswith(normalised(expected[count - 1]))
        assert words(part) == [normalised(word) for word in expected[:count]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("don't", ["don't"]),
        ("don\u2019t stop", ["don\u2019t", "stop"]),
        ("the dogs' 'tails'", ["the", "dogs", "tails"]),
        ("3.14 is not 1,000.5", ["3.14", "is", "not", "1,000.5"]),
        ("3. 14", ["3", "14"]),
        ("x2 and 2x", ["x2", "and", "2x"]),
        ("a well-known e-mail", ["a", "well", "known", "e", "mail"]),
        ("snake_case", ["snake_case"]),
        ("end.Start", ["end.start"]),  # as in a host's name
        ("one\u200btwo", ["one", "two"]),
        ("one\ttwo\nthree\u00a0four", ["one", "two", "three", "four"]),
        ("𐐀𐐁 𝒜", ["𐐨𐐩", "𝒜"]),  # letters of two UTF-16 units
    ],
)
def test_apostrophes_numbers_and_joints(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize(
    "text", ["", " \n\t", "…—!? ()", "😀😀 🎉", "👩\u200d👩\u200d👧 ❤\ufe0f 🇩🇪", "_"]
)
def test_what_has_no_letter_and_no_digit_has_no_word(text):
    assert words(text) == []
    assert count_words(text) == 0
    assert cut(text, 3) == text
    assert cut(text, 0) == ""


def test_emoji_stand_between_words_and_are_none():
    text = "one 😀 two👍🏽three"
    assert words(text) == ["one", "two", "three"]
    assert cut(text, 2) == "one 😀 two"


@pytest.mark.parametrize("text", ["Café à Ödön", "한국어를 배웁니다", "Việt Nam", "ज़मीन", "שָׁלוֹם"])
def test_two_encodings_of_a_letter_are_one(text):
    composed, apart = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert words(apart) == words(composed)
    assert normalised(apart) == normalised(composed) == composed
    assert cut(apart, 1) == cut(composed, 1)


def test_a_decomposed_letter_is_one_character_after_a_cut():
    assert words("cafe\u0301 noir") == ["caf\u00e9", "noir"]
    assert cut("cafe\u0301 noir", 1) == "caf\u00e9"


def test_half_a_character_stands_for_itself_and_is_no_word():
    assert normalised("a\ud83d\udc4db \udfff") == "a\ufffd\ufffdb \ufffd"
    assert words("one \ud83d two\udc00") == ["one", "two"]
    assert words("\ud800") == []
    assert cut("one \ud83d two", 1) == "one"
    cut("one \ud83d two\udc00", 2).encode()  # can be written


def test_a_cut_is_of_the_text_and_not_of_its_lower_case():
    """Each dotted capital I is longer by one character in lower case."""
    assert len("İ".lower()) == 2
    assert cut("İİİ büyük şehir", 1) == "İİİ"
    assert cut("İİİ büyük şehir", 2) == "İİİ büyük"
    assert cut("İSTANBUL, İZMİR, İZNİK!", 2) == "İSTANBUL, İZMİR"


def test_cuts_by_hand():
    text = "  One, two -- three.  "
    assert cut(text, -1) == cut(text, 0) == ""
    assert cut(text, 1) == "  One"
    assert cut(text, 2) == "  One, two"
    assert cut(text, 3) == "  One, two -- three"
    assert cut(text, 4) == text  # no more words: all of it
    assert cut("ฉันกินข้าว", 2) == "ฉันกิน"
    assert cut("私はコーヒーを飲む", 3) == "私はコーヒー"


OF_DICTIONARIES = "".join(
    map(chr, (*range(0x0E00, 0x0F00), *range(0x1000, 0x10A0), *range(0x1780, 0x1800),
              *range(0x19E0, 0x1A00), *range(0xA9E0, 0xAA00), *range(0xAA60, 0xAA80)))
)  # fmt: skip
"""Thai, Lao, Burmese, Khmer: ICU looks ahead for words, so where what follows is no word, what
comes before may be cut in another way. Real words of Thai are joined below."""
ANY = st.text(st.characters(exclude_categories=(), exclude_characters=OF_DICTIONARIES))
AWKWARD = st.text("aéİß'\u2019.,:-1\u0663 \n\u0301\u200d\u05d0\u05f4あアー漢字ก한😀🇩\ud83d𝒜_")
JOINED = {
    "thai": "ฉัน กิน ข้าว แมว ปลา รัก สวัสดี ครับ บ้าน ใหญ่ น้ำ",
    "japanese": "私 は 東京 に 日本語 を 勉強 する 学生 今日 寒い です コーヒー 飲む",
    "chinese": "我 喜欢 学习 中文 今天 天气 很 好 我们 在 北京 大学",
}
UNSPACED = st.sampled_from([*JOINED.values()]).flatmap(
    lambda line: st.lists(st.sampled_from(line.split())).map("".join)
)
TEXTS = st.one_of(ANY, AWKWARD, UNSPACED)


@given(TEXTS, st.integers(0, 8))
def test_a_cut_is_a_prefix_of_so_many_words(text, count):
    part = cut(text, count)
    assert normalised(text).startswith(part)
    assert words(part) == words(text)[:count]
    assert count_words(part) == min(count, count_words(text))


@given(TEXTS, st.integers(0, 8), st.integers(0, 8))
def test_a_cut_is_not_cut_again(text, count, more):
    part = cut(text, count)
    assert cut(part, count + more) == part
    assert normalised(part) == part


@given(TEXTS)
def test_nothing_is_cut_from_a_text_with_fewer_words(text):
    assert cut(text, count_words(text) + 1) == normalised(text)
    normalised(text).encode()  # can be written


@given(ANY)
def test_words_are_lower_cased_and_hold_a_letter_or_a_digit(text):
    for word in words(text):
        assert word == word.lower()
        assert any(character.isalnum() for character in word)


def test_what_cut_the_words_is_named():
    assert segmentation() == f"UAX #29 and dictionaries, ICU {icu4py.icu_version}"
    assert icu4py.icu_version.split(".")[0].isdigit()
