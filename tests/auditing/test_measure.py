import numpy as np
import pytest
from scipy import stats

from palimpsest.auditing.measure import audit
from palimpsest.auditing.verdict import DEFAULTS, AuditParams, AuditVerdict
from palimpsest.core.errors import CorpusError, MetricError, ParamsError
from palimpsest.core.rng import stream
from palimpsest.core.storage import json_bytes
from palimpsest.evaluation.evaluator import Evaluator, values
from palimpsest.evaluation.human import Texts, human_side
from palimpsest.evaluation.null_bands import null_bands, short_texts
from palimpsest.metrics.family import Reference, Sample
from palimpsest.metrics.likelihood import scored
from palimpsest.metrics.registry import TEXT, metric
from palimpsest.report.audit import as_dict
from palimpsest.report.audit_page import page
from tests.auditing.corpora import encode, human

QUICK = DEFAULTS.changed(half_samples=10, null_samples=10)
REFERENCE = human(300, seed=1)


def audited(candidate, reference=REFERENCE, **parameters):
    return audit(candidate, reference, encode, params=QUICK.changed(**parameters))


def finding(result, metric):
    return next(one for one in result.findings if one.metric == metric)


def test_human_against_human():
    result = audited(human(100, seed=2))
    assert result.verdict is AuditVerdict.NO_SIGN
    assert (result.sample, result.candidate_texts, result.reference_texts) == (100, 100, 300)
    assert result.reasons == ()


def test_false_alarms_are_rare():
    verdicts = [
        audited(human(30, seed), human(90, 50 + seed), half_samples=0, null_samples=8).verdict
        for seed in range(100, 112)
    ]
    assert verdicts.count(AuditVerdict.NO_SIGN) >= 11
    assert AuditVerdict.COLLAPSED not in verdicts


def test_fresh_human_text_is_whole():
    """By values alone, without the slack of intervals; the null samples share no text."""
    verdicts = [
        audited(human(30, seed), human(270, 100 + seed), half_samples=0, null_samples=8).verdict
        for seed in range(200, 220)
    ]
    assert verdicts.count(AuditVerdict.NO_SIGN) >= 18
    assert AuditVerdict.COLLAPSED not in verdicts


def ordered(texts, name, seed=QUICK.seed):
    """Texts in the order in which the audit takes them, ready to be measured."""
    rows = stream(seed, f"audit.{name}").permutation(len(texts))
    taken = [texts[row] for row in rows]
    return Texts(taken, encode(taken), None)


@pytest.mark.parametrize(
    ("candidate", "null_samples", "short"),
    [
        (human(100, seed=2), 10, False),  # samples that overlap
        (human(40, seed=2), 5, False),  # 240 of 300 texts: none in two samples
        (human(100, seed=3, topics=[4]), 10, False),
        (human(100, seed=8, words=24), 10, True),
        (human(5, seed=4) * 8 + [""] * 32, 10, True),
    ],
    ids=["human", "apart", "one topic", "short", "copies and nothing"],
)
def test_bands_and_p_values_are_the_chains(candidate, null_samples, short):
    """The same human side, evaluator, bands and tested metrics as a chain has for its pool."""
    size = len(candidate)
    side = human_side(ordered(REFERENCE, "reference"), size, null_samples, QUICK.seed, "pool")
    fitted = Reference(
        texts=side.fit.texts,
        embeddings=side.fit.embeddings,
        training=side.fit.texts,
        facts=None,
        lam=1.0,
        words=30 * size,  # all that a human sample has: 30 words a text
        null=[one.embeddings for one in side.null],
    )
    evaluator = Evaluator(fitted)
    bands, words = null_bands(evaluator, side), None
    ours = ordered(candidate, "candidate")
    if short:
        cut = short_texts(evaluator, side, ours.texts)
        bands, words = bands | cut.bands, cut.words
    numbers = values(
        [*evaluator.measure(Sample(ours.texts, ours.embeddings, words=words)).values()]
    )
    result = audited(candidate, half_samples=0, null_samples=null_samples)
    tested = [n for n, value in numbers.items() if value is not None and metric(n).own_evidence]
    assert [one.metric for one in result.findings] == tested
    assert {"integrity", "vendi", "distinct_2", "self_bleu_4", "recall", "memorised"} <= {*tested}
    for one in result.findings:
        band = bands[one.metric]
        assert one.value == pytest.approx(numbers[one.metric], rel=1e-6, abs=1e-12)
        assert one.band.as_dict() == pytest.approx(band.as_dict(), rel=1e-6, abs=1e-12)
        assert one.p_value == pytest.approx(band.p_value(one.value), rel=1e-5, abs=1e-12)
        # docs/metrics.md §9: Student's t of a new sample's deviation
        distance = abs(one.value - band.mean) / (band.sd * np.sqrt(1 + 1 / band.samples))
        by_hand = 2 * stats.t.sf(distance, band.samples - 1)
        assert one.p_value == pytest.approx(by_hand, rel=1e-5, abs=1e-12)


