"""What a user can mend is a line; what only we can mend is none."""

import errno

import pytest

from palimpsest.core.errors import ParamsError
from palimpsest.core.mendable import in_one_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ParamsError("seed", wanted=">= 0", got=-1), "seed: want >= 0, got -1"),
        (MemoryError("no\nroom"), "memory: want more of it, got no; nothing was written"),
        (OSError(errno.ENOSPC, "No space left", "a\x1bb"), "[Errno 28] No space left: 'a\\x1bb'"),
        (ModuleNotFoundError("No module", name="dvc.repo"), "the package dvc: want "),
    ],
)
def test_what_a_user_can_mend(error, line):
    said = in_one_line(error)
    assert said is not None
    assert said.startswith(line)
    assert "\n" not in said


@pytest.mark.parametrize(
    "error", [ValueError("a bug"), RuntimeError("shapes"), ModuleNotFoundError("no", name="typo")]
)
def test_a_fault_of_the_program_is_none_of_it(error):
    assert in_one_line(error) is None
