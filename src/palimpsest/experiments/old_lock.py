"""Moves a dvc.lock of the form before 0.2, one for the whole chain, to one for each generation.

Version 0.2.0 moved the code and left what these stages write as it was, byte for byte. An entry of
0.1.0's code (its code dependencies say so) is therefore written anew with the hashes of the code as
it is, and DVC takes its outputs from the cache. Any other entry is left out, and DVC runs that
stage again.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from palimpsest.core.config import flattened, read_yaml
from palimpsest.core.storage import write_bytes

CODE = ("src/", "stages/")
MADE_BY_0_1 = {
    "prepare": "565973145b35137a",
    "generate": "467a91206708233d",
    "finetune": "1e62fa85d3d1b492",
    "embed": "c0f716d172f74366",
}
"""Stage -> digest of its code dependencies in 0.1.0's dvc.lock. ``score`` and ``report`` run again,
seconds each: the scorecard's file has another name."""

Entry = dict[str, Any]


def move_old_lock(root: Path, chain: Mapping[str, Any]) -> int:
    """Splits an old dvc.lock; a new one is left alone.

    Args:
        root: the project, whose dvc.yaml files are those of the chain.
        chain: the transitions of chain.yaml.

    Returns:
        How many stages were moved. The old file stays beside the new ones as dvc.lock.old.
    """
    path = root / "dvc.lock"
    lock = read_yaml(path) if path.exists() else None
    old = lock.get("stages") if isinstance(lock, dict) else None
    if not isinstance(old, dict) or not any("@" in name for name in old):
        return 0
    hashes: dict[str, Entry] = {}
    moved = 0
    for folder in ("", *chain):
        where = root / "generations" / folder if folder else root
        stages = read_yaml(where / "dvc.yaml")["stages"]
        entries = {}
        for name, stage in stages.items():
            entry = old.get(f"{name}@{folder}" if folder else name)
            if entry is not None and code_digest(entry) == MADE_BY_0_1.get(name):
                entries[name] = _entry(root, stage, entry, hashes)
        if entries or not folder:
            content = yaml.safe_dump({"schema": "2.0", "stages": entries}, sort_keys=False)
            if not folder:
                write_bytes(root / "dvc.lock.old", path.read_bytes())
            write_bytes(where / "dvc.lock", content.encode())
        moved += len(entries)
    return moved


def code_digest(entry: Entry) -> str:
    """A digest of an entry's code dependencies: the paths and hashes of the files it imported."""
    code = sorted((dep["path"], dep["md5"]) for dep in entry["deps"] if _is_code(dep["path"]))
    return hashlib.blake2b(json.dumps(code).encode(), digest_size=8).hexdigest()


def path_hash(path: Path) -> Entry:
    """The hash that DVC 3 gives a file or a folder of code: md5, size and number of files."""
    if path.is_file():
        content = path.read_bytes()
        return {"md5": hashlib.md5(content).hexdigest(), "size": len(content)}
    files = sorted(
        (file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts),
        key=lambda file: file.relative_to(path).as_posix(),
    )
    listed = [
        {
            "md5": hashlib.md5(file.read_bytes()).hexdigest(),
            "relpath": file.relative_to(path).as_posix(),
        }
        for file in files
    ]
    digest = hashlib.md5(json.dumps(listed, sort_keys=True).encode()).hexdigest()
    size = sum(file.stat().st_size for file in files)
    return {"md5": f"{digest}.dir", "size": size, "nfiles": len(files)}


def _is_code(path: str) -> bool:
    return path.startswith(CODE)


def _entry(root: Path, stage: Entry, old: Entry, hashes: dict[str, Entry]) -> Entry:
    """An entry for the stage as it is now defined, with what the old one read and wrote."""
    read = {dep["path"]: dep for dep in old["deps"]}
    deps = []
    for path in sorted(stage["deps"]):
        if _is_code(path):
            if path not in hashes:
                hashes[path] = {"path": path, "hash": "md5", **path_hash(root / path)}
            deps.append(hashes[path])
        else:
            deps.append(read[path])
    locked = (old.get("params") or {}).get("params.yaml") or {}
    current = flattened(read_yaml(root / "params.yaml"))
    params = {}
    for key in sorted(stage["params"]):
        if key in locked:
            params[key] = locked[key]
        elif key in current:
            params[key] = current[key]
        else:
            below = {k[len(key) + 1 :]: v for k, v in current.items() if k.startswith(f"{key}.")}
            params[key] = below
    return {
        "cmd": stage["cmd"],
        "deps": deps,
        "params": {"params.yaml": params},
        "outs": old["outs"],
    }
