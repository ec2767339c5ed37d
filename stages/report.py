"""The chain as a whole: headline, trajectory, curves, pictures and the page.

Writes integrity.json (the headline that `dvc metrics` compares), trajectory.json (phases, alarms,
forecast), one CSV a curve for `dvc plots`, the pictures as PNG and a page that holds everything.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np

from palimpsest import figures
from palimpsest.artifacts import new_folder, read_json, write_bytes, write_json
from palimpsest.decay.summary import Summary, headline, summarise, trajectory_facts
from palimpsest.decay.trajectory import Card, Trajectory, with_axioms
from palimpsest.errors import ParamsError
from palimpsest.figure_style import png
from palimpsest.params import Params, Range, load, read_yaml
from palimpsest.report.page import Picture, Sample, render
from palimpsest.report.tables import tables
from stages import command


@dataclass(frozen=True)
class ReportParams(Params):
    """How the chain is summed up."""

    section: ClassVar[str] = "report"

    threshold: Annotated[float, Range(above=0, below=1)]
    """Integrity that the forecast waits for."""


def main(argv: list[str] | None = None) -> None:
    """Reads the cards of a chain, writes what is shown of it."""
    parser = command.parser("report", __doc__)
    parser.add_argument("--chain", type=Path, required=True, help="chain.yaml")
    parser.add_argument("--scores", type=Path, required=True, help="folder of the cards")
    parser.add_argument("--headline", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--trajectory", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--curves", type=Path, required=True, help="folder of CSV files to write")
    parser.add_argument("--pictures", type=Path, required=True, help="folder of PNGs to write")
    parser.add_argument("--page", type=Path, required=True, help="HTML file to write")
    args = parser.parse_args(argv)

    params = load(args.params, ReportParams)
    names = _generations(args.chain)
    folders, null = ([args.scores / name for name in names if name[0] == kind] for kind in "gn")
    cards, lineage = _cards(folders), _cards(folders[:1] + null) if null else []
    summary = summarise(Trajectory.from_cards(cards, lineage), params.threshold)
    human, last = (np.load(folder / "points.npy") for folder in (folders[0], folders[-1]))
    pictures = _pictures(summary, human, last)
    provenance = read_json(folders[-1] / "provenance.json")
    page = render(summary, cards, pictures, _samples(cards), provenance)

    with new_folder(args.curves) as folder:
        for name, text in tables(summary.trajectory, cards).items():
            write_bytes(folder / name, text.encode())
    with new_folder(args.pictures) as folder:
        for picture in pictures:
            write_bytes(folder / f"{picture.title.split()[0].lower()}.png", picture.png)
    write_bytes(args.page, page.encode())
    write_json(args.trajectory, trajectory_facts(summary))
    write_json(args.headline, headline(summary))


def _cards(folders: list[Path]) -> list[Card]:
    return with_axioms([read_json(folder / "card.json") for folder in folders])


def _generations(path: Path) -> list[str]:
    """The names of the chain's generations, in order."""
    content = read_yaml(path)
    try:
        generations = content["generations"]
        names = sorted(generations, key=lambda name: int(generations[name]["index"]))
    except (KeyError, TypeError, ValueError):
        names = []
    if not names:
        raise ParamsError(str(path), wanted="generations", got="none", hint="palimpsest chain 20")
    return names


def _pictures(summary: Summary, human: Any, last: Any) -> list[Picture]:
    drawings = figures.of_chain(summary.trajectory, summary.phases, human, last)
    with command.bar(len(drawings), "report: pictures") as bar:
        bar.iterable = drawings
        return [Picture(title, text, png(draw()), wide) for title, text, wide, draw in bar]


def _samples(cards: list[Card]) -> list[Sample]:
    """Texts of the first, second, middle and last generation."""
    chosen = sorted({0, min(1, len(cards) - 1), len(cards) // 2, len(cards) - 1})
    return [Sample(int(cards[at]["generation"]), tuple(cards[at]["samples"])) for at in chosen]


if __name__ == "__main__":
    command.run(main)
