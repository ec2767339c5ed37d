"""chain.yaml and generations/: transitions, what a shorter chain takes away, what is refused."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from palimpsest.core import extras
from palimpsest.core.errors import InstallationError, ParamsError, ProjectError
from palimpsest.core.transitions import read_transitions
from palimpsest.experiments.project import (
    Change,
    chain_yaml,
    control_name,
    dvc,
    generation_name,
    git,
    planned_chain,
    write_chain,
)
from tests.tiny import ROOT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    (tmp_path / "generations").mkdir()
    shutil.copy(ROOT / "generations" / "dvc.yaml.j2", tmp_path / "generations")
    return tmp_path


def change(
    before: int | None,
    after: int,
    control: bool = False,
    removed: tuple[str, ...] = (),
    restored: tuple[str, ...] = (),
) -> Change:
    """What `write_chain` did."""
    return Change(before, after, control, removed, restored)


def outputs(project: Path, *names: str) -> None:
    """The scores of generations and their small files."""
    for name in names:
        folder = project / "data" / "scores" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "scorecard.json").write_text("{}")
        headline = project / "metrics" / "generations" / f"{name}.json"
        headline.parent.mkdir(parents=True, exist_ok=True)
        headline.write_text("{}")


def scores(project: Path) -> list[str]:
    files = [*project.glob("data/scores/*"), *project.glob("metrics/generations/*")]
    return sorted(path.name for path in files)


def folders(project: Path) -> list[str]:
    """The generations that have a folder, each with its dvc.yaml."""
    return sorted(path.parent.name for path in project.glob("generations/*/dvc.yaml"))


def graph(project: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(
        (project / "generations" / name / "dvc.yaml").read_text()
    )
    return content["stages"]


@pytest.mark.parametrize("last", [1, 5, 20, 60, 101])
def test_every_generation_comes_from_the_one_before(last: int) -> None:
    chain = yaml.safe_load(chain_yaml(last))["transitions"]
    names = [generation_name(number) for number in range(last + 1)]
    assert list(chain) == names
    assert all(isinstance(name, str) for name in chain)
    entries = list(chain.values())
    assert [entry["index"] for entry in entries] == list(range(last + 1))
    assert [entry["parent"] for entry in entries] == ["base", *names[:-1]]
    assert [entry["previous"] for entry in entries] == ["g00", *names[:-1]]
    assert [entry["training"] for entry in entries] == ["pretrain"] + ["finetune"] * last
    assert {entry["regime"] for entry in entries} == {"params"}


def test_names_are_strings_to_every_reader_of_yaml() -> None:
    """A bare 08 is a number to one reader and a string to another; DVC drops numbers."""
    assert [generation_name(g) for g in (0, 8, 20, 100)] == ["g00", "g08", "g20", "g100"]
    assert [control_name(g) for g in (0, 8, 20, 100)] == ["g00", "n08", "n20", "n100"]


def test_a_longer_chain_only_adds_a_line() -> None:
    short, long = (set(chain_yaml(last).splitlines()[1:]) for last in (20, 21))
    assert short < long
    assert len(long - short) == 1


@pytest.mark.parametrize("last", [0, -1, 1000])
def test_chains_without_a_transition_or_without_end_are_refused(project: Path, last: int) -> None:
    with pytest.raises(ParamsError, match=f"chain: want 1 to 999 generations, got {last}"):
        write_chain(project, last)
    assert not (project / "chain.yaml").exists()
    assert folders(project) == []


def test_outside_a_project_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"want a folder with dvc\.yaml, got none"):
        write_chain(tmp_path, 5)
    assert list(tmp_path.iterdir()) == []


def test_the_first_chain_has_nothing_before_it(project: Path) -> None:
    assert write_chain(project, 5) == change(None, 5)
    assert (project / "chain.yaml").read_text() == chain_yaml(5)
    assert folders(project) == ["g00", "g01", "g02", "g03", "g04", "g05"]
    assert list(graph(project, "g00")) == ["finetune", "embed", "score"]
    assert list(graph(project, "g05")) == ["generate", "finetune", "embed", "score"]


def test_a_longer_chain_keeps_everything(project: Path) -> None:
    write_chain(project, 2)
    outputs(project, "g00", "g01", "g02")
    (project / "generations" / "g01" / "dvc.lock").write_text("a lock")
    before = scores(project)
    files = {path: path.stat().st_mtime_ns for path in project.glob("generations/*/*")}
    assert write_chain(project, 4) == change(2, 4)
    assert scores(project) == before
    # not even written again: what did not change has the time that it had
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert folders(project) == ["g00", "g01", "g02", "g03", "g04"]


def test_a_shorter_chain_takes_away_the_scores_that_the_report_would_read(project: Path) -> None:
    write_chain(project, 12)
    outputs(project, "g00", "g01", "g02", "g10", "g12")
    (project / "data" / "models").mkdir()
    made = write_chain(project, 1)
    assert (made.before, made.after) == (12, 1)
    names = ("g02", "g10", "g12")
    gone = [f"generations/g{number:02d}" for number in range(2, 13)]
    assert list(made.removed) == [*gone, *(f"data/scores/{name}" for name in names)]
    assert folders(project) == ["g00", "g01"]
    assert scores(project) == ["g00", "g00.json", "g01", "g01.json"]
    assert (project / "data" / "models").exists()


def test_the_lock_of_a_generation_that_went_comes_back_with_it(project: Path) -> None:
    write_chain(project, 3)
    locks = [project / "generations" / f"g{number:02d}" / "dvc.lock" for number in range(4)]
    for number, lock in enumerate(locks):
        lock.write_text(f"lock of {number}\n")
    write_chain(project, 1)
    assert [lock.exists() for lock in locks] == [True, True, False, False]
    assert write_chain(project, 2) == change(1, 2, restored=("g02",))
    assert locks[2].read_text() == "lock of 2\n"
    # another run since: a lock that is there stays, and what comes back is the later one
    locks[2].write_text("another lock\n")
    assert write_chain(project, 2) == change(2, 2)
    assert locks[2].read_text() == "another lock\n"
    write_chain(project, 1)
    assert write_chain(project, 4) == change(1, 4, restored=("g02", "g03"))
    assert [lock.read_text() for lock in locks[2:]] == ["another lock\n", "lock of 3\n"]
    assert locks[1].read_text() == "lock of 1\n"


def test_the_small_scores_of_a_generation_that_went_come_back_with_it(project: Path) -> None:
    write_chain(project, 2)
    outputs(project, "g00", "g01", "g02")
    for number in range(3):
        (project / "generations" / f"g{number:02d}" / "dvc.lock").write_text("a lock\n")
    small = project / "metrics" / "generations" / "g02.json"
    before = small.read_bytes()
    write_chain(project, 1)
    assert not small.exists()
    assert write_chain(project, 2).restored == ("g02",)
    assert small.read_bytes() == before


def test_a_folder_that_is_no_generation_stays(project: Path) -> None:
    write_chain(project, 2)
    others = [project / "generations" / "g02-mine", project / "data" / "scores" / "g02-mine"]
    for folder in others:
        folder.mkdir(parents=True)
    (project / "data" / "scores" / "g02").write_text("a file")
    assert write_chain(project, 1).removed == ("generations/g02",)
    assert all(folder.exists() for folder in others)


def test_a_broken_chain_is_an_error_that_names_it_and_stays(project: Path) -> None:
    (project / "chain.yaml").write_text("transitions: [")
    with pytest.raises(ParamsError, match=r"chain\.yaml: want valid YAML"):
        write_chain(project, 3)
    assert (project / "chain.yaml").read_text() == "transitions: ["


@pytest.mark.parametrize(
    "content", ["", "7", "transitions:", "transitions: [1]", "transitions: {x: 1}"]
)
def test_a_chain_of_another_making_is_replaced(project: Path, content: str) -> None:
    (project / "chain.yaml").write_text(content)
    assert write_chain(project, 3) == change(None, 3)
    assert (project / "chain.yaml").read_text() == chain_yaml(3)


def test_a_chain_of_the_form_before_is_known(project: Path) -> None:
    text = "generations:\n  g00: {index: 0}\n  g01: {index: 1}\n  n01: {index: 1}\nlinks: {}\n"
    (project / "chain.yaml").write_text(text)
    assert write_chain(project, 3) == change(1, 3, control=True)
    assert (project / "chain.yaml").read_text() == chain_yaml(3, control=True)


def test_the_longest_chain_is_one_that_can_be_written() -> None:
    line = (
        "  g999: {index: 999, parent: g998, previous: g998, training: finetune, regime: params}\n"
    )
    assert line in chain_yaml(999)


def test_the_control_chain_shares_generation_0_and_changes_no_other_line() -> None:
    alone, both = (
        yaml.safe_load(chain_yaml(3, control))["transitions"] for control in (False, True)
    )
    assert both.items() >= alone.items()
    new = {key: value for key, value in both.items() if key not in alone}
    assert list(new) == ["n01", "n02", "n03"]
    assert [entry["parent"] for entry in new.values()] == ["g00", "n01", "n02"]
    assert [entry["previous"] for entry in new.values()] == ["g00", "n01", "n02"]
    assert [entry["index"] for entry in new.values()] == [1, 2, 3]
    assert {entry["training"] for entry in new.values()} == {"finetune"}
    assert {entry["regime"] for entry in alone.values()} == {"params"}
    assert {entry["regime"] for entry in new.values()} == {"fresh"}


def test_the_control_chain_stays_until_it_is_taken_away(project: Path) -> None:
    assert write_chain(project, 2, control=True).control
    assert (project / "chain.yaml").read_text() == chain_yaml(2, control=True)
    assert write_chain(project, 3) == change(2, 3, control=True)
    outputs(project, "g00", "g03", "n01", "n03")
    assert write_chain(project, 2).removed == (
        "generations/g03", "generations/n03", "data/scores/g03", "data/scores/n03",
    )  # fmt: skip
    made = write_chain(project, 2, control=False)
    assert made.removed == ("generations/n01", "generations/n02", "data/scores/n01")
    assert (project / "chain.yaml").read_text() == chain_yaml(2)
    assert folders(project) == ["g00", "g01", "g02"]


def test_a_planned_chain_is_as_chain_yaml_has_it_where_nothing_is_said(project: Path) -> None:
    assert planned_chain(project, None, None) == (0, False)
    assert planned_chain(project, 7, None) == (7, False)
    assert planned_chain(project, None, True) == (0, True)
    for last, control in ((12, False), (3, True)):
        write_chain(project, last, control)
        assert planned_chain(project, None, None) == (last, control)
        assert planned_chain(project, 100, None) == (100, control)
        assert planned_chain(project, None, not control) == (last, not control)
        assert planned_chain(project, 1, not control) == (1, not control)
    # planning writes nothing
    assert (project / "chain.yaml").read_text() == chain_yaml(3, control=True)


# --- chain.yaml as the source ---


def test_the_folders_are_written_anew_from_chain_yaml(project: Path) -> None:
    write_chain(project, 2)
    (project / "generations" / "g01" / "dvc.yaml").write_text("by hand")
    text = chain_yaml(2).replace("g02: {index: 2, parent: g01", "g02: {index: 2, parent: g00")
    (project / "chain.yaml").write_text(text)
    assert write_chain(project, None) == change(2, 2)
    assert (project / "chain.yaml").read_text() == text
    assert "models/g00" in graph(project, "g01")["generate"]["deps"]
    assert "--model models/g00" in graph(project, "g02")["generate"]["cmd"]


def test_transitions_are_read_in_order(tmp_path: Path) -> None:
    entry = "parent: g00, previous: g00, training: finetune, regime: params"
    lines = "".join(
        f"  {name}: {{index: {index}, {entry}}}\n"
        for name, index in (("n01", 1), ("g100", 100), ("g02", 2), ("g00", 0))
    )
    (tmp_path / "chain.yaml").write_text(f"transitions:\n{lines}")
    chain = read_transitions(tmp_path / "chain.yaml")
    assert list(chain) == ["g00", "g02", "g100", "n01"]
    assert chain["g02"] == {
        "index": 2, "parent": "g00", "previous": "g00", "training": "finetune", "regime": "params",
    }  # fmt: skip


WHOLE = "index: 1, parent: g00, previous: g00, training: finetune, regime: params"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"chain\.yaml: want transitions: index, parent, .*got none; palimpsest chain 20"),
        ("transitions: {}", "got none"),
        ("transitions: [g00]", "got none"),
        ("generations: {g00: {index: 0}}", "got none"),
        (f"transitions: {{x01: {{{WHOLE}}}}}", r"chain\.yaml: x01: want transitions"),
        (f"transitions: {{1: {{{WHOLE}}}}}", r"chain\.yaml: 1: want transitions"),
        ("transitions: {g01: 1}", r"chain\.yaml: g01: .* got 1; "),
        ("transitions: {g01: {index: 1}}", r"chain\.yaml: g01: .* got {'index': 1}"),
        (f"transitions: {{g01: {{{WHOLE}, more: 1}}}}", r"chain\.yaml: g01: want"),
        (f"transitions: {{g01: {{{WHOLE.replace('1', 'one', 1)}}}}}", r"chain\.yaml: g01: want"),
    ],
)
def test_a_chain_of_another_form_is_named(project: Path, content: str, message: str) -> None:
    (project / "chain.yaml").write_text(content)
    with pytest.raises(ParamsError, match=message):
        write_chain(project, None)
    assert folders(project) == []


def test_a_missing_chain_is_named(project: Path) -> None:
    with pytest.raises(ParamsError, match=r"chain\.yaml: want a YAML file, got no such file"):
        write_chain(project, None)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% if %}", "want a template of dvc.yaml, got TemplateSyntaxError: "),
        ("{{ nme }}", "want a template of dvc.yaml, got UndefinedError: 'nme' is undefined"),
        (None, "want a template of dvc.yaml, got TemplateNotFound: "),
        ("{{ 1 / 0 }}", "want a template of dvc.yaml, got ZeroDivisionError: "),
        ("{{ name.__class__.__mro__ }}", "want a template of dvc.yaml, got SecurityError: "),
        ("{% for n in range(10**9) %}{% endfor %}", "want a template .*, got OverflowError: "),
    ],
)
def test_a_template_that_cannot_be_filled_in_is_named(
    project: Path, template: str | None, message: str
) -> None:
    path = project / "generations" / "dvc.yaml.j2"
    path.unlink() if template is None else path.write_text(template)
    with pytest.raises(ProjectError, match=f"dvc.yaml.j2: {message}"):
        write_chain(project, 2)
    assert not (project / "chain.yaml").exists()


@pytest.mark.parametrize(
    "entry",
    [
        "g01: {index: 1, parent: ../../x, previous: g00, training: finetune, regime: params}",
        "g01: {index: 1, parent: g00, previous: g00, training: finetune, regime: 'params; ls'}",
        "g01: {index: 1, parent: [g00], previous: g00, training: finetune, regime: params}",
        "g01: {index: -1, parent: g00, previous: g00, training: finetune, regime: params}",
        "g01: {index: 1000000, parent: g00, previous: g00, training: finetune, regime: params}",
        "true: {index: 1, parent: g00, previous: g00, training: finetune, regime: params}",
        '"": {index: 1, parent: g00, previous: g00, training: finetune, regime: params}',
        "g0٣: {index: 1, parent: g00, previous: g00, training: finetune, regime: params}",
    ],
)
def test_what_becomes_a_path_or_a_command_is_a_word(tmp_path: Path, entry: str) -> None:
    path = tmp_path / "chain.yaml"
    path.write_text(
        f"{chain_yaml(1)}  {entry}\n".replace(
            "  g01: {index: 1, parent: g00, previous: g00, training: finetune, regime: params}\n",
            "",
            1,
        )
    )
    with pytest.raises(ParamsError, match="want transitions: index, parent, previous, training"):
        read_transitions(path)


# --- git and DVC ---


def test_git_answers_as_it_was_asked(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    name = git(tmp_path, "hash-object", "-w", "--stdin", given="süß\r\n").strip()
    assert git(tmp_path, "cat-file", "-s", name) == "7\n"
    assert git(tmp_path, "cat-file", "blob", name) == "süß\r\n"


def test_what_git_or_dvc_refuses_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"^git log: want an answer, got fatal: not a git repo"):
        git(tmp_path, "log")
    with pytest.raises(
        ProjectError, match=r"^dvc exp show: want an answer, got ERROR: you are not"
    ):
        dvc(tmp_path, "exp", "show", "--json")


def test_without_dvc_its_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda module: None)
    with pytest.raises(InstallationError, match=r"the package dvc: .*palimpsest\[pipeline\]"):
        dvc(tmp_path, "exp", "show")
