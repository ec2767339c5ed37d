"""Weights of a model folder: which files hold them, their names and shapes, and reading them.

As in `transformers`, ``model.safetensors`` holds everything, or ``model.safetensors.index.json``
says which files do; other files beside them (an adapter, a consolidated copy) are not merged in.
Names and shapes come from the headers: nothing is read before they are known to fit.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from palimpsest.core.errors import ModelError
from palimpsest.core.parsing import parse_json

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
ADAPTER = ("adapter_config.json", "adapter_model.safetensors")
SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
"""What `transformers` calls a part of the weights."""

Shape = tuple[int, ...]


def weight_files(folder: Path) -> list[Path]:
    """The files that hold a folder's weights.

    Raises:
        ModelError: there are none, an adapter's alone, or the index and the shards beside it do
            not fit each other.
    """
    if (folder / SINGLE).exists():
        return [folder / SINGLE]
    if (folder / INDEX).exists():
        return _indexed(folder)
    if adapter := [name for name in ADAPTER if (folder / name).exists()]:
        raise ModelError(
            str(folder),
            wanted="a whole model",
            got=f"an adapter ({adapter[0]})",
            hint="merge it into its base model first (PEFT: merge_and_unload), save with that",
        )
    others = sorted(path.name for path in folder.glob("*.safetensors"))
    raise ModelError(
        str(folder),
        wanted=f"weights as {SINGLE}, or {INDEX} and the files that it names",
        got=", ".join(others) or "none",
        hint="pickled weights are never loaded; save the model with safetensors first",
    )


def _indexed(folder: Path) -> list[Path]:
    path = folder / INDEX
    places = read_json(path).get("weight_map")
    places = places if isinstance(places, dict) else {}
    listed = list(places.values())
    names = {name for name in listed if isinstance(name, str)}
    if not names or len(names) < len(set(map(str, listed))):
        raise ModelError(str(path), wanted="a weight_map from names to files", got=str(places)[:80])
    there = {path.name for path in folder.iterdir() if path.is_file()}
    for name in sorted(names):
        if name not in there:
            raise ModelError(str(path), wanted="names of files beside it", got=name)
    if unnamed := sorted(name for name in there - names if SHARD.fullmatch(name)):
        wanted = "a weight_map that names every shard beside it"
        raise ModelError(str(path), wanted=wanted, got=f"none of {unnamed[0]}")
    _check_shards(path, places)
    return [folder / name for name in sorted(names)]


def _check_shards(index: Path, places: Mapping[str, str]) -> None:
    """Makes sure that every shard holds the weights that the index says, and no others.

    A weight in two shards would be one or the other by the order in which they are read.
    """
    for shard in sorted(set(places.values())):
        named = {name for name, place in places.items() if place == shard}
        with _opened(index.parent / shard) as tensors:
            held = set(tensors.keys())
        for name in sorted(named - held):
            raise ModelError(str(index.parent / shard), wanted=f"{name}, by {INDEX}", got="none")
        for name in sorted(held - named):
            raise ModelError(
                str(index.parent / shard), wanted=f"the weights that {INDEX} names", got=name
            )


def weight_shapes(files: list[Path]) -> dict[str, Shape]:
    """Names and shapes of all weights, from the headers alone.

    Raises:
        ModelError: a file is damaged, or says other than what it holds.
    """
    shapes: dict[str, Shape] = {}
    for file in files:
        with _opened(file) as tensors:
            names = tensors.keys()  # no mapping: it cannot be iterated itself
            shapes |= {name: tuple(tensors.get_slice(name).get_shape()) for name in names}
    return shapes


def read_weights(files: list[Path]) -> dict[str, Tensor]:
    """All weights by name.

    Raises:
        ModelError: a file is damaged, or a weight is not a number.
    """
    weights: dict[str, Tensor] = {}
    for file in files:
        with _opened(file) as tensors:
            held = {name: tensors.get_tensor(name) for name in tensors.keys()}  # noqa: SIM118
        weights |= held
        _check_finite(file.parent, held.items())
    return weights


def check_loaded(
    source: Path, missing: Collection[str], weights: Iterable[tuple[str, Tensor]]
) -> None:
    """Makes sure that what `transformers` loaded is all there, and numbers.

    Args:
        source: the folder or file, for messages.
        missing: names of weights that the source lacks.
        weights: what was loaded.

    Raises:
        ModelError: a weight is missing, or not finite.
    """
    if missing:
        # transformers would fill them with random numbers, others at every start
        names = ", ".join(sorted(missing))
        raise ModelError(str(source), wanted=f"weights for {names}", got="none")
    _check_finite(source, weights)


def _check_finite(source: Path, weights: Iterable[tuple[str, Tensor]]) -> None:
    for name, weight in weights:
        if weight.is_floating_point() and not torch.isfinite(weight.float()).all():
            raise ModelError(f"{source}: {name}", wanted="finite weights", got="NaN or infinity")


def check_shapes(folder: Path, wanted: Mapping[str, Shape], got: Mapping[str, Shape]) -> None:
    """Holds the shapes in the files against those that config.json asks for.

    Raises:
        ModelError: one is missing or has another shape.
    """
    for name, shape in wanted.items():
        if name not in got:
            raise ModelError(str(folder), wanted=f"weights for {name}", got="none")
        if got[name] != shape:
            raise ModelError(
                f"{folder}: {name}",
                wanted=f"the shape that config.json asks for, {shape}",
                got=got[name],
            )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of a model folder.

    Raises:
        ModelError: no JSON, or no object.
    """
    try:
        content = parse_json(path.read_bytes(), finite=False)
    except (OSError, ValueError) as error:
        raise ModelError(str(path), wanted="valid JSON", got=str(error)) from error
    if not isinstance(content, dict):
        raise ModelError(str(path), wanted="a JSON object", got=type(content).__name__)
    return content


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """A file's tensors; damage is an error that names the file."""
    try:
        with safe_open(str(file), framework="pt") as tensors:
            yield tensors
    except (SafetensorError, OSError) as error:
        raise ModelError(str(file), wanted="a safetensors file", got=str(error)) from error
