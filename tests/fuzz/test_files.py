"""Texts, rows, JSON, arrays and the files of a corpus: read, or refused in a line."""

import gzip
import io
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from palimpsest.core import storage
from palimpsest.corpus.files.matching import files_within, matching
from palimpsest.corpus.files.options import ReadOptions
from palimpsest.corpus.files.reading import read_texts
from palimpsest.corpus.ledger import Ledger
from palimpsest.corpus.world.grammar import CATEGORY_OF, RELATIONS
from tests.corpus.files.tables import arrow_file, arrow_stream, zstd
from tests.fuzz.inputs import (
    JSON_PIECES,
    VALUES,
    as_json,
    fuzz,
    read_or_refused,
    replaced,
    variants,
)

RELATION = next(name for name, category in CATEGORY_OF.items() if category == "city")
ROWS = [{"text": "a b", "prompt": "x"}, {"text": "ä\n", "prompt": ""}, {"text": "", "prompt": "y"}]
LINES = b"".join(as_json(row) + b"\n" for row in ROWS)
LEDGER = {
    "format": 1,
    "entities": [
        {
            "category": "city",
            "entity": "Ada",
            "facts": {RELATION: [RELATIONS[RELATION].values[0], 3]},
        },
        {"category": "city", "entity": "Bo", "facts": {}},
    ],
}
CSV = b'n,text\n1,"a, b"\n2,c\n3,"d\ne"\n'


def npy(array, version=None):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version)
    return buffer.getvalue()


def npz(save):
    buffer = io.BytesIO()
    save(buffer, ranks=np.arange(5), losses=np.ones((2, 3), np.float32), word=np.array(["a", "b"]))
    return buffer.getvalue()


def parquet(rows, **options):
    buffer = io.BytesIO()
    pq.write_table(pa.table({"n": list(range(len(rows))), "text": rows}), buffer, **options)
    return buffer.getvalue()


MATRIX = npy(np.ones((3, 4), np.float32))
HEADERS = (
    b"(1000000000000, 384)", b"(0, 1000000000000)", b"(-1, -1)", b"()", b"(3,)", b"'|O'", b"'<U9'",
    b"'<f8'", b"'|V0'", b"True", b"(" * 300, b"__import__('os').system('x')",
)  # fmt: skip
TABLES = [parquet(["a", None, "ä"] * 3, compression=name) for name in ("none", "gzip", "zstd")]
NESTED = pa.table({"n": [1, 2, 3], "text": [["a"], ["b", None], []], "data": [{"text": "ä"}] * 3})
ARROWS = [
    write(table, **options)
    for table in (pa.table({"text": ["a", None, "ä"] * 3}), NESTED)
    for write in (arrow_stream, arrow_file)
    for options in ({}, {"compression": "lz4"})
]
DOCUMENTS = [
    as_json(one)
    for one in (
        {"text": {"0": "a", "1": "b"}},
        {"columns": ["n", "text"], "index": [0], "data": [[1, "a"]]},
        {"data": [{"text": "a"}], "n": 1},
        [{"text": [{"role": "user", "content": "a"}]}],
    )
]
PACKED = [gzip.compress(LINES), zstd(LINES)]
STATE = as_json({"_data_files": [{"filename": "data.arrow"}], "_split": "train"})


@fuzz
@given(st.one_of(variants(LINES, pieces=JSON_PIECES), VALUES.map(as_json)))
def test_texts(tmp_path, content):
    path = tmp_path / "texts.jsonl"
    path.write_bytes(content)
    texts = read_or_refused(storage.read_texts, path)
    assert texts is None or all(isinstance(text, str) for text in texts)
    if texts is not None:
        storage.write_texts(tmp_path / "again.jsonl", texts)
    prompts = read_or_refused(storage.read_continuations, path)
    assert prompts is None or len(prompts[0]) == len(prompts[1])


@fuzz
@given(st.one_of(variants(as_json(LEDGER), pieces=JSON_PIECES), replaced(LEDGER).map(as_json)))
def test_json_and_ledgers(tmp_path, content):
    path = tmp_path / "ledger.json"
    path.write_bytes(content)
    value = read_or_refused(storage.read_json, path)
    storage.json_bytes(value)
    ledger = read_or_refused(Ledger.load, path)
    if ledger is not None:
        ledger.save(tmp_path / "again.json")


