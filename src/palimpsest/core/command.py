"""What every stage's command line shares: arguments, one-line errors, progress bars."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from palimpsest.core.activity import note_progress, noted
from palimpsest.core.compute import argument
from palimpsest.core.errors import CorpusError, ParamsError, shown
from palimpsest.core.extras import missing_extra
from palimpsest.core.launched import say_error, started_by_a_stage, started_rank
from palimpsest.core.mendable import in_one_line
from palimpsest.core.progress import Lines
from palimpsest.core.terminal import guarded_output, unguarded

HUMAN = "folder of the human corpus"
TEXTS = "folder of this generation's texts"
OUT = "what to write; replaced as a whole"
INTERRUPTED = 128 + 2
"""Exit status after Ctrl-C, as shells have it."""
CHATTY = ("datasets", "httpx", "huggingface_hub", "urllib3", "fsspec")
"""Libraries that log what a user does not ask for."""


def parser(stage: str, purpose: str | None, **paths: str) -> argparse.ArgumentParser:
    """The command line of a stage.

    Args:
        stage: its name.
        purpose: its docstring.
        **paths: an argument for each file or folder that it reads or writes, with its help.
    """
    style = argparse.ArgumentDefaultsHelpFormatter
    name = f"python -m stages.{stage}"
    new = argparse.ArgumentParser(prog=name, description=purpose, formatter_class=style)
    new.add_argument("--params", type=Path, default=Path("params.yaml"), help="all parameters")
    for path, text in paths.items():
        new.add_argument(f"--{path.replace('_', '-')}", type=Path, required=True, help=text)
    return new


def run(main: Callable[[list[str] | None], None]) -> None:
    """Runs a stage; what a user can mend becomes one line and exit status 1.

    Ctrl-C is one line and exit status 130, also where a library has caught it on the way: the chain
    must not go on to its next stage.
    """
    with guarded_output():
        _run(main)


def _run(main: Callable[[list[str] | None], None]) -> None:
    interrupted = False

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    # of several processes, the first one speaks
    logging.basicConfig(level=logging.ERROR if started_rank() else logging.INFO, handlers=[handler])
    for library in CHATTY:
        logging.getLogger(library).setLevel(logging.WARNING)
    # after threads and instructions are settled, for it loads numpy
    from palimpsest.core.before_work import after_refusal, check_before_work
    from palimpsest.core.named_paths import require_dependencies

    params = Path(argument("--params", sys.argv, "params.yaml"))
    try:
        with noted(sys.argv, Path.cwd()):
            require_dependencies(params)
            check_before_work(params)
            main(None)
    except Exception as error:
        line = in_one_line(error)
        if line is None:
            raise
        undo = after_refusal() if isinstance(error, ParamsError | CorpusError) else None
        say_error(f"error: {line}" + (f"; {undo}" if undo else ""))
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        interrupted = True
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted:
        if not started_by_a_stage():
            print("interrupted; what was written before is whole", file=sys.stderr)
        raise SystemExit(INTERRUPTED)


class _Lines(logging.Formatter):
    """The message alone; control characters of a name or text are shown, not sent."""

    def format(self, record: logging.LogRecord) -> str:
        return shown(super().format(record), keep="\n\t")


def loading_in_one_line(kind: type[BaseException], error: BaseException, *rest: Any) -> None:
    """A `sys.excepthook`: while libraries are being loaded, Ctrl-C is no traceback, and neither is
    a package of the laboratory that is not there.
    """
    lacking = missing_extra(error) if isinstance(error, ModuleNotFoundError) else None
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted before any work", file=sys.stderr)
    elif lacking is not None:
        print(f"error: {lacking}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, *rest)


def bar(total: int, label: str) -> Any:
    """A progress bar on a terminal, a line every half minute elsewhere.

    Whoever watches the chain from another terminal sees it too (`palimpsest.core.activity`).

    Args:
        total: units of the work; 0 where their number is not known, or not yet.
        label: what is done.
    """
    stream = unguarded(sys.stderr)
    from tqdm import tqdm

    if started_rank():  # of several processes, the first one speaks
        return tqdm(total=total, disable=True)
    if not _is_terminal(stream):
        return _NotedLines(total, label, sys.stderr)

    class Drawn(tqdm):  # type: ignore[type-arg]  # tqdm is loaded where it is drawn
        def update(self, n: float | None = 1) -> bool | None:
            moved = super().update(n)
            note_progress(label, int(self.n), int(self.total or 0))
            return moved

    note_progress(label, 0, total)
    return Drawn(total=total, desc=label, file=stream, leave=False, **_width(stream))


class _NotedLines(Lines):
    """Lines that whoever watches the chain sees too."""

    def __init__(self, total: int, label: str, stream: TextIO) -> None:
        super().__init__(total, label, stream)
        note_progress(label, 0, total)

    def update(self, count: int = 1) -> None:
        super().update(count)
        note_progress(self.desc, self.n, self.total)


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except (ValueError, AttributeError):  # closed, or no file behind it
        return False


def _width(stream: Any) -> dict[str, Any]:
    """How wide a bar is: as the terminal, also when that changes; 80 where it does not say.

    A program's own terminal has 0 columns unless the program sets them, and tqdm would draw
    nothing.
    """
    try:
        known = os.get_terminal_size(stream.fileno()).columns > 0
    except (OSError, ValueError, AttributeError):  # no file behind it
        known = False
    return {"dynamic_ncols": True} if known else {"ncols": 80}


class Steps:
    """Steps of a command's work on standard error: a bar each on a terminal, a line each elsewhere.

    Use it as a context; calling it moves the bar of a step, and a new step's name closes the last.
    A step of one unit, such as reading a file, has no line: what is wrong with the input is said
    alone.

    Args:
        quiet: whether nothing is said at all.
    """

    def __init__(self, quiet: bool) -> None:
        self._quiet, self._step, self._start = quiet, "", 0
        self._bar: Any = None

    def __enter__(self) -> "Steps":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, step: str, done: int, total: int) -> None:
        """Says that so many of a step's units are done, out of so many."""
        if self._quiet:
            return
        if step != self._step:
            self.__exit__()
            self._step, self._bar = step, bar(total, step)
            if self._bar.disable and total > 1:
                print(f"{step} ({total:,})", file=sys.stderr)
        self._start = done
        self._move(done)

    def within(self, done: int, _: int = 0) -> None:
        """Says how far the units are that were begun last: what computes them counts from 0."""
        self._move(self._start + done)

    def warn(self, sentence: str) -> None:
        """Says what must be seen, a quiet command's too, clear of the bar."""
        if self._bar is not None:
            self._bar.clear()
        print(f"warning: {sentence}", file=sys.stderr)

    def _move(self, done: int) -> None:
        if self._bar is not None:
            self._bar.update(done - self._bar.n)


def progress_callback(shown: Any) -> Callable[[int, int], None]:
    """What a library calls with (done, total) to move a bar."""

    def move(done: int, total: int) -> None:
        shown.total = total
        shown.update(done - shown.n)

    return move
