"""What a provenance file says is the same on every machine, wherever files lie there."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from palimpsest.core.storage import read_json, read_texts
from palimpsest.embedding.encoder import Encoder
from tests.stages.conftest import Project
from tests.tiny import tiny_params, turn

PREPARED = ("data/human", "data/texts/g00", "models/base")


def provenance(root: Path, folder: str) -> dict[str, Any]:
    content: dict[str, Any] = read_json(root / folder / "provenance.json")
    return content


def check_no_place(root: Path) -> None:
    """No file that was written names the project's place."""
    for path in root.rglob("*"):
        if path.is_file() and path.name != "params.yaml":
            assert str(root).encode() not in path.read_bytes(), path


def moved(project: Project, name: str) -> Project:
    """The project in another folder, with paths as they are there."""
    root = project.root.with_name(name)
    shutil.copytree(project.root, root)
    return Project(root, tiny_params(), project.monkeypatch, project.capsys)


@pytest.mark.parametrize("key", ["source", "tokenizer"])
def test_a_model_is_named_without_its_place(project: Project, key: str) -> None:
    shutil.copytree(project.root / "models/base", project.root / "mine")
    places = [project, moved(project, "elsewhere")]
    for place in places:
        turn(place.params, f"model.{key}", str(place.root / "mine"))
        place.run("prepare", "g00")
        for folder in PREPARED:
            assert provenance(place.root, folder)["parameters"]["model"][key] == "mine"
        check_no_place(place.root)
    for folder in PREPARED:
        here, there = (place.root / folder / "provenance.json" for place in places)
        assert here.read_bytes() == there.read_bytes()


def test_files_are_named_without_their_place(project: Project) -> None:
    human = project.root / "data/human"
    texts = [text for name in ("train", "reserve") for text in read_texts(human / f"{name}.jsonl")]
    texts += [f"{text} Or so it is said." for text in texts]
    (project.root / "corpus").mkdir()
    (project.root / "corpus/a.txt").write_text("\n\n".join(texts))
    turn(project.params, "corpus.train", 20)
    turn(project.params, "corpus.source", "files")
    turn(project.params, "corpus.files.paths", [str(project.root / "corpus" / "*.txt")])
    project.run("prepare", "g00")
    for folder in PREPARED:
        files = provenance(project.root, folder)["parameters"]["corpus"]["files"]
        assert files["paths"] == ["*.txt"]
    check_no_place(project.root)


def test_an_encoder_is_named_without_its_place(project: Project) -> None:
    ours = Encoder.load
    bundled = tiny_params()["embed"]["encoder"]["model"]

    def instead(params: Any) -> Encoder:
        assert params.model == str(project.root / "encoder")
        return ours(params.changed(model=bundled))

    project.monkeypatch.setattr(Encoder, "load", instead)
    turn(project.params, "embed.encoder.model", str(project.root / "encoder"))
    project.run("embed", "g00")
    values = provenance(project.root, "data/embeddings/g00")["parameters"]
    assert values["embed"]["encoder"]["model"] == "encoder"
    check_no_place(project.root)


def test_prepare_says_what_human_text_was_cut_to(project: Project) -> None:
    turn(project.params, "generate.prompt_tokens", 8)
    turn(project.params, "generate.max_new_tokens", 24)
    project.run("prepare", "g00")
    for folder in PREPARED:
        values = provenance(project.root, folder)["parameters"]
        assert values["generate"] == {"prompts": [], "prompt_tokens": 8, "max_new_tokens": 24}
