"""Each metric moves where it claims to, and stays still elsewhere.

The changes are those of `benchmarks/stress.py`, on made-up points for §1 to §3 and on the world's
documents for §4, §7 and §8. A column a change, a row a metric: `=` the same to rounding, `.` within
two standard deviations of the null, `~` a little moved (within four), `+` and `-` up and down by
more than three. What real embeddings do stands in docs/metrics.md; the points here are of 48
dimensions, so the sizes differ.
"""

import numpy as np
import pytest

from benchmarks import stress
from palimpsest.core.parameters import WorldParams
from palimpsest.corpus.world.generator import World

ARRAY_CLAIMS = """
                      rotated  more  outlier  shrunk  hidden  shifted  shifted_hidden  turned  duplicates  topics  human
volume                      =     +        +       -       =        =               =       -           .       -      .
drift                       =     .        .       =       =        +               =       =           .       +      .
dispersion                  =     .        ~       -       =        =               =       -           .       -      .
compression                 =     .        ~       -       =        =               =       -           .       -      .
outlier                     =     .        +       -       =        =               =       -           .       .      .
ainex                       =     +        +       -       =        ~               =       -           .       -      .
integrity                   =     +        +       -       =        ~               =       -           .       -      .
loss                        =     -        -       +       =        ~               =       +           .       +      .
integrity_published         =     +        +       -       =        ~               =       -           .       -      .
volume_rarefied             =     .        +       -       =        =               =       -           .       -      .
volume_refit                =     ~        +       -       .        =               =       =           .       -      .
residual                    =     .        ~       =       -        =               =       +           .       +      .
spread                      =     .        +       -       =        =               =       -           ~       -      .
drift_relative              =     .        .       =       =        +               =       =           .       +      .
explained                   =     =        =       =       =        =               =       =           =       =      =
effective_rank              =     .        -       =       -        =               =       =           .       -      .
participation_ratio         =     .        ~       =       -        =               =       =           .       -      .
intrinsic_dimension         =     +        .       =       .        =               =       =           .       +      .
anisotropy                  =     .        ~       +       +        +               +       .           ~       +      .
frechet                     =     .        .       +       ~        +               +       +           .       +      .
mmd2                        =     .        .       +       .        +               +       +           .       +      .
energy                      =     .        .       +       ~        +               +       +           .       +      .
precision                   =     .        .       -       .        -               -       -           .       .      .
recall                      =     -        .       -       -        -               -       -           -       -      .
density                     =     .        .       -       .        -               -       -           .       .      .
coverage                    =     ~        =       -       -        -               -       -           -       -      .
vendi                       =     ~        .       -       -        -               -       .           ~       -      .
nearest_human               =     .        -       -       .        -               -       -           .       +      .
"""  # noqa: E501

TEXT_CLAIMS = """
                      more  duplicates  topics  shuffled  human
distinct_1               ~           ~       -         =      .
distinct_2               .           ~       -         +      .
distinct_3               .           ~       -         +      .
distinct_4               .           -       -         +      .
repetition_diversity     .           .       .         +      .
self_bleu_4              .           ~       +         -      .
ttr                      ~           ~       -         =      .
mtld                     .           .       .         .      .
hapax                    ~           ~       -         .      .
entropy_1                .           .       -         .      .
entropy_2                .           ~       -         +      .
zipf                     .           .       .         .      .
compression_ratio        .           ~       +         -      .
duplicates               =           +       =         =      =
length_mean              .           .       ~         =      .
kl_human                 .           .       +         .      .
true_share               =           =       =         -      =
false_share              =           =       =         .      =
novel_share              =           =       =         .      =
unparsable_share         =           =       =         +      =
truth                    =           =       =         -      =
parsed                   =           =       =         -      =
fact_coverage            +           -       -         -      .
tail_coverage            +           ~       ~         -      .
entity_entropy           +           ~       -         -      .
entities                 +           ~       -         -      .
novel_ngrams             .           .       .         +      .
ngram_lock_in            .           .       .         -      .
memorised                .           .       .         -      .
"""
POINTS, DOCUMENTS, DIMENSIONS, TOPICS = 400, 200, 48, 8


def claims(table):
    changes, *rows = (line.split() for line in table.strip().splitlines())
    return {name: dict(zip(changes, signs, strict=True)) for name, *signs in rows}


def mixture(seed, count):
    """Unit vectors in topics around a common direction, as an encoder gives them."""
    shape = np.random.default_rng(0)
    centres = 0.16 * shape.normal(size=(TOPICS, DIMENSIONS))
    lean = 0.2 * shape.normal(size=DIMENSIONS)
    turn = stress.rotation(DIMENSIONS, shape)
    scales = 0.13 / np.sqrt(np.arange(1, DIMENSIONS + 1))
    rng = np.random.default_rng(seed)
    topics = rng.integers(TOPICS, size=count)
    points = lean + centres[topics] + (rng.normal(size=(count, DIMENSIONS)) * scales) @ turn
    return points / np.linalg.norm(points, axis=1, keepdims=True), topics


