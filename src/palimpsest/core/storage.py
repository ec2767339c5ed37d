"""Reads and writes artifacts: texts, embeddings, JSON; whole or not at all.

A folder is written under a temporary name and renamed when it is whole, so a killed stage leaves
nothing half-written. What a folder was made of: `palimpsest.core.provenance`.
"""

import errno
import glob
import json
import os
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.arrays import array_of
from palimpsest.core.errors import CorpusError, PalimpsestError
from palimpsest.core.parsing import check_unpacked, parse_json

STDOUT = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
"""Names of standard output."""
REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
"""What a full disk, a quota or a failing disk says."""
IN_WORDS = re.compile(r"os error (\d+)|requested and \d+ written")
"""How libraries say it: those in Rust by its number, numpy by what it could not write."""


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yields a temporary folder beside `path` that takes its place if the block succeeds.

    What an earlier, killed run left under such temporary names is removed first; what it had kept
    of unfinished work (`unfinished`) is removed when the new folder stands.

    Raises:
        PalimpsestError: the disk refuses what the block writes.
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
    except OSError as error:
        refused = error if error.errno in REFUSALS else refused_by_disk(error)
        if refused is None:
            raise
        free = shutil.disk_usage(path.parent).free
        got = f"{refused.strerror or error}, {free / 1e6:,.1f} MB free"
        held = f" ({unfinished(path)} holds some)" if unfinished(path).exists() else ""
        hint = f"what was there before is as it was; make room{held} and run it again"
        raise PalimpsestError(str(path), wanted="room to write it", got=got, hint=hint) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def refused_by_disk(error: Exception) -> OSError | None:
    """What a disk said, out of a library's own error; None if it was no disk."""
    found = IN_WORDS.search(str(error))
    if found is None:
        return None
    if found[1] is None:
        return OSError(errno.EIO, f"a file that cannot grow ({error})")
    number = int(found[1])
    return OSError(number, os.strerror(number)) if number in REFUSALS else None


def unfinished(path: Path) -> Path:
    """The hidden folder beside an output for work on it that goes on, see `core.resume`."""
    return path.parent / f".{path.name}.unfinished"