def test_a_short_candidate_is_held_against_human_text_as_short():
    """Human texts of 20 words and those cut to 20 read alike: their wording does not stand out."""
    result = audited(human(100, seed=8, words=24), half_samples=0)
    assert not result.evidence.lengths.shortened
    for one in result.findings:
        if one.metric in TEXT and one.metric != "length_mean":
            assert one.counts == "", one.metric
    long = audited(human(100, seed=8), half_samples=0)
    whole, cut = (finding(one, "distinct_1").band for one in (long, result))
    assert whole.mean < cut.mean
    assert finding(long, "self_bleu_4").band != finding(result, "self_bleu_4").band


def test_one_topic_of_eight_has_collapsed():
    result = audited(human(100, seed=3, topics=[4]))
    assert result.verdict is AuditVerdict.COLLAPSED
    assert len(result.reasons) == 3
    assert all(reason.counts == "collapse" for reason in result.reasons)
    assert finding(result, "spread").place == "below"


def test_some_topics_gone_is_narrower():
    assert audited(human(100, seed=3, topics=range(5))).verdict is AuditVerdict.NARROWER


def test_copies_count():
    result = audited(human(5, seed=4) * 20)
    assert finding(result, "duplicates").value == pytest.approx(0.95)
    assert finding(result, "duplicates").counts == "collapse"
    assert result.verdicts == (AuditVerdict.REPEATED, AuditVerdict.COLLAPSED)


@pytest.mark.parametrize("texts", [[""] * 20, ["the same"] * 20, ["", "."] * 10])
def test_texts_of_nothing_have_collapsed(texts):
    assert audited(texts).verdicts == (AuditVerdict.REPEATED, AuditVerdict.COLLAPSED)


def test_another_subject_is_no_collapse():
    """Half of its words are the reference's common ones, as in any text of one language."""
    result = audited([text.replace("t", "x") for text in human(100, seed=5)])
    assert result.verdicts == (AuditVerdict.OTHER_SUBJECT,)
    assert finding(result, "nearest_human").counts == "different"
    assert finding(result, "recall").counts == "collapse"
    assert len(result.judgements[0].examples) == 5


def test_texts_cut_to_half_their_length_are_shortened_and_nothing_else():
    result = audited([" ".join(text.split()[:14]) for text in human(100, seed=8)])
    assert result.verdicts == (AuditVerdict.SHORTENED,)
    assert result.judgements[0].reason == ("texts have 14 words on average, the reference's 30")
    assert len(result.judgements[0].rows) == 100
    assert result.flags[7] == ("short",)


def test_flags_name_every_fault_of_a_text():
    fine, copy = human(98, seed=2), REFERENCE[3]
    result = audited([copy, *fine, copy, ""])
    assert dict(result.flags) == {0: ("copy",), 99: ("copy", "duplicate"), 100: ("empty",)}


def test_the_reference_itself_is_a_copy_and_no_more():
    assert audited(REFERENCE).verdicts == (AuditVerdict.COPIED,)


def test_same_seed_same_numbers():
    candidate = human(100, seed=3, topics=[1, 2])
    parameters = {"sample": 40, "half_samples": 5, "null_samples": 4}
    assert audited(candidate, **parameters) == audited(candidate, **parameters)
    assert audited(candidate, **parameters) != audited(candidate, **parameters, seed=1)


def test_sizes():
    few = {"half_samples": 0, "null_samples": 2}
    assert audited(human(400, seed=6), **few).sample == 100
    assert audited(human(30, seed=6), **few).sample == 30
    assert audited(human(5, seed=6), **few).sample == 5


def test_likelihood_takes_part():
    def score(texts):
        return scored([2.0 * len(text) for text in texts], [len(text) for text in texts])

    result = audit(human(40, seed=7), REFERENCE, encode, score, QUICK)
    assert finding(result, "perplexity_human").value == pytest.approx(np.exp(2.0))
    assert "perplexity_human" not in {one.metric for one in audited(human(40, seed=7)).findings}


@pytest.mark.parametrize("subject", ["own", "other"])
def test_what_a_model_of_human_text_does_not_expect_is_garbled(subject):
    """Of another subject a model expects little, too."""
    candidate = human(60, seed=7)
    if subject == "other":
        candidate = [text.replace("t", "x") for text in candidate]
    ours = {*candidate}

    def score(texts):
        nats = [len(text) * (4.0 if text in ours else 2.0) + len(text) % 5 for text in texts]
        return scored(nats, [len(text) for text in texts])

    result = audit(candidate, REFERENCE, encode, score, QUICK)
    assert finding(result, "surprise_q50").place == "above"
    expected = {"own": AuditVerdict.GARBLED, "other": AuditVerdict.OTHER_SUBJECT}[subject]
    assert result.verdicts == (expected,)
    if subject == "own":
        assert "does not expect them: surprise, median 4" in result.judgements[0].reason


