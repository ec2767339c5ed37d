"""What every stage's command line shares: arguments, one-line errors, progress bars, seeds."""

import argparse
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from palimpsest.errors import PalimpsestError, ParamsError
from palimpsest.params import P, check_seed, from_mapping, read_yaml

PATHS = {
    "human": "folder of the human corpus",
    "texts": "folder of this generation's texts",
    "out": "what to write; replaced as a whole",
}


def parser(stage: str, purpose: str) -> argparse.ArgumentParser:
    """A parser with the arguments of every stage."""
    style = argparse.ArgumentDefaultsHelpFormatter
    name = f"python -m stages.{stage}"
    new = argparse.ArgumentParser(prog=name, description=purpose, formatter_class=style)
    new.add_argument("--params", type=Path, default=Path("params.yaml"), help="the dials")
    return new


def run(main: Callable[[list[str] | None], None]) -> None:
    """Runs a stage; a mistake in the input becomes one line and exit status 1."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for chatty in ("datasets", "httpx", "huggingface_hub", "urllib3", "fsspec"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        main(None)
    except PalimpsestError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None


def sections(path: Path) -> dict[str, Any]:
    """The whole of params.yaml."""
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ParamsError(str(path), wanted="sections with keys", got=repr(content))
    return content


def section(content: dict[str, Any], cls: type[P], but: tuple[str, ...] = ()) -> P:
    """A section without its subsections `but`, which are read apart."""
    node = value(content, cls.section)
    if not isinstance(node, dict):
        raise ParamsError(cls.section, wanted="a section with keys", got=repr(node))
    own = {key: item for key, item in node.items() if key not in but}
    return from_mapping(own, cls, cls.section)


def value(content: dict[str, Any], key: str) -> Any:
    """The value of a dotted key."""
    node: Any = content
    for part in key.split("."):
        if not isinstance(node, dict) or part not in node:
            raise ParamsError(key, wanted="a value", got="none (the key is missing)")
        node = node[part]
    return node


def seed_of(params: Path, source: str) -> int:
    """The seed of one source of variance: its own entry in `seeds`, else the run's `seed`.

    Args:
        params: params.yaml.
        source: ``corpus``, ``generate`` or ``finetune``.

    Raises:
        ParamsError: no such key, or a value that is no whole number >= 0.
    """
    content = sections(params)
    key = f"seeds.{source}"
    seed = value(content, key)
    if seed is None:
        key, seed = "seed", value(content, "seed")
    return check_seed(key, seed)


def bar(total: int, label: str) -> Any:
    """A progress bar on a terminal, nothing elsewhere."""
    from tqdm import tqdm

    return tqdm(total=total, desc=label, disable=None, leave=False, dynamic_ncols=True)


def follow(shown: Any) -> Callable[[int, int], None]:
    """What a library calls with (done, total) to move a bar."""

    def move(done: int, total: int) -> None:
        shown.total = total
        shown.update(done - shown.n)

    return move
