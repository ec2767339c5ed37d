"""One corpus in every shape gives the same texts; what cannot be read is counted and named."""

import csv
import gzip
import importlib.util
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from palimpsest.core.errors import CorpusError
from palimpsest.corpus.files.options import ReadOptions
from palimpsest.corpus.files.reading import read_texts
from palimpsest.corpus.files.rows_read import Place, TextsRead
from tests.corpus.files.tables import arrow_file, arrow_stream, dataset_folder, parquet_file, zstd

CASES = Path(__file__).parents[4] / "shared" / "cases" / "file_shapes.py"
TEXTS = [
    f"{n}. {text}"
    for n, text in enumerate(
        [
            "Der Fährmann maß; dann ging er.",
            "渡し守は鐘を直した。",
            'Er sagte: "Ja", und schwieg.',
            "لا شيء هنا",
        ]
        * 4
    )
]
ROWS = [{"id": n, "text": text} for n, text in enumerate(TEXTS)]
TABLE = pa.table({"id": range(len(TEXTS)), "text": TEXTS})


def table_of(delimiter: str) -> bytes:
    """The texts as a second column."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerows([["id", "text"], *enumerate(TEXTS)])
    return file.getvalue().encode()


def lines_of(*rows: object) -> bytes:
    """JSON, a value a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


SHAPES = {
    "rows.jsonl": lines_of(*ROWS), "rows.ndjson": lines_of(*ROWS),
    "strings.jsonl": lines_of(*TEXTS),
    "mark.jsonl": b"\xef\xbb\xbf" + lines_of(*ROWS), "lines.json": lines_of(*ROWS),
    "strings.json": json.dumps(TEXTS).encode(), "rows.json": json.dumps(ROWS, indent=1).encode(),
    "list.jsonl": json.dumps(ROWS).encode(), "columns.json": json.dumps({"text": TEXTS}).encode(),
    "frame.json": json.dumps({"text": dict(enumerate(TEXTS))}).encode(),
    "data.json": json.dumps({"data": ROWS}).encode(),
    "comma.csv": table_of(","), "semicolon.csv": table_of(";"), "tab.tsv": table_of("\t"),
    "mark.csv": b"\xef\xbb\xbf" + table_of(","), "tab.csv": table_of("\t"),
    "lines.txt": "\n".join(TEXTS).encode(), "paragraphs.txt": "\n\n".join(TEXTS).encode(),
    "ideographic.txt": "\n\u3000\n".join(TEXTS).encode(),
    "dos.md": "\r\n\u00a0\r\n".join(TEXTS).encode(), "a.parquet": parquet_file(TABLE),
    "file.arrow": arrow_file(TABLE), "stream.arrow": arrow_stream(TABLE),
    "a.feather": arrow_file(TABLE, "lz4"),
}  # fmt: skip


def read(path: Path | str, stdin: bytes | None = None, **options: Any) -> TextsRead:
    """The texts of a file, or of standard input."""
    return read_texts([str(path)], ReadOptions(**options), "candidate", stdin)


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_gives_the_same_texts(tmp_path: Path, name: str) -> None:
    for suffix, pack in {"": bytes, ".gz": gzip.compress, ".zst": zstd}.items():
        path = tmp_path / f"{name}{suffix}"
        path.write_bytes(pack(SHAPES[name]))
        found = read(path)
        assert found.texts == TEXTS
        assert found.places[0].file == str(path)
        assert found.lines() == [] or name == "lines.txt"


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_known_on_standard_input(name: str) -> None:
    for pack in (bytes, gzip.compress, zstd):
        found = read("-", pack(SHAPES[name]))
        assert found.texts == TEXTS
        assert found.places[0].file == "standard input"


