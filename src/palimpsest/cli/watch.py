"""`palimpsest watch`: a line for each generation, while the chain is computed elsewhere."""

import argparse
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from palimpsest.core.activity import Activity
from palimpsest.core.errors import PalimpsestError, ParamsError, shown
from palimpsest.core.formatting import duration, plain, span
from palimpsest.core.terminal import unguarded
from palimpsest.experiments.watching import FAILED, RUNNING, Copy, Watched, copies, watched
from palimpsest.trajectory.curves import Scorecard

DESCRIPTION = (
    "Prints a line as soon as a generation is done: its integrity with the 95 % interval, what has "
    "warned, the seconds that its stages took, and how long the rest will take. Run it beside `dvc "
    "repro` or `dvc queue start`, in another terminal or through a pipe: it reads files and locks "
    "nothing. It ends when the work does; Ctrl-C ends it and nothing else."
)
GRACE = 30.0
"""Seconds without work after which it has ended: between two stages or two experiments of the queue
nothing is at work for a moment."""
MOST_BLIND = 5
"""Looks in a row at which the project may be unreadable: what is written in place is half there."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument("--once", action="store_true", help="say what is known now, and leave")
    parser.add_argument(
        "--every", type=float, default=2.0, metavar="SECONDS", help="look so often (default: 2)"
    )


def run(args: argparse.Namespace) -> int:
    """Watches; 1 if what was at work has ended before the chain was done.

    Raises:
        ParamsError: chain.yaml or params.yaml is missing or none; a pause of no length.
        ProjectError: no project of this kind.
    """
    if not 0 < args.every <= GRACE:
        raise ParamsError("--every", wanted=f"> 0 and <= {GRACE:.0f} seconds", got=args.every)
    watch = Watch(Path.cwd())
    try:
        for again in watch.look():
            if args.once:
                return watch.sum_up()
            if not again:
                break
            time.sleep(args.every)
    except KeyboardInterrupt:
        watch.status("")
        return 0
    return watch.sum_up()


@dataclass
class Watch:
    """What has been said so far of a project and of the experiments in its queue."""

    root: Path
    said: dict[str, dict[str, Scorecard]] = field(default_factory=dict)
    """Chain, by its experiment's name, "" for the workspace's -> generations with a line."""
    seen: dict[str, int] = field(default_factory=dict)
    """Name of an experiment that was at work -> its last state."""
    worked: bool = False
    """Whether something of the workspace was at work."""
    last: Watched | None = None
    """The workspace's chain."""
    blind: int = 0
    """Looks in a row at which it could not be read."""

    def look(self) -> Iterator[bool]:
        """Says what is new; yields whether to look again."""
        idle_since, told = time.monotonic(), False
        while True:
            at_work = self._workspace() | self._experiments()
            now, begun = time.monotonic(), self.worked or bool(self.seen)
            over = self.last is not None and self.last.complete and not self.seen
            if at_work:
                idle_since = now
            elif over or (begun and now - idle_since > GRACE):
                yield False
                return
            yield True
            if not (begun or told):
                told = True
                print("nothing is at work; waiting for dvc repro (Ctrl-C ends)", flush=True)

    def sum_up(self) -> int:
        """Says how it stands; the exit status."""
        self.status("")
        chain = self.last
        assert chain is not None
        missing = [name for name in chain.names if name not in chain.done]
        failed = [name for name, state in self.seen.items() if state in FAILED]
        if not missing and chain.failed and not chain.at_work:
            print(
                f"{len(chain.names)} generations are done; {_ended(chain.failed)}; next: dvc repro"
            )
            return 1
        if not missing:
            print(f"done: {len(chain.names)} generations; next: open plots/report.html")
        elif chain.working:
            print(f"at work: {_progress(chain.working)}; {len(missing)} generations to come")
        elif not chain.at_work and (self.worked or not self.seen):
            why = f"; {_ended(chain.failed)}" if chain.failed else ""
            print(f"{len(missing)} of {len(chain.names)} generations are missing{why}")
            print("next: dvc repro" + ("; after a kill, palimpsest repair first" if why else ""))
        for name in failed:
            print(f"{name} failed; next: dvc queue logs {name}")
        return int(bool(failed) or (self.worked and not chain.at_work and bool(missing)))

    def status(self, text: str) -> None:
        """Shows what is going on in the last line of a terminal; nothing elsewhere."""
        stream = unguarded(sys.stdout)
        if stream.isatty():
            stream.write(f"\r\x1b[K{shown(text)[:100]}")
            stream.flush()

    def _workspace(self) -> bool:
        try:
            chain = watched(self.root, time.time())
        except PalimpsestError:  # DVC and editors write params.yaml in place
            self.blind += 1
            if self.last is None or self.blind > MOST_BLIND:
                raise
            return self.last.at_work
        self.last, self.blind = chain, 0
        self.worked |= chain.at_work
        self._say_new("", chain)
        if chain.working is not None:
            left = chain.seconds_left()
            rest = "" if left is None else f"; {duration(left)} left"
            self.status(f"{_progress(chain.working)}{rest}")
        return chain.at_work

    def _experiments(self) -> bool:
        """The copies that experiments run in; one that vanishes has ended well."""
        there = {copy.name: copy for copy in copies(self.root)}
        running = {name: one for name, one in there.items() if one.state in RUNNING}
        for name, copy in running.items():
            self.seen[name] = copy.state
            self._copy(copy)
        for name, state in self.seen.items():
            if state in RUNNING and name not in running:
                self.seen[name] = there[name].state if name in there else 0
                ended = "failed" if self.seen[name] in FAILED else "ended"
                self.status("")
                print(f"{name}  {ended}", flush=True)
        return bool(running)

    def _copy(self, copy: Copy) -> None:
        try:
            chain = watched(copy.root, time.time())
        except PalimpsestError:  # it is being made, or taken away
            return
        self._say_new(copy.name, chain)
        if chain.working is not None:
            self.status(f"{copy.name}: {_progress(chain.working)}")

    def _say_new(self, experiment: str, chain: Watched) -> None:
        said = self.said.setdefault(experiment, {})
        prefix = f"{experiment}  " if experiment else ""
        for name in chain.names:
            card = chain.done.get(name)
            if card is not None and said.get(name) != card:  # computed again, it is said again
                said[name] = card
                self.status("")
                print(prefix + generation_line(chain, name, said), flush=True)


