"""What a model may write: no text makes the parser, the words, the page or an error raise."""

from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from palimpsest.auditing.facts import Example, Fact
from palimpsest.auditing.verdict import AuditVerdict
from palimpsest.core import words
from palimpsest.core.errors import PalimpsestError, shown
from palimpsest.core.parameters import WorldParams
from palimpsest.core.storage import read_texts, write_texts
from palimpsest.corpus.files.plain_text import units
from palimpsest.corpus.world.generator import World
from palimpsest.corpus.world.grammar import ALL_OPENERS
from palimpsest.corpus.world.parser import Parser, readings, split
from palimpsest.report.audit_page import page
from tests.fuzz.inputs import VALUES, fuzz
from tests.report.test_audit import COPIES, VENDI, audit

PARAMS = WorldParams(
    entities=20, entity_exponent=1.0, category_exponent=0.5, value_exponent=0.5,
    phrasing_exponent=0.5, sentences_least=3, sentences_most=6, reference_share=0.5,
    opener_share=0.5, second_subject_share=0.5,
)  # fmt: skip
WORLD = World(PARAMS, 0)
DOCUMENTS = WORLD.documents(30, 0, 0)
PARSER = Parser(WORLD.ledger(DOCUMENTS))
ANY = st.characters()  # half characters and controls too
TEXTS = st.one_of(
    st.text(ANY, max_size=60),
    st.lists(
        st.one_of(
            st.sampled_from([word for text in DOCUMENTS for word in text.split()]),
            st.sampled_from([*ALL_OPENERS, ".", "it", "Its", "the city", "\u0301", "١", "\u200d"]),
            st.text(ANY, max_size=3),
        ),
        max_size=30,
    ).map(" ".join),
)


@fuzz
@given(TEXTS)
def test_the_parser_of_the_world(text):
    assert len(PARSER.parse(text)) == len(split(text))
    for sentence in split(text):
        readings(sentence)


def test_the_parser_reads_the_world_itself():
    assert all(one.status == "true" for text in DOCUMENTS for one in PARSER.parse(text))


@fuzz
@given(TEXTS, st.integers(-1, 9))
def test_words(text, count):
    assert len(words.words(text)) == words.count_words(text)
    assert words.normalised(text).encode() is not None
    assert words.count_words(words.cut(text, count)) <= max(count, 0)


class Page(HTMLParser):
    """The tags of a page, and the text of its second paragraph."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, *sorted(name for name, _ in attrs)))


def tags_of(text):
    reader, shown = Page(), f"x{text}"
    named = Fact(tuple(range(50)), 250, 0, 900, (Example(3, shown, shown),))
    result = audit(AuditVerdict.COLLAPSED, VENDI, copies=replace(COPIES, copied=named))
    reader.feed(page(replace(result, warnings=(shown,)), shown, shown))
    return reader.tags


TAGS = tags_of("x")


@fuzz
@given(
    st.lists(
        st.sampled_from(
            ["<", ">", '"', "'", "&", "script", "/", "=", "</", "<!--", "-->", "onerror", "&#60;",
             "{{", "}}", "{%", "<![CDATA[", "`", "\x00", "style", "</title>", "img src=x", " "]
        ),
        max_size=12,
    ).map("".join)
)  # fmt: skip
def test_no_text_adds_a_tag_to_a_page(text):
    assert tags_of(text) == TAGS


@fuzz
@given(VALUES, TEXTS)
def test_errors_show_and_send_nothing(value, text):
    line = str(PalimpsestError(text or "x", wanted=text, got=value, hint=text))
    assert len(line) < 3000
    assert shown(line) == line
    line.encode()


@fuzz
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=4))
def test_texts_come_back_as_they_were(tmp_path, texts):
    write_texts(tmp_path / "a.jsonl", texts)
    assert read_texts(tmp_path / "a.jsonl") == texts


@fuzz
@given(TEXTS)
def test_paragraphs_and_lines(text):
    for unit in ("line", "paragraph"):
        assert all(piece == piece.strip() for _, piece in units(text.split("\n"), unit))
