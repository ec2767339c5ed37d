"""chain.yaml: the links, what a shorter chain takes away, what is refused."""

from pathlib import Path

import pytest
import yaml

from palimpsest.dvc_project import Change, chain_yaml, generation_name, write_chain
from palimpsest.errors import ParamsError, ProjectError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    return tmp_path


def outputs(project: Path, *names: str) -> None:
    for name in names:
        folder = project / "data" / "scores" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "card.json").write_text("{}")
        headline = project / "metrics" / "generations" / f"{name}.json"
        headline.parent.mkdir(parents=True, exist_ok=True)
        headline.write_text("{}")


def scores(project: Path) -> list[str]:
    found = [*project.glob("data/scores/*"), *project.glob("metrics/generations/*")]
    return sorted(path.name for path in found)


@pytest.mark.parametrize("last", [1, 5, 20, 60, 101])
def test_every_generation_learns_from_the_one_before(last: int) -> None:
    content = yaml.safe_load(chain_yaml(last))
    names = [generation_name(number) for number in range(last + 1)]
    assert list(content["generations"]) == names
    assert list(content["links"]) == names[1:]
    assert all(isinstance(name, str) for name in names)
    assert [entry["index"] for entry in content["generations"].values()] == list(range(last + 1))
    parents = [entry["parent"] for entry in content["generations"].values()]
    assert parents == ["base", *names[:-1]]
    assert [entry["parent"] for entry in content["links"].values()] == names[:-1]
    learns = [entry["learns"] for entry in content["generations"].values()]
    assert learns == ["pretrain"] + ["finetune"] * last


def test_names_are_strings_to_every_reader_of_yaml() -> None:
    """A bare 08 is a number to one reader and a string to another; DVC drops numbers."""
    assert [generation_name(g) for g in (0, 8, 20, 100)] == ["g00", "g08", "g20", "g100"]


def test_a_longer_chain_only_adds_lines() -> None:
    short, long = (set(chain_yaml(last).splitlines()[1:]) for last in (20, 21))
    assert short < long
    assert len(long - short) == 2


@pytest.mark.parametrize("last", [0, -1, 1000])
def test_chains_without_a_link_or_without_end_are_refused(project: Path, last: int) -> None:
    with pytest.raises(ParamsError, match=f"chain: want 1 to 999 generations, got {last}"):
        write_chain(project, last)
    assert not (project / "chain.yaml").exists()


def test_outside_a_project_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"want a folder with dvc\.yaml, got none"):
        write_chain(tmp_path, 5)
    assert list(tmp_path.iterdir()) == []


def test_the_first_chain_has_nothing_before_it(project: Path) -> None:
    assert write_chain(project, 5) == Change(None, 5, False, ())
    assert (project / "chain.yaml").read_text() == chain_yaml(5)


def test_a_longer_chain_keeps_everything(project: Path) -> None:
    write_chain(project, 2)
    outputs(project, "g00", "g01", "g02")
    before = scores(project)
    assert write_chain(project, 4) == Change(2, 4, False, ())
    assert scores(project) == before


def test_a_shorter_chain_takes_away_the_scores_that_the_report_would_read(project: Path) -> None:
    write_chain(project, 12)
    outputs(project, "g00", "g01", "g02", "g10", "g12")
    (project / "data" / "models").mkdir()
    change = write_chain(project, 1)
    assert (change.before, change.after) == (12, 1)
    names = ("g02", "g10", "g12")
    assert list(change.removed) == [f"data/scores/{name}" for name in names]
    # git alone has the small files: they stay
    assert scores(project) == ["g00", "g00.json", "g01", "g01.json", *(f"{n}.json" for n in names)]
    assert (project / "data" / "models").exists()


def test_a_broken_chain_is_an_error_that_names_it_and_stays(project: Path) -> None:
    (project / "chain.yaml").write_text("generations: [")
    with pytest.raises(ParamsError, match=r"chain\.yaml: want valid YAML"):
        write_chain(project, 3)
    assert (project / "chain.yaml").read_text() == "generations: ["


@pytest.mark.parametrize(
    "content", ["", "7", "generations:", "generations: [1]", "generations: {x: 1}"]
)
def test_a_chain_of_another_making_is_replaced(project: Path, content: str) -> None:
    (project / "chain.yaml").write_text(content)
    assert write_chain(project, 3) == Change(None, 3, False, ())
    assert (project / "chain.yaml").read_text() == chain_yaml(3)


def test_the_longest_chain_is_one_that_can_be_written() -> None:
    assert "  g999: {index: 999, parent: g998, regime: params}\n" in chain_yaml(999)


def test_the_null_lineage_shares_generation_0_and_changes_no_other_line() -> None:
    alone, both = (yaml.safe_load(chain_yaml(3, null)) for null in (False, True))
    for part in ("generations", "links"):
        assert both[part].items() >= alone[part].items()
        new = {key: value for key, value in both[part].items() if key not in alone[part]}
        assert list(new) == ["n01", "n02", "n03"]
        assert [entry["parent"] for entry in new.values()] == ["g00", "n01", "n02"]
        assert [entry["index"] for entry in new.values()] == [1, 2, 3]
    assert {entry["regime"] for entry in alone["links"].values()} == {"params"}
    assert [both["links"][name]["regime"] for name in ("n01", "n03")] == ["fresh", "fresh"]


def test_the_null_lineage_stays_until_it_is_taken_away(project: Path) -> None:
    assert write_chain(project, 2, null=True).null
    assert (project / "chain.yaml").read_text() == chain_yaml(2, null=True)
    assert write_chain(project, 3) == Change(2, 3, True, ())
    outputs(project, "g00", "g03", "n01", "n03")
    assert write_chain(project, 2).removed == ("data/scores/g03", "data/scores/n03")
    change = write_chain(project, 2, null=False)
    assert change.removed == ("data/scores/n01",)
    assert (project / "chain.yaml").read_text() == chain_yaml(2)