@pytest.fixture(scope="module")
def of_arrays():
    pool, topics = mixture(2, 14 * POINTS)
    return stress.array_responses(mixture(1, POINTS)[0], pool, topics, POINTS, nulls=12, repeats=2)


@pytest.fixture(scope="module")
def world():
    return World(
        WorldParams(
            entities=24, entity_exponent=1.0, category_exponent=0.4, value_exponent=0.7,
            phrasing_exponent=0.8, sentences_least=3, sentences_most=5, reference_share=0.6,
            opener_share=0.06, second_subject_share=0.1,
        ),
        seed=0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def of_texts(world):
    texts = world.documents(20 * DOCUMENTS, seed=1)
    topics = stress.topics_of(texts, world)
    return stress.text_responses(texts, topics, DOCUMENTS, world, words=2000, nulls=16, repeats=4)


CHECKS = {
    "=": lambda response: response.same,
    ".": lambda response: abs(response.deviations) < 2.0,
    "~": lambda response: abs(response.deviations) < 4.0,
    "+": lambda response: response.deviations > 3.0,
    "-": lambda response: response.deviations < -3.0,
}


def broken(answer, table):
    """The cells that are not as claimed."""
    claimed = claims(table)
    assert set(answer["human"]) == set(claimed)
    return [
        f"{name}, {change}: claimed {sign}, {answer[change][name]}"
        for name, row in claimed.items()
        for change, sign in row.items()
        if not CHECKS[sign](answer[change][name])
    ]


def test_metrics_of_embeddings_move_where_they_claim_to(of_arrays):
    assert set(of_arrays) == set(stress.TITLES) - {"shuffled"}
    assert not broken(of_arrays, ARRAY_CLAIMS)


def test_metrics_of_texts_move_where_they_claim_to(of_texts):
    assert not broken(of_texts, TEXT_CLAIMS)


@pytest.mark.parametrize(
    ("change", "fails", "by", "companion", "within"),
    [
        ("outlier", "volume", 0.5, "spread", 0.06),
        ("outlier", "volume_rarefied", 0.3, "dispersion", 0.03),
        ("more", "volume", 0.1, "volume_rarefied", 0.02),
        ("more", "volume_refit", 0.03, "spread", 0.02),
        ("turned", "volume", 0.8, "volume_refit", 1e-6),
    ],
)
def test_where_a_hull_fails_a_companion_does_not(of_arrays, change, fails, by, companion, within):
    assert abs(of_arrays[change][fails].relative) > by
    assert abs(of_arrays[change][companion].relative) < within


def test_what_the_basis_cannot_see_others_do(of_arrays):
    hidden = of_arrays["hidden"]
    assert all(hidden[name].same for name in ("volume", "spread", "dispersion", "integrity"))
    for name in ("residual", "effective_rank", "participation_ratio", "recall", "vendi"):
        assert hidden[name].deviations < -3.0, name
    assert of_arrays["shifted_hidden"]["drift"].same
    for name in ("frechet", "mmd2", "energy"):
        assert of_arrays["shifted_hidden"][name].deviations > 3.0, name


def test_shrinking_reads_as_the_power_of_the_dimension(of_arrays):
    shrunk = of_arrays["shrunk"]
    for name in ("volume", "volume_rarefied", "volume_refit"):
        assert shrunk[name].relative == pytest.approx(0.8**3 - 1)
    for name in ("spread", "dispersion", "compression", "outlier"):
        assert shrunk[name].relative == pytest.approx(0.8 - 1)


def test_a_response_by_hand():
    null = [{"a": 1.0, "b": 5.0, "c": None}, {"a": 3.0, "b": 5.0, "c": None}]
    plain, changed = [{"a": 2.0, "b": 5.0, "c": 1.0}], [{"a": 5.0, "b": 5.5, "c": 1.0}]
    by_metric = stress.responses(plain, changed, null, resolution=0.01)
    # the null's sd is √2; one that never varies gets a hundredth of its size
    assert by_metric["a"].deviations == pytest.approx(3 / 2**0.5)
    assert by_metric["a"].relative == pytest.approx(1.5)
    assert by_metric["b"].deviations == pytest.approx(0.5 / 0.05)
    assert [by_metric[name].sign for name in ("a", "b")] == ["+", "+"]
    assert "c" not in by_metric
    assert stress.responses(plain, plain, null, 0.01)["a"].sign == "="


def test_the_changes_are_what_their_names_say(world):
    rng = np.random.default_rng(0)
    rows, topics = np.arange(100), np.arange(1000) % 8
    assert len(set(stress.picked("more", rows, topics, rng))) == 400
    assert len(set(stress.picked("duplicates", rows, topics, rng))) == 70
    left = topics[stress.picked("topics", rows, topics, rng)]
    assert (len(left), len(set(left))) == (100, 4)
    text = "The city of Korholm lies in Aldermoor. It was founded in 1346."
    mixed = stress.shuffled(text, rng)
    assert mixed != text
    for before, after in zip(text.split(". "), mixed.split(". "), strict=True):
        assert sorted(before.strip(".").split()) == sorted(after.strip(".").split())
    assert stress.topics_of(world.documents(20, seed=0), world).max() < 8
