"""What texts are about."""

import numpy as np

from palimpsest.core.rng import stream
from palimpsest.evaluation.topics import LEAST, TOPICS, Topics, category, unit_rows

WORDS = ("harbour", "violin", "granite", "orchard", "senate", "glacier", "tailor", "comet")


def clusters(each=12):
    """Texts about one of eight things each, and embeddings that lie apart likewise."""
    about = [at % TOPICS for at in range(each * TOPICS)]
    texts = [f"the old {WORDS[at]} and what was said of it" for at in about]
    noise = stream(0, "tests.topics").normal(scale=0.05, size=(len(about), 16))
    return texts, (np.eye(16)[about] + noise).astype(np.float32), about


def test_clusters_that_lie_apart_are_found_and_named_by_their_words():
    texts, embeddings, about = clusters()
    topics = Topics.from_human(texts, embeddings)
    assert topics.of(embeddings) == [
        name for name in map(topics.of(embeddings).__getitem__, range(len(about)))
    ]
    for at, name in zip(about, topics.of(embeddings), strict=True):
        assert name.split(", ")[0] == WORDS[at]
    assert len(set(topics.names)) == TOPICS


def test_topics_do_not_depend_on_the_length_of_the_embeddings_and_are_the_same_again():
    texts, embeddings, _ = clusters()
    one, again = Topics.from_human(texts, embeddings), Topics.from_human(texts, embeddings * 7)
    assert one.names == again.names
    assert one.of(embeddings) == again.of(embeddings / 3)


def test_too_few_texts_have_no_topics_and_equal_texts_one():
    texts, embeddings, _ = clusters()
    assert Topics.from_human(texts[: LEAST - 1], embeddings[: LEAST - 1]) is None
    same = Topics.from_human(["42 !"] * LEAST, np.ones((LEAST, 4), dtype=np.float32))
    assert len(set(same.of(np.ones((3, 4), dtype=np.float32)))) == 1
    assert len(set(same.names)) == TOPICS
    assert same.names[0].startswith("no words")


def test_the_category_is_that_of_most_statements():
    said = [
        ("true", "Velden", "mouth", "sea"),
        ("false", "fox", "coat", "red"),
        ("novel", "owl", "diet", "x"),
    ]
    assert category(said) == "animal"
    assert category(said[:2]) == "river"
    assert category([("unparsable", None, None, None)]) is None
    assert category([("true", "fox", "sleeps by", "river")]) is None


def test_rows_of_zeros_stay():
    assert unit_rows(np.array([[3, 4], [0, 0]], dtype=np.float32)).tolist() == [[0.6, 0.8], [0, 0]]
