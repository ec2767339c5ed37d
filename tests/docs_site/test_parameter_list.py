"""The page of the parameters has every key of params.yaml, with its value and its meaning."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from docs_site.parameter_list import page
from tests.tiny import ROOT

PAGE = page(ROOT)
ROWS = re.findall(r"^\| `([\w.]+)` \| (`.*`) \| (.*?) \| (.*) \|$", PAGE, re.MULTILINE)


def keys(values: dict[str, Any], path: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from keys(value, f"{path}{key}.")
        else:
            yield f"{path}{key}"


def test_every_parameter_has_a_row_and_no_other() -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    names = [name for name, *_ in ROWS]
    assert sorted(names) == sorted(keys(params))


def test_a_row_has_value_range_and_meaning() -> None:
    rows = {name: rest for name, *rest in ROWS}
    assert rows["corpus.train"][0] == "`8000`"
    assert rows["seed"][1] == "integer, ≥ 0"
    assert "null" in rows["seeds.corpus"][1]
    assert "`replace`" in rows["regime.kind"][1]
    assert [name for name, (_, takes, meaning) in rows.items() if not (takes and meaning)] == []
