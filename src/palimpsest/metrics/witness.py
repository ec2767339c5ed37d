"""What became of a sentence: a verdict on one model's continuation of a witness prompt.

Five rules look at a continuation; the verdict is the worst that any of them finds.

==============  ==========================  ==========================  ==========================
rule            WARN                        FAIL                        CRITICAL
==============  ==========================  ==========================  ==========================
likelihood      outside the human texts'    outside their 1st to 99th   farther outside than the
                5th to 95th percentile      percentile                  1st to 99th are apart
4-grams         repeated share >= 0.05      >= 0.20                     >= 0.44
one word        share of words >= 0.25      >= 0.40                     >= 0.60
unknown words   above the human texts'      a third of the way from     two thirds of the way
                99th percentile             there to all words
truth           any statement untrue        more than half untrue       two or more, all untrue
==============  ==========================  ==========================  ==========================

DEAD: fewer than 3 words, or one n-gram of at most 8 words, three times or more in a row, makes up
90 % of the words.

Where the numbers come from. *Likelihood*: mean nats per token under model 0, against the same of
single held-out human texts; two-sided, since a text that model 0 finds far too predictable has lost
as much as one that surprises it. *4-grams*: human text repeats below 0.01 of its 4-grams, greedy
decoding of a healthy model about 0.44 (seq-rep-4 on Wikitext-103, Welleck et al. 2020); 0.05 is
beyond human, 0.20 half-way. *One word*: "the", the most frequent word of English, is 7 % of long
texts; in short ones a word may reach 20 %. Texts of fewer than 8 words escape this rule. *Unknown
words*: words with a letter that the human training texts do not have, as a share of a text's,
against the same of single held-out human texts: broken and made-up words are no language however
varied they are; texts of fewer than 8 words escape this rule, too. *Truth*:
statements of a known ledger; a first generation worth its name states at least 85 % truly, so most
of its continuations PASS.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from palimpsest.core.errors import MetricError
from palimpsest.core.words import words as words_of

NGRAM_LIMITS = (0.05, 0.20, 0.44)
WORD_LIMITS = (0.25, 0.40, 0.60)
UNKNOWN_LIMITS = (0.0, 1 / 3, 2 / 3)
FEWEST_WORDS = 3
FEWEST_WORDS_OF_SHARE = 8
LONGEST_LOOP = 8
"""Words in the longest n-gram whose repetition is called a loop."""
LOOP_SHARE = 0.9
UNTRUE = frozenset({"false", "novel"})
STATUSES = frozenset({"true", "false", "novel", "unparsable"})


class WitnessVerdict(StrEnum):
    """How a continuation stands, from whole to gone."""

    PASS = "PASS"
    WARN = "WARN"
    FAIL = "FAIL"
    CRITICAL = "CRITICAL"
    DEAD = "DEAD"

    @property
    def severity(self) -> int:
        """0 for PASS to 4 for DEAD."""
        return list(WitnessVerdict).index(self)


@dataclass(frozen=True)
class Judgement:
    """A verdict and why; reasons are short, worst first, empty for PASS."""

    verdict: WitnessVerdict
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class HumanLikelihood:
    """Percentiles of the mean NLL per token (nats) of single held-out texts under model 0."""

    q01: float
    q05: float
    q95: float
    q99: float

    def __post_init__(self) -> None:
        values = (self.q01, self.q05, self.q95, self.q99)
        if not np.all(np.isfinite(values)) or list(values) != sorted(values):
            raise MetricError("human likelihood", wanted="4 ascending finite quantiles", got=values)

    @classmethod
    def from_texts(cls, nll_per_text: Sequence[float]) -> "HumanLikelihood":
        """Takes the percentiles of (n,) mean NLLs of human texts, in nats per token.

        Raises:
            MetricError: no text, or a value that is not finite.
        """
        values = np.asarray(nll_per_text, dtype=np.float64)
        if values.ndim != 1 or not len(values):
            raise MetricError("nll_per_text", wanted="(n,) with n >= 1", got=values.shape)
        return cls(*(float(q) for q in np.percentile(values, (1, 5, 95, 99))))


@dataclass(frozen=True)
class HumanWords:
    """The words of human training texts, and how many others single held-out texts have."""

    known: frozenset[str]
    q99: float
    """99th percentile of the share of unknown words in a held-out text, 0 to 1."""

    @classmethod
    def from_texts(cls, training: Sequence[str], heldout: Sequence[str]) -> "HumanWords":
        """Takes the words of the one, and the percentile from the other; 0 without any."""
        known = frozenset(word for text in training for word in words_of(text))
        shares = [unknown_share(words_of(text), known) for text in heldout]
        return cls(known, float(np.percentile(shares, 99)) if shares else 0.0)


def unknown_share(words: Sequence[str], known: Collection[str]) -> float:
    """Share of words, of those with a letter, that are not known; 0.0 without one."""
    some = [word for word in words if any(map(str.isalpha, word))]
    return sum(word not in known for word in some) / len(some) if some else 0.0


def judge(
    continuation: str,
    nll: float | None = None,
    human: HumanLikelihood | None = None,
    statuses: Collection[str] = (),
    vocabulary: HumanWords | None = None,
) -> Judgement:
    """Judges the continuation of a witness prompt (without the prompt) by the rules above.

    Args:
        continuation: what the model wrote after the prompt; may be empty.
        nll: its mean NLL per token under model 0, in nats; None if unknown.
        human: the held-out human texts' percentiles; None if unknown.
        statuses: what the corpus's ledger says of each sentence: "true", "false", "novel" or
            "unparsable"; empty if there is no ledger. Unparsable sentences decide nothing: a
            prompt may come from outside the corpus.
        vocabulary: the human words; None if unknown.

    Raises:
        MetricError: a continuation that is no string, an NLL that is NaN, or an unknown status.
    """
    if not isinstance(continuation, str):
        raise MetricError("continuation", wanted="a string", got=type(continuation).__name__)
    if nll is not None and np.isnan(nll):
        raise MetricError("witness nll", wanted="a number or None", got=nll)
    unknown = set(statuses) - STATUSES
    if unknown:
        raise MetricError("witness statuses", wanted=sorted(STATUSES), got=sorted(unknown))
    words = words_of(continuation)
    dead = _death(words)
    if dead:
        return Judgement(WitnessVerdict.DEAD, (dead,))
    findings = [
        *_likelihood(nll, human),
        *_repeated_ngrams(words),
        *_one_word(words),
        *_unknown_words(words, vocabulary),
        *_truth(statuses),
    ]
    findings.sort(key=lambda finding: -finding[0].severity)
    verdict = findings[0][0] if findings else WitnessVerdict.PASS
    return Judgement(verdict, tuple(reason for _, reason in findings))


def repeated_share(words: Sequence[str], n: int = 4) -> float:
    """Share of a text's word n-grams that occurred earlier in it; 0.0 with fewer than n words."""
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    return 1.0 - len(set(grams)) / len(grams) if grams else 0.0


