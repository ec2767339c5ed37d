"""params.yaml, chain.yaml, sweeps, presets and locks: read, or refused in a line."""

import contextlib
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from palimpsest.cli.preset import given_parameters
from palimpsest.core.compute import settle_for_stage
from palimpsest.core.config import flattened, read_yaml
from palimpsest.core.locks import is_whole, keep_locks, lock_stages, outputs_of_stages
from palimpsest.core.parameters import Parameters
from palimpsest.core.parsing import parse_json, parse_yaml
from palimpsest.core.storage import json_bytes
from palimpsest.core.transitions import read_transitions
from palimpsest.experiments import presets, project, repair, revisions, sweep, verification
from palimpsest.experiments.comparison import canonical
from palimpsest.experiments.comparison import variants as grouped
from tests.fuzz.inputs import JSON_PIECES, YAML_PIECES, fuzz, read_or_refused, replaced, variants

ROOT = Path(__file__).parents[2]
PARAMS = (ROOT / "params.yaml").read_bytes()
TREE = yaml.safe_load(PARAMS)
FLAT = flattened(TREE)
CHAIN = project.chain_yaml(3, control=True).encode()
SWEEP = (
    b"grid:\n  seed: [0, 1]\n  generate.temperature: [0.5, 1]\nvariants:\n  - {regime.kind: mix}\n"
)
PRESET = next((ROOT / "presets").glob("a*.yaml")).read_bytes()
LOCK = (ROOT / "generations" / "g01" / "dvc.lock").read_bytes()
STAGES = (ROOT / "generations" / "g01" / "dvc.yaml").read_bytes()
SCORES = b'{"integrity": 0.5, "volume": null, "mtld": 12}'
SUMMARY = b'{"numbers": {"generations": 1, "integrity": 0.5, "half_life": null}}'
RWLOCK = b'{"write": {"a": {"pid": 999999999}}, "read": {"b": [{"pid": 999999999}]}}'


def yaml_of(*whole):
    return variants(*whole, pieces=YAML_PIECES)


@fuzz
@given(yaml_of(PARAMS[:600], SWEEP, CHAIN[:900]))
def test_yaml(content):
    with contextlib.suppress(ValueError):
        parse_yaml(content)


@fuzz
@given(variants(SCORES, SUMMARY, RWLOCK, pieces=JSON_PIECES))
def test_json(content):
    with contextlib.suppress(ValueError):
        json_bytes(parse_json(content))


@fuzz
@given(yaml_of(PARAMS))
def test_params_files(tmp_path, content):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    read_or_refused(Parameters.load, path)
    read_or_refused(revisions.read_parameters, path)


@fuzz
@given(replaced(TREE))
def test_params_values(values):
    found = read_or_refused(Parameters.of, values)
    if found is not None:
        assert Parameters.of(found.as_dict()) == found
        json_bytes(found.as_dict())  # what provenance.json will hold
        read_or_refused(found.check_reserve, 20, True)


@fuzz
@given(yaml_of(PARAMS[-900:], b"compute: {threads: 2, portable: true}"))
def test_what_a_stage_settles_first(tmp_path, content):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    settle_for_stage(["--params", str(path)])


@fuzz
@given(st.lists(st.sampled_from(["seed=", "a", "x="]), min_size=1).map("".join), yaml_of(b"1"))
def test_values_of_the_command_line(key, value):
    read_or_refused(given_parameters, [key + value.decode(errors="replace")])


@fuzz
@given(yaml_of(CHAIN))
def test_chains(tmp_path, content):
    path = tmp_path / "chain.yaml"
    path.write_bytes(content)
    chain = read_or_refused(read_transitions, path)
    read_or_refused(project.planned_chain, tmp_path, None, None)
    for entry in (chain or {}).values():
        assert all(str(value).replace("_", "").isalnum() for value in entry.values())


@fuzz
@given(yaml_of(SWEEP))
def test_sweeps(tmp_path, content):
    path = tmp_path / "sweep.yaml"
    path.write_bytes(content)
    tree = read_or_refused(read_yaml, path)
    plan = read_or_refused(sweep.planned, tree, FLAT, "sweep.yaml")
    for overrides in plan or ():
        sweep.name_of(overrides, FLAT | overrides, CHAIN)
        [sweep.hydra(value) for value in overrides.values() if not isinstance(value, dict)]


@fuzz
@given(yaml_of(PRESET), yaml_of(PARAMS[:700]))
def test_presets(tmp_path, content, default):
    (tmp_path / "presets").mkdir(exist_ok=True)
    (tmp_path / "presets" / "mine.yaml").write_bytes(content)
    (tmp_path / "presets" / "quick.yaml").write_bytes(default)
    preset = read_or_refused(presets.load_preset, tmp_path, "mine")
    read_or_refused(presets.written, tmp_path, {"seed": 1})
    if preset is not None:
        read_or_refused(presets.written, tmp_path, preset.parameters)
        read_or_refused(project.transitions, preset.generations, preset.control_chain)


@fuzz
@given(yaml_of(LOCK))
def test_locks(content):
    for entry in (lock_stages(content) or {}).values():
        is_whole(entry, ["data/x"])
    read_or_refused(verification._stages, content, "dvc.lock")


@fuzz
@given(variants(RWLOCK, pieces=JSON_PIECES), yaml_of(LOCK), yaml_of(STAGES))
def test_repairs(tmp_path, running, lock, stages):
    (tmp_path / ".dvc" / "tmp").mkdir(parents=True, exist_ok=True)
    (tmp_path / ".dvc" / "tmp" / "rwlock").write_bytes(running)
    read_or_refused(project.refuse_while_running, tmp_path)
    repair.remove_broken_rwlock(tmp_path)
    (tmp_path / "dvc.yaml").write_bytes(stages)
    (tmp_path / "dvc.lock").write_bytes(lock)
    keep_locks(tmp_path)
    with suppress(ValueError):
        outputs_of_stages(tmp_path / "dvc.yaml")
    read_or_refused(verification._names_of_stages, tmp_path / "dvc.yaml")


@pytest.fixture(scope="module")
def whole_run():
    files = {
        "params.yaml": PARAMS, "chain.yaml": CHAIN, "dvc.lock": LOCK,
        "generations/g01/dvc.lock": LOCK, "metrics/generations/g00.json": SCORES,
        "metrics/generations/g01.json": SCORES, "metrics/trajectory.json": SUMMARY,
    }  # fmt: skip
    return {name: content.decode() for name, content in files.items()}


@fuzz
@given(
    st.sampled_from(["params.yaml", "chain.yaml", "dvc.lock", "generations/g01/dvc.lock"]),
    yaml_of(PARAMS, CHAIN, LOCK),
)
def test_chains_to_compare(whole_run, name, content):
    run = read_or_refused(
        revisions._run, "a", {**whole_run, name: content.decode(errors="replace")}
    )
    if run is not None:
        read_or_refused(grouped, [run])
        canonical(run.parameters)


@fuzz
@given(
    st.sampled_from(["metrics/generations/g00.json", "metrics/trajectory.json"]),
    variants(SCORES, SUMMARY, pieces=JSON_PIECES),
)
def test_scores_to_compare(whole_run, name, content):
    files = {**whole_run, "dvc.lock": "", "generations/g01/dvc.lock": ""}
    run = read_or_refused(revisions._run, "a", {**files, name: content.decode(errors="replace")})
    if run is not None:
        assert all(isinstance(run.value("integrity", g), float) for g in run.generations)
