"""Reads a rule of a gate from a line of text.

Nothing is evaluated: a text that the grammar of `palimpsest.auditing.gate_rules` does not have is
refused, and so is a rule that nothing can break, or nothing meet.
"""

import re
from dataclasses import replace
from math import inf
from typing import cast, get_args

from palimpsest.auditing.gate_rules import (
    HEADLINE_NAMES,
    LAST,
    Change,
    Condition,
    GateError,
    Level,
    Motion,
    NullPlace,
    NullSide,
    Operator,
    Quantifier,
    Rule,
    Verdict,
    check_at,
    near,
)
from palimpsest.auditing.verdict import AuditVerdict
from palimpsest.metrics.registry import metric

LONGEST_RULE = 500
"""Characters of a rule."""
FORMS = (
    "METRIC >= NUMBER, METRIC drop <= 5%, outside null: any of [METRIC, …] or "
    "verdict not in [VERDICT, …]"
)
VERDICTS = tuple(one.value for one in AuditVerdict)
SIGNS = {"≥": ">=", "≤": "<=", "≠": "!="}
"""What people type for an operator."""
_TOKEN = re.compile(
    r"\s*(?:(?P<number>[-+−]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?(?!\w))"
    r"|(?P<word>[^\W\d][\w-]*)|(?P<operator>[<>=!≥≤≠]+)|(?P<other>\S))"
)


def parse_rule(text: str, place: str = "--rule") -> Rule:
    """A rule from its text.

    Args:
        text: the rule, see the module.
        place: where it stands, for errors.

    Raises:
        GateError: no rule of the grammar, a verdict that does not exist, or a threshold that the
            metric meets or misses whatever the text.
    """
    line = " ".join(text.split())
    return replace(_Reader(line, f"{place}: {line!r}").rule(), name=line)


