"""Which weights may go: what still reads them, who else names them, whose locks name others."""

import shutil
from pathlib import Path

import pytest
import yaml

from palimpsest.core.errors import ParamsError, ProjectError
from palimpsest.core.locks import lock_stages
from palimpsest.core.transitions import read_transitions
from palimpsest.experiments.model_cache import Cache, model_hash, remove_folder, trained
from palimpsest.experiments.project import chain_yaml
from palimpsest.experiments.pruning import COPIES, kept_generations, prune
from palimpsest.experiments.restoring import restore
from tests.experiments import minute
from tests.experiments.minute import copy_of, models, set_parameter


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chain of four generations with every model, committed."""
    root = minute.new_project(tmp_path_factory.mktemp("pruning") / "project", 1)
    minute.dvc(root, "repro")
    minute.commit(root)
    return root


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    """A copy of it that is to keep every third model."""
    root = copy_of(finished, tmp_path / "project")
    set_parameter(root, "models.keep_every", 3)
    return root


@pytest.fixture
def cache(project: Path) -> Cache:
    return Cache(project / ".dvc" / "cache")


def weights(root: Path, cache: Cache, name: str) -> Path:
    """A generation's weights in the cache, there or not."""
    (md5,) = cache.weights(model_hash(name, trained(root, name) or {}) or "")
    return cache.path(md5)


def edited(root: Path, name: str, stage: str) -> dict[str, dict[str, object]]:
    """The stages of a generation's lock, without one of them."""
    stages = lock_stages((root / f"generations/{name}/dvc.lock").read_bytes()) or {}
    del stages[stage]
    return stages


def write_lock(root: Path, name: str, stages: object) -> None:
    content = {"schema": "2.0", "stages": stages}
    (root / f"generations/{name}/dvc.lock").write_text(yaml.safe_dump(content))


def test_each_chain_keeps_its_first_every_kth_and_last(tmp_path: Path) -> None:
    (tmp_path / "chain.yaml").write_text(chain_yaml(7, control=True))
    chain = read_transitions(tmp_path / "chain.yaml")
    assert kept_generations(chain, 3) == {"g00", "g03", "g06", "g07", "n03", "n06", "n07"}
    assert kept_generations(chain, 10) == {"g00", "g07", "n07"}
    assert kept_generations(chain, 1) == chain.keys()


def test_weights_go_and_all_else_stays(project: Path, cache: Cache) -> None:
    assert Cache.of(project) == cache
    there = {name: weights(project, cache, name) for name in ("g00", "g01", "g02", "g03", "g04")}
    files = {path for path in cache.folder.rglob("*") if path.is_file()}
    pruned = prune(project, cache)
    assert pruned.left == {}
    # 12,800 bytes of weights in each place, and the tokenizer in the workspace
    assert pruned.dropped == {name: 2 * 12_800 + 23 for name in ("g01", "g02")}
    assert pruned.in_words == "dropped weights of g01, g02: 51 kB"
    assert models(project) == {"base", "g00", "g03", "g04"}
    now = {path for path in cache.folder.rglob("*") if path.is_file()}
    assert files - now == {there["g01"], there["g02"]}
    assert prune(project, cache).dropped == {}


def test_only_those_that_are_named_may_go(project: Path, cache: Cache) -> None:
    assert prune(project, cache, ["g02", "g03"]).dropped.keys() == {"g02"}
    assert models(project) == {"base", "g00", "g01", "g03", "g04"}


@pytest.mark.parametrize(("reader", "stage"), [("g02", "embed"), ("g02", "generate")])
def test_what_a_stage_has_not_read_stays(
    project: Path, cache: Cache, reader: str, stage: str
) -> None:
    write_lock(project, reader, edited(project, reader, stage))
    pruned = prune(project, cache)
    wanted = {"g01", "g02"} if stage == "embed" else {"g01"}
    assert pruned.left == {name: f"{stage}@{reader} has not run on them" for name in wanted}
    assert wanted <= models(project)
    assert pruned.dropped.keys() == {"g01", "g02"} - wanted


def test_what_a_stage_has_read_otherwise_stays(project: Path, cache: Cache) -> None:
    path = project / "generations/g02/dvc.lock"
    md5 = model_hash("g01", trained(project, "g01") or {}) or ""
    path.write_text(path.read_text().replace(md5, f"{0:032}.dir"))
    assert prune(project, cache).left == {"g01": "generate@g02 has not run on them"}


def test_a_model_that_is_not_its_locks_is_not_touched(project: Path, cache: Cache) -> None:
    (project / "models/g01/mine").write_text("of some worth")
    pruned = prune(project, cache)
    assert pruned.left == {"g01": "models/g01 is not what its lock names"}
    assert (project / "models/g01/mine").exists()
    assert weights(project, cache, "g01").exists()
    with pytest.raises(ProjectError, match=r"models/g01: want the model that its lock names, or n"):
        list(restore(project, cache, ["g01"]))


def test_a_model_that_was_never_made_is_none(project: Path, cache: Cache) -> None:
    (project / "generations/g01/dvc.lock").unlink()
    assert prune(project, cache).dropped.keys() == {"g02"}
    assert "g01" in models(project)
    remove_folder(project, "g01")
    with pytest.raises(ProjectError, match="g01: finetune: want a lock, got none; dvc repro"):
        list(restore(project, cache, ["g01"]))


