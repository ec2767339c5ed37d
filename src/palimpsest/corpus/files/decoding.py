"""The characters of a file: UTF-8, or an error that says which encoding it looks like, and why."""

import codecs

from palimpsest.core.errors import CorpusError
from palimpsest.corpus.files.options import ReadOptions

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks of encodings other than UTF-8."""
MARK = "\ufeff"
"""A byte order mark; it is no text."""
WINDOW = 2**16
"""Bytes from the first that is no UTF-8 (and so many before) that a guess looks at."""
WESTERN = "cp1252"
"""Latin-1 with the quotation marks and dashes that Windows adds."""
COMMON = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp874"),
    *("koi8_r", "cp932", "euc_jp", "gb18030", "big5", "cp949", "iso2022_jp"),
]
"""Encodings in which people keep texts; with all that Python knows, a guess errs more often."""
DEFINED_NAMES = {WESTERN: "cp1252 (Latin-1)"}


def decoded(content: bytes, options: ReadOptions, what: str) -> str:
    """The text of a file, without byte order marks, its lines ended by line feeds as they are.

    A file that is UTF-8 is read as UTF-8, whatever `options.encoding` says: one option serves a
    candidate and a reference that are encoded differently.

    Raises:
        CorpusError: another encoding than UTF-8 and than `options.encoding`, or no such encoding.
    """
    encoding = options.encoding
    if encoding is not None:
        _check_name(encoding)
    try:
        text = content.decode("utf-8")
        wide = None if half_nul(content) is None else ValueError("every other byte is 0")
    except UnicodeDecodeError as error:
        wide, text = error, ""
    if wide is None and (encoding is None or not text.isascii() or _takes_pairs(encoding)):
        return text.lstrip(MARK)
    if encoding is None:
        raise _wrong_encoding(content, wide, options, what)
    try:
        return content.decode(encoding).lstrip(MARK)
    except UnicodeError as error:
        raise CorpusError(what, wanted=encoding, got=_place(content, error)) from error


def _check_name(encoding: str) -> None:
    """Makes sure that Python knows an encoding of text.

    Raises:
        CorpusError: it does not.
    """
    try:
        "a".encode(encoding)
    except (LookupError, ValueError) as error:
        raise CorpusError(
            "encoding", wanted="a name such as cp1252, utf-16 or shift_jis", got=repr(encoding)
        ) from error


def _takes_pairs(encoding: str) -> bool:
    """Whether an encoding writes no letter in one byte, so that plain ASCII cannot be meant."""
    return len("a".encode(encoding)) > 1


def _wrong_encoding(
    content: bytes, error: Exception | None, options: ReadOptions, what: str
) -> CorpusError:
    likely = likely_encoding(content)
    got = _place(content, error)
    if likely == "utf-8":
        got += "; the rest looks like UTF-8: the file is damaged there"
        return CorpusError(what, wanted="UTF-8", got=got)
    if likely is None:
        return CorpusError(what, wanted="UTF-8", got=got, hint=options.hint("encoding", "NAME"))
    got += f"; it looks like {DEFINED_NAMES.get(likely, likely)}"
    hint = options.hint("encoding", likely) or "save it as UTF-8"
    return CorpusError(what, wanted="UTF-8", got=got, hint=hint)


def _place(content: bytes, error: Exception | None) -> str:
    """What is wrong, with the byte and its place."""
    if not isinstance(error, UnicodeDecodeError):
        return str(error)
    at = error.start
    line = content.count(b"\n", 0, at) + 1
    return f"byte 0x{content[at]:02x} at offset {at:,} (line {line:,})"


def likely_encoding(content: bytes) -> str | None:
    """The encoding that bytes which are no UTF-8 look like; None where nothing fits.

    ``utf-8`` if most of the letters around the first wrong byte are.

    By its byte order mark, by zeros at every other byte (UTF-16 of Western text), else by the
    letters that a reading would give (charset-normalizer). Western encodings differ in few
    letters: where cp1252 fits too, it is named.
    """
    for mark, name in MARKS:
        if content.startswith(mark):
            return name
    pair = half_nul(content)
    if pair is not None:
        return pair
    # only where something is wrong: it takes a moment to load
    from charset_normalizer import from_bytes

    try:
        content.decode("utf-8")
        first = 0
    except UnicodeDecodeError as error:
        first = error.start
    start = content.rfind(b"\n", 0, max(first - WINDOW, 0)) + 1
    window = content[start : first + WINDOW]
    if _mostly_utf_8(window):
        return "utf-8"
    names = [str(match.encoding) for match in from_bytes(window, cp_isolation=COMMON)]
    if not names:
        return None
    try:
        western = window.decode(WESTERN)
    except UnicodeDecodeError:
        return names[0]
    same = window.decode(names[0], "replace") == western
    return WESTERN if same or WESTERN in names else names[0]


def _mostly_utf_8(window: bytes) -> bool:
    """Whether wrong bytes stand among ten times as many letters that take several."""
    text = window.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    return sum(1 for letter in text if letter > "\x7f") - wrong > 10 * wrong


def half_nul(content: bytes) -> str | None:
    """UTF-16 of which byte order, where half of the bytes are zeros and all at one side."""
    start = content[:WINDOW]
    odd, even = start[1::2].count(0), start[::2].count(0)
    if len(start) < 4 or max(odd, even) < len(start) // 4 or min(odd, even) * 10 > max(odd, even):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"