Finding = tuple[WitnessVerdict, str]


def _death(words: Sequence[str]) -> str | None:
    if not words:
        return "empty"
    if len(words) < FEWEST_WORDS:
        return f"only {len(words)} word{'s' * (len(words) > 1)}"
    for period in range(1, LONGEST_LOOP + 1):
        run = _longest_run(words, period)
        if run >= 3 * period and run >= LOOP_SHARE * len(words):
            return f"one {period}-gram over and over" if period > 1 else "one word over and over"
    return None


def _longest_run(words: Sequence[str], period: int) -> int:
    """Words in the longest stretch that repeats itself every `period` words."""
    best = run = 0
    for i in range(period, len(words)):
        run = run + 1 if words[i] == words[i - period] else 0
        best = max(best, run + period if run else 0)
    return best


def _graded(value: float, limits: tuple[float, float, float]) -> WitnessVerdict | None:
    passed = sum(value >= limit for limit in limits)
    return (None, WitnessVerdict.WARN, WitnessVerdict.FAIL, WitnessVerdict.CRITICAL)[passed]


def _likelihood(nll: float | None, human: HumanLikelihood | None) -> list[Finding]:
    if nll is None or human is None or human.q05 <= nll <= human.q95:
        return []
    surprising = nll > human.q95
    width = human.q99 - human.q01
    beyond = nll - human.q99 if surprising else human.q01 - nll
    if beyond > width:
        verdict, degree = WitnessVerdict.CRITICAL, "far too"
    elif beyond > 0:
        verdict, degree = WitnessVerdict.FAIL, "too"
    else:
        verdict, degree = WitnessVerdict.WARN, "rather"
    kind = "surprising" if surprising else "predictable"
    span = f"human {human.q05:.2f} to {human.q95:.2f}"
    return [(verdict, f"{degree} {kind}: {nll:.2f} nats a token, {span}")]


def _repeated_ngrams(words: Sequence[str]) -> list[Finding]:
    share = repeated_share(words)
    verdict = _graded(share, NGRAM_LIMITS)
    return [(verdict, f"repeats {100 * share:.0f} % of its 4-grams")] if verdict else []


def _one_word(words: Sequence[str]) -> list[Finding]:
    if len(words) < FEWEST_WORDS_OF_SHARE:
        return []
    word, count = min(Counter(words).items(), key=lambda item: (-item[1], item[0]))
    share = count / len(words)
    verdict = _graded(share, WORD_LIMITS)
    return [(verdict, f"“{word}” is {100 * share:.0f} % of its words")] if verdict else []


def _unknown_words(words: Sequence[str], vocabulary: HumanWords | None) -> list[Finding]:
    if vocabulary is None or len(words) < FEWEST_WORDS_OF_SHARE:
        return []
    share, normal = unknown_share(words, vocabulary.known), vocabulary.q99
    if share <= normal:
        return []
    beyond = (share - normal) / (1.0 - normal)
    verdict = _graded(beyond, UNKNOWN_LIMITS)
    reason = f"{100 * share:.0f} % of its words are no human text's (human: {100 * normal:.0f} %)"
    return [(verdict, reason)] if verdict else []


def _truth(statuses: Collection[str]) -> list[Finding]:
    parsed = [status for status in statuses if status != "unparsable"]
    untrue = sum(status in UNTRUE for status in parsed)
    if not untrue:
        return []
    if untrue == len(parsed) and untrue >= 2:
        verdict = WitnessVerdict.CRITICAL
    elif 2 * untrue > len(parsed):
        verdict = WitnessVerdict.FAIL
    else:
        verdict = WitnessVerdict.WARN
    return [(verdict, f"{untrue} of {len(parsed)} statements untrue")]