def write_bytes(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Writes a file atomically: a reader sees the old file or the new one, never a part.

    Args:
        path: the file; folders above it are made.
        content: all of it, or pieces that are made while it is written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(_pieces(content))
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and not error.filename:
            error.filename = str(path)  # a write, unlike an open, does not say what it was about
        raise


def write_out(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Writes what a user asked for by name: a link is followed, a device or pipe written into.

    Standard output by its name (/dev/stdout) is the one that prints, wherever it leads.

    Raises:
        PalimpsestError: see `check_out`; or the disk refuses.
    """
    check_out(path)
    try:
        if str(path) in STDOUT:
            sys.stdout.buffer.writelines(_pieces(content))
        elif path.exists() and not path.is_file():
            with path.open("wb") as file:
                file.writelines(_pieces(content))
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
    """The content of a JSON file, or an error that names it.

    Raises:
        PalimpsestError: it cannot be read, or is no JSON (see `palimpsest.core.parsing`).
    """
    try:
        return parse_json(path.read_bytes())
    except FileNotFoundError as error:
        raise PalimpsestError(str(path), wanted="a JSON file", got="no such file") from error
    except OSError as error:
        raise PalimpsestError(str(path), wanted="a JSON file", got=error.strerror) from error
    except ValueError as error:
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
    """The objects of a JSON-lines file.

    Raises:
        CorpusError: it cannot be read, or a line is no object.
    """
    rows: list[dict[str, Any]] = []
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                row = parse_json(line)
                if not isinstance(row, dict):
                    raise ValueError(f"{type(row).__name__} in its place")
                rows.append(row)
    except FileNotFoundError as error:
        raise CorpusError(str(path), wanted="a file of texts", got="no such file") from error
    except OSError as error:
        raise CorpusError(str(path), wanted="a file of texts", got=error.strerror) from error
    except ValueError as error:
        got = f"{error} (line {len(rows) + 1})"
        raise CorpusError(str(path), wanted="one JSON object a line", got=got) from error
    return rows


def read_texts(path: Path) -> list[str]:
    """The texts of a file that `write_texts` wrote.

    Raises:
        CorpusError: it cannot be read, or a line has no text.
    """
    return _column(path, read_rows(path), "text", 'lines with a "text" field')


def read_continuations(path: Path) -> tuple[list[str], list[str]]:
    """The prompts and the texts behind them, of a file that `write_texts` wrote with both.

    Raises:
        CorpusError: it cannot be read, or a line lacks one of them.
    """
    rows = read_rows(path)
    wanted = 'lines with the fields "prompt" and "text"'
    return _column(path, rows, "prompt", wanted), _column(path, rows, "text", wanted)


def read_human(path: Path) -> tuple[list[str], list[str]]:
    """Human texts of such a file and the beginnings that stand apart; "" where none does.

    Raises:
        CorpusError: it cannot be read, or a line has no text, or a prompt that is none.
    """
    rows = [{"prompt": "", **row} for row in read_rows(path)]
    wanted = 'lines with a "text" field'
    return _column(path, rows, "prompt", wanted), _column(path, rows, "text", wanted)


def _column(path: Path, rows: Sequence[Mapping[str, Any]], field: str, wanted: str) -> list[str]:
    """A field of every row, each a text."""
    for number, row in enumerate(rows, start=1):
        if not isinstance(row.get(field), str):
            got = f"{type(row[field]).__name__} as {field!r}" if field in row else "others"
            raise CorpusError(str(path), wanted=wanted, got=f"{got} (line {number})")
    return [row[field] for row in rows]


def read_documents(path: Path, keep_prompt: bool) -> list[str]:
    """The documents of such a file, with their prompts or without."""
    prompts, texts = read_continuations(path)
    return list(map("".join, zip(prompts, texts, strict=True))) if keep_prompt else texts


def read_embeddings(path: Path) -> NDArray[np.float32]:
    """A matrix of embeddings (n, d), float32.

    Raises:
        PalimpsestError: it cannot be read, or holds other than its header says.
    """
    try:
        with path.open("rb") as file:
            array: NDArray[np.float32] = array_of(file, path.stat().st_size)
    except FileNotFoundError as error:
        raise PalimpsestError(str(path), wanted="embeddings", got="no such file") from error
    except Exception as error:  # numpy, its tokenizer and its parser each have errors of their own
        raise PalimpsestError(str(path), wanted="a .npy matrix", got=_cause(error)) from error
    if array.ndim != 2 or array.dtype.kind != "f":
        got = f"{array.dtype} of shape {array.shape}"
        raise PalimpsestError(str(path), wanted="a matrix of numbers", got=got)
    return array


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file by name.

    Raises:
        PalimpsestError: it cannot be read, or holds other than its headers say.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            check_unpacked(sum(one.file_size for one in members), path.stat().st_size)
            arrays = {}
            for member in members:
                with archive.open(member) as file:
                    arrays[member.filename.removesuffix(".npy")] = array_of(file, member.file_size)
            return arrays
    except FileNotFoundError as error:
        raise PalimpsestError(str(path), wanted="arrays", got="no such file") from error
    except Exception as error:  # zipfile, zlib, struct and numpy each have errors of their own
        raise PalimpsestError(str(path), wanted="an .npz file", got=_cause(error)) from error


def _pieces(content: bytes | Iterable[bytes]) -> Iterable[bytes]:
    return [content] if isinstance(content, bytes) else content


def _cause(error: Exception) -> str:
    return str(error) or type(error).__name__


def _umask() -> int:
    """What others may not do with new files; temporary ones are for the user alone."""
    mask = os.umask(0o022)  # the only way to read it is to set it
    os.umask(mask)
    return mask
