"""Streams that take any text: narrow encodings, control characters, no stream at all."""

import io
import sys

import pytest

from palimpsest.core import command
from palimpsest.core.terminal import Guarded, encodable, guarded_output, unguarded


@pytest.mark.parametrize(
    ("text", "encoding", "written"),
    [
        ("≥ 3 × −2 … 東 é", "ascii", r">= 3 x -2 ... \u6771 \xe9"),
        ("≥ 3 × −2 … 東 é", "cp1252", r">= 3 × -2 … \u6771 é"),
        ("≥ 3 × −2 … 東 é", "utf-8", "≥ 3 × −2 … 東 é"),
        ("🙂", "latin-1", r"\U0001f642"),
        ("≥", None, "≥"),
    ],
)
def test_what_an_encoding_lacks_is_written_otherwise(text, encoding, written):
    assert encodable(text, encoding) == written
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding or "utf-8", newline="")
    Guarded(stream).writelines([text, "\n"])
    stream.flush()
    assert raw.getvalue().decode(stream.encoding) == written + "\n"


def test_both_streams_are_guarded_and_given_back(monkeypatch):
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="ascii") for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with guarded_output():
        print("a\x1b[2J\tb – \r")
        print("ü\x9b", file=sys.stderr, flush=True)
        sys.stdout.flush()
        assert unguarded(sys.stdout) is out
    assert (sys.stdout, sys.stderr) == (out, err)
    assert unguarded(out) is out
    assert out.buffer.getvalue() == b"a\\x1b[2J\tb - \\r\n"
    assert err.buffer.getvalue() == b"\\xfc\\x9b\n"


def test_streams_that_are_none_or_closed_take_everything(monkeypatch):
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", closed)
    with guarded_output():
        print("text")
        print("text", file=sys.stderr)
        sys.stdout.buffer.write(b"bytes")
        sys.stdout.flush()
        with command.bar(3, "a bar") as bar:
            bar.update(3)
    assert sys.stdout is None
    assert sys.stderr is closed


def test_a_bar_moves_the_cursor_of_a_guarded_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with guarded_output(), command.bar(3, "embedding") as bar:
        bar.update(3)
    assert "\rembedding" in terminal.getvalue()
    assert "\\r" not in terminal.getvalue()
