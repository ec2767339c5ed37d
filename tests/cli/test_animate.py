"""`palimpsest animate`: a chain's scores in, a GIF out; what it refuses is one line."""

import io
import json

import numpy as np
import pytest
import yaml
from PIL import Image

from palimpsest.cli.main import main
from tests.tiny import chain_text
from tests.trajectory.chains import rich


@pytest.fixture
def chain(tmp_path, monkeypatch):
    """Scores of three generations, and one of a control chain that is no part of the cloud."""
    monkeypatch.chdir(tmp_path)
    entries = yaml.safe_load(chain_text(2))
    (tmp_path / "chain.yaml").write_text(yaml.safe_dump(entries))
    for number, scorecard in enumerate(rich(3)):
        folder = tmp_path / "data" / "scores" / f"g{number:02d}"
        folder.mkdir(parents=True)
        (folder / "scorecard.json").write_text(json.dumps(scorecard))
        np.save(folder / "points.npy", np.random.default_rng(number).normal(size=(20, 3)))
    return tmp_path


def test_a_frame_for_each_generation(chain, capsys):
    assert main(["animate", "cloud.gif"]) == 0
    assert capsys.readouterr().out.startswith("cloud.gif: 3 generations, 0.")
    assert Image.open(io.BytesIO((chain / "cloud.gif").read_bytes())).n_frames == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cloud.png"], "error: FILE: want a name that ends in .gif, got cloud.png\n"),
        (["chain.yaml/x.gif"], "error: chain.yaml/x.gif: want a file to write"),
        (["a.gif", "--chain", "no.yaml"], "error: no.yaml: want"),
        (["a.gif", "--scores", "no"], "error: no/g00/scorecard.json: want a JSON file, got no su"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(chain, capsys, words, message):
    assert main(["animate", *words]) == 1
    said = capsys.readouterr().err
    assert said.startswith(message)
    assert said.count("\n") == 1
    assert not list(chain.glob("*.gif"))


def test_points_that_are_damaged_are_one_line(chain, capsys):
    (chain / "data/scores/g01/points.npy").write_bytes(b"\x93NUMPY")
    assert main(["animate", "a.gif"]) == 1
    assert "data/scores/g01/points.npy: want a .npy matrix" in capsys.readouterr().err
