"""Words of a text, by Unicode's rules (UAX #29) and with dictionaries where no spaces stand.

The segmentation is ICU's, through `icu4py`: the reference implementation of the standard, with
dictionaries for Chinese, Japanese, Thai, Lao, Khmer and Burmese. A text is normalised first (NFC):
two encodings of one letter are one word. A word is a segment with a letter or a digit in it.

Known gaps: ICU's rules and dictionaries change with its version, which `segmentation` names; where
they look ahead (Thai, Lao, Khmer, Burmese), what is no language may have another number of words
once it is cut.
"""

import unicodedata

from icu4py import icu_version
from icu4py.breakers import WordBreaker

from palimpsest.core.parsing import HALF

RULES = "en"
"""The locale whose rules cut; they are the root's, as those of nearly every locale."""


def words(text: str) -> list[str]:
    """The lower-cased words of a text, in order."""
    return [part.lower() for part in _segments(normalised(text)) if _is_word(part)]


def count_words(text: str) -> int:
    """How many words a text has."""
    return sum(map(_is_word, _segments(normalised(text))))


def has_word(text: str) -> bool:
    """Whether a text has a word at all; quicker than to count them."""
    return _is_word(text)


def cut(text: str, count: int) -> str:
    """A text, normalised, up to the end of its ``count``-th word; all of it if it has no more."""
    whole = normalised(text)
    end, left = 0, count
    for part in _segments(whole) if count > 0 else ():
        end += len(part)
        left -= _is_word(part)
        if left == 0:
            return whole[:end]
    return whole if count > 0 else ""


def normalised(text: str) -> str:
    """A text in Unicode's composed form (NFC); half characters become U+FFFD."""
    return unicodedata.normalize("NFC", HALF.sub("\ufffd", text))


def segmentation() -> str:
    """What cut the words, for a file that says so."""
    return f"UAX #29 and dictionaries, ICU {icu_version}"


def _segments(text: str) -> list[str]:
    return list(WordBreaker(text, RULES))


def _is_word(part: str) -> bool:
    return any(character.isalnum() for character in part)