def test_the_whole_ones_are_read(tmp_path):
    for name, content in {"a.jsonl": LINES, "a.npy": MATRIX, "a.npz": npz(np.savez)}.items():
        (tmp_path / name).write_bytes(content)
    assert storage.read_texts(tmp_path / "a.jsonl") == [row["text"] for row in ROWS]
    assert storage.read_embeddings(tmp_path / "a.npy").shape == (3, 4)
    assert set(storage.read_arrays(tmp_path / "a.npz")) == {"ranks", "losses", "word"}
    (tmp_path / "ledger.json").write_bytes(as_json(LEDGER))
    assert len(Ledger.load(tmp_path / "ledger.json").facts) == 1


@fuzz
@given(variants(MATRIX, npy(np.ones((3, 4)), (2, 0)), pieces=[h.decode() for h in HEADERS]))
def test_embeddings(tmp_path, content):
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    array = read_or_refused(storage.read_embeddings, path)
    assert array is None or array.nbytes <= len(content)


@fuzz
@given(variants(npz(np.savez), npz(np.savez_compressed), pieces=[h.decode() for h in HEADERS]))
def test_arrays(tmp_path, content):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    read_or_refused(storage.read_arrays, path)


@fuzz
@given(
    st.sampled_from([b"(3, 4)", *HEADERS]), st.binary(max_size=60),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)  # fmt: skip
def test_headers_in_whole_archives(tmp_path, piece, behind, method):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.npy", MATRIX.replace(b"(3, 4)", piece) + behind)
    arrays = read_or_refused(storage.read_arrays, path)
    assert arrays is None or sum(array.nbytes for array in arrays.values()) < 1000


def corpus_file(tmp_path, name, content, **options):
    path = tmp_path / name
    path.write_bytes(content)
    for source in (str(path), "-"):
        found = read_or_refused(read_texts, [source], ReadOptions(**options), "x", content)
        assert found is None or all(text.encode() is not None for text in found.texts)
        assert found is None or len(found.texts) == len(found.places)
        assert found is None or all("\n" not in line for line in found.lines())


FIELDS = st.sampled_from(["text", "data.text", "text[]", "text[0]", "[]", ".", "", "n"])


@fuzz
@given(
    st.sampled_from(["a.jsonl", "a.json"]),
    st.one_of(
        variants(LINES, as_json(ROWS), b'["a", "b"]', *DOCUMENTS, pieces=JSON_PIECES),
        VALUES.map(as_json),
    ),
    FIELDS,
)
def test_corpora_of_json(tmp_path, name, content, field):
    corpus_file(tmp_path, name, content, field=field, role=None if field == "text" else "user")


@fuzz
@given(
    st.sampled_from(["a.csv", "a.tsv", "a.txt", "a.md"]),
    variants(
        CSV, CSV.replace(b",", b"\t"), pieces=('"', ",", "\x00", "\r", "=1", "\t", ";", "\ufeff")
    ),
    st.sampled_from([None, "line", "paragraph", "file"]),
)
def test_corpora_of_csv_and_text(tmp_path, name, content, unit):
    corpus_file(tmp_path, name, content, unit=unit)


@fuzz
@given(variants(*TABLES))
def test_corpora_of_parquet(tmp_path, content):
    corpus_file(tmp_path, "a.parquet", content)


@fuzz
@given(variants(*ARROWS), FIELDS)
def test_corpora_of_arrow(tmp_path, content, field):
    corpus_file(tmp_path, "a.arrow", content, field=field)


@fuzz
@given(st.sampled_from(["a.jsonl.gz", "a.csv.zst", "a.txt"]), variants(*PACKED))
def test_packed_corpora(tmp_path, name, content):
    corpus_file(tmp_path, name, content)


@fuzz
@given(
    variants(LINES, "ä é".encode("utf-16"), "été".encode("latin-1"), pieces=("\x00", "\ufeff")),
    st.sampled_from([None, "utf-16", "cp1252", "shift_jis", "utf-7", "nope", "hex", "idna"]),
)
def test_encodings_of_corpora(tmp_path, content, encoding):
    corpus_file(tmp_path, "a.txt", content, encoding=encoding)


@fuzz
@given(st.one_of(variants(STATE, pieces=JSON_PIECES), VALUES.map(as_json)))
def test_folders_of_datasets(tmp_path, content):
    (tmp_path / "state.json").write_bytes(content)
    for path in read_or_refused(files_within, tmp_path) or ():
        assert path.parent == tmp_path


@fuzz
@given(
    st.lists(
        st.one_of(
            st.text(max_size=6),
            st.sampled_from(
                ["~nobody", "**x", "\x00", "a" * 5000, "/dev/zero", "/dev/stdin", "../..", "[", "~"]
            ),
        ),
        max_size=2,
    )
)
def test_names_of_corpora(tmp_path, monkeypatch, patterns):
    monkeypatch.chdir(tmp_path)
    read_or_refused(matching, tuple(one for one in patterns if not one.startswith("/*")))
