"""What a process does of the work, and how the parts come together."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from palimpsest.core.team import ALONE, Team, added, merged


@given(st.lists(st.integers()), st.integers(1, 9))
def test_every_item_is_dealt_once_and_comes_back_in_order(items, size):
    parts = [Team(rank, size).dealt(items) for rank in range(size)]
    assert sum(map(len, parts)) == len(items)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert merged(parts) == items


def test_a_process_alone_does_and_knows_everything(tmp_path):
    assert ALONE.dealt([1, 2, 3]) == [1, 2, 3]
    assert ALONE.gathered("mine") == ["mine"]
    assert ALONE.from_first("mine") == "mine"
    assert ALONE.first
    assert ALONE.place("cuda:1") == "cuda:1"
    tensor = np.ones(3)
    ALONE.add_up([tensor])
    assert tensor.tolist() == [1, 1, 1]
    array = np.array([-0.0, 1.5])
    assert added([array]) is array  # to the last bit
    assert added([array, array]).tolist() == [0.0, 3.0]


def test_each_process_keeps_a_state_of_its_own(tmp_path):
    files = set()
    for team in (ALONE, Team(0, 2), Team(1, 2), Team(1, 12), Team(11, 12)):
        kept, same = team.shared(tmp_path / "out")
        assert same is team
        kept._due = 0.0
        kept.task("generate", "batch", lambda: "key").keep(3, lambda: {"a": np.arange(3)})
        files |= {path.name for path in kept.folder.iterdir()}
        again = team.shared(tmp_path / "out")[0].task("generate", "batch", lambda: "key")
        assert again.done == 3
    assert len(files) == 5  # none has thrown away another's
