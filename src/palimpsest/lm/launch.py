"""Starts the processes that share a stage, as `accelerate launch` does, and waits for them.

    share("finetune", _finetune, args, argv)

runs `_finetune` here if params.yaml asks for one process, else in each of the processes that are
started; a process that was started so, or by the user's own launcher, joins the others. One that
fails ends all of them, and what it said is the one error of the stage.
"""

import contextlib
import logging
import os
import signal
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from palimpsest.core.errors import PalimpsestError, ProcessError
from palimpsest.core.extras import require
from palimpsest.core.launched import ERRORS
from palimpsest.core.memory import shortage_names
from palimpsest.core.parameters import ComputeParams, Parameters
from palimpsest.core.team import ALONE, Team

Work = Callable[[Namespace, Parameters, Team], None]


def share(stage: str, work: Work, args: Namespace, argv: Sequence[str] | None) -> None:
    """Does a stage's work in as many processes as params.yaml says.

    Args:
        stage: its name: the processes run ``python -m stages.NAME``.
        work: what each of them does, with the parameters as they are now.
        args: the parsed command line.
        argv: the same before it was parsed; None for that of this process.

    Raises:
        PalimpsestError: as `work`; in several processes, what the first one to fail has said.
        ProcessError: one has ended without a word.
        MemoryShortage: memory has run out; names what to turn down in the stage's section.
        InstallationError: `accelerate` is not there.
        ParamsError: more processes than GPUs; or see `palimpsest.lm.processes.joined`.
    """
    parameters = Parameters.load(args.params)
    count, compute = parameters.processes_of(stage), parameters.compute
    section = getattr(args, "section", stage)  # finetune trains by one of two
    named = shortage_names(section, getattr(parameters, section))
    if os.environ.get("WORLD_SIZE", "1") != "1":
        from palimpsest.lm.processes import joined

        with joined(compute, count) as team, named:
            work(args, parameters, team)
    elif count == 1:
        with named:
            work(args, parameters, ALONE)
    else:
        words = sys.argv[1:] if argv is None else argv
        root = Path(work.__code__.co_filename).resolve().parents[1]
        _start(stage, count, compute, words, root)


def _start(
    stage: str, count: int, compute: ComputeParams, words: Sequence[str], root: Path
) -> None:
    """Runs the launcher in this process until all others have ended."""
    require("accelerate", "processes")
    from accelerate.commands.launch import launch_command, launch_command_parser
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    from palimpsest.lm.processes import check_cards

    check_cards(compute.device, count)
    with tempfile.TemporaryDirectory(prefix="palimpsest-") as name, _undisturbed():
        folder = Path(name)
        config = folder / "accelerate.yaml"
        config.write_text(yaml.safe_dump(settings(count)), encoding="utf-8")
        errors = folder / "errors"
        errors.mkdir()
        path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
        os.environ.update({ERRORS: str(errors), "PYTHONPATH": path})
        options = ["--config_file", str(config), "--num_cpu_threads_per_process"]
        command = [*options, str(compute.threads), "--module", f"stages.{stage}", *words]
        try:
            launch_command(launch_command_parser().parse_args(command))
        except ChildFailedError as error:
            raise _what_they_said(errors, stage, count, error) from error


def settings(count: int) -> dict[str, Any]:
    """A configuration of `accelerate` for processes on this machine.

    Everything is said: what it does not say, the launcher would take from the user's own default.

    Args:
        count: how many.
    """
    return {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": "MULTI_GPU",  # names the launcher; on a CPU the processes take gloo
        "num_machines": 1,
        "machine_rank": 0,
        "num_processes": count,
        "main_process_port": 0,
        "mixed_precision": "no",
        "dynamo_config": {},
        "gpu_ids": "all",
        "use_cpu": False,
        "debug": False,
    }


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """The environment, the signals' handlers and the log are as before behind the block.

    The launcher takes Ctrl-C and a request to end for itself, passes them on, and raises what it
    was asked for. What it logs of a failure, the stage says.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException

    environment = dict(os.environ)
    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]
    handlers = {number: signal.getsignal(number) for number in numbers}
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    except SignalException as error:
        if error.sigval == signal.SIGINT:
            raise KeyboardInterrupt from error
        raise SystemExit(128 + error.sigval) from error
    finally:
        os.environ.clear()
        os.environ.update(environment)
        logging.disable(disabled)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _what_they_said(errors: Path, stage: str, count: int, error: Any) -> PalimpsestError:
    """The one error of a stage, of what its processes have written and of how they have ended."""
    from palimpsest.lm.processes import LOST

    said = sorted(errors.iterdir(), key=lambda path: (path.stat().st_mtime_ns, path.name))
    if said:
        return Said(said[0].read_text(encoding="utf-8").removeprefix("error: "))
    # who has lost another one has ended later than that one
    failures = [one for one in error.failures.items() if one[1].exitcode != LOST]
    rank, failure = failures[0] if failures else error.get_first_failure()
    killed = failure.exitcode < 0
    got = f"one that {'was killed by signal' if killed else 'ended with status'} "
    return ProcessError(
        f"process {rank} of {count} of stage {stage}",
        wanted="one that ends its work",
        got=got + str(abs(failure.exitcode)),
        hint="was there memory for all of them? Fewer compute.processes need less"
        if killed
        else None,
    )


class Said(PalimpsestError):
    """What another process has said already.

    Args:
        line: whole, as it would have printed it.
    """

    def __init__(self, line: str) -> None:
        super().__init__(line)
        self.args = (line,)  # its parts were cut to size over there