class _Reader:
    """Reads a rule from left to right."""

    def __init__(self, text: str, what: str) -> None:
        self.text, self.what = text, what
        if len(text) > LONGEST_RULE:
            raise GateError(what, wanted=f"a rule of at most {LONGEST_RULE} characters", got="more")
        self.tokens = [(match.lastgroup, match[0].strip()) for match in _TOKEN.finditer(text)]

    def rule(self) -> Rule:
        """The whole of it."""
        kind, word = self.peek()
        if kind != "word":
            raise self.refuse(f"a rule such as {FORMS}")
        condition: Condition
        if word in ("verdict", "verdicts"):
            condition = self.verdict()
        elif word in get_args(NullSide) and self.peek(1)[1] == "null":
            condition = self.band()
        else:
            condition = self.comparison()
        at, surely = LAST, False
        while not isinstance(condition, Verdict) and self.peek()[1] in ("at", "surely"):
            if self.take() == "at":
                at = check_at(self.take(), self.what)
            else:
                surely = True
        if self.tokens:
            more = "" if isinstance(condition, Verdict) else " (or at GENERATION, surely)"
            raise self.refuse(f"the end of the rule{more}")
        if isinstance(condition, Level):
            self.check_range(condition)
        return Rule(self.text, condition, at, surely)

    def comparison(self) -> Level | Change:
        """``METRIC >= 0.8`` or ``METRIC drop <= 5%``."""
        name = self.take()
        motion = self.take() if self.peek()[1] in get_args(Motion) else None
        operator = self.operator()
        threshold, percent = self.number()
        if motion is None:
            # the unit of `loss` is a percent
            hundredth = percent and metric(name).unit != "%"
            return Level(name, operator, threshold / 100 if hundredth else threshold)
        if motion == "change" and threshold < 0:
            what = "a threshold of 0 or more: a change has no sign"
            raise GateError(self.what, wanted=what, got=f"{threshold:g}")
        threshold = threshold / 100 if percent else threshold
        return Change(name, cast("Motion", motion), operator, threshold, percent)

    def band(self) -> NullPlace:
        """``outside null: any of [METRIC, …]``."""
        side = self.take()
        self.take()
        self.expect(":", "a colon after null")
        quantifier = " ".join(word for _, word in self.tokens[:2])
        if quantifier == "none of":
            # read aloud it is a demand, by the rule for `outside` it would be a fault
            hint = "outside null: any of [...] is a breach as soon as one lies outside"
            raise GateError(self.what, wanted="any of or all of", got=quantifier, hint=hint)
        if quantifier not in get_args(Quantifier):
            raise self.refuse("any of [...] or all of [...]")
        del self.tokens[:2]
        return NullPlace(
            cast("NullSide", side), cast("Quantifier", quantifier), self.names("metrics")
        )

    def verdict(self) -> Verdict:
        """``verdict not in [VERDICT, …]``, ``verdict == VERDICT``."""
        self.take()
        kind, word = self.peek()
        if kind == "operator":
            operator = self.operator()
            if operator not in ("==", "!="):
                raise GateError(self.what, wanted="in, not in, == or !=", got=operator)
            found = Verdict(operator == "==", (self.word("a verdict"),))
        else:
            among = word != "not"
            if not among:
                self.take()
            self.expect("in", "in, not in, == or !=")
            found = Verdict(among, self.names("verdicts"))
        for name in found.names:
            if name not in VERDICTS:
                wanted = f"verdicts out of {', '.join(VERDICTS)}"
                hint = near(name, VERDICTS)
                raise GateError(self.what, wanted=wanted, got=repr(name), hint=hint)
        return found

    def names(self, kind: str) -> tuple[str, ...]:
        """``[a, b]``; at least one name."""
        self.expect("[", f"a list of {kind} in brackets")
        names = [self.word(f"one of the {kind}")]
        while self.peek()[1] == ",":
            self.take()
            names.append(self.word(f"one of the {kind}"))
        self.expect("]", "a comma or ]")
        return tuple(dict.fromkeys(names))

    def operator(self) -> Operator:
        """One of the six; the mathematical signs stand for them."""
        kind, sign = self.peek()
        known = get_args(Operator)
        sign = SIGNS.get(sign, sign)
        if kind != "operator" or sign not in known:
            raise self.refuse(f"one of {', '.join(known)} (or drop, rise, change before it)")
        self.take()
        return cast("Operator", sign)

    def number(self) -> tuple[float, bool]:
        """A finite number, and whether it is a percentage."""
        kind, digits = self.peek()
        number = float(digits.replace("−", "-")) if kind == "number" else inf
        if not -inf < number < inf:
            raise self.refuse("a finite number such as 0.8 or 5%")
        self.take()
        percent = self.peek()[1] == "%"
        if percent:
            self.take()
        return number, percent

    def check_range(self, level: Level) -> None:
        """Refuses a threshold that says nothing.

        Raises:
            GateError: the metric's range makes the rule hold always, or never.
        """
        entry, at = metric(HEADLINE_NAMES.get(level.metric, level.metric)), level.threshold
        low, high = entry.low, entry.high
        inside = low <= at <= high
        always, never = {
            ">=": (at <= low, at > high),
            ">": (at < low, at >= high),
            "<=": (at >= high, at < low),
            "<": (at > high, at <= low),
            "==": (False, not inside),
            "!=": (not inside, False),
        }[level.operator]
        if always or never:
            wanted = f"a threshold that {level.metric} can meet and miss (range: {entry.range_text}"
            got = f"{level.operator} {at:g}, which {'always' if always else 'never'} holds"
            raise GateError(self.what, wanted=f"{wanted})", got=got)

    def word(self, wanted: str) -> str:
        """A name."""
        if self.peek()[0] != "word":
            raise self.refuse(wanted)
        return self.take()

    def expect(self, word: str, wanted: str) -> None:
        """Takes this word or sign."""
        if self.peek()[1] != word:
            raise self.refuse(wanted)
        self.take()

    def peek(self, ahead: int = 0) -> tuple[str | None, str]:
        """The kind and the text of a token to come; (None, "") past the end."""
        return self.tokens[ahead] if len(self.tokens) > ahead else (None, "")

    def take(self) -> str:
        """The next token; "" past the end."""
        return self.tokens.pop(0)[1] if self.tokens else ""

    def refuse(self, wanted: str) -> GateError:
        """An error at the token that comes next."""
        got = self.peek()[1]
        return GateError(self.what, wanted=wanted, got=repr(got) if got else "the end of the rule")