@pytest.mark.parametrize("format_", ["csv", "jsonl", "txt", "parquet"])
def test_the_format_of_standard_input_is_given(tmp_path: Path, format_: str) -> None:
    contents = {
        "csv": b"text\n[1]\n", "jsonl": b'\n{"text": "[1]"}', "txt": b"[1]",
        "parquet": parquet_file(pa.table({"text": ["[1]"]})),
    }  # fmt: skip
    (tmp_path / "beside.jsonl").write_bytes(b'{"text": "a"}')
    options = ReadOptions(format=format_)
    found = read_texts([str(tmp_path / "beside.jsonl"), "-"], options, "x", contents[format_])
    assert found.texts == ["a", "[1]"]
    (tmp_path / "unknown").write_bytes(contents[format_])
    assert read(tmp_path / "unknown", format=format_).texts == ["[1]"]


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b'"Yes," she said.\n\n"No."', ['"Yes," she said.', '"No."']),
        (b"[Verse 1] la\n\nla", ["[Verse 1] la", "la"]),
        (b"Some text, and more", ["Some text, and more"]),
        (b'{"text": "a"}\n{"tex', ["a"]),
        (b'["a",\n"b"]', ["a", "b"]),
        (b'"Yes."\n\nThey went.', ['"Yes."', "They went."]),
        (b'"a"\n"b"\n', ["a", "b"]),
    ],
)
def test_what_standard_input_looks_like(content: bytes, texts: list[str]) -> None:
    assert read("-", content).texts == texts


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"", {}, "standard input: want texts, got nothing"),
        (gzip.compress(b" \n"), {}, "standard input: want texts, got nothing"),
        (b"\x1f\x8bxx", {}, r"standard input: want a kind of file .* unpacked .*--format NAME"),
        (b"PAR1", {}, "standard input: want a kind of file that can be read, got"),
        (b"a", {"format": "pdf"}, r"format: want one of txt, .*, got pdf"),
        (b"caf\xe9", {}, r"standard input: want UTF-8, got byte 0xe9"),
        (b'{"n": 1}', {}, "standard input: want the field 'text', got the fields n"),
    ],
)
def test_standard_input_that_cannot_be_read(
    content: bytes, options: dict[str, str], message: str
) -> None:
    with pytest.raises(CorpusError, match=message):
        read("-", content, **options)


def test_a_file_of_another_kind_can_be_told(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("a\n\nb")
    with pytest.raises(CorpusError, match=r"a\.log: want one of .*, got \.log; --format NAME"):
        read(tmp_path / "a.log")
    assert read(tmp_path / "a.log", format="txt").texts == ["a", "b"]


def test_a_file_may_be_called_like_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorpusError, match="candidate: want files, got none at '-'"):
        read("-")


def test_a_file_of_every_suffix_may_be_empty(tmp_path: Path) -> None:
    names = [name for name in SHAPES if "." in name]
    for name in (*names, "a.jsonl.gz"):
        (tmp_path / name).touch()
        if not name.endswith((".arrow", ".feather")):
            assert read(tmp_path / name).texts == []
    for name, content in {"b.json": "[]", "b.csv": "n,text\n", "b.jsonl": "\n\n"}.items():
        (tmp_path / name).write_text(content)
        assert read(tmp_path / name).texts == []


