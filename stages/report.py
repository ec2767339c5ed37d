"""The chain as a whole: headline, trajectory, curves, pictures and the page.

Writes integrity.json (the headline that `dvc metrics` compares), trajectory.json (phases, alarms,
forecast), one CSV a curve for `dvc plots`, the pictures as PNG and a page that holds everything.
"""

from pathlib import Path
from typing import Any

import numpy as np

from palimpsest.core import command
from palimpsest.core.handed_on import warn
from palimpsest.core.parameters import Parameters
from palimpsest.core.provenance import fingerprint, open_chain
from palimpsest.core.storage import new_folder, read_json, write_bytes, write_json
from palimpsest.core.transitions import read_transitions
from palimpsest.figures import chain as figures
from palimpsest.figures.style import png
from palimpsest.report.chain_warnings import chain_warnings
from palimpsest.report.curve_files import curve_files
from palimpsest.report.page import Picture, Sample, render
from palimpsest.trajectory.curves import Scorecard, Trajectory, with_axioms
from palimpsest.trajectory.summary import Summary, headline, summarise, trajectory_facts


def main(argv: list[str] | None = None) -> None:
    """Reads the scorecards of a chain, writes what is shown of it."""
    parser = command.parser(
        "report",
        __doc__,
        chain="chain.yaml",
        scores="folder of the scorecards",
        headline="JSON file to write",
        trajectory="JSON file to write",
        curves="folder of CSV files to write",
        pictures="folder of PNGs to write",
        page="HTML file to write",
    )
    args = parser.parse_args(argv)
    parameters = Parameters.load(args.params)
    names = [*read_transitions(args.chain)]
    folders, null = ([args.scores / name for name in names if name[0] == kind] for kind in "gn")
    chains = [open_chain(folders), open_chain(folders[:1] + null)]
    scorecards = _scorecards(folders)
    control = _scorecards(folders[:1] + null) if null else []
    trajectory = Trajectory.from_scorecards(scorecards, control)
    summary = summarise(trajectory, parameters.report.threshold)
    human, last = (np.load(folder / "points.npy") for folder in (folders[0], folders[-1]))
    pictures = _pictures(summary, human, last)
    parameters.check_made_with({one.path.name: one.provenance for chain in chains for one in chain})
    warn(warnings := chain_warnings(scorecards, control))
    last_one = {"fingerprint": fingerprint(chains), **chains[0][-1].provenance}
    page = render(summary, scorecards, pictures, _samples(scorecards), last_one, warnings=warnings)

    parameters.check_unedited(args.params, "report")
    with new_folder(args.curves) as folder:
        for name, text in curve_files(summary.trajectory, scorecards).items():
            write_bytes(folder / name, text.encode())
    with new_folder(args.pictures) as folder:
        for picture in pictures:
            write_bytes(folder / f"{picture.title.split()[0].lower()}.png", picture.png)
    write_bytes(args.page, page.encode())
    write_json(args.trajectory, trajectory_facts(summary))
    write_json(args.headline, headline(summary))


def _scorecards(folders: list[Path]) -> list[Scorecard]:
    return with_axioms([read_json(folder / "scorecard.json") for folder in folders])


def _pictures(summary: Summary, human: Any, last: Any) -> list[Picture]:
    drawings = figures.of_chain(summary.trajectory, summary.phases, human, last)
    with command.bar(len(drawings), "report: pictures") as bar:
        bar.iterable = drawings
        return [Picture(title, text, png(draw()), wide) for title, text, wide, draw in bar]


def _samples(scorecards: list[Scorecard]) -> list[Sample]:
    """Texts of the first, second, middle and last generation."""
    last = len(scorecards) - 1
    chosen = [scorecards[at] for at in sorted({0, min(1, last), len(scorecards) // 2, last})]
    return [Sample(int(one["generation"]), tuple(one["samples"])) for one in chosen]


if __name__ == "__main__":
    command.run(main)
