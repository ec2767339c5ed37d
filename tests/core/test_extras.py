import tomllib

import pytest

from palimpsest.core import extras
from palimpsest.core.errors import InstallationError
from palimpsest.core.extras import GGUF, PIPELINE, missing_extra, require
from tests.tiny import ROOT


def test_the_packages_are_those_of_the_extras() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    listed = {name: {one.split(">")[0] for one in extras[name]} for name in ("pipeline", "gguf")}
    # a part of ruamel.yaml, which DVC imports; no code here does
    assert {*PIPELINE.values()} == listed["pipeline"] - {"ruamel.yaml.clib"}
    assert {*GGUF.values()} == listed["gguf"]


def test_what_is_there_is_not_missed() -> None:
    require("matplotlib")


def test_what_is_missing_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extras.PIPELINE, "no_such_module", "no-such-package")
    with pytest.raises(InstallationError, match=r"package no-such-package: .*palimpsest\[pipeline"):
        require("no_such_module")


@pytest.mark.parametrize(
    ("name", "package"),
    [("dvc", "dvc"), ("mpl_toolkits.mplot3d", "matplotlib"), ("ruamel.yaml", "ruamel.yaml")],
)
def test_an_import_that_failed_is_told_as_its_package(name: str, package: str) -> None:
    said = missing_extra(ModuleNotFoundError(f"No module named {name!r}", name=name))
    assert said is not None
    assert said.what == f"the package {package}"


@pytest.mark.parametrize("name", GGUF)
def test_what_reads_gguf_has_an_extra_of_its_own(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = missing_extra(ModuleNotFoundError(f"No module named {name!r}", name=f"{name}.reader"))
    assert said is not None
    assert said.what == f"the package {name}"
    assert said.hint == "pip install 'palimpsest[gguf]'"
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    with pytest.raises(InstallationError, match=r"that reads GGUF files.*palimpsest\[gguf\]"):
        require(name)


@pytest.mark.parametrize("name", ["numpy", "palimpsest.nothing", None])
def test_other_imports_are_no_matter_of_an_extra(name: str | None) -> None:
    assert missing_extra(ModuleNotFoundError("no", name=name)) is None