def test_words_are_the_smallest_samples_but_not_few():
    few = {"half_samples": 0, "null_samples": 2}
    assert audited(human(100, seed=8, words=20), **few).words == 2000
    # so few that the candidate has no more; human texts are cut to no fewer than 1,000, of which a
    # whole number is distinct
    least = audited(["one"] * 100, **few)
    assert least.words == 100
    twice = 2 * 1000 * finding(least, "distinct_1").band.mean
    assert twice == pytest.approx(round(twice), abs=1e-6)


def test_null_samples_share_no_text_where_the_reference_has_enough():
    """Of what the audit deals its reference with."""
    texts = human(130, seed=9)
    theirs = Texts(texts, encode(texts), None)
    side = human_side(theirs, 10, 12, QUICK.seed, "reference")
    assert side.widening == 1.0
    assert side.fit.texts == texts[:10]
    assert [text for sample in side.null for text in sample.texts] == texts[10:]
    side = human_side(theirs, 40, 12, QUICK.seed, "reference")
    assert side.widening == pytest.approx(np.sqrt(130 / 50))  # pool 90: (90 + 40) / (90 - 40)
    assert {len(set(sample.texts)) for sample in side.null} == {40}
    others = human_side(theirs, 40, 12, 1, "reference")
    assert [sample.texts for sample in others.null] != [sample.texts for sample in side.null]
    assert not {text for sample in side.null for text in sample.texts} & set(texts[:40])


def test_encoder_sees_blocks_that_do_not_depend_on_n():
    seen = []

    def spy(texts):
        seen.append(list(texts))
        return encode(texts)

    for size in (92, 95):  # 11 samples: a block of 1,000 and a rest
        params = QUICK.changed(sample=size, half_samples=0)
        audit(REFERENCE, human(1050, seed=10), spy, None, params)
    reference = [block for block in seen if len(block) == 1000]
    assert len(reference) == 2
    assert reference[0] == reference[1]


def test_the_seed_chooses_the_texts_of_both_sides():
    def read(seed):
        seen = []
        params = QUICK.changed(sample=20, seed=seed, half_samples=0)
        audit(human(50, 12), REFERENCE, lambda t: seen.append(t) or encode(t), None, params)
        return [set(texts) for texts in seen]

    (ours, theirs), (same, _), (others, more) = read(0), read(0), read(1)
    assert ours == same != others
    assert theirs != more
    assert len(ours) == len(others) == 20


@pytest.mark.parametrize(
    ("candidate", "reference", "says"),
    [
        (human(4, seed=1), REFERENCE, "candidate: want >= 5 texts, got 4"),
        (human(5, seed=1), human(14, seed=2), "reference: want >= 15 texts"),
        ([*human(9, seed=1), 7], REFERENCE, "candidate: want strings, got int in row 9"),
        (human(9, seed=1), [None] * 20, "reference: want strings, got NoneType"),
        ("one long string", REFERENCE, "a list of texts"),
    ],
)
def test_bad_texts(candidate, reference, says):
    with pytest.raises((MetricError, CorpusError), match=says):
        audited(candidate, reference)


def test_samples_that_are_too_large():
    with pytest.raises(CorpusError, match="<= 50, the candidate's texts"):
        audited(human(50, seed=1), sample=60)
    with pytest.raises(CorpusError, match=">= 360 texts, three times the sample of 120"):
        audited(human(150, seed=1), sample=120)


def test_rows_that_are_no_numbers_are_named_as_the_caller_counts():
    candidate = human(40, seed=11)

    def broken(texts):
        array = encode(texts)
        array[[text in (candidate[7], candidate[31]) for text in texts]] = np.nan
        return array

    with pytest.raises(MetricError, match=r"candidate: .* NaN or infinity for text 7, 31"):
        audit(candidate, REFERENCE, broken, params=QUICK)
    with pytest.raises(MetricError, match="and 290 more"):
        audit(
            candidate,
            REFERENCE,
            lambda texts: encode(texts) * (np.nan, 1)[len(texts) == 40],
            params=QUICK,
        )


