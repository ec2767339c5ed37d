"""An artifact is what a stage wrote, byte for byte, and belongs to those that it was made from."""

import json
from argparse import Namespace

import pytest

from palimpsest.core import provenance
from palimpsest.core.errors import PalimpsestError
from palimpsest.core.provenance import (
    FORMAT,
    Artifact,
    file_hash,
    fingerprint,
    open_chain,
    opened,
    write_provenance,
)
from palimpsest.core.storage import read_json, write_bytes, write_json

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
"""SHA-256 of "abc", from its standard."""


def artifact(folder, content=b"abc", inputs=None, **facts):
    write_bytes(folder / "file", content)
    write_bytes(folder / "sub" / "file", b"deep")
    write_provenance(folder, "stage", {}, inputs or {}, **facts)
    return Artifact.open(folder)


def edited(folder, **values):
    content = read_json(folder / "provenance.json")
    write_json(folder / "provenance.json", {**content, **values})


def test_a_folder_that_is_as_it_was_written_has_one_identity(tmp_path):
    one, other = artifact(tmp_path / "one"), artifact(tmp_path / "other")
    assert one.identity == other.identity == file_hash(tmp_path / "one" / "provenance.json")
    assert one.provenance["files"]["file"] == ABC
    assert one.provenance["files"].keys() == {"file", "sub/file"}
    assert artifact(tmp_path / "third", b"abd").identity != one.identity
    write_bytes(tmp_path / "one" / ".hidden", b"x")
    assert Artifact.open(tmp_path / "one") == one


