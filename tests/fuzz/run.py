"""Runs the tests of this folder with many inputs: `python -m tests.fuzz.run --examples 9000`."""

import argparse
import os
from pathlib import Path

import pytest


def main():
    """Prints how many inputs each parser was given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100_000, help="inputs for each parser")
    parser.add_argument("--only", default="", help="tests whose names have this in them")
    args = parser.parse_args()
    os.environ["PALIMPSEST_FUZZ_EXAMPLES"] = str(args.examples)
    words = [str(Path(__file__).parent), "--hypothesis-show-statistics", "-p", "no:cacheprovider"]
    raise SystemExit(pytest.main([*words, *(["-k", args.only] if args.only else [])]))


if __name__ == "__main__":
    main()