def test_files_are_read_in_the_order_of_the_sources_each_once(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("one\n\ntwo")
    (tmp_path / "a.jsonl").write_text('{"text": "three"}\n{"text": null}\n')
    sources = [str(tmp_path / "b.txt"), str(tmp_path / "*"), str(tmp_path / "a.jsonl")]
    found = read_texts(sources)
    assert found.texts == ["one", "two", "three", ""]
    places = [f"{place.unit} {place.number} of {Path(place.file).name}" for place in found.places]
    assert places == [
        "line 1 of b.txt",
        "line 3 of b.txt",
        "line 1 of a.jsonl",
        "line 2 of a.jsonl",
    ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.parquet", "a.arrow"])
def test_paths_and_chats(tmp_path: Path, name: str) -> None:
    chat = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    rows = [{"data": {"text": "x"}, "messages": chat}] * 3
    table = pa.Table.from_pylist(rows)
    content = {
        "a.jsonl": lines_of(*rows), "a.json": json.dumps(rows).encode(),
        "a.parquet": parquet_file(table), "a.arrow": arrow_stream(table),
    }[name]  # fmt: skip
    path = tmp_path / name
    path.write_bytes(content)
    assert read(path, field="data.text").texts == ["x"] * 3
    assert read(path, field="messages[].content").texts == ["q", "a"] * 3
    found = read(path, field="messages[].content", role="assistant")
    assert found.texts == ["a"] * 3
    assert [place.number for place in found.places] == [1, 2, 3]
    assert read(path, field="messages", role="assistant").texts == ["a"] * 3
    hint = r"got the fields data\.text, messages.* --field 'messages\[\]\.content' --role assistant"
    with pytest.raises(CorpusError, match=hint):
        read(path)


def test_a_wrong_field_is_one_error_with_the_fields_there_are(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines_of(*[{"title": "a", "data": {"text": "b"}}] * 3, {"late": 1}))
    with pytest.raises(CorpusError) as caught:
        read(path)
    assert str(caught.value) == (
        f"{path}: want the field 'text', got the fields title, data.text, late; --field 'data.text'"
    )
    (tmp_path / "b.csv").write_text("title;body\na;b\n")
    with pytest.raises(CorpusError, match="want the field 'text', got the fields title, body"):
        read(tmp_path / "b.csv")
    (tmp_path / "c.jsonl").write_text("{}\n{}\n")
    with pytest.raises(CorpusError, match="want the field 'text', got no field"):
        read(tmp_path / "c.jsonl")


def test_a_null_is_an_empty_text(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines_of({"text": "a"}, {"text": None}, {"text": ""}, None))
    assert read(tmp_path / "a.jsonl").texts == ["a", "", "", ""]
    (tmp_path / "a.csv").write_text("n,text\n1,a\n3,\n")
    assert read(tmp_path / "a.csv").texts == ["a", ""]
    (tmp_path / "a.parquet").write_bytes(parquet_file(pa.table({"text": ["a", None]})))
    assert read(tmp_path / "a.parquet").texts == ["a", ""]
    for name in ("a.jsonl", "a.csv", "a.parquet"):
        assert read(tmp_path / name).lines() == []


MIXED = [{"text": "a"}, {"n": 1}, {"text": ""}, {"text": "b"}, {}]


@pytest.mark.parametrize(
    ("name", "content", "unit", "missing"),
    [
        ("a.jsonl", lines_of(*MIXED), "line", [2, 5]),
        ("a.json", json.dumps(MIXED).encode(), "row", [2, 5]),
        ("a.csv", b"n,text\n1,a\n2\n3,\n4,b\n5\n", "line", [3, 6]),
        ("a.tsv", b"n\ttext\n1\ta\n2\n3\t\n4\tb\n5\n", "line", [3, 6]),
    ],
)
def test_a_row_without_the_field_is_no_empty_text(
    tmp_path: Path, name: str, content: bytes, unit: str, missing: list[int]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    found = read(path)
    assert found.texts == ["a", "", "b"]
    assert found.left_out == {
        "without the field 'text'": [Place(str(path), number, unit) for number in missing]
    }
    named = f"{unit} {missing[0]} of {path}, {unit} {missing[1]} of {path}"
    assert found.lines() == [f"left out 2 of 5 texts: 2 without the field 'text' ({named})"]


def test_a_path_that_leads_nowhere_in_a_row_leaves_it_out(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"data": {"text": "a"}}, {"data": None}, {"data": {"text": None}}, {"data": {"n": 1}}]
    path.write_bytes(lines_of(*rows))
    found = read(path, field="data.text")
    assert found.texts == ["a", ""]
    assert [one.number for one in found.left_out["without the field 'data.text'"]] == [2, 4]


def test_a_field_that_most_rows_lack_is_an_error_that_names_the_first(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines_of({"text": "a"}, {"title": "b", "n": 1}, {"title": "c"}))
    said = r"line 2: want the field 'text', got the fields title, n; 2 of 3 lines cannot be read"
    with pytest.raises(CorpusError, match=said):
        read(path)
    (tmp_path / "a.csv").write_text("n,text\n1\n2\n")
    with pytest.raises(CorpusError, match="line 2: want the field 'text', got no field; 2 of 2"):
        read(tmp_path / "a.csv")


def test_what_is_no_text_is_left_out_counted_and_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    good = [{"text": text} for text in "abcdef"]
    content = lines_of(
        *good, {"text": 3}, {"text": 4.5}, {"text": ["x"]}, {"text": {"x": 1}}, [1], True
    )
    path.write_bytes(content)
    found = read(path)
    assert found.texts == list("abcdef")
    numbers = {reason: [one.number for one in rows] for reason, rows in found.left_out.items()}
    assert numbers == {
        "with a number for a text": [7, 8], "with a list for a text": [9],
        "with an object for a text": [10], "neither an object nor a text but a list": [11],
        "neither an object nor a text but a truth value": [12],
    }  # fmt: skip
    assert f"left out 6 of 12 texts: 2 with a number for a text (line 7 of {path}, " in str(found)
    path.write_bytes(content + b"{\n")
    with pytest.raises(CorpusError, match=r"'text' of line 7: want text, got int 3; 7 of 13 lines"):
        read(path)


def test_a_chat_without_the_role_is_left_out(tmp_path: Path) -> None:
    rows = [
        {"m": [{"role": role, "content": content}]}
        for role, content in (("user", "q"), ("bot", "a"), ("gpt", "b"))
    ]
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines_of(*rows))
    found = read(path, field="m[].content", role="assistant")
    assert found.texts == ["a", "b"]
    assert found.left_out == {"without a message of assistant": [Place(str(path), 1, "line")]}
    with pytest.raises(
        CorpusError, match="want a text, got without a message of tool; 3 of 3 lines"
    ):
        read(path, field="m[].content", role="tool")


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_half_a_character_is_replaced_and_named(tmp_path: Path, name: str) -> None:
    rows = ['{"text": "whole \\ud83d\\ude00"}', '{"text": "half \\ud83d"}', '{"text": "c"}']
    path = tmp_path / name
    path.write_text("\n".join(rows) if name == "a.jsonl" else f"[{', '.join(rows)}]")
    found = read(path)
    assert found.texts == ["whole 😀", "half \ufffd", "c"]
    (line,) = found.lines()
    assert line.startswith("read all the same: 1 with half a character")
    assert f"2 of {path}" in line


def test_a_key_twice_and_dates_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "2024-01-01"}\n{"text": "x", "text": "2024-01-02"}\n')
    found = read(path)
    assert found.texts == ["2024-01-01", "2024-01-02"]
    assert "1 with a key twice, of which the last counts (line 2 of " in found.lines()[0]


