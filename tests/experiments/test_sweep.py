"""Sweeps: plans by hand, names, values as DVC reads them, and what its queue says."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.utils.hydra import apply_overrides

from palimpsest.core.errors import ParamsError, ProjectError
from palimpsest.experiments import sweep
from palimpsest.experiments.sweep import (
    chain_bytes,
    hash_of,
    hydra,
    name_of,
    planned,
    queue_states,
)

PARAMETERS = {"seed": 0, "regime.kind": "replace", "generate.top_k": 0, "generate.prompts": []}


def test_a_grid_is_every_combination():
    plan = planned({"grid": {"seed": [0, 1], "regime.kind": ["replace", "fresh"]}}, PARAMETERS, "f")
    assert plan == [
        {"seed": 0, "regime.kind": "replace"}, {"seed": 0, "regime.kind": "fresh"},
        {"seed": 1, "regime.kind": "replace"}, {"seed": 1, "regime.kind": "fresh"},
    ]  # fmt: skip


def test_one_and_one_point_nought_are_one_chain():
    plan = planned({"grid": {"generate.top_k": [1, 1.0, 2]}}, PARAMETERS, "sweep.yaml")
    assert plan == [{"generate.top_k": 1}, {"generate.top_k": 2}]


@pytest.mark.parametrize(
    ("first", "others"),
    [(0.5, ["0.5", ".5", "5e-1", "0.50"]), ("0.5", [0.5]), (1, ["1", 1.0, "1."]), (5e-4, ["5e-4"])],
)
def test_a_number_and_its_text_are_one_chain_of_one_hash(first, others):
    """YAML 1.1 reads 5e-4 as text, and a number in quotes is meant as one."""
    plan = planned({"grid": {"generate.top_k": [first, *others, 2]}}, PARAMETERS, "sweep.yaml")
    assert plan == [{"generate.top_k": first}, {"generate.top_k": 2}]
    names = [
        name_of({"generate.top_k": value}, PARAMETERS | {"generate.top_k": value}, b"chain")
        for value in (first, *others, 2)
    ]
    assert len({hash_of(name) for name in names[:-1]}) == 1
    assert hash_of(names[-1]) != hash_of(names[0])


def test_texts_that_are_no_number_stay_apart():
    values = ["0.5", "0.5 ", "v0.5", "0.5.0", "True", True, None, "null", ".", "e5", "nan"]
    plan = planned({"grid": {"generate.prompts": values}}, PARAMETERS, "sweep.yaml")
    assert [one["generate.prompts"] for one in plan] == values


def test_every_variant_meets_the_whole_grid_and_nothing_comes_twice():
    variants = [{"regime.kind": "fresh"}, {"generate.top_k": 50}, {"regime.kind": "fresh"}]
    plan = planned({"variants": variants, "grid": {"seed": [0, 1]}}, PARAMETERS, "f")
    assert len(plan) == 4
    assert plan[0] == {"regime.kind": "fresh", "seed": 0}
    assert planned({"variants": [{"seed": 1}, {"seed": 1}]}, PARAMETERS, "f") == [{"seed": 1}]
    same = {"variants": [{}, {"seed": 0}, {"regime.kind": "replace"}, {"seed": 1}]}
    assert planned(same, PARAMETERS, "f") == [{}, {"seed": 1}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"sweep.yaml: want `grid` \(parameter: list of values\)"),
        ({}, "sweep.yaml: want `grid`"),
        ({"gird": {}}, "sweep.yaml: want `grid`"),
        ({"grid": []}, None),
        ({"grid": {"seed": 1}}, r"grid\.seed: want a list of values, got 1"),
        ({"grid": {"seed": []}}, r"grid\.seed: want a list of values, got \[\]"),
        ({"variants": ["fresh"]}, r"variants, 1: want parameters with values, got 'fresh'"),
        (
            {"grid": {"seed": [1]}, "variants": [{"seed": 2}]},
            "seed: want each parameter in `grid` or in",
        ),
        (
            {"grid": {"regime.knd": ["a"]}},
            r"regime\.knd: want a parameter of params\.yaml, got no such",
        ),
    ],
)
def test_what_is_no_sweep_is_named(content, message):
    if message is None:
        assert planned(content, PARAMETERS, "sweep.yaml") == [{}]
        return
    with pytest.raises(ParamsError, match=message):
        planned(content, PARAMETERS, "sweep.yaml")


def test_a_name_has_the_parameters_and_changes_with_everything():
    name = name_of({"regime.kind": "fresh", "seed": 1}, PARAMETERS | {"seed": 1}, b"chain")
    assert name.startswith("kind-fresh-seed-1-")
    assert name == name_of({"regime.kind": "fresh", "seed": 1}, PARAMETERS | {"seed": 1}, b"chain")
    others = [
        name_of({"regime.kind": "fresh", "seed": 1}, PARAMETERS | {"seed": 2}, b"chain"),
        name_of({"regime.kind": "fresh", "seed": 1}, PARAMETERS | {"seed": 1}, b"longer"),
    ]
    assert name not in others
    kept = {"regime.kind": "fresh", "seed": 1}  # what moves no number is another name if it is set
    assert name == name_of(kept, PARAMETERS | {"seed": 1, "models.keep_every": 5}, b"chain")
    every = kept | {"models.keep_every": 5}
    assert name_of(every, PARAMETERS | every, b"chain")[-8:] != name[-8:]
    assert name_of({}, PARAMETERS, b"").startswith("as-is-")
    odd = name_of({"generate.prompts": ["a b~^:"]}, PARAMETERS, b"")
    assert all(letter.isalnum() or letter == "-" for letter in odd)


@pytest.mark.parametrize(
    "value",
    [
        "replace", "Zürich is", "a'b", 'a"b', "back\\slash", "end\\", "two\nlines", "x ${seed} y",
        "123", "null", "true", "1e-3", "", " lead", "a,b", "[x]", "a: b", "#c", "\\'", 5e-4, 1,
        True, None, ["Zürich is", "a, b", [1, 2]], [], 3.0,
    ],
)  # fmt: skip
def test_what_is_queued_is_what_stands_in_the_file(value, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("seed: 0\nparameter: old\n")
    apply_overrides(str(path), [f"parameter={hydra(value)}"])
    got = yaml.safe_load(path.read_text())["parameter"]
    assert (got, type(got)) == (value, type(value))


# --- DVC's queue ---


def experiment(name: str | None, state: str | None) -> dict[str, Any]:
    """One as `dvc exp show --json` has it; what has no state is known from git alone."""
    local = {"root": None, "log": None, "pid": None, "returncode": None, "task_id": "f2c504e"}
    executor = {"state": state, "name": "dvc-task", "local": local}
    data = {"rev": "f2c504e", "timestamp": "2026-11-25T08:33:53", "params": {}, "metrics": {}}
    revision = {"rev": "f2c504e", "name": name, "data": data, "error": None, "experiments": None}
    return {"revs": [revision], "executor": executor if state else None, "name": name}


def says(monkeypatch: pytest.MonkeyPatch, *commits: list[dict[str, Any]] | None) -> list[Any]:
    """DVC answers with these commits' experiments; the words of every command."""
    asked: list[Any] = []
    first = {"rev": "workspace", "name": None, "data": {}, "error": None, "experiments": None}
    others = [
        {"rev": f"{at:040d}", "name": "main" if at == 0 else None, "experiments": commit}
        for at, commit in enumerate(commits)
    ]

    def dvc(root: Path, *words: str) -> str:
        asked.append((root, *words))
        return json.dumps([first, *others])

    monkeypatch.setattr(sweep, "dvc", dvc)
    return asked


