"""A chain while it is computed: which generations are done, what works now, how long it will take.

Only files are read, never DVC's own interface: it would wait for the running one, or make that
wait. A generation is done when its scorecard is there and the locks say that all its stages ran on
what the stages before them left, with the parameters of params.yaml. What comes after the stage
that works now is not done, whatever the locks say: it may run again. (DVC goes through the stages
in an order of its own: a generation may be scored before an earlier one.)

An experiment of DVC's queue runs in a copy of the project under .dvc/tmp/exps, of which DVC keeps a
small file there: its name, folder and state. The copy is a chain like any other.

Known gaps: where the code has changed, a generation counts as done until DVC begins with the first
stage that runs again; a stage that DVC takes from its cache has the seconds of when it ran.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from statistics import median
from typing import Any

from palimpsest.core.activity import Activity, read_activities
from palimpsest.core.config import flattened, read_yaml
from palimpsest.core.errors import PalimpsestError, ProjectError
from palimpsest.core.locks import LOCK, TEMPORARY, is_whole, lock_stages, locks
from palimpsest.core.parsing import parse_json
from palimpsest.core.storage import read_json
from palimpsest.core.transitions import read_transitions
from palimpsest.experiments.project import CHAIN
from palimpsest.experiments.revisions import Stages, inconsistent_inputs, stale
from palimpsest.experiments.running import running_dvc
from palimpsest.experiments.scorecards import FILE, FOLDER, checked
from palimpsest.trajectory.alarms import Alarm, find_alarms
from palimpsest.trajectory.curves import Scorecard, Trajectory, with_axioms

OF_A_GENERATION = ("generate", "finetune", "embed", "score")
LAST = 5
"""Generations whose times say how long the next ones will take."""
RUNS = ("exps/run/*/*.run", "exps/standalone/run/*/*.run")
"""What DVC keeps of experiments that run in copies, below .dvc/tmp: of the queue, of `--temp`."""
RUNNING = (1, 2)
"""Its numbers for one that is prepared, and for one that runs."""
FAILED = (4, 5)
"""For one that failed, and for one that was stopped."""


@dataclass(frozen=True)
class Watched:
    """What can be seen of a chain at a moment."""

    names: tuple[str, ...]
    """Of its generations, in the order of chain.yaml."""
    done: Mapping[str, Scorecard]
    """Name -> scorecard of those that are done; both chains begin with g00."""
    activities: Sequence[Activity]
    """What is noted of its stages, the latest beginning last."""
    at_work: bool
    """Whether DVC, or a stage, works on it."""
    seen_at: float
    """When, in seconds since 1970."""

    @property
    def complete(self) -> bool:
        """Whether every generation is done."""
        return all(name in self.done for name in self.names)

    @property
    def working(self) -> Activity | None:
        """The stage that works now."""
        return next((one for one in reversed(self.activities) if one.works), None)

    @property
    def failed(self) -> Activity | None:
        """The stage that began last, if it failed or was killed."""
        last = self.activities[-1] if self.activities else None
        return last if last and not last.works and (last.error or last.seconds is None) else None

    def seconds(self, name: str) -> float | None:
        """What the stages of a generation took; None where that is not known of each."""
        stages = OF_A_GENERATION[1:] if name == "g00" else OF_A_GENERATION
        found = {one.stage: one.seconds for one in self.activities if one.name == name}
        known = [found.get(stage) for stage in stages]
        return sum(filter(None, known)) if None not in known else None

    def seconds_left(self) -> float | None:
        """What the generations that are not done will take, judged by the last ones that ran.

        From one generation's end to the next one's, so that what DVC takes between stages counts;
        a pause, as after a kill, does not. None before the first generation that is trained on
        generated text.
        """
        ends = sorted(
            (one.began + one.seconds, seconds)
            for one in self.activities
            if one.stage == "score" and one.seconds is not None
            if one.name in self.done and one.name != "g00"
            if (seconds := self.seconds(one.name)) is not None
        )
        missing = sum(name not in self.done for name in self.names)
        if not missing or not ends:
            return None if missing else 0.0
        befores = [None, *(end for end, _ in ends)]
        taken = [
            end - before if before is not None and seconds < end - before < 2 * seconds else seconds
            for (end, seconds), before in zip(ends, befores, strict=False)
        ]
        since = self.seen_at - ends[-1][0] if self.at_work else 0.0
        each = median(taken[-LAST:])
        return max(missing * each - min(since, each), 0.0)

    def alarms(self, name: str) -> tuple[Alarm, ...] | None:
        """What has warned up to a generation that is done, the earliest first.

        None where nothing can: the corpus has no pool for null samples.

        Raises:
            PalimpsestError: a scorecard is of no form that curves can be read from.
        """
        row = takewhile(lambda one: one in self.done, _row(name, self.names))
        cards = with_axioms([self.done[one] for one in row])
        trajectory = Trajectory.from_scorecards(cards)
        if not trajectory.null:
            return None
        last = int(self.done[name]["generation"])
        found = find_alarms(trajectory)
        return tuple(one for one in found if one.generation is not None and one.generation <= last)


@dataclass(frozen=True)
class Copy:
    """An experiment that DVC computes in a copy of the project."""

    name: str
    root: Path
    state: int
    """DVC's number, see `RUNNING` and `FAILED`."""


