"""The old dvc.lock, one for the whole chain: which stages are taken over, and with which hashes.

What DVC makes of it is in tests/test_chain.py.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from palimpsest.experiments import old_lock
from palimpsest.experiments.old_lock import code_digest, path_hash
from palimpsest.experiments.project import write_chain
from tests.tiny import ROOT

CODE = [{"path": "src/old.py", "md5": "a"}, {"path": "stages/embed.py", "md5": "b"}]


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def entry(*data: str, code: list[dict[str, str]] = CODE, **params: Any) -> dict[str, Any]:
    """A stage as an old lock has it."""
    return {
        "cmd": "old",
        "deps": [*code, *({"path": path, "md5": path[::-1]} for path in data)],
        "params": {"params.yaml": params},
        "outs": [{"path": "out", "md5": "o"}],
    }


EMBED = ("data/human", "data/texts/g00", "models/base", "models/g00")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two generations with code of its own, and a digest that makes CODE known."""
    (tmp_path / "generations").mkdir()
    for name in ("dvc.yaml", "params.yaml", "generations/dvc.yaml.j2"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("core", "corpus", "embedding", "lm"):
        (tmp_path / "src/palimpsest" / name).mkdir(parents=True)
        (tmp_path / "src/palimpsest" / name / "a.py").write_text(f"{name} = 1\n")
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "embed.py").write_text("new\n")
    monkeypatch.setattr(old_lock, "MADE_BY_0_1", {"embed": code_digest(entry())})
    write_chain(tmp_path, 1)
    return tmp_path


def move(project: Path, stages: dict[str, Any] | None) -> int:
    """Writes an old lock, and the chain anew; how many stages were moved."""
    (project / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    return write_chain(project, None).moved


def locks(project: Path) -> dict[str, Any]:
    """The stages of each lock, by the folder of the lock."""
    files = [project / "dvc.lock", *project.glob("generations/*/dvc.lock")]
    return {file.parent.name: yaml.safe_load(file.read_text())["stages"] for file in files}


def test_a_known_stage_gets_the_hashes_of_the_code_as_it_is(project: Path) -> None:
    assert move(project, {"embed@g00": entry(*EMBED, seed=5)}) == 1
    assert locks(project)[project.name] == {}
    moved = locks(project)["g00"]["embed"]
    new = yaml.safe_load((project / "generations/g00/dvc.yaml").read_text())["stages"]["embed"]
    assert moved["cmd"] == new["cmd"]
    assert [dep["path"] for dep in moved["deps"]] == sorted(new["deps"])
    deps = {dep["path"]: dep for dep in moved["deps"]}
    assert deps["models/g00"] == {"path": "models/g00", "md5": "00g/sledom"}
    assert deps["stages/embed.py"] == {
        "path": "stages/embed.py", "hash": "md5", "md5": md5(b"new\n"), "size": 4,
    }  # fmt: skip
    assert moved["outs"] == entry()["outs"]


def test_parameters_stay_as_they_were_where_the_old_lock_has_them(project: Path) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text())
    move(project, {"embed@g00": entry(*EMBED, seed=5, **{"seeds.corpus": 6})})
    moved = locks(project)["g00"]["embed"]["params"]["params.yaml"]
    assert moved.keys() == {"seed", "seeds.corpus", "embed"}
    assert (moved["seed"], moved["seeds.corpus"]) == (5, 6)
    assert moved["embed"]["min_count"] == params["embed"]["min_count"]


def test_stages_of_other_code_or_of_other_names_are_left_out(project: Path) -> None:
    other = [{"path": "src/old.py", "md5": "x"}, {"path": "stages/embed.py", "md5": "b"}]
    stages = {
        "prepare": entry(),
        "embed@g00": entry(*EMBED, code=other),
        "score@g00": entry(),
        "embed@g07": entry(*EMBED),
    }
    assert move(project, stages) == 0
    assert locks(project) == {project.name: {}}
    kept = yaml.safe_load((project / "dvc.lock.old").read_text())
    assert kept["stages"].keys() == stages.keys()


@pytest.mark.parametrize("stages", [None, {}, {"prepare": entry(), "report": entry()}])
def test_a_lock_of_the_present_form_is_left_alone(project: Path, stages: Any) -> None:
    assert move(project, stages) == 0
    assert yaml.safe_load((project / "dvc.lock").read_text())["stages"] == stages
    assert not (project / "dvc.lock.old").exists()


def test_without_a_lock_there_is_nothing_to_move(project: Path) -> None:
    assert write_chain(project, None).moved == 0
    assert list(project.glob("**/dvc.lock*")) == []


def test_a_digest_is_of_the_code_alone_in_any_order() -> None:
    first = code_digest(entry("data/human", seed=1))
    assert first == code_digest(entry("models/base", code=CODE[::-1]))
    assert first != code_digest(entry(code=CODE[:1]))
    assert first != code_digest(entry(code=[{**CODE[0], "md5": "c"}, CODE[1]]))


def test_a_folder_is_hashed_by_names_and_contents(tmp_path: Path) -> None:
    for name in ("b.py", "a/z.py", "a.py", "__pycache__/b.pyc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    listed = [{"md5": md5(name.encode()), "relpath": name} for name in ("a.py", "a/z.py", "b.py")]
    assert path_hash(tmp_path) == {
        "md5": f"{md5(json.dumps(listed).encode())}.dir", "size": 14, "nfiles": 3,
    }  # fmt: skip
    assert path_hash(tmp_path / "b.py") == {"md5": md5(b"b.py"), "size": 4}
