"""Which of several processes this is, and where its error goes."""

import pytest

from palimpsest.core.launched import ERRORS, say_error, started_by_a_stage, started_rank


@pytest.mark.parametrize(
    ("environment", "rank"),
    [
        ({}, 0),
        ({"WORLD_SIZE": "4", "RANK": "3"}, 3),
        ({"WORLD_SIZE": "1", "RANK": "3"}, 0),
        ({"RANK": "3"}, 0),
        ({"WORLD_SIZE": "4", "RANK": "first"}, 0),
    ],
)
def test_the_number_that_a_launcher_gave(environment, rank, monkeypatch):
    for name in ("WORLD_SIZE", "RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert started_rank() == rank


def test_an_error_goes_to_who_started_the_process(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv(ERRORS, raising=False)
    assert not started_by_a_stage()
    say_error("error: alone")
    assert capsys.readouterr().err == "error: alone\n"
    monkeypatch.setenv(ERRORS, str(tmp_path))
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert started_by_a_stage()
    say_error("error: of one \x1b[2J")
    assert (tmp_path / "1").read_text() == "error: of one \\x1b[2J"
    assert capsys.readouterr().err == ""
