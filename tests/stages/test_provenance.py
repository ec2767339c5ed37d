"""What a provenance file says is the same on every machine, wherever files lie there."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from palimpsest.core.storage import read_json, read_rows, read_texts, write_bytes, write_texts
from palimpsest.embedding.encoder import Encoder
from tests.stages.conftest import Project, run_stages
from tests.tiny import chain_text, tiny_params, turn

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

    def instead(params: Any, **options: Any) -> Encoder:
        assert params.model == str(project.root / "encoder")
        return ours(params.changed(model=bundled), **options)

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
        assert values["generate"] == {
            "prompts": [],
            "prompts_from": "train",
            "prompt_tokens": 8,
            "max_new_tokens": 24,
        }


# --- artifacts that do not belong together: none of them is scored without a word ---


def reorder(root: Path) -> None:
    """Texts in another order than their embeddings."""
    path = root / "data/texts/g01/texts.jsonl"
    rows = read_rows(path)[::-1]
    write_texts(path, [row["text"] for row in rows], prompt=[row["prompt"] for row in rows])


def flip(path: str, at: int) -> Callable[[Path], None]:
    """One bit of a file."""

    def turn_over(root: Path) -> None:
        content = bytearray((root / path).read_bytes())
        content[at] ^= 1
        write_bytes(root / path, bytes(content))

    return turn_over


def swap(one: str, other: str) -> Callable[[Path], None]:
    """A whole folder for another one."""

    def exchange(root: Path) -> None:
        shutil.rmtree(root / one)
        shutil.copytree(root / other, root / one)

    return exchange


SPOILT: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "texts reordered": ("score", reorder, "data/texts/g01/texts.jsonl: want the file that"),
    "a letter": ("embed", flip("data/texts/g01/texts.jsonl", 30), "g01/texts.jsonl: want the file"),
    "a letter of the training set": (
        "finetune",
        flip("data/texts/g01/training.jsonl", 30),
        "g01/training.jsonl: want the file",
    ),
    "an embedding's bit": (
        "score",
        flip("data/embeddings/g01/embeddings.npy", -3),
        "data/embeddings/g01/embeddings.npy: want the file that",
    ),
    "a weight's bit": ("generate", flip("models/g00/model.safetensors", -3), "models/g00/model.s"),
    "a ledger's letter": ("score", flip("data/human/ledger.json", 60), "data/human/ledger.json: w"),
    "no ledger": (
        "score",
        lambda root: (root / "data/human/ledger.json").unlink(),
        "data/human/ledger.json: want the file that the stage wrote, got none",
    ),
    "another generation's texts": (
        "score",
        swap("data/texts/g01", "data/texts/g00"),
        "data/embeddings/g01: want what was made with texts as in data/texts/g01",
    ),
    "another generation's embeddings": (
        "score",
        swap("data/embeddings/g01", "data/embeddings/g00"),
        "data/embeddings/g01: want what was made with texts as in data/texts/g01",
    ),
    "another generation's model": (
        "embed",
        swap("models/g01", "models/g00"),
        "models/g01: want what was made with training as in data/texts/g01",
    ),
    "another author": (
        "embed",
        swap("models/g00", "models/g01"),
        "data/texts/g01: want what was made with model as in models/g00",
    ),
    "a model of another chain": (
        "finetune",
        swap("models/g00", "models/base"),
        "data/texts/g01: want what was made with model as in models/g00",
    ),
    "a pool that nobody wrote": (
        "generate",
        lambda root: write_texts(root / "data/texts/g00/pool.jsonl", ["The city."]),
        "data/texts/g00/pool.jsonl: want nothing, got a file that no stage wrote",
    ),
}


@pytest.fixture(scope="module")
def whole(chain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny chain with all of generation 1."""
    root = tmp_path_factory.mktemp("whole") / "project"
    shutil.copytree(chain, root)
    run_stages(root, tiny_params(), [(stage, "g01") for stage in ("finetune", "embed", "score")])
    return root


@pytest.mark.parametrize("name", SPOILT)
def test_what_does_not_belong_together_is_refused(whole: Path, name: str, project: Project) -> None:
    stage, spoil, message = SPOILT[name]
    shutil.rmtree(project.root)
    shutil.copytree(whole, project.root)
    spoil(project.root)
    assert message in project.refused(stage)


def test_scores_of_another_chain_are_not_reported(whole: Path, project: Project) -> None:
    shutil.rmtree(project.root)
    shutil.copytree(whole, project.root)
    (project.root / "chain.yaml").write_text(chain_text(1))
    turn(project.params, "seeds.generate", 5)
    for stage in ("generate", "finetune", "embed", "score"):
        project.run(stage)
    project.run("report")
    swap("data/scores/g00", "data/scores/g01")(project.root)
    assert "data/scores/g01: want what was made with previous as in" in project.refused("report")
    flip("data/scores/g00/scorecard.json", 40)(project.root)
    assert "data/scores/g00/scorecard.json: want the file that" in project.refused("report")


def test_files_that_dvc_fetched_alone_are_trained_on(whole: Path, project: Project) -> None:
    """`dvc repro --pull` fetches the two files that are dependencies, and no provenance."""
    shutil.rmtree(project.root)
    shutil.copytree(whole, project.root)
    weights = project.root / "models/g01/model.safetensors"
    before = weights.read_bytes()
    for path in (project.root / "data/texts/g01").iterdir():
        if path.name not in ("texts.jsonl", "training.jsonl"):
            path.unlink()
    project.run("finetune")
    assert weights.read_bytes() == before
    (project.root / "data/texts/g01/training.jsonl").unlink()
    assert "training.jsonl: want a file that a stage wrote, got none" in project.refused("finetune")
