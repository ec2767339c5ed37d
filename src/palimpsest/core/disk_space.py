"""How much of a disk a chain fills, said before it begins.

Sizes come from what `prepare` leaves: the first model has as many weights as every later one,
generation 0's texts the size of a later one's. Measured against chains that ran:
docs/reliability.md. Before `prepare`, the weights alone are told, of a model that is a folder.

Known gaps: regimes that accumulate write a training set that grows with the generation number, of
which nothing is known here; an encoder other than the bundled one may have another width than 384;
where DVC links its cache instead of copying, the second copy takes no room.
"""

import json
import logging
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from palimpsest.core.parsing import parse_json

log = logging.getLogger(__name__)

ENCODER_WIDTH = 384
"""Dimensions of an embedding, float32."""
WIDTHS = ("hidden_size", "n_embd", "d_model")
"""What the families of models call the width of their hidden states."""
WORD_ROWS = 1000
"""Most frequent words whose output embedding is kept of a model."""
ROWS_A_WORD = 1.75
"""Rows of that width that are kept in all, with class means and probe states: 1,762 in the default
chain."""
LIKELIHOODS = {"texts": 4, "heldout": 5, "null": 2}
"""Numbers of 8 bytes that are kept of each text."""
SCORE_BYTES, COORDINATES = 25_000, 3
"""Of a scorecard with its provenance; and numbers of a text beside it."""
STATES = 6
"""Sizes of the model that two states of a training have, the old one and the one being written."""
PROVENANCE_BYTES = 2_500
"""Of provenance.json and the witness texts."""

WEIGHTS, BYTES = ".safetensors", {"float32": 4, "bfloat16": 2}
"""Ends the names of files with weights; and the bytes of one."""

UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


@dataclass(frozen=True)
class Need:
    """Bytes that a generation takes; generation 0 takes `first` beside them."""

    model: int
    """As it is saved."""
    weights: int
    """In float32, as they are trained."""
    texts: int
    embeddings: int
    first: int

    @property
    def generation(self) -> int:
        """Of a generation, all in all."""
        return self.model + self.texts + self.embeddings

    def of_chain(self, generations: int, models: int) -> int:
        """Of so many generations, of whose models so many lie there at once."""
        return generations * (self.generation - self.model) + models * self.model

    @property
    def while_training(self) -> int:
        """Beside them at the most, while a model is trained for longer than a minute: two states
        (`palimpsest.core.resume`) of weights and two moments.
        """
        return STATES * self.weights


def need_of_a_generation(
    model: Path, texts: Path, human: Path, save_dtype: str = "float32"
) -> Need:
    """What every generation will take, judged by what `prepare` wrote.

    Args:
        model: the first model, in float32.
        texts: the folder of generation 0's texts.
        human: the human corpus.
        save_dtype: the type in which later models are saved.

    Raises:
        OSError: one of them is not there.
    """
    config: dict[str, Any] = json.loads((model / "config.json").read_bytes())
    width = next((size for name in WIDTHS if (size := _whole(config.get(name)))), 0)
    rows = ROWS_A_WORD * min(WORD_ROWS, _whole(config.get("vocab_size")) or WORD_ROWS)
    written, heldout, null = texts / "texts.jsonl", human / "heldout.jsonl", human / "null.jsonl"
    count = _lines(written)
    kept = LIKELIHOODS["texts"] * count + LIKELIHOODS["heldout"] * _lines(heldout)
    vectors = 4 * ENCODER_WIDTH
    scores = SCORE_BYTES + 8 * COORDINATES * count
    training = texts / "training.jsonl"
    sizes = {path: path.stat().st_size for path in model.iterdir()}
    weights = sum(size for path, size in sizes.items() if path.suffix == WEIGHTS)
    whole = sum(sizes.values())
    return Need(
        model=whole - weights + weights * BYTES[save_dtype] // 4,
        weights=whole,
        texts=2 * written.stat().st_size + PROVENANCE_BYTES,  # written, and trained on
        embeddings=vectors * count + 8 * kept + int(4 * width * rows) + scores,
        first=(vectors + 8 * LIKELIHOODS["null"]) * _lines(null) + training.stat().st_size,
    )