def test_the_queue_is_asked_once_and_known_by_hash(monkeypatch, tmp_path):
    asked = says(
        monkeypatch,
        [experiment("seed-0-aaaa1111", "queued"), experiment("seed-1-bbbb2222", "running")],
        None,
        [experiment("kind-fresh-cccc3333", "failed"), experiment("as-is-dddd4444", "success")],
    )
    assert queue_states(tmp_path) == {
        "aaaa1111": ("seed-0-aaaa1111", "queued"),
        "bbbb2222": ("seed-1-bbbb2222", "running"),
        "cccc3333": ("kind-fresh-cccc3333", "failed"),
        "dddd4444": ("as-is-dddd4444", "success"),
    }
    assert asked == [(tmp_path, "exp", "show", "--json", "-n", "20")]


@pytest.mark.parametrize("waiting", ["queued", "running"])
@pytest.mark.parametrize("other", ["failed", "success"])
def test_of_several_tries_one_that_waits_counts(monkeypatch, tmp_path, waiting, other):
    waits, failed = experiment("new-aaaa1111", waiting), experiment("old-aaaa1111", other)
    for commits in ([[waits, failed]], [[failed, waits]], [[waits], [failed]], [[failed], [waits]]):
        says(monkeypatch, *commits)
        assert queue_states(tmp_path) == {"aaaa1111": ("new-aaaa1111", waiting)}


def test_experiments_that_the_queue_does_not_know_have_no_state(monkeypatch, tmp_path):
    says(monkeypatch, [experiment("seed-0-aaaa1111", None)], [], None)
    assert queue_states(tmp_path) == {}


def test_a_name_without_a_hash_is_known_by_itself(monkeypatch, tmp_path):
    assert hash_of("seed-0-aaaa1111") == "aaaa1111"
    says(monkeypatch, [experiment("mine", "queued"), experiment(None, "queued")])
    assert queue_states(tmp_path)["mine"] == ("mine", "queued")


def test_a_missing_chain_is_named(tmp_path):
    with pytest.raises(ProjectError, match=r"^chain\.yaml: want a file, got No such .*chain N"):
        chain_bytes(tmp_path)
    (tmp_path / "chain.yaml").write_bytes(b"a\r\n")
    assert chain_bytes(tmp_path) == b"a\r\n"


def test_a_grid_that_nobody_can_run_is_refused_at_once() -> None:
    grid = {key: list(range(100)) for key in list(PARAMETERS)[:10]}
    with pytest.raises(
        ParamsError, match=r"^sweep\.yaml: want at most 10,000 chains, got 100,000,0"
    ):
        planned({"grid": grid}, PARAMETERS, "sweep.yaml")
    assert len(planned({"grid": {"seed": list(range(10_000))}}, PARAMETERS, "f")) == 10_000
