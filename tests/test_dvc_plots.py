"""The pages of `dvc plots`: what the templates in .dvc/plots draw of the files in plots/curves."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from palimpsest.report.curve_files import COLUMNS, curve_files
from palimpsest.trajectory.curves import Trajectory
from tests.tiny import ROOT
from tests.trajectory.chains import rich

STUB = (
    "<script>const drawn = []; var vegaEmbed = (place, spec) => drawn.push([place, spec]);</script>"
)
"""Stands for Vega, which a network brings: keeps what it is told to draw."""


def run(root: Path, *words: str) -> str:
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Curves of three generations in a commit and of four in the next, which has no integrity."""
    root = tmp_path_factory.mktemp("plots")
    shutil.copytree(ROOT / ".dvc" / "plots", root / ".dvc" / "plots")
    for name in ("config", ".gitignore"):
        shutil.copy(ROOT / ".dvc" / name, root / ".dvc" / name)
    plots = yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]
    (root / "dvc.yaml").write_text(yaml.safe_dump({"plots": plots}))
    (root / "plots" / "curves").mkdir(parents=True)
    run(root, "git", "init", "-q")
    for last in (3, 4):
        for name, text in curve_files(Trajectory.from_scorecards(rich(last))).items():
            empty = last == 4 and name == "integrity.csv"
            content = text.splitlines(keepends=True)[0] if empty else text
            (root / "plots" / "curves" / name).write_text(content)
        run(root, "git", "add", "-A")
        run(root, "git", "-c", "user.email=a@b", "-c", "user.name=n", "commit", "-qm", str(last))
    return root


def dvc(root: Path, *words: str) -> str:
    return run(root, sys.executable, "-m", "dvc", "plots", *words)


def test_every_curve_has_whole_generations_band_interval_and_control(project: Path) -> None:
    plots = yaml.safe_load((project / "dvc.yaml").read_text())["plots"]
    for plot in plots:
        ((name, entry),) = plot.items()
        vega = json.loads(dvc(project, "diff", "HEAD~1", "--show-vega", "--targets", name))
        axis = vega["encoding"]["x"]
        assert axis["field"] == "generation"
        assert axis["axis"]["tickMinStep"] == 1
        assert axis["axis"]["format"] == "d"
        fields = {layer["encoding"]["y"]["field"] for layer in vega["layer"]}
        ends = {layer["encoding"]["y2"]["field"] for layer in vega["layer"] if "y2" in
                layer["encoding"]}  # fmt: skip
        assert fields == {"null_low", "low", "control", "value"}
        assert ends == {"null_high", "high"}
        assert fields | ends < set(COLUMNS)
        assert vega["title"]["text"] == entry["title"]
        titles = {layer["encoding"]["y"]["title"] for layer in vega["layer"]}
        assert titles == {entry["y_label"]}
        assert "<DVC_METRIC" not in json.dumps(vega)


def test_the_configured_page_is_the_one_of_this_repository(project: Path) -> None:
    dvc(project, "show", "-o", "shown")
    page = (project / "shown" / "index.html").read_text()
    assert "<h1>Curves by generation</h1>" in page
    assert 'name="viewport"' in page
    assert "vega" in page
    assert not re.search(r"\{(scripts|plot_divs|refresh_tag)\}", page)


def test_a_revision_has_one_colour_on_the_whole_page(project: Path, browser) -> None:
    template = (ROOT / ".dvc" / "plots" / "page.html").read_text()
    (project / "stub.html").write_text(template.replace("{scripts}", STUB))
    dvc(project, "diff", "HEAD~1", "HEAD", "-o", "drawn", "--html-template", "stub.html")
    browser.open(project / "drawn" / "index.html")
    plots = browser.js("drawn")
    scales = [spec["encoding"]["color"]["scale"] for _, spec in plots]
    revisions = [{point["rev"] for point in spec["data"]["values"]} for _, spec in plots]
    assert min(map(len, revisions)) == 1  # one curve is missing in a revision …
    assert max(map(len, revisions)) == 2
    assert all(scale == scales[0] for scale in scales)  # … and moves no colour
    assert set(scales[0]["domain"]) == set().union(*revisions)
    assert len(set(scales[0]["range"])) == 2
    assert browser.messages == []


def test_a_curve_without_a_value_says_so(project: Path, browser) -> None:
    template = (ROOT / ".dvc" / "plots" / "page.html").read_text()
    (project / "stub.html").write_text(template.replace("{scripts}", STUB))
    dvc(project, "show", "-o", "alone", "--html-template", "stub.html")
    browser.open(project / "alone" / "index.html")
    assert "#integrity" not in browser.js("drawn.map(([place]) => place)")
    assert browser.js("document.getElementById('integrity').textContent") == (
        "integrity: not measured"
    )
    assert browser.messages == []