def generation_line(chain: Watched, name: str, said: Collection[str]) -> str:
    """What is said of a generation that is done.

    Args:
        chain: it is of.
        name: g07.
        said: the generations with a line, this one included: the last of all that are done says
            how long the rest will take.
    """
    entry: Mapping[str, float | None] = chain.done[name]["metrics"].get("integrity") or {}
    value, interval = entry.get("value"), span(entry.get("low"), entry.get("high"))
    parts = [f"{name}  integrity {f'{plain(value)} ({interval})':27}"]
    parts.append(f"{_alarms(chain, name):58}")
    seconds = chain.seconds(name)
    parts.append(f"{'–' if seconds is None else duration(seconds):>10}")
    if chain.done.keys() <= {*said} and (left := chain.seconds_left()):
        parts.append(f"{duration(left)} left")
    return "  ".join(parts).rstrip()


def _alarms(chain: Watched, name: str) -> str:
    """Which metrics have warned up to a generation, in words."""
    try:
        found = chain.alarms(name)
    except PalimpsestError as error:
        return f"alarms not known ({error.what})"
    if found is None:
        return "no alarms without corpus.null_pool"
    if not found:
        return "no alarm"
    letter = name[0]
    first = found[0]
    own = next((one for one in found if one.metric == "integrity"), None)
    at = "not integrity" if own is None else f"integrity since {letter}{own.generation:02d}"
    since = f"first {first.metric} at {letter}{first.generation:02d}"
    return f"{len(found)} {'alarm' if len(found) == 1 else 'alarms'}, {since}; {at}"


def _progress(stage: Activity) -> str:
    """What a stage does and how far it is."""
    name = stage.step or f"{stage.stage} {stage.name}".strip()
    far = f", {stage.done:,} of {stage.total:,}" if stage.total else ""
    return f"{name}{far}"


def _ended(stage: Activity) -> str:
    """How a stage ended that did not do its work."""
    name = f"{stage.stage} {stage.name}".strip()
    return f"{name} {'was killed' if stage.error is None else f'failed: {stage.error}'}"
