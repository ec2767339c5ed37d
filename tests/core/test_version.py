import importlib.metadata
import tomllib

import pytest

from palimpsest.core.version import installed_version
from tests.tiny import ROOT


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert installed_version() == project["version"]


def test_without_an_installation_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert installed_version() is None
