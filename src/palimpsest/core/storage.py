"""Reads and writes artifacts: texts, embeddings, JSON; whole or not at all.

A folder is written under a temporary name and renamed when it is whole, so a killed stage leaves
nothing half-written. What a folder was made of: `palimpsest.core.provenance`.
"""

import glob
import json
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.errors import CorpusError, PalimpsestError

STDOUT = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
"""Names of standard output."""


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yields a temporary folder beside `path` that takes its place if the block succeeds.

    What an earlier, killed run left under such temporary names is removed first; what it had kept
    of unfinished work (`unfinished`) is removed when the new folder stands.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in path.parent.glob(f".{glob.escape(path.name)}-*/"):
        shutil.rmtree(leftover)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        for file in temporary.rglob("*"):
            file.chmod((0o777 if file.is_dir() else 0o666) & ~_umask())
        if path.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{path.name}-old-", dir=path.parent))
            path.rename(old / path.name)
            temporary.rename(path)
            shutil.rmtree(old)
        else:
            temporary.rename(path)
        shutil.rmtree(unfinished(path), ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def unfinished(path: Path) -> Path:
    """The hidden folder beside an output for work on it that goes on, see `core.resume`."""
    return path.parent / f".{path.name}.unfinished"


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file atomically: a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_out(path: Path, content: bytes) -> None:
    """Writes what a user asked for by name: a link is followed, a device or pipe written into.

    Standard output by its name (/dev/stdout) is the one that prints, wherever it leads.

    Raises:
        PalimpsestError: see `check_out`; or the disk refuses.
    """
    check_out(path)
    try:
        if str(path) in STDOUT:
            sys.stdout.buffer.write(content)
        elif path.exists() and not path.is_file():
            path.write_bytes(content)
        else:
            write_bytes(path.resolve(), content)
    except OSError as error:
        raise PalimpsestError(str(path), wanted="a file to write", got=str(error)) from error


def check_out(path: Path) -> None:
    """Says before any work is done that a file cannot be written.

    Raises:
        PalimpsestError: it is a folder, a folder above it is a file, or one does not let us write.
    """
    try:
        if path.is_dir():
            raise PalimpsestError(str(path), wanted="a file to write", got="a folder")
        if str(path) in STDOUT:
            return
        device = path.exists() and not path.is_file()
        above = path if device else next(one for one in path.resolve().parents if one.exists())
        if not (device or above.is_dir()):
            got = f"{above}, which is no folder"
            raise PalimpsestError(str(path), wanted="a file to write", got=got)
        if not os.access(above, os.W_OK):
            got = f"{above}, which cannot be written"
            raise PalimpsestError(str(path), wanted="a file to write", got=got)
    except (OSError, RuntimeError) as error:  # RuntimeError: links that go in a circle
        raise PalimpsestError(str(path), wanted="a file to write", got=str(error)) from error


def json_bytes(content: Any) -> bytes:
    """JSON with sorted keys; numbers that are not finite are refused (ValueError)."""
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False)
    return (text + "\n").encode()


def write_json(path: Path, content: Any) -> None:
    """Writes JSON, see `json_bytes`."""
    write_bytes(path, json_bytes(content))


def read_json(path: Path) -> Any:
    """The content of a JSON file, or an error that names it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise PalimpsestError(str(path), wanted="a JSON file", got="no such file") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise PalimpsestError(str(path), wanted="valid JSON", got=str(error)) from error


def write_texts(path: Path, texts: Sequence[str], **columns: Sequence[Any]) -> None:
    """Writes one JSON object a line: the text, then the further columns."""
    names = ("text", *columns)
    lines = [
        json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False)
        for row in zip(texts, *columns.values(), strict=True)
    ]
    write_bytes(path, "".join(line + "\n" for line in lines).encode())


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON-lines file."""
    try:
        with path.open(encoding="utf-8") as file:
            return [json.loads(line) for line in file]
    except FileNotFoundError as error:
        raise CorpusError(str(path), wanted="a file of texts", got="no such file") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CorpusError(str(path), wanted="one JSON object a line", got=str(error)) from error


def read_texts(path: Path) -> list[str]:
    """The texts of a file that `write_texts` wrote."""
    rows = read_rows(path)
    try:
        return [row["text"] for row in rows]
    except (KeyError, TypeError) as error:
        raise CorpusError(str(path), wanted='lines with a "text" field', got="others") from error


def read_continuations(path: Path) -> tuple[list[str], list[str]]:
    """The prompts and the texts behind them, of a file that `write_texts` wrote with both."""
    rows = read_rows(path)
    try:
        return [row["prompt"] for row in rows], [row["text"] for row in rows]
    except (KeyError, TypeError) as error:
        wanted = 'lines with the fields "prompt" and "text"'
        raise CorpusError(str(path), wanted=wanted, got="others") from error


def read_documents(path: Path, keep_prompt: bool) -> list[str]:
    """The documents of such a file, with their prompts or without."""
    prompts, texts = read_continuations(path)
    return list(map("".join, zip(prompts, texts, strict=True))) if keep_prompt else texts


def read_embeddings(path: Path) -> NDArray[np.float32]:
    """A matrix of embeddings (n, d), float32."""
    try:
        array: NDArray[np.float32] = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise PalimpsestError(str(path), wanted="embeddings", got="no such file") from error
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise PalimpsestError(str(path), wanted="a .npy matrix", got=str(error)) from error
    return array


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file by name, or an error that names it."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except FileNotFoundError as error:
        raise PalimpsestError(str(path), wanted="arrays", got="no such file") from error
    except (ValueError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as error:
        raise PalimpsestError(str(path), wanted="an .npz file", got=str(error)) from error


def _umask() -> int:
    """What others may not do with new files; temporary ones are for the user alone."""
    mask = os.umask(0o022)  # the only way to read it is to set it
    os.umask(mask)
    return mask
