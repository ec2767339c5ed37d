"""Lines where there is no terminal: what they say, when, and that they end."""

import io
import time

import pytest

from palimpsest.core.progress import Lines


def waited_for(stream: io.StringIO, count: int) -> list[str]:
    """The lines of a stream as soon as there are so many, or after ten seconds."""
    end = time.monotonic() + 10
    while stream.getvalue().count("\n") < count and time.monotonic() < end:
        time.sleep(0.01)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize(
    ("total", "done", "said"),
    [
        (120, 30, "write: 30 of 120, 1 min 30 s so far, about 4 min 30 s left"),
        (120, 0, "write: 0 of 120, 1 min 30 s so far"),
        (0, 7, "write: 1 min 30 s so far"),
        (5, 5, "write: 5 of 5, 1 min 30 s so far, about 0 s left"),
        (5, 9, "write: 9 of 5, 1 min 30 s so far"),
    ],
)
def test_a_line_says_what_how_far_and_how_long(total: int, done: int, said: str) -> None:
    with Lines(total, "write", io.StringIO()) as lines:
        lines.update(done)
        assert lines.line(90.0) == said


def test_work_without_a_sign_of_life_still_has_its_lines_and_none_behind_its_end() -> None:
    stream = io.StringIO()
    with Lines(0, "read", stream, every=0.02):
        said = waited_for(stream, 3)
    assert said[:3] == ["read: 0 s so far"] * 3
    before = stream.getvalue()
    time.sleep(0.1)
    assert stream.getvalue() in (before, f"{before}read: 0 s so far\n")  # one was on its way


def test_short_work_says_nothing() -> None:
    stream = io.StringIO()
    with Lines(3, "read", stream) as lines:
        lines.iterable = "abc"
        assert [*lines] == ["a", "b", "c"]
        lines.set_postfix(loss=1)
        lines.clear()
    assert (lines.n, stream.getvalue()) == (3, "")


def test_a_reader_who_has_gone_stops_no_work() -> None:
    stream = io.StringIO()
    with Lines(3, "read", stream, every=0.01) as lines:
        stream.close()
        time.sleep(0.05)
        lines.update()
    assert lines.n == 1
