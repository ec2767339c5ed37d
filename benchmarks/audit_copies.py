"""How often an audit finds copies, loops and empty texts: in human text, and where some were put.

    python -m benchmarks.audit_copies wikipedia.jsonl stories.jsonl --trials 130

Each file is human text. A trial deals it into a candidate of n texts and a reference of 3n, without
a text in common. Human text against itself must give no verdict; then a share of the candidate is
damaged in one way, and must give one. Prints a table of verdicts in per cent.
"""

import argparse
import random
from collections.abc import Callable
from pathlib import Path

from palimpsest.auditing.copies import distinct_texts, find_copies
from palimpsest.corpus.files.reading import read_texts

SHARES = (0.0, 0.05, 0.1, 0.2)


def reworded(text: str, every: int) -> str:
    """A text with one word in so many exchanged."""
    return " ".join(
        word if (at + 1) % every else "zebra" for at, word in enumerate(text.split(), start=1)
    )


def looped(text: str) -> str:
    """A text that ends in ten rounds of its last four words."""
    return " ".join([text, *text.split()[-4:] * 10])


DAMAGE: dict[str, Callable[[str, str, str], str]] = {
    "copied": lambda own, theirs, first: theirs,
    "copied, 1 word in 60 exchanged": lambda own, theirs, first: reworded(theirs, 60),
    "one text": lambda own, theirs, first: first,
    "empty": lambda own, theirs, first: "",
    "loop at the end": lambda own, theirs, first: looped(own),
}
"""What becomes of a candidate's text, given one of the reference's and the candidate's first."""


def found(texts: list[str], size: int, share: float, kind: str, seed: int) -> bool:
    """Whether a plain verdict holds in one trial."""
    dealt = random.Random(seed).sample(texts, 4 * size)
    candidate, reference = dealt[:size], dealt[size:]
    count = round(share * size)
    pairs = zip(candidate[:count], reference[:count], strict=True)
    damaged = [DAMAGE[kind](own, theirs, candidate[-1]) for own, theirs in pairs]
    copies = find_copies(damaged + candidate[count:], reference)
    return copies.copied.holds or copies.repeated.holds


def main() -> None:
    """Runs the trials and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="human texts")
    parser.add_argument("--trials", type=int, default=20, help="of damaged text, a cell")
    parser.add_argument("--null", type=int, default=130, help="of human text, a file")
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 666, 2000])
    args = parser.parse_args()
    print("| file | n | damage | " + " | ".join(f"{share:.0%}" for share in SHARES[1:]) + " |")
    for file in args.files:
        texts = distinct_texts(read_texts((str(file),)).texts)
        for size in args.sizes:
            if 4 * size > len(texts):
                continue
            trials = range(args.null if size == args.sizes[0] else args.trials)
            alarms = sum(found(texts, size, 0.0, "copied", seed) for seed in trials)
            print(f"| {file.stem} | {size} | none: {alarms} of {len(trials)} | | | |", flush=True)
            for kind in DAMAGE:
                cells = []
                for share in SHARES[1:]:
                    hits = sum(found(texts, size, share, kind, seed) for seed in range(args.trials))
                    cells.append(f"{100 * hits / args.trials:.0f} %")
                print(f"| {file.stem} | {size} | {kind} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
