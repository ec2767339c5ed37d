"""Arrays: what the header says is what the file holds, or nothing is read and nothing allocated."""

import io
import zipfile

import numpy as np
import pytest

from palimpsest.core.arrays import array_of
from palimpsest.core.errors import PalimpsestError
from palimpsest.core.storage import read_arrays, read_embeddings


def npy(array, shape=None):
    buffer = io.BytesIO()
    np.save(buffer, array)
    content = buffer.getvalue()
    if shape is None:
        return content
    old = f"'shape': {array.shape}, }}".encode()
    new = f"'shape': {shape}, }}".encode()
    at, end = content.index(old), content.index(b"\n")
    header = (content[:at] + new + content[at + len(old) : end].rstrip()).ljust(end)[:end]
    return header + content[end:]


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.zeros((0, 3), np.float32),
        np.array(3),
        np.array(["a", "ää"]),
        np.arange(3, dtype=">i4"),
        np.array([True]),
    ],
)
def test_an_array_is_what_numpy_reads(array):
    content = npy(array)
    found = array_of(io.BytesIO(content), len(content))
    theirs = np.load(io.BytesIO(content))
    np.testing.assert_array_equal(found, theirs)
    assert (found.dtype, found.flags.c_contiguous) == (theirs.dtype, theirs.flags.c_contiguous)
    assert found.flags.writeable


@pytest.mark.parametrize("shape", ["(10**12, 384)", "(1000000000000, 384)", "(3, 3)", "(2,)"])
def test_a_header_that_promises_other_than_follows(shape, tmp_path):
    content = npy(np.ones((2, 3), np.float32), shape)
    (tmp_path / "a.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", content)
    for read, name in ((read_embeddings, "a.npy"), (read_arrays, "a.npz")):
        with pytest.raises(PalimpsestError, match=rf"{name}: want an? \.np. ?\w*") as caught:
            read(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_file_that_was_cut_anywhere(tmp_path):
    whole = npy(np.ones((2, 3), np.float32))
    np.savez_compressed(tmp_path / "whole.npz", a=np.arange(50), b=np.ones(3))
    packed = (tmp_path / "whole.npz").read_bytes()
    for content, name, read in (
        (whole, "a.npy", read_embeddings),
        (packed, "a.npz", read_arrays),
    ):
        for length in range(len(content)):
            (tmp_path / name).write_bytes(content[:length])
            with pytest.raises(PalimpsestError, match=name):
                read(tmp_path / name)


@pytest.mark.parametrize("array", [np.ones(3), np.ones((2, 2), int), np.array([["a"]])])
def test_embeddings_are_a_matrix_of_numbers(array, tmp_path):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(PalimpsestError, match=r"a\.npy: want a matrix of numbers, got \S+ of shap"):
        read_embeddings(tmp_path / "a.npy")


def test_a_packed_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("palimpsest.core.parsing.MOST_UNPACKED", 10_000)
    np.savez_compressed(tmp_path / "a.npz", zeros=np.zeros(100_000))
    with pytest.raises(PalimpsestError, match=r"want an \.npz file, got 800,\d+ bytes packed into"):
        read_arrays(tmp_path / "a.npz")
