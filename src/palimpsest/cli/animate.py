"""`palimpsest animate`: a chain's scores in, the collapsing cloud as an animated GIF out."""

import argparse
from pathlib import Path

from palimpsest.core.errors import PalimpsestError
from palimpsest.core.storage import check_out, read_embeddings, read_json, write_out
from palimpsest.core.transitions import read_transitions
from palimpsest.trajectory.curves import Trajectory, with_axioms

DESCRIPTION = (
    "Draws where the texts of each generation lie, over human text, with integrity beside it: a "
    "frame a generation, as an animated GIF for a README or a talk. The same scores give the same "
    "bytes."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument(
        "out", type=Path, nargs="?", default=Path("plots/cloud.gif"), metavar="FILE",
        help="GIF to write; default: plots/cloud.gif",
    )  # fmt: skip
    parser.add_argument(
        "--scores", type=Path, default=Path("data/scores"), metavar="FOLDER",
        help="the generations' scores; default: data/scores",
    )  # fmt: skip
    parser.add_argument(
        "--chain", type=Path, default=Path("chain.yaml"), metavar="FILE",
        help="which generations there are; default: chain.yaml",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Reads, draws and writes.

    Raises:
        PalimpsestError: a file that is no GIF by its name; scores that are missing or damaged.
    """
    if args.out.suffix.lower() != ".gif":
        raise PalimpsestError("FILE", wanted="a name that ends in .gif", got=str(args.out))
    check_out(args.out)
    names = [name for name in read_transitions(args.chain) if name[0] == "g"]
    scorecards = [read_json(args.scores / name / "scorecard.json") for name in names]
    points = [read_embeddings(args.scores / name / "points.npy").astype(float) for name in names]
    trajectory = Trajectory.from_scorecards(with_axioms(scorecards))
    from palimpsest.figures.collapse import collapse_frames, gif  # matplotlib, of the extra

    clouds = {int(card["generation"]): own for card, own in zip(scorecards, points, strict=True)}
    picture = gif(collapse_frames(clouds, trajectory))
    write_out(args.out, picture)
    print(f"{args.out}: {len(clouds)} generations, {len(picture) / 1e6:.1f} MB")
    return 0