def test_embeddings_of_other_shapes():
    candidate = human(40, seed=11)
    with pytest.raises(MetricError, match="candidate: want 24 dimensions, as the reference, got 9"):
        audit(
            candidate, REFERENCE, lambda t: encode(t)[:, : 9 if len(t) == 40 else 24], None, QUICK
        )
    with pytest.raises(MetricError, match=r"shape \(40, d\)"):
        audit(candidate, REFERENCE, lambda t: encode(t)[:-1], None, QUICK)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("sample", 4, ">= 5"),
        ("level", 1.0, "> 0 and < 1"),
        ("collapsed", 0.0, "> 0 and < 1"),
        ("null_samples", 1, ">= 2"),
        ("seed", -1, ">= 0"),
        ("half_samples", -1, ">= 0"),
    ],
)
def test_parameters_out_of_range(name, value, wanted):
    with pytest.raises(ParamsError, match=rf"^audit\.{name}: want {wanted}, got {value}$"):
        AuditParams.of({**DEFAULTS.as_dict(), name: value}, "audit")
    with pytest.raises(ParamsError, match=rf"^{name}: want {wanted}, got {value}$"):
        DEFAULTS.changed(**{name: value})


def test_an_encoder_that_tells_the_reference_apart_in_nothing_does_not_count():
    def ones(texts):
        return np.ones((len(texts), 24), np.float32)

    result = audit(human(100, 2), REFERENCE, ones, None, QUICK)
    assert {metric(one.metric).family for one in result.findings} == {"text", "lock_in"}
    assert result.verdict is AuditVerdict.NO_SIGN
    (said,) = result.warnings
    assert said.startswith("the encoder gives all reference texts one embedding: no metric of")
    assert "--encoder" in said
    assert result.cloud is None
    words_alone = audit(human(3, 3) * 30, REFERENCE, ones, None, QUICK)
    assert AuditVerdict.COLLAPSED in words_alone.verdicts
    assert words_alone.judgements[-1].examples == ()


@pytest.mark.parametrize(
    ("cut", "why"), [(-1, "has no pieces for 100 %"), (9, "reads 100 % of the reference's words")]
)
def test_a_language_that_the_encoder_does_not_read_is_not_embedded(cut, why):
    def never(texts):
        raise AssertionError("embedded")

    def pieces(words):
        return np.full(len(words), cut)

    result = audit(human(100, 2), REFERENCE, never, None, QUICK, pieces)
    assert why in result.warnings[0]
    assert result.verdict is AuditVerdict.NO_SIGN


def test_another_language_is_a_warning():
    assert audited(human(60, 1)).warnings == ()
    (said,) = audited([text.replace("t", "z") for text in human(60, 1)]).warnings
    assert "of the words of the candidate are not in the human sample" in said


def test_half_characters_of_texts_are_written_everywhere(tmp_path):
    """Examples of metrics show texts as they came."""
    torn = ["\ud800 " + text.replace("t", "x") for text in human(100, seed=5)]

    def whole(texts):
        return encode([text.replace("\ud800", "half") for text in texts])

    result = audit(torn, REFERENCE, whole, params=QUICK)
    assert result.verdict is AuditVerdict.OTHER_SUBJECT
    assert "\ufffd" in result.judgements[0].examples[0].text
    assert json_bytes(as_dict(result))
    assert page(result, "a", "b").encode()


def test_a_bad_embedding_of_the_reference_is_named_as_the_caller_counts():
    doubled = [*REFERENCE[:50], *REFERENCE[:50], *REFERENCE[50:]]

    def broken(texts):
        array = encode(texts)
        array[[text == REFERENCE[60] for text in texts]] = np.nan
        return array

    with pytest.raises(MetricError, match=r"reference: .* NaN or infinity for text 110$"):
        audit(human(40, 1), doubled, broken, params=QUICK)


def test_a_quarter_of_the_topics_lost_is_narrower_and_the_lost_ones_are_named():
    result = audited(human(200, 2, topics=range(6)), human(600, 1))
    assert result.verdict is AuditVerdict.NARROWER
    assert result.evidence.missing.holds
    shown = result.judgements[0].examples
    assert [one.of for one in shown] == ["reference"] * 5
    assert all("t6w" in one.text or "t7w" in one.text for one in shown)


def test_texts_with_another_fault_do_not_hide_or_make_a_loss():
    """Copies of single texts crowd a few places; what is left covers everything."""
    fair = human(120, 2)
    result = audited([*fair, *[fair[0]] * 80], human(600, 1))
    assert AuditVerdict.REPEATED in result.verdicts
    assert not result.evidence.missing.holds


def test_copies_stand_for_what_they_copy_and_few_sound_texts_for_nothing():
    """Long copies are flagged and short ones are not: the rest is no sample of the candidate."""
    reference = human(600, 1)
    long, short = reference[:100], human(60, 5, topics=range(2), words=6)
    copied = audited([*long, *short[:20]], reference)
    assert AuditVerdict.COPIED in copied.verdicts
    assert not copied.evidence.missing.holds
    same = audited([*[long[0]] * 90, *short], reference)
    assert AuditVerdict.REPEATED in same.verdicts
    assert same.evidence.missing is None