def watched(root: Path, now: float) -> Watched:
    """What can be seen of a chain now.

    Args:
        root: the project, or a copy that an experiment runs in.
        now: seconds since 1970.

    Raises:
        ProjectError: no project of this kind.
        ParamsError: chain.yaml or params.yaml is missing or none.
    """
    if not (root / "dvc.yaml").exists() or not (root / CHAIN).exists():
        hint = "change into the project's folder; a new chain: palimpsest chain 20, then dvc repro"
        wanted = f"a project with dvc.yaml and {CHAIN}"
        raise ProjectError(str(root), wanted=wanted, got="none", hint=hint)
    names = tuple(read_transitions(root / CHAIN))
    content = read_yaml(root / "params.yaml")
    parameters = flattened(content) if isinstance(content, dict) else {}
    activities = read_activities(root)
    at_work = any(one.works for one in activities) or bool(running_dvc(root))
    consistent = _consistent(root, names, parameters)
    again = _to_run_again(names, activities) if at_work else set()
    cards = {name: _scorecard(root, name) for name in consistent if name not in again}
    done = {name: card for name, card in cards.items() if card is not None}
    return Watched(names, done, activities, at_work, now)


def copies(root: Path) -> list[Copy]:
    """The copies of the project of which DVC keeps a file, of experiments that have ended too.

    `dvc exp run` in the workspace leaves such a file as well, also where it fails: that is no copy.
    """
    own, found = root.resolve(), []
    for pattern in RUNS:
        for path in sorted((root / TEMPORARY).glob(pattern)):
            try:
                content = parse_json(path.read_bytes())
                name, place, state = content.get("name"), content["root_dir"], content["status"]
            except (OSError, ValueError, LookupError, TypeError, AttributeError):
                continue  # it is being written, or gone
            if not isinstance(place, str) or type(state) is not int:
                continue
            if (root / place).resolve() != own:
                found.append(Copy(str(name or path.stem[:7]), root / place, state))
    return found


def _row(name: str, names: Iterable[str]) -> list[str]:
    """The generations up to one: those of its own chain behind g00."""
    own = [one for one in names if one == "g00" or one[0] == name[0]]
    return own[: own.index(name) + 1]


def _consistent(root: Path, names: Sequence[str], parameters: Mapping[str, Any]) -> list[str]:
    """Generations of which the locks say that they are of these parameters, and so is their past.

    A lock that is being written is none for the moment.
    """
    stages: dict[str, Mapping[str, Any]] = {}
    for path in locks(root):
        try:
            found = lock_stages((root / path).read_bytes()) or {}
        except OSError:
            continue
        suffix = "" if path == Path(LOCK) else f"@{path.parent.name}"
        stages |= {f"{name}{suffix}": one for name, one in found.items() if is_whole(one)}
    bad = {*stale(stages, parameters), *_read_others(stages, names)}
    good: list[str] = []
    for name in names:
        wanted = OF_A_GENERATION[name == "g00" :]
        before = _row(name, names)[:-1]
        if (
            name not in bad
            and {f"{stage}@{name}" for stage in wanted} <= stages.keys()
            and {*before} <= {*good}
        ):
            good.append(name)
    return good


def _read_others(stages: Stages, names: Sequence[str]) -> set[str]:
    """Generations of which a stage read what another stage has written anew since."""
    apart = (line.partition(" ")[0] for line in inconsistent_inputs(stages, names))
    return {stage.partition("@")[2] for stage in apart}


def _to_run_again(names: Sequence[str], activities: Sequence[Activity]) -> set[str]:
    """What comes after the stage that began last, in each of the two chains."""
    again: set[str] = set()
    begun = [one for one in activities if one.stage != "report"]
    if begun and begun[-1].stage == "prepare":
        return {*names}
    for letter in "gn":
        own = [name for name in names if name == "g00" or name[0] == letter]
        latest = next((one for one in reversed(begun) if one.name in own), None)
        if latest is None:
            continue
        ended = latest.stage == "score" and latest.seconds is not None and not latest.error
        again |= {*own[own.index(latest.name) + ended :]}
    return again


def _scorecard(root: Path, name: str) -> Scorecard | None:
    """A generation's scorecard; None where it is not there, or is being replaced."""
    path = root / FOLDER / name / FILE
    try:
        card = checked(read_json(path), str(path))
    except (OSError, PalimpsestError):
        return None
    return card if type(card.get("generation")) is int else None