@pytest.mark.parametrize("ref", ["refs/heads/all", "refs/tags/v1", "refs/exps/12/3456/warm"])
def test_what_another_revision_keeps_stays_in_the_cache(
    project: Path, cache: Cache, ref: str
) -> None:
    """The workspace's own commit keeps all, too, but the workspace is what becomes of it."""
    minute.run(project, "git", "update-ref", ref, "HEAD")
    minute.commit(project)
    pruned = prune(project, cache)
    assert models(project) == {"base", "g00", "g03", "g04"}
    why = f"DVC's cache has them for {ref}"
    assert pruned.left == {"g01": why, "g02": why}
    assert weights(project, cache, "g01").exists()
    minute.dvc(project, "checkout", "generations/g01/dvc.yaml:finetune")
    assert "g01" in models(project)
    minute.run(project, "git", "update-ref", "-d", ref)
    assert prune(project, cache).left == {}
    assert not weights(project, cache, "g01").exists()


def test_what_dvc_keeps_for_itself_is_no_revision(project: Path, cache: Cache) -> None:
    minute.run(project, "git", "update-ref", "refs/exps/exec/EXEC_HEAD", "HEAD")
    minute.run(project, "git", "update-ref", "refs/exps/stash", "HEAD")
    minute.commit(project)
    assert prune(project, cache).left == {}


@pytest.mark.parametrize(
    ("params", "kept"),
    [("models: {keep_every: 3}", False), ("models: {keep_every: 2}", True), ("seed: 1", True),
     ("models: {keep_every: 0}", True), ("[", True)],
)  # fmt: skip
def test_what_a_running_experiment_keeps_stays_in_the_cache(
    project: Path, cache: Cache, params: str, kept: bool
) -> None:
    copy = project / COPIES / "tmpx"
    (copy / "generations" / "g02").mkdir(parents=True)
    (copy / "params.yaml").write_text(params)
    for name in ("g02", "g04"):
        path = copy / "generations" / name / "dvc.lock"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((project / "generations" / name / "dvc.lock").read_bytes())
    pruned = prune(project, cache)
    assert weights(project, cache, "g02").exists() == kept
    assert ("an experiment that runs (tmpx)" in pruned.left.get("g02", "")) == kept


def test_a_cache_that_others_may_share_is_not_touched(project: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shutil.copytree(project / ".dvc" / "cache", shared)
    before = sorted(shared.rglob("*"))
    with pytest.raises(ProjectError, match="other projects may keep the same weights"):
        prune(project, Cache(shared))
    assert sorted(shared.rglob("*")) == before
    assert (project / "models/g01").is_dir()


def test_outside_git_nobody_else_names_them(project: Path, cache: Cache) -> None:
    minute.run(project, "rm", "-rf", ".git")
    assert prune(project, cache).dropped.keys() == {"g01", "g02"}


def test_where_git_does_not_answer_nothing_is_dropped(project: Path, cache: Cache) -> None:
    (project / ".git" / "HEAD").write_text("")
    with pytest.raises(ProjectError, match="git for-each-ref"):
        prune(project, cache)
    assert weights(project, cache, "g01").exists()


def test_what_cannot_be_read_is_said(project: Path, cache: Cache) -> None:
    (project / "generations/g03/dvc.yaml").write_text("stages: 3")
    with pytest.raises(ProjectError, match=r"g03/dvc\.yaml: want stages of DVC"):
        prune(project, cache)
    lock = project / "generations/g01/dvc.lock"
    lock.write_bytes(lock.read_bytes()[:-20])
    with pytest.raises(ProjectError, match=r"g01/dvc\.lock: want a whole lock"):
        prune(project, cache)
    set_parameter(project, "models.keep_every", 0)
    with pytest.raises(ParamsError, match=r"models\.keep_every: want >= 1, got 0"):
        prune(project, cache)


def test_what_a_kill_has_left_goes(project: Path, cache: Cache) -> None:
    (project / "models/g01").rename(project / "models/.g01-dropped")
    assert prune(project, cache).dropped.keys() == {"g01", "g02"}
    assert not (project / "models/.g01-dropped").exists()


def test_a_name_or_a_training_that_is_not_there_is_said(
    project: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ParamsError, match=r"generation: want one of g00, .*, got g07"):
        list(restore(project, cache, ["g07"]))
    prune(project, cache)
    for name, value in minute.environment(project, OTHER="processor").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ProjectError, match="models/g01: want the bytes that its lock names, got o"):
        list(restore(project, cache, ["g02"]))
    assert "g01" not in models(project)
    assert not weights(project, cache, "g01").exists()
    assert list((project / ".dvc/tmp/palimpsest").iterdir()) == []
    set_parameter(project, "finetune.epochs", 3)
    with pytest.raises(
        ProjectError, match=r"g01: finetune: want a .* got another finetune\.epochs"
    ):
        list(restore(project, cache, ["g01"]))


def test_a_link_of_the_cache_takes_no_room(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "g01"
    folder.mkdir(parents=True)
    (tmp_path / "cached").write_bytes(bytes(1000))
    (folder / "model.safetensors").hardlink_to(tmp_path / "cached")
    (folder / "tokenizer.json").write_bytes(bytes(10))
    assert remove_folder(tmp_path, "g01") == 10
    assert (tmp_path / "cached").exists()
    assert remove_folder(tmp_path, "g01") == 0
