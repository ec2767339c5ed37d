"""`palimpsest metrics`: every metric of the registry is listed, explained and in the tables."""

from pathlib import Path

import pytest

from palimpsest.cli.main import main
from palimpsest.cli.metrics import markdown, updated
from palimpsest.core.errors import MetricError
from palimpsest.metrics.registry import FAMILIES, REGISTRY

PAGE = "".join(
    f"Words.\n\n<!-- metrics: {family} -->\nan old table\n<!-- /metrics: {family} -->\n"
    for family in FAMILIES
)


def said(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    assert main(["metrics", *words]) == status
    shown = capsys.readouterr()
    return shown.err if status else shown.out


def test_without_names_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    _, *lines = said(capsys).splitlines()
    assert [line.split()[0] for line in lines] == list(REGISTRY)
    volume = next(line for line in lines if line.startswith("volume "))
    assert volume.split() == ["volume", "hull", "volume", "PCA", "units³", "↓", "geometry"]


def test_a_named_one_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = said(capsys, "volume", "ttr").split("\n\n")
    lines = dict(line.strip().split(":", 1) for line in first.splitlines()[1:])
    facts = {key: value.strip() for key, value in lines.items()}
    one = REGISTRY["volume"]
    assert first.splitlines()[0] == "volume"
    assert facts["in words"] == "hull volume (PCA units³)"
    assert facts["definition"] == one.definition
    assert facts["in collapse"] == "falls"
    assert facts["degenerate"] == one.degenerate
    assert facts["code"] == "palimpsest.metrics.hull:hull_volume"
    assert "the same as: distinct_1" in " ".join(second.split())


def test_what_is_no_metric_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    error = said(capsys, "beauty", status=1)
    assert error.startswith("error: metrics: want one of volume, drift, ")
    assert error.endswith(", got 'beauty'\n")


def test_the_tables_of_a_page_are_written_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    assert said(capsys, "--update", str(path)) == f"written: {path}\n"
    page = path.read_text()
    assert "an old table" not in page
    assert page.count("Words.") == len(FAMILIES)
    for family in FAMILIES:
        assert page.count(markdown(family)) == 1
    for name in REGISTRY:
        assert f"| `{name}` |" in page
    assert updated(page, "page") == page


def test_a_page_without_the_marks_is_named() -> None:
    page = PAGE.replace("<!-- /metrics: text -->", "")
    with pytest.raises(MetricError, match=r"^page\.md: want the marks <!-- metrics: text --> …"):
        updated(page, "page.md")


def test_a_table_has_as_many_cells_in_each_row() -> None:
    for family in FAMILIES:
        head, rule, *rows = markdown(family).splitlines()
        names = [name for name, one in REGISTRY.items() if one.family == family]
        assert [row.split("`")[1] for row in rows] == names
        assert {line.replace("\\|", "").count("|") for line in (head, rule, *rows)} == {8}, family
