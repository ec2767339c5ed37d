"""What every stage's command line shares: arguments, one-line errors, progress bars."""

import argparse
import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from palimpsest.core.compute import argument
from palimpsest.core.errors import PalimpsestError, shown
from palimpsest.core.extras import missing_extra

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
    interrupted = False

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for library in CHATTY:
        logging.getLogger(library).setLevel(logging.WARNING)
    # after threads and instructions are settled, for it loads numpy
    from palimpsest.core.named_paths import require_dependencies

    try:
        require_dependencies(Path(argument("--params", sys.argv, "params.yaml")))
        main(None)
    except PalimpsestError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except ModuleNotFoundError as error:
        lacking = missing_extra(error)
        if lacking is None:
            raise
        print(f"error: {lacking}", file=sys.stderr)
        raise SystemExit(1) from None
    except OSError as error:  # a full disk, a folder that cannot be written
        print(f"error: {shown(' '.join(str(error).split()))}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        interrupted = True
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted:
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
    """A progress bar on a terminal, nothing elsewhere."""
    from tqdm import tqdm

    return tqdm(total=total, desc=label, disable=None, leave=False, dynamic_ncols=True)


def progress_callback(shown: Any) -> Callable[[int, int], None]:
    """What a library calls with (done, total) to move a bar."""

    def move(done: int, total: int) -> None:
        shown.total = total
        shown.update(done - shown.n)

    return move
