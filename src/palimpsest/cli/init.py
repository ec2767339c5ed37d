"""`palimpsest init --texts FILES`: a params.yaml for texts of your own."""

import argparse
from pathlib import Path
from typing import Any

from palimpsest.cli.chain import removal, runner
from palimpsest.cli.preset import add_shared_arguments, given_parameters, write_files
from palimpsest.core.config import flattened, nested
from palimpsest.core.errors import CorpusError, ProjectError, shown
from palimpsest.core.extras import require
from palimpsest.core.formatting import text_table
from palimpsest.core.parameters import Parameters
from palimpsest.core.parsing import parse_yaml
from palimpsest.core.rng import stream
from palimpsest.core.words import count_words
from palimpsest.corpus.loaders import load_human
from palimpsest.corpus.source import joined
from palimpsest.experiments import sizing
from palimpsest.experiments.presets import FOLDER, written
from palimpsest.experiments.project import planned_chain, transitions
from palimpsest.experiments.revisions import read_parameters

DESCRIPTION = (
    "Counts the distinct texts of your files, proposes how many each part of a chain gets, "
    "reads their lengths with the model's tokenizer, and writes params.yaml (comments kept) and "
    "chain.yaml. What else params.yaml says stays as it is."
)
EPILOG = (
    "Example: palimpsest init --texts 'folder/*.jsonl' --model my/model -S "
    "corpus.files.text_field=content"
)
FEWEST_TYPES = 300
"""Below which no vocabulary is proposed: 256 of them are bytes."""
EXAMINED = 500
"""Texts, drawn at random, whose lengths are looked at."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument(
        "--texts", nargs="+", required=True, metavar="FILES",
        help="files or globs, quoted: .txt .jsonl .json .csv .parquet, also packed",
    )  # fmt: skip
    parser.add_argument(
        "--model", metavar="MODEL", help="folder, GGUF file or hub id (default: one from scratch)"
    )
    parser.add_argument(
        "--documents", type=int, metavar="N",
        help="texts that each generation writes (default: a twentieth of those there are)",
    )  # fmt: skip
    add_shared_arguments(parser, "as many as chain.yaml has")


def run(args: argparse.Namespace) -> int:
    """Counts, proposes and writes.

    Raises:
        CorpusError: the texts cannot be read, or are too few: says how many are wanted.
        ParamsError: a value that a parameter cannot have.
        ProjectError: no project, or files with changes that git does not know.
        ModelError: the model cannot be used.
        InstallationError: the laboratory is not installed.
    """
    require("ruamel")
    root = Path.cwd()
    if not (root / "dvc.yaml").exists() or not (root / FOLDER).is_dir():
        hint = "change into a clone of this repository"
        raise ProjectError(str(root), wanted="a project with dvc.yaml", got="none", hint=hint)
    base = root / "params.yaml"
    base = base if base.exists() else root / FOLDER / "quick.yaml"
    last, control = planned_chain(root, args.generations, args.null)
    if args.generations is None and not last:
        last = 20  # there is no chain.yaml yet
    transitions(last, control)
    own = given_parameters(args.parameters)
    sources = {"corpus.source": "files", "corpus.files.paths": args.texts}
    sources["model.source"] = args.model or "scratch"
    asked = Parameters.of(nested(flattened(parse_yaml(written(root, sources | own, base)))))
    loaded = load_human(asked.corpus.files)
    texts = joined(loaded.documents, asked.corpus.join_chars)
    print(f"{', '.join(args.texts)}: {shown(loaded)}")
    sizes = sizing.proposed_sizes(len(texts), last, control, args.documents)
    drawn = stream(asked.seed_of("corpus"), "init").permutation(len(texts))[:EXAMINED]
    proposed: dict[str, Any] = _proposed(asked, sizes, [texts[at] for at in drawn])
    text = written(root, sources | proposed | own, base)
    checked, change = write_files(root, text, last, control, read_parameters(base), args.force)
    if change.removed:
        print(removal(change))
    print(_costs(checked, len(texts), last, control))
    begin = runner(checked.models.keep_every)
    print(f"next: palimpsest check (time, memory and disk), then {begin}")
    return 0


def _proposed(asked: Parameters, sizes: sizing.Sizes, texts: list[str]) -> dict[str, Any]:
    """All that follows from the sizes, and from some of the texts and the model."""
    # torch, after what can be wrong with the texts
    from palimpsest.lm.checkpoint import initial_model

    found: dict[str, Any] = dict(sizing.proposed_parameters(sizes, [*map(count_words, texts)]))
    params, few = asked.model, texts[: max(1, sizes.train // 2)]
    while True:
        try:
            model, tokenizer = initial_model(params, few, 0)
            break
        except CorpusError:  # of a tokenizer that is trained: so few texts have fewer types
            if params.vocabulary < 2 * FEWEST_TYPES:
                raise
            params = params.changed(vocabulary=params.vocabulary // 2)
    found["model.vocabulary"] = params.vocabulary
    context = weights = None
    if params.source != "scratch":
        context, weights = model.context, sum(one.numel() for one in model.parameters().values())
    behind = asked.generate.prompt_tokens
    lengths = [len(ids) - behind for ids in tokenizer.encode(texts)]
    found |= sizing.proposed_lengths(lengths, None if context is None else context - behind)
    return found | dict(sizing.proposed_training(sizes, weights))


def _costs(parameters: Parameters, texts: int, last: int, control: bool) -> str:
    """What each part is for, and how many texts it takes."""
    corpus, each = parameters.corpus, parameters.generate.documents
    samples = corpus.null_pool // each
    overlap = "" if samples >= sizing.SAMPLES else "; 21 would not overlap: a wider null band"
    unseen = "the control chain's training" if control else "regimes with unseen human text"
    train = corpus.train or 0
    rows = [
        ("corpus.train", train, "generation 0 is trained on them"),
        ("corpus.heldout", corpus.heldout, "every model's perplexity is measured on them"),
        ("generate.documents", each, "human sample beside each generation's as many"),
        ("corpus.null_pool", corpus.null_pool, f"{samples} samples to be held against{overlap}"),
        ("corpus.reserve", corpus.reserve, f"{unseen}, {each} a generation"),
    ]
    used = sum(count for _, count, _ in rows)
    writers = "g01 writes" if last == 1 else f"g01 to g{last:02d} write"
    rows.append(("not used", texts - used, f"of {texts:,}; {writers} {last * each:,}"))
    cells = [[name, f"{count:,}", "  " + what] for name, count, what in rows]
    table = text_table([row[:2] for row in cells], ("part", "texts"))
    lines = table.splitlines()
    return "\n".join(
        [lines[0] + "  for", *(a + b[2] for a, b in zip(lines[1:], cells, strict=True))]
    )
