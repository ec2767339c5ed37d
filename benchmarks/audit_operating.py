"""How often an audit is wrong about human text, and how often it finds damage.

    python -m benchmarks.audit_operating wikipedia.jsonl stories.jsonl --model-texts model.jsonl

Each file is human text. A trial deals it into a candidate of n texts and a reference of 3n (or
``--reference`` times n), without a text in common. Human text against itself must say ``no_sign``;
then a share of the candidate is damaged in one way. Prints human text's verdicts, and in per cent
of the trials how often damage was found: how often the verdicts named for it held. What is a plain
fact is looked for without metrics.
"""

import argparse
import random
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from palimpsest.auditing.copies import Side, distinct_texts, find_copies, find_opening
from palimpsest.auditing.language import Pieces
from palimpsest.auditing.measure import audit
from palimpsest.auditing.result import Audit
from palimpsest.auditing.verdict import AuditVerdict
from palimpsest.corpus.files.reading import read_texts
from palimpsest.embedding.cache import cached_encoder

LOST = {AuditVerdict.NARROWER, AuditVerdict.COLLAPSED}
ANY = {*AuditVerdict} - {AuditVerdict.NO_SIGN}
GROUPS = 20
"""Topics that a corpus is cut into: k-means of its embeddings."""


class Corpus:
    """Texts with their embeddings; others are embedded when they are first seen."""

    def __init__(self, texts: Sequence[str], encoder: Callable[..., NDArray[np.float32]]) -> None:
        self.texts = distinct_texts(texts)
        self._encoder = encoder
        self._known: dict[str, NDArray[np.float32]] = {}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings of texts, (n, d)."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        for start in range(0, len(new), 1000):
            block = new[start : start + 1000]
            self._known.update(zip(block, self._encoder(block), strict=True))
        return np.stack([self._known[text] for text in texts])

    @cached_property
    def groups(self) -> list[list[str]]:
        """The texts by topic."""
        from sklearn.cluster import KMeans  # of the test extra

        points = self.encode(self.texts)
        labels = KMeans(GROUPS, n_init=1, random_state=0).fit_predict(points)
        return [[self.texts[row] for row in np.flatnonzero(labels == at)] for at in range(GROUPS)]


def looped(text: str) -> str:
    """A text that ends in ten rounds of its last four words."""
    return " ".join([text, *text.split()[-4:] * 10])


def without_topics(corpus: Corpus, share: float, texts: Sequence[str], seed: int) -> list[str]:
    """Texts of which those of some topics are replaced by others of the corpus.

    The topics are whole ones, in random order, until the share of the corpus is reached.
    """
    rng, gone = random.Random(seed), set[str]()
    for group in rng.sample(corpus.groups, GROUPS):
        if len(gone) >= share * len(corpus.texts):
            break
        gone.update(group)
    return [text for text in texts if text not in gone]


def damaged(
    kind: str,
    corpus: Corpus,
    size: int,
    share: float,
    seed: int,
    model: Sequence[str],
    times: int = 3,
) -> tuple[list[str], list[str]]:
    """A candidate of which a share is damaged, and its reference."""
    dealt = random.Random(seed).sample(corpus.texts, min((times + 2) * size, len(corpus.texts)))
    reference, dealt = dealt[: times * size], dealt[times * size :]
    own, spare = dealt[:size], dealt[size:]
    count = round(share * size)
    rest = own[count:]
    if kind == "a topic lost":
        left = without_topics(corpus, share, [*own, *spare], seed)
        return left[:size], reference
    made = {
        "duplicates": [*rest, *rest][:count] if rest else [own[0]] * count,
        "one text": [own[0]] * count,
        "copies": reference[:count],
        "loops": [*map(looped, own[:count])],
        "empty": [""] * count,
        "openings": [f"Certainly! Here is what I found: {text}" for text in own[:count]],
        "a model's text": random.Random(seed).sample(model, min(count, len(model))),
    }
    return [*made[kind], *rest], reference


FOUND: dict[str, set[AuditVerdict]] = {
    "duplicates": {AuditVerdict.REPEATED},
    "one text": {AuditVerdict.REPEATED},
    "copies": {AuditVerdict.COPIED},
    "loops": {AuditVerdict.REPEATED},
    "empty": {AuditVerdict.REPEATED},
    "openings": {AuditVerdict.REPEATED},
    "a topic lost": LOST,
    "a model's text": ANY,
}
"""The verdicts of which one must hold for each kind of damage."""


def plain_facts(candidate: list[str], reference: list[str]) -> set[AuditVerdict]:
    """The verdicts that ask no metric."""
    ours, theirs = Side(candidate), Side(reference)
    copies = find_copies(ours, theirs)
    repeated = copies.repeated.holds or bool(find_opening(ours, theirs).rows)
    held = {AuditVerdict.COPIED: copies.copied.holds, AuditVerdict.REPEATED: repeated}
    return {verdict for verdict, holds in held.items() if holds}


def judged(corpus: Corpus, candidate: list[str], reference: list[str], pieces: Pieces) -> Audit:
    """One audit, as the command makes it."""
    return audit(candidate, reference, corpus.encode, pieces=pieces)


def main() -> None:
    """Runs the trials and prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="human texts")
    parser.add_argument("--most", type=int, default=10_000, help="texts of a file, at the most")
    parser.add_argument("--model-texts", type=Path, help="what a model wrote")
    parser.add_argument("--model-of", help="stem of the file that they are held against")
    parser.add_argument("--human", type=int, default=134, help="trials of human text, a file")
    parser.add_argument("--trials", type=int, default=10, help="of damaged text, a cell")
    parser.add_argument("--reference", type=int, default=3, help="texts for one of the candidate")
    parser.add_argument("--sizes", type=int, nargs="+", default=[200])
    parser.add_argument("--shares", type=float, nargs="+", default=[0.05, 0.1, 0.2, 0.5])
    parser.add_argument("--kinds", nargs="+", choices=[*FOUND], default=[*FOUND])
    args = parser.parse_args()
    encoder = cached_encoder("bundled")
    model = read_texts([str(args.model_texts)]).texts if args.model_texts else []
    head = " | ".join(f"{share:.0%}" for share in args.shares)
    print(f"| file | n | damage | {head} |")
    for file in args.files:
        corpus = Corpus(read_texts([str(file)]).texts[: args.most], encoder)
        for size in args.sizes:
            if (args.reference + 1) * size > len(corpus.texts):
                continue
            said: Counter[str] = Counter()
            for seed in range(args.human):
                both = (args.reference + 1) * size
                dealt = random.Random(seed).sample(corpus.texts, both)
                result = judged(corpus, dealt[:size], dealt[size:], encoder.pieces)
                said.update([" + ".join(result.verdicts)])
            if said:
                print(f"| {file.stem} | {size} | none, {args.human} audits: {dict(said)} |")
            for kind in args.kinds:
                if kind == "a model's text" and file.stem != args.model_of:
                    continue
                cells = []
                for share in args.shares:
                    hits = 0
                    for seed in range(args.trials):
                        sides = damaged(kind, corpus, size, share, seed, model, args.reference)
                        wanted = FOUND[kind]
                        if wanted <= {AuditVerdict.COPIED, AuditVerdict.REPEATED}:
                            found = plain_facts(*sides)
                        else:
                            found = {*judged(corpus, *sides, encoder.pieces).verdicts}
                        hits += not wanted.isdisjoint(found)
                    cells.append(f"{100 * hits / args.trials:.0f} %")
                print(f"| {file.stem} | {size} | {kind} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
