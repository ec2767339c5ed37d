"""The table of docs/dependencies.md: version, licence and download of every locked package.

    python -m benchmarks.dependencies --files FOLDER

The folder holds what `pip download` takes; docs/dependencies.md has the commands. Licences are what
the packages' own metadata say: the expression, else the classifiers, else the free text's first
line. Sizes are those of the files that pip took for this machine.
"""

import argparse
import tarfile
import tomllib
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path

from benchmarks.reference import replace_block
from tests.tiny import ROOT

COPYLEFT = ("GPL", "EPL", "MPL")
"""What makes a licence stand in bold."""


def metadata(file: Path) -> Message:
    """The core metadata of a wheel or a source archive."""
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as wheel:
            name = next(one for one in wheel.namelist() if one.endswith(".dist-info/METADATA"))
            return message_from_string(wheel.read(name).decode())
    with tarfile.open(file) as archive:
        names = [one for one in archive.getnames() if one.endswith("/PKG-INFO")]
        content = archive.extractfile(min(names, key=len))
        assert content is not None, file
        return message_from_string(content.read().decode())


def licence(package: Message) -> str:
    """What a package says of its licence, in a few words."""
    if expression := package.get("License-Expression"):
        return str(expression)
    classifiers = [str(one) for one in package.get_all("Classifier", [])]
    names = [one.rsplit(" :: ", 1)[1] for one in classifiers if one.startswith("License :: OSI A")]
    text = str(package.get("License") or "").strip().splitlines()
    named = [one.removesuffix(" License") for one in names if one != "OSI Approved"]
    if text and len(text[0]) < 60 and (not named or any(mark in text[0] for mark in COPYLEFT)):
        return text[0]
    return ", ".join(named) or "not said"


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    bare = name.split(";")[0].split(">")[0].split("=")[0]
    return bare.lower().replace("_", "-").replace(".", "-").strip()


def direct() -> dict[str, str]:
    """Why pyproject.toml asks for a package, by its name as indexes compare it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    groups = {
        "to read GGUF": extras["gguf"],
        "for the site": extras["docs"],
        "to test": extras["test"],
        "by the pipeline": extras["pipeline"],
        "to audit": project["dependencies"],
    }
    return {normal(one): why for why, group in groups.items() for one in group}


def table(files: list[Path]) -> str:
    """The Markdown table, the total below it."""
    asked_for = direct()
    lines = ["| package | version | licence | asked for | MB |", "|---|---|---|---|--:|"]
    rows = []
    for file in files:
        package, size = metadata(file), file.stat().st_size
        name, said = str(package["Name"]), licence(package).replace("|", "or")
        said = f"**{said}**" if any(mark in said for mark in COPYLEFT) else said
        key = normal(name)
        why = asked_for.get(key, "by others")
        rows.append((key, f"| {name} | {package['Version']} | {said} | {why} | {size / 1e6:.1f} |"))
    total = sum(file.stat().st_size for file in files)
    lines += [row for _, row in sorted(rows)]
    return "\n".join([*lines, "", f"{len(files)} files, {total / 1e6:,.0f} MB."])


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=Path, required=True, help="folder of the downloads")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="folder of dependencies.md")
    args = parser.parse_args(argv)
    made = table([*args.files.iterdir()])
    replace_block(args.docs / "dependencies.md", "dependencies", made)
    print(made.splitlines()[-1])


if __name__ == "__main__":
    main()
