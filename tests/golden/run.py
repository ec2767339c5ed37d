"""Runs the golden chain in an empty folder and prints the SHA-256 of what it made.

    python -m tests.golden.run                       # as this processor computes
    qemu-x86_64 -cpu Haswell $(which python) -m tests.golden.run --against tests/golden/hashes.json

One process, so that an emulated processor loads torch once. ``--against`` names what is other than
in that file, and exits with 1; ``--write`` writes it.
"""

import argparse
import hashlib
import importlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import yaml

from tests.tiny import ROOT, tiny_params, turn, write_params

NAMES = ("g00", "g01", "g02")
STAGES = ("generate", "finetune", "embed", "score")
PARAMETERS = {
    "compute.threads": 2,
    "compute.portable": True,
    "generate.documents": 8,
    "corpus.null_pool": 24,
    "embed.encoder.max_tokens": 16,
}
"""Other than those of the other tests: an emulated processor needs a second for a text."""
LEFT_OUT = ("provenance.json", "report.html")
"""Versions of packages, and a page that names them."""


def run(folder: Path) -> dict[str, str]:
    """Runs the chain in an empty folder.

    Returns:
        By path: the SHA-256 of each file that it made.
    """
    params = tiny_params()
    for key, value in PARAMETERS.items():
        turn(params, key, value)
    write_params(folder / "params.yaml", params)
    shutil.copytree(ROOT / "presets", folder / "presets")
    root = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    commands = [root["prepare"]["cmd"]]
    for name in NAMES:
        stages = yaml.safe_load((ROOT / "generations" / name / "dvc.yaml").read_text())["stages"]
        commands += [stages[stage]["cmd"] for stage in STAGES if stage in stages]
    os.chdir(folder)
    for command in commands:
        run_stage(command)
    # a library that loads numpy: not before the first stage has settled how it computes
    from palimpsest.experiments.project import chain_yaml

    (folder / "chain.yaml").write_text(chain_yaml(2))
    run_stage(root["report"]["cmd"])
    parts = ("data", "models", "metrics", "plots")
    made = [path for part in parts for path in files(folder / part)]
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in made
        if path.name not in LEFT_OUT
    }


def run_stage(command: str) -> None:
    """Runs a stage in this process."""
    _, _, module, *words = command.split()
    importlib.import_module(module).main(words)


def files(folder: Path) -> list[Path]:
    """All files of a folder, in order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Runs, prints, compares."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--against", type=Path, help="hashes to hold it against")
    parser.add_argument("--write", type=Path, help="file to write the hashes to")
    args = parser.parse_args()
    known = json.loads(args.against.read_text()) if args.against else {}
    write = args.write and args.write.absolute()
    with tempfile.TemporaryDirectory() as folder:
        made = run(Path(folder))
        os.chdir(ROOT)
    if write:
        write.write_text(json.dumps(made, indent=1) + "\n")
    if args.against is None:
        print(json.dumps(made, indent=1))
        return
    other = sorted(path for path in known.keys() | made.keys() if known.get(path) != made.get(path))
    print(f"{len(made)} files, {len(other)} other than known" + "".join(f"\n  {p}" for p in other))
    sys.exit(bool(other))


if __name__ == "__main__":
    main()
