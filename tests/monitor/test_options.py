import pytest

from palimpsest.core.errors import ParamsError
from palimpsest.monitor.options import (
    DEFAULT_METRICS,
    DEFAULTS,
    OF_HELDOUT,
    OF_SAMPLES,
    MonitorParams,
)
from tests.tiny import ROOT


def test_what_is_not_said_is_as_in_the_defaults() -> None:
    chosen = MonitorParams.from_options({"every": 50, "prompts": ["The"]}, has_heldout=True)
    assert chosen == DEFAULTS.changed(every=50, prompts=("The",))


def test_the_default_metrics_have_something_of_every_kind() -> None:
    assert {*DEFAULT_METRICS} <= {*OF_SAMPLES, *OF_HELDOUT}
    assert not {*OF_SAMPLES} & {*OF_HELDOUT}
    assert {"integrity", "perplexity_heldout", "nc1_cdnv", "nc4_agreement"} <= {*DEFAULT_METRICS}


def test_without_heldout_texts_their_metrics_are_left_out() -> None:
    chosen = MonitorParams.from_options({}, has_heldout=False)
    assert chosen.metrics == tuple(name for name in DEFAULT_METRICS if name in OF_SAMPLES)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"every": 0}, "monitor.every: want >= 1, got 0"),
        ({"every": 2.5}, "monitor.every: want a whole number, got 2.5"),
        ({"temperature": 0.0}, "monitor.temperature: want > 0, got 0.0"),
        ({"temperature": float("nan")}, "monitor.temperature: want a finite number, got nan"),
        ({"samples": 4}, "monitor.samples: want >= 5, got 4"),
        ({"null_samples": 1}, "monitor.null_samples: want >= 2, got 1"),
        ({"evry": 3}, "monitor.evry: want one of: at_start, "),
        ({"metrics": ["perplexity"]}, "monitor.metrics: want names among volume, "),
        ({"metrics": []}, "monitor.metrics: want names among volume, "),
        ({"metrics": ["vendi"], "stop_on": ["integrity"]}, "monitor.stop_on: want names among "),
        ({"stop_on": ["perplexity_heldout"]}, "monitor.stop_on: want names among "),
        ({"metrics": "vendi"}, "monitor.metrics: want a list of text, got 'vendi'"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused(options: dict[str, object], line: str) -> None:
    with pytest.raises(ParamsError) as raised:
        MonitorParams.from_options(options, has_heldout=True)
    assert str(raised.value).startswith(line)


def test_metrics_of_heldout_texts_without_any_are_refused() -> None:
    with pytest.raises(ParamsError, match=r"monitor.metrics: want heldout texts for nc4_agreement"):
        MonitorParams.from_options({"metrics": ["vendi", "nc4_agreement"]}, has_heldout=False)


def test_texts_are_no_longer_than_the_context_has_room() -> None:
    assert DEFAULTS.sampling(8, room=1000).max_new_tokens == DEFAULTS.max_new_tokens
    assert DEFAULTS.sampling(8, room=9).max_new_tokens == 9


def test_the_page_has_every_option_with_its_default() -> None:
    page = (ROOT / "docs" / "monitor.md").read_text()
    for name, value in DEFAULTS.as_dict().items():
        if name != "metrics":
            said = "–" if value in ((), None) else f"{value!r}"
            assert f"| `{name}` | {said} |" in page, name
    assert all(f"`{name}`" in page for name in DEFAULT_METRICS)