def test_dates_of_a_table_are_no_texts(tmp_path: Path) -> None:
    import datetime

    days = pa.table({"text": [datetime.date(2024, 1, day) for day in (1, 2)]})
    (tmp_path / "a.parquet").write_bytes(parquet_file(days))
    with pytest.raises(CorpusError, match="'text' of row 1: want text, got date"):
        read(tmp_path / "a.parquet")


def test_other_encodings_are_named_and_read(tmp_path: Path) -> None:
    for name, content in {
        "a.csv": 'text\n"un café"\n',
        "a.txt": "un café",
        "a.jsonl": '{"text": "un café"}',
    }.items():
        path = tmp_path / name
        path.write_text(content, encoding="latin-1")
        with pytest.raises(CorpusError, match=r"byte 0xe9 at offset \d+ .* --encoding cp1252"):
            read(path)
        assert read(path, encoding="cp1252").texts == ["un café"]
        path.write_text(content, encoding="utf-16")
        with pytest.raises(CorpusError, match="it looks like utf-16; --encoding utf-16"):
            read(path)
        assert read(path, encoding="utf-16").texts == ["un café"]
        assert read("-", path.read_bytes(), encoding="utf-16").texts == ["un café"]


def test_options_reach_their_readers(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\nb\n\nc")
    assert read(tmp_path / "a.txt", unit="line").texts == ["a", "b", "c"]
    assert read(tmp_path / "a.txt", unit="paragraph").texts == ["a\nb", "c"]
    whole = read(tmp_path / "a.txt", unit="file")
    assert whole.texts == ["a\nb\n\nc"]
    assert str(whole.places[0]) == str(tmp_path / "a.txt")
    (tmp_path / "a.csv").write_text("text@n\na,b@1\n")
    assert read(tmp_path / "a.csv", delimiter="@").texts == ["a,b"]


def test_a_datasets_folder_is_read_through_all_its_tables(tmp_path: Path) -> None:
    folder = dataset_folder(tmp_path / "saved", "data-0.arrow", "data-1.arrow")
    for at in (0, 1):
        (folder / f"data-{at}.arrow").write_bytes(arrow_stream(TABLE.slice(at * 10, 10 - at * 4)))
    found = read(folder)
    assert found.texts == TEXTS
    assert found.places[-1] == Place(str(folder), 16, "row")
    (folder / "data-1.arrow").unlink()
    with pytest.raises(
        CorpusError, match="saved: want a readable dataset folder, got FileNotFound"
    ):
        read(folder)


def test_what_datasets_itself_saves(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    saved = datasets.Dataset.from_dict({"text": TEXTS})
    saved.save_to_disk(str(tmp_path / "one"), num_shards=3)
    assert read(tmp_path / "one").texts == TEXTS
    datasets.DatasetDict(train=saved, test=saved.select([1])).save_to_disk(str(tmp_path / "two"))
    assert read(tmp_path / "two" / "test").texts == TEXTS[1:2]
    with pytest.raises(CorpusError, match=r"candidate: want files, .* the splits test, train"):
        read(tmp_path / "two")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b'[{"text": "a"}', r"a\.json: want a readable \.json file, got .*: no JSON"),
        ("a.parquet", b"x", r"a\.parquet: want a readable \.parquet file, got \w+: "),
        ("a.parquet.gz", gzip.compress(b"x"), r"want a readable \.parquet\.gz file, got \w+: "),
        ("a.arrow", b"x", r"a\.arrow: want a readable \.arrow file, got \w+: "),
        ("a.jsonl.gz", gzip.compress(b"x" * 99)[:-9], r"readable \.jsonl\.gz file, .*unpacked"),
        ("a.jsonl", b'{"text": "a"', r"a readable \.jsonl file, got ValueError: no JSON"),
        ("a.jsonl", b'{"text": ' + b"[" * 5000, "nested more than 100 levels deep"),
    ],
)  # fmt: skip
def test_bad_files_are_one_line_errors(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=message) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_a_packed_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palimpsest.core.parsing.MOST_UNPACKED", 100_000)
    for name, pack in {"a.jsonl.gz": gzip.compress, "a.csv.zst": zstd}.items():
        (tmp_path / name).write_bytes(pack(b" " * 3_000_000))
        with pytest.raises(CorpusError, match=r"[\d,]+ bytes packed into [\d,]+"):
            read(tmp_path / name)


def shapes_of(path: Path) -> Callable[..., Any] | None:
    """The program that writes one corpus in many shapes, where it is at hand."""
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location("file_shapes", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module  # type: ignore[return-value]


@pytest.mark.skipif(not CASES.is_file(), reason="no ../shared cases here")
def test_the_shapes_that_people_keep(tmp_path: Path) -> None:
    shapes: Any = shapes_of(CASES)
    shapes.main(tmp_path)
    wanted = shapes.texts()
    chosen = {
        "nested.jsonl": {"field": "data.text"},
        "chat.jsonl": {"field": "messages[].content", "role": "assistant"},
        "latin1.csv": {"encoding": "cp1252"},
    }
    for path in sorted(tmp_path.iterdir()):
        found = read(path, **chosen.get(path.name, {}))
        assert len(found.texts) == 40, path.name
        if path.name == "dates.jsonl":
            continue
        plain = [text.replace(".\n\n", ". ") for text in found.texts]
        assert [text.removesuffix(" café").removesuffix(" \ufffd") for text in plain] == wanted