SPOILT = {
    "a letter": (
        lambda at: write_bytes(at / "file", b"abd"),
        "file: want the file that the stage wrote, got another",
    ),
    "a file inside": (lambda at: (at / "sub" / "file").unlink(), "sub/file: want .* got none"),
    "a folder for a file": (
        lambda at: ((at / "file").unlink(), (at / "file").mkdir()),
        "file: want the file that the stage wrote, got another one",
    ),
    "a file more": (lambda at: write_bytes(at / "pool", b""), "pool: want nothing, got a file"),
    "no provenance": (lambda at: (at / "provenance.json").unlink(), "got no such file"),
    "a cut provenance": (
        lambda at: write_bytes(at / "provenance.json", b'{"format": 2, "fi'),
        "want valid JSON",
    ),
    "an older format": (
        lambda at: write_json(at / "provenance.json", {"stage": "embed"}),
        f"want format {FORMAT}, got an older one; dvc repro",
    ),
    "a newer format": (lambda at: edited(at, format=99), f"want format {FORMAT}, got format 99"),
    "no object": (lambda at: write_json(at / "provenance.json", [1]), "want format"),
    "no hashes": (lambda at: edited(at, files=None), "want hashes of files and inputs"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_folder_that_is_not_as_it_was_written_is_refused_in_a_line(name, tmp_path):
    artifact(tmp_path / "g01")
    spoil, said = SPOILT[name]
    spoil(tmp_path / "g01")
    with pytest.raises(PalimpsestError, match=said) as error:
        Artifact.open(tmp_path / "g01")
    assert "\n" not in str(error.value)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(PalimpsestError, match="g07: want a folder that a stage wrote, got none"):
        Artifact.open(tmp_path / "g07")


def test_of_some_files_the_others_need_not_be_there(tmp_path):
    whole = artifact(tmp_path)
    (tmp_path / "sub" / "file").unlink()
    assert Artifact.open(tmp_path, ["file"]) == whole
    with pytest.raises(PalimpsestError, match="sub/file"):
        Artifact.open(tmp_path, ["sub/file"])


def test_what_was_made_from_something_else_is_refused(tmp_path):
    texts, others = artifact(tmp_path / "texts"), artifact(tmp_path / "others", b"abd")
    whole = artifact(tmp_path / "whole", inputs={"texts": texts.identity}, generation=1)
    of_file = artifact(tmp_path / "of_file", inputs={"texts": ABC}, generation=1)
    for made in (whole, of_file):
        made.require_input("texts", texts)
        with pytest.raises(PalimpsestError, match=r"want what was made with texts as in .*others"):
            made.require_input("texts", others)
        with pytest.raises(PalimpsestError, match="want what was made with model"):
            made.require_input("model", texts)
    artifact(tmp_path / "first", generation=0).require_input("model", texts)


def test_a_stage_opens_the_folders_of_its_command_line(tmp_path, monkeypatch):
    monkeypatch.setitem(provenance.READS, "embed", ("texts", "model"))
    monkeypatch.setitem(provenance.LINKS, "embed", (("texts", "author", "model.author"),))
    author = artifact(tmp_path / "author").identity
    for name in ("texts", "model"):
        artifact(tmp_path / name, inputs={"author": author}, generation=1)
    args = Namespace(texts=tmp_path / "texts", model=tmp_path / "model", out=tmp_path / "out")
    assert opened("embed", args).keys() == {"texts", "model"}
    artifact(tmp_path / "model", inputs={"author": ABC}, generation=1)
    with pytest.raises(PalimpsestError, match=r"texts: want what was made with author as in .*mod"):
        opened("embed", args)


def test_scores_of_two_chains_make_no_chain(tmp_path):
    def score(name, texts, previous, human="h"):
        made_of = {"texts": texts, "previous": previous, "human": human}
        artifact(tmp_path / name, inputs=made_of, generation=1)
        return tmp_path / name

    first, second = score("g00", "a", "a"), score("g01", "b", "a")
    chain = open_chain([first, second])
    assert fingerprint([chain]) == fingerprint([open_chain([first]), open_chain([second])])
    assert fingerprint([chain]) != fingerprint([chain[:1]])
    with pytest.raises(PalimpsestError, match=r"want what was made with previous as in .*g00"):
        open_chain([first, score("g01", "b", "x")])
    with pytest.raises(PalimpsestError, match="want what was made with human"):
        open_chain([first, score("g01", "b", "a", human="other")])


def test_provenance_is_the_same_wherever_and_whenever(tmp_path, monkeypatch):
    written = []
    for place, host in (("here", "one"), ("elsewhere", "two")):
        monkeypatch.setenv("HOSTNAME", host)
        folder = tmp_path / place
        write_bytes(folder / "input", b"abc")
        inputs = {"texts": ABC}
        write_provenance(folder, "embed", {"embed": {"dtype": "float32"}}, inputs, threads=2)
        written.append((folder / "provenance.json").read_bytes())
    assert written[0] == written[1]
    content = json.loads(written[0])
    determined = {"format", "stage", "parameters", "inputs", "files", "versions", "machine"}
    assert content.keys() == {*determined, "threads"}
    assert (content["inputs"], content["files"]) == ({"texts": ABC}, {"input": ABC})
    assert content["parameters"] == {"embed": {"dtype": "float32"}}
    assert {"python", "numpy", "scipy"} <= content["versions"].keys()


def test_provenance_has_no_absolute_paths(tmp_path):
    home = "~/models/gpt2"
    values = {
        "model": {"source": str(tmp_path / "mine"), "tokenizer": home, "layers": 4},
        "paths": [str(tmp_path / "a" / "*.txt"), "b/*.txt"],
        "witness": {"prompts": ("/* a comment */ int main", "~ is a sign")},
        "name": "Salesforce/wikitext", "here": "./mine", "none": None, "share": 0.5, "on": True,
    }  # fmt: skip
    write_provenance(tmp_path, "prepare", values, {})
    assert read_json(tmp_path / "provenance.json")["parameters"] == {
        "model": {"source": "mine", "tokenizer": "gpt2", "layers": 4},
        "paths": ["*.txt", "b/*.txt"],
        "witness": {"prompts": ["/* a comment */ int main", "~ is a sign"]},
        "name": "Salesforce/wikitext", "here": "./mine", "none": None, "share": 0.5, "on": True,
    }  # fmt: skip


def test_a_library_that_is_not_installed_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr("palimpsest.core.provenance.LIBRARIES", ("numpy", "no-such-library"))
    write_provenance(tmp_path, "score", {}, {})
    assert read_json(tmp_path / "provenance.json")["versions"].keys() == {"python", "numpy"}
