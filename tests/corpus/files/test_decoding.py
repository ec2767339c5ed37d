"""Characters of files: UTF-8 as it is, other encodings named or read as told."""

import pytest

from palimpsest.core.errors import CorpusError
from palimpsest.corpus.files.decoding import decoded, likely_encoding
from palimpsest.corpus.files.options import CHAIN, ReadOptions


def read(content: bytes, encoding: str | None = None) -> str:
    """A file's text."""
    return decoded(content, ReadOptions(encoding=encoding), "a.txt")


SAMPLES = {
    "utf-16": "hello wörld",
    "utf-32": "hello",
    "utf-16-le": "hello world, this is plain",
    "utf-16-be": "hello world, this is plain",
    "cp1252": "él niño comió piñas “quotes” – dash",
    "cp1251": "Привет мир, это проверка кодировки, и ещё одно предложение",
    "koi8_r": "Привет мир, это проверка кодировки, и ещё одно предложение",
    "cp932": "これは日本語のテストです。もう一つの文。",
    "gb18030": "这是一个测试文本，用于编码。第二段文字在这里。",
    "cp949": "한국어 텍스트입니다. 둘째 문장입니다.",
    "cp1250": "Zażółć gęślą jaźń, pójdźmy już",
    "cp1253": "Καλημέρα κόσμε, τι κάνεις σήμερα",
}


@pytest.mark.parametrize("encoding", SAMPLES)
def test_another_encoding_is_named_and_read_when_told(encoding: str) -> None:
    content = SAMPLES[encoding].encode(encoding)
    assert likely_encoding(content) == encoding
    with pytest.raises(CorpusError, match=rf"a\.txt: want UTF-8, got .*--encoding {encoding}") as e:
        read(content)
    assert "\n" not in str(e.value)
    assert read(content, encoding) == SAMPLES[encoding]


def test_one_accent_far_down_is_western() -> None:
    content = ("A plain line.\n" * 9000 + "un café\n").encode("latin-1")
    said = (
        r"got byte 0xe9 at offset 126,006 \(line 9,001\); it looks like cp1252 \(Latin-1\); --enc"
    )
    with pytest.raises(CorpusError, match=said):
        read(content)


def test_byte_order_marks_are_no_text() -> None:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        content = "\ufeffhello, all of you".encode(encoding)
        assert read(content, None if encoding == "utf-8" else encoding) == "hello, all of you"
    assert read("\ufeff\ufeffa".encode()) == "a"


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "latin-1", "utf-32"])
def test_utf_8_is_read_as_such_whatever_the_others_are(encoding: str) -> None:
    for text in ("piñas “quotes”", "日本語の文章", "plain"):
        assert read(text.encode(), encoding) == text


def test_ascii_of_an_encoding_that_says_more_with_it() -> None:
    assert read("日本".encode("iso2022_jp"), "iso2022_jp") == "日本"


def test_an_encoding_that_does_not_fit_names_the_byte() -> None:
    with pytest.raises(
        CorpusError, match=r"a\.txt: want ascii, got byte 0xe9 at offset 4 \(line 2"
    ):
        read(b"abc\n\xe9", "ascii")


@pytest.mark.parametrize("name", ["nope", "base64", "", "a\0b", "undefined"])
def test_an_encoding_that_is_none(name: str) -> None:
    with pytest.raises(CorpusError, match="encoding: want a name such as cp1252"):
        read(b"a", name)


def test_bytes_that_look_like_nothing() -> None:
    content = bytes(range(128, 256)) * 3
    with pytest.raises(CorpusError, match="want UTF-8, got byte 0x80 at offset 0"):
        read(content)


def test_damaged_utf_8_is_no_other_encoding() -> None:
    content = "日本語の文章がここに長く書かれている。".encode()
    for damaged in (content[:-1], content[:30] + b"\xff" + content[30:], content * 99 + b"\xe3"):
        with pytest.raises(CorpusError, match=r"got byte 0x\w\w at .* the file is damaged there$"):
            read(damaged)


def test_a_nul_is_a_character() -> None:
    assert read(b"text\na\0b\n") == "text\na\0b\n"


def test_who_cannot_set_an_encoding_is_told_what_to_do() -> None:
    with pytest.raises(CorpusError, match="save it as UTF-8"):
        decoded("café".encode("latin-1"), ReadOptions(named=CHAIN), "a.txt")
