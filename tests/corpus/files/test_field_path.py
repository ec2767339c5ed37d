"""Where the text of a row is: names, paths, messages of a role."""

import pytest

from palimpsest.corpus.files.field_path import FieldPath, paths_in, role_of

CHAT = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]


@pytest.mark.parametrize(
    ("row", "field", "values"),
    [
        ({"text": "a"}, "text", ["a"]),
        ({"text": None}, "text", [None]),
        ({"text": ["a", "b"]}, "text", [["a", "b"]]),
        ({"text": ["a", "b"]}, "text[]", ["a", "b"]),
        ({"n": 1}, "text", None),
        ({"data": {"text": "a"}}, "data.text", ["a"]),
        ({"data": {"text": "a"}, "data.text": "b"}, "data.text", ["b"]),
        ({"x": {"data.text": "b"}}, "x.data.text", ["b"]),
        ({"x.y": {"z": "c"}}, "x.y.z", ["c"]),
        ({"data": "a"}, "data.text", None),
        ({"m[]": "a"}, "m[]", ["a"]),
        ({"m": CHAT}, "m[].content", ["q", "a"]),
        ({"m": CHAT}, "m.content", ["q", "a"]),
        ({"m": CHAT}, "m[1].content", ["a"]),
        ({"m": CHAT}, "m[-1].content", ["a"]),
        ({"m": CHAT}, "m[2].content", None),
        ({"m": CHAT}, "m[99999999999].content", None),
        ({"m": CHAT}, "m[].text", None),
        ({"m": CHAT}, "m", ["q", "a"]),
        ({"m": []}, "m[].content", []),
        ({"m": "a"}, "m[]", None),
        ({"m": {"role": ["user"], "content": ["q"]}}, "m[].content", ["q"]),
        ({"a": [[{"b": 1}], [{"b": 2}]]}, "a[][].b", [1, 2]),
    ],
)
def test_what_a_path_leads_to(row: dict[str, object], field: str, values: object) -> None:
    assert FieldPath(field).find(row) == values


@pytest.mark.parametrize("field", ["m[].content", "m.content", "m"])
def test_a_role_chooses_messages(field: str) -> None:
    assert FieldPath(field, "assistant").find({"m": CHAT}) == ["a"]
    assert FieldPath(field, "Assistant").find({"m": CHAT}) == ["a"]
    assert FieldPath(field, "tool").find({"m": CHAT}) == []
    assert FieldPath("text", "assistant").find({"text": "a"}) == ["a"]


def test_other_words_for_a_role() -> None:
    chat = {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}
    for field in ("conversations[].value", "conversations"):
        assert FieldPath(field, "assistant").find(chat) == ["a"]
        assert FieldPath(field, "gpt").find(chat) == ["a"]
        assert FieldPath(field, "user").find(chat) == ["q"]
    assert role_of({"content": "a"}) is None
    assert role_of("user") is None


def test_the_column_of_a_table() -> None:
    path = FieldPath("data.text")
    assert path.columns(["data", "data.text"]) == "data.text"
    assert path.columns(["n", "data"]) == "data"
    assert path.columns(["text"]) is None
    assert FieldPath("m[].content").columns(["m"]) == "m"


def test_the_paths_of_rows() -> None:
    rows: list[dict[str, object]] = [
        {"id": 1, "data": {"text": "a", "tags": ["x"]}, "m": CHAT}, {"late": None, "empty": {}}
    ]  # fmt: skip
    assert paths_in(rows) == [
        "id", "data.text", "data.tags", "m[].role", "m[].content", "late", "empty",
    ]  # fmt: skip
    assert len(paths_in([{str(n): n for n in range(99)}])) == 30


@pytest.mark.parametrize(
    "field", ["text", "full-text", "full text", "テキスト", "2nd", "", "No.", ".text", "a[b", "..."]
)
def test_a_name_is_no_path(field: str) -> None:
    assert not FieldPath(field).is_path


@pytest.mark.parametrize("field", ["data.text", "messages[].content", "turns[-1]", "a[0].b.c"])
def test_a_path_is_one(field: str) -> None:
    assert FieldPath(field).is_path