def warn_of_need(model: Path, texts: Path, human: Path, save_dtype: str = "float32") -> None:
    """Logs what a generation will need and what is free, as a warning if it is too little.

    Args: see `need_of_a_generation`.
    """
    need = need_of_a_generation(model, texts, human, save_dtype)
    free = shutil.disk_usage(model).free
    line = f"{_parts(need)}; generation 0 needs {amount(need.first)} more; {amount(free)} are free"
    if free < 2 * (need.generation + need.first) + need.while_training:
        log.warning("%s: too little for generation 0; make room before it runs", line)
    else:
        log.info("%s", line)


def need_of_chain(
    root: Path, generations: int, save_dtype: str = "float32", at_once: int | None = None
) -> str | None:
    """What generations 1 to `generations` need, in a line; None before `prepare` has run.

    Args:
        root: the project.
        generations: how many, those of a control chain counted too.
        save_dtype: the type in which their models are saved.
        at_once: how many of their models lie there at any time
            (`palimpsest.core.kept_models.most_models`, less generation 0's); None: all.
    """
    folders = root / "models/base", root / "data/texts/g00", root / "data/human"
    try:
        need = need_of_a_generation(*folders, save_dtype)
    except (OSError, ValueError):
        return None
    free = shutil.disk_usage(root).free
    models = generations if at_once is None else at_once
    said = f"{generations} generations × {amount(need.generation)}"
    if models < generations:
        said = f"{generations} generations × {amount(need.generation - need.model)}"
        said += f" and {models} models at once × {amount(need.model)}"
    said += f" = {amount(need.of_chain(generations, models))}"
    return f"{said}, as much again in DVC's cache; {amount(free)} are free"


def need_of_models(
    root: Path, source: Path, generations: int, save_dtype: str, at_once: int | None = None
) -> str | None:
    """What the models of a chain need, in a line, before `prepare` has run.

    Args:
        root: the project.
        source: of the first model.
        generations: how many, generation 0 and those of a control chain counted too.
        save_dtype: the type in which their models are saved.
        at_once: how many of them lie there at any time, see `need_of_chain`; None: all.

    Returns:
        None where the source is no folder with safetensors: its size is not known.
    """
    files = sorted(source.glob(f"*{WEIGHTS}")) if source.is_dir() else []
    try:
        count = sum(map(_weights_in, files))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None  # no safetensors: whoever loads it says so
    if not count:
        return None
    each, first = BYTES[save_dtype] * count, BYTES["float32"] * count
    models = generations if at_once is None else at_once
    whole = models * each + first
    training, free = amount(STATES * first), amount(shutil.disk_usage(root).free)
    of = f"models of {generations} generations"
    of = of if models == generations else f"{of}, {models} at once"
    said = f"{of} × {amount(each)} and the first one: {amount(whole)}"
    return f"{said}, as much again in DVC's cache, {training} while one is trained; {free} are free"


def _weights_in(file: Path) -> int:
    """The number of weights in a safetensors file, by its header."""
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if length > file.stat().st_size:
            raise ValueError("a header longer than its file")
        header = parse_json(opened.read(length))
    shapes = [entry["shape"] for name, entry in header.items() if name != "__metadata__"]
    return sum(math.prod(shape) for shape in shapes)


def amount(count: float) -> str:
    """Bytes as people say them: 22 MB, 1.8 GB."""
    size, unit = next(((s, u) for s, u in UNITS if count >= 0.9995 * s), UNITS[-1])
    count /= size
    return f"{count:.1f} {unit}" if count < 9.95 else f"{count:,.0f} {unit}"


def _parts(need: Need) -> str:
    parts: dict[str, Any] = {name: getattr(need, name) for name in ("model", "embeddings", "texts")}
    listed = ", ".join(f"{name} {amount(count)}" for name, count in parts.items())
    whole = amount(need.generation)
    training = f"up to {amount(need.while_training)} while a model is trained"
    return f"each generation needs about {whole} ({listed}), once more in DVC's cache, {training}"


def _whole(value: object) -> int:
    """A size of a configuration; 0 where it has none."""
    return value if type(value) is int and value > 0 else 0


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)
