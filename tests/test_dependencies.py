"""The locks name the hash of every file; the table says what each package is under."""

import re
import zipfile
from email.message import Message
from pathlib import Path

import pytest

from benchmarks.dependencies import direct, licence, normal, table
from tests.tiny import ROOT

LOCKS = sorted(ROOT.glob("requirements*.lock"))
ENTRY = re.compile(r"\S+==\S+( \\\n    --hash=sha256:[0-9a-f]{64})+\n")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_package_of_a_lock_has_a_version_and_hashes(lock: Path) -> None:
    text = lock.read_text()
    assert ENTRY.sub("", text) == ""
    assert len(ENTRY.findall(text)) >= 1


def test_the_locks_share_no_package_but_torch() -> None:
    assert len(LOCKS) == 4
    names = [re.findall(r"^(\S+)==", lock.read_text(), re.M) for lock in LOCKS]
    listed = sorted(name for lock in names for name in lock)
    assert [name for name in {*listed} if listed.count(name) > 1] == ["torch"]
    assert (ROOT / "requirements-cpu.lock").read_text().startswith("torch==")


def test_the_table_has_every_package_of_the_lock() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text()
    locked = re.findall(r"^(\S+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)
    shown = {
        (name.lower().replace("_", "-").replace(".", "-"), version.partition("+")[0])
        for name, version in re.findall(r"^\| (\S+) \| (\S+) \|", page, re.M)
    }
    missing = {one for one in locked if (one[0].replace(".", "-"), one[1]) not in shown}
    assert missing == set()


def test_the_table_says_what_each_package_is_wanted_for() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text()
    row = re.compile(r"^\| (\S+) \| [^|]+ \| [^|]+ \| ([^|]+) \| [\d.]+ \|$", re.M)
    shown = {normal(name): why for name, why in row.findall(page)}
    asked_for = direct()
    assert {name: asked_for.get(name, "by others") for name in shown} == shown
    assert asked_for.keys() <= shown.keys()


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"License-Expression": "MIT OR Apache-2.0", "License": "no"}, "MIT OR Apache-2.0"),
        ({"License": "BSD-3-Clause"}, "BSD-3-Clause"),
        ({"License": "Copyright (c) 2001\nPermission", "Classifier": "MIT License"}, "MIT"),
        ({"License": "GPLv2 with linking exception", "Classifier": "GPL v2"}, "GPLv2 with linking"),
        ({}, "not said"),
    ],
)
def test_a_licence_is_what_the_package_says(headers: dict[str, str], said: str) -> None:
    package = Message()
    for name, value in headers.items():
        prefix = "License :: OSI Approved :: " if name == "Classifier" else ""
        package[name] = prefix + value
    assert licence(package).startswith(said)


def test_copyleft_stands_out_and_sizes_are_added(tmp_path: Path) -> None:
    for name, words in (("numpy", "MIT"), ("dvc", "MIT"), ("grandalf", "GPLv2 | EPLv1")):
        with zipfile.ZipFile(tmp_path / f"{name}-1-py3-none-any.whl", "w") as wheel:
            head = f"Name: {name}\nVersion: 1\nLicense: {words}\n"
            wheel.writestr(f"{name}-1.dist-info/METADATA", head)
            wheel.writestr("content", bytes(1_500_000))
    *rows, _, total = table([*tmp_path.iterdir()]).splitlines()
    assert rows[2:] == [
        "| dvc | 1 | MIT | by the pipeline | 1.5 |",
        "| grandalf | 1 | **GPLv2 or EPLv1** | by others | 1.5 |",
        "| numpy | 1 | MIT | to audit | 1.5 |",
    ]
    assert total == "3 files, 5 MB."
