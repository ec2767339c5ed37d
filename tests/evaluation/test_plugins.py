"""Metrics of one's own: loaded, measured with intervals, and every way to get one wrong."""

import re
from pathlib import Path

import numpy as np
import pytest

from palimpsest.core.errors import MetricError, ParamsError
from palimpsest.evaluation.evaluator import Evaluator, with_intervals
from palimpsest.evaluation.plugins import Plugin, load_plugins
from palimpsest.metrics.family import Reference, Sample

TEXTS = [f"text number {number}" for number in range(10)]
HUMAN = [f"human {number}" for number in range(8)]
POINTS = np.random.default_rng(0).normal(size=(10, 4)).astype(np.float32)
HUMAN_POINTS = np.ones((8, 4), dtype=np.float32)


REFERENCE = Reference(HUMAN, HUMAN_POINTS, HUMAN, None, 1.0, 100)
SAMPLE = Sample(TEXTS, POINTS)


def measured(function, rows=None):
    return Plugin("mine:shift", function).fit(REFERENCE).prepare(SAMPLE).compute(rows)


def shift(texts, embeddings, human_texts, human_embeddings):
    return float((embeddings.mean(axis=0) - human_embeddings.mean(axis=0)).sum())


def test_by_hand():
    assert measured(shift) == {"shift": pytest.approx(POINTS.mean(axis=0).sum() - 4)}
    rows = np.array([1, 4])
    assert measured(lambda texts, **_: len(texts), rows) == {"shift": 2.0}
    assert measured(lambda texts, **_: int(texts[1][-1]), rows) == {"shift": 4.0}
    assert measured(lambda human_texts, **_: np.float32(len(human_texts))) == {"shift": 8.0}
    assert measured(lambda **_: np.array(3)) == {"shift": 3.0}


def test_a_dict_gives_several_metrics():
    assert measured(lambda **_: {"a": 1, "b2": np.int64(2)}) == {"shift_a": 1.0, "shift_b2": 2.0}


def test_the_order_of_half_samples_and_null_samples_cannot_be_disturbed():
    """Writing into the embeddings would change what every other metric sees."""

    def rude(embeddings, **_):
        embeddings -= 1
        return 0.0

    with pytest.raises(MetricError, match=r"score.custom: mine:shift: want a number, got ValueErr"):
        measured(rude)
    measured(lambda texts, human_texts, **_: texts.clear() or human_texts.clear() or 0)
    assert (len(TEXTS), len(HUMAN)) == (10, 8)
    assert POINTS.flags.writeable


def test_lists_that_it_sorts_or_empties_are_its_own():
    seen = []

    def greedy(texts, human_texts, **_):
        seen.append((list(texts), list(human_texts)))
        texts.reverse()
        human_texts.clear()
        return len(texts)

    fitted = Plugin("mine:greedy", greedy).fit(REFERENCE)
    first, second = fitted.prepare(SAMPLE), fitted.prepare(SAMPLE)
    rows = np.array([1, 4])
    assert [one.compute(at) for one in (first, second) for at in (None, rows)] == [
        {"greedy": 10.0}, {"greedy": 2.0}, {"greedy": 10.0}, {"greedy": 2.0},
    ]  # fmt: skip
    assert seen == [(TEXTS, HUMAN), ([TEXTS[1], TEXTS[4]], HUMAN)] * 2


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "want a number, got NoneType"),
        ("7", "want a number, got str"),
        (True, "want a number, got bool"),
        ([1.0], "want a number, got list"),
        (np.ones(2), "want a number, got ndarray"),
        (1j, "want a number, got complex"),
        (float("nan"), "want a finite number, got nan"),
        (np.float32("inf"), "want a finite number, got inf"),
        ({}, "want numbers by name, got none"),
        ({"a": None}, "['a']: want a number, got NoneType"),
        ({"a": float("nan")}, "['a']: want a finite number, got nan"),
        ({"a/b": 1.0}, "want names of letters, digits and underscores, got 'a/b'"),
        ({1: 1.0}, "want names of letters, digits and underscores, got 1"),
        ({"": 1.0}, "want names of letters, digits and underscores, got ''"),
    ],
)
def test_what_is_no_number_is_named(result, message):
    with pytest.raises(MetricError) as raised:
        measured(lambda **_: result)
    assert str(raised.value).startswith("score.custom: mine:shift")
    assert message in str(raised.value)


def test_names_that_change_from_call_to_call_are_refused():
    def changing(texts, **_):
        return {"all": 1.0} if len(texts) == len(TEXTS) else {"half": 1.0}

    measurement = Plugin("mine:shift", changing).fit(REFERENCE).prepare(SAMPLE)
    measurement.compute()
    with pytest.raises(MetricError, match=r"the first call \(shift_all\), got shift_half"):
        measurement.compute(np.arange(5))


def test_what_it_raises_is_named_and_chained():
    def broken(**_):
        raise KeyError("two\nlines")

    with pytest.raises(MetricError) as raised:
        measured(broken)
    assert isinstance(raised.value.__cause__, KeyError)
    assert str(raised.value).startswith("score.custom: mine:shift: want a number, got KeyError: ")
    assert "\n" not in str(raised.value)


def test_a_function_of_other_arguments_is_named():
    with pytest.raises(MetricError, match="unexpected keyword argument"):
        measured(lambda texts: 1.0)


# --- loading ---


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_loaded_from_the_project_root(root):
    (root / "loaded_metric.py").write_text("number = 3\ndef one(**_): return 1\n")
    (root / "inner_metric").mkdir()
    (root / "inner_metric" / "deep.py").write_text("def two(**_): return 2\n")
    plugins = load_plugins(["loaded_metric:one", "inner_metric.deep:two"])
    results = [plugin.fit(REFERENCE).prepare(SAMPLE).compute() for plugin in plugins]
    assert results == [{"one": 1.0}, {"two": 2.0}]
    assert load_plugins([]) == ()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["no_such_metric_module:one"], "score.custom: no_such_metric_module:one: want a module, "),
        (["broken_metric:one"], "broken_metric:one: want a module, got ZeroDivisionError"),
        (["garbled_metric:one"], "garbled_metric:one: want a module, got SyntaxError"),
        (["plain_metric:two"], "plain_metric:two: want a function of the module, got no such name"),
        (["plain_metric:one"], "plain_metric:one: want a function of the module, got int"),
        (["plain_metric"], "score.custom: want \"module:function\", got 'plain_metric'"),
        (["a:b:c"], "score.custom: want \"module:function\", got 'a:b:c'"),
        (["../a:b"], "score.custom: want \"module:function\", got '../a:b'"),
        (["os:getcwd", "os:getcwd"], "score.custom: want each function once, got 'os:getcwd' tw"),
    ],
)
def test_what_cannot_be_loaded_is_named(root, names, message):
    (root / "broken_metric.py").write_text("1 / 0\n")
    (root / "garbled_metric.py").write_text("def\n")
    (root / "plain_metric.py").write_text("one = 1\n")
    with pytest.raises(ParamsError, match=re.escape(message)) as raised:
        load_plugins(names)
    assert "\n" not in str(raised.value)


def test_intervals_as_for_every_metric():
    reference = Reference(HUMAN, HUMAN_POINTS + POINTS[:8], HUMAN, None, 1.0, 100)
    (shifted,) = Evaluator(reference, [Plugin("m:shift", shift)]).measure_plugins(SAMPLE)
    entry = with_intervals([shifted], 50, 0)["shift"]
    assert entry["low"] < entry["value"] < entry["high"]
    assert entry == with_intervals([shifted], 50, 0, threads=1)["shift"]
