"""The chain as a whole: headline, trajectory, curves, pictures and the page.

Writes integrity.json (the headline that `dvc metrics` compares), trajectory.json (phases, alarms,
forecast), one CSV a curve for `dvc plots`, the pictures as PNG and a page that holds everything.
"""

import os
from argparse import Namespace
from pathlib import Path

from palimpsest.core import command
from palimpsest.core.config import read_yaml
from palimpsest.core.handed_on import warn
from palimpsest.core.parameters import Parameters
from palimpsest.core.provenance import fingerprint, open_chain
from palimpsest.core.storage import new_folder, read_json, write_bytes, write_json
from palimpsest.core.transitions import read_transitions
from palimpsest.figures import chain as figures
from palimpsest.figures.style import png
from palimpsest.report.chain_warnings import chain_warnings
from palimpsest.report.curve_files import curve_files
from palimpsest.report.documents import Written, read_written
from palimpsest.report.page import render
from palimpsest.report.reproduction import Origin
from palimpsest.trajectory.curves import Scorecard, Trajectory, with_axioms
from palimpsest.trajectory.summary import Summary, headline, summarise, trajectory_facts


def main(argv: list[str] | None = None) -> None:
    """Reads the scorecards of a chain, writes what is shown of it."""
    parser = command.parser(
        "report",
        __doc__,
        chain="chain.yaml",
        scores="folder of the scorecards",
        default="params.yaml with every parameter at its default",
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
    trainings = [{"name": one.name, **read_json(one / "training.json")} for one in folders]
    unigrams = trainings[0]["unigram_perplexity"]
    trajectory = Trajectory.from_scorecards(scorecards, control)
    summary = summarise(trajectory, parameters.report.threshold, unigrams)
    written = [read_written(folder) for folder in (*folders, *null)]
    pictures = _pictures(summary, written[: len(folders)])
    parameters.check_made_with({one.path.name: one.provenance for chain in chains for one in chain})
    warn(warnings := chain_warnings(scorecards, control, unigrams))
    files = _files(args, folders[-1])
    first, last = (chains[0][at].provenance for at in (0, -1))
    origin = Origin.of(fingerprint(chains), first, last, read_yaml(args.default), files)
    page = render(summary, scorecards, origin, "Palimpsest", warnings, trainings, written)

    parameters.check_unedited(args.params, "report")
    with new_folder(args.curves) as folder:
        for name, text in curve_files(summary.trajectory, scorecards).items():
            write_bytes(folder / name, text.encode())
    with new_folder(args.pictures) as folder:
        for title, content in pictures:
            write_bytes(folder / f"{title.split()[0].lower()}.png", content)
    write_bytes(args.page, page.encode())
    write_json(args.trajectory, trajectory_facts(summary))
    write_json(args.headline, headline(summary))


def _scorecards(folders: list[Path]) -> list[Scorecard]:
    return with_axioms([read_json(folder / "scorecard.json") for folder in folders])


def _pictures(summary: Summary, written: list[Written]) -> list[tuple[str, bytes]]:
    human, last = (written[at].points for at in (0, -1))
    drawings = figures.of_chain(summary.trajectory, summary.phases, human, last)
    with command.bar(len(drawings), "report: pictures") as bar:
        bar.iterable = drawings
        return [(title, png(draw())) for title, draw in bar]


def _files(args: Namespace, last: Path) -> dict[str, str]:
    """Where the numbers lie, as seen from the page."""
    files = {
        "the headline": args.headline,
        "phases, alarms, forecast and collapse profile": args.trajectory,
        "the curves of the chief metrics as CSV": args.curves,
        "every number of the last generation": last / "scorecard.json",
    }
    start = args.page.resolve().parent
    return {what: os.path.relpath(to.resolve(), start) for what, to in files.items()}


if __name__ == "__main__":
    command.run(main)
