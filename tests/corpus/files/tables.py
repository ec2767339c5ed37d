"""Bytes of files: tables as Arrow and Parquet write them, and what Zstandard packs."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq


def arrow_stream(table: pa.Table, compression: str | None = None) -> bytes:
    """An IPC stream."""
    buffer = pa.BufferOutputStream()
    options = ipc.IpcWriteOptions(compression=compression)
    with ipc.new_stream(buffer, table.schema, options=options) as writer:
        writer.write_table(table)
    return bytes(buffer.getvalue().to_pybytes())


def arrow_file(table: pa.Table, compression: str | None = None) -> bytes:
    """An IPC file, which is Feather's second version too."""
    buffer = pa.BufferOutputStream()
    options = ipc.IpcWriteOptions(compression=compression)
    with ipc.new_file(buffer, table.schema, options=options) as writer:
        writer.write_table(table)
    return bytes(buffer.getvalue().to_pybytes())


def parquet_file(table: pa.Table, **options: object) -> bytes:
    """A Parquet file."""
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, **options)
    return bytes(buffer.getvalue().to_pybytes())


def zstd(content: bytes) -> bytes:
    """Packed as Zstandard does."""
    buffer = pa.BufferOutputStream()
    with pa.CompressedOutputStream(buffer, "zstd") as stream:
        stream.write(content)
    return bytes(buffer.getvalue().to_pybytes())


def dataset_folder(folder: Path, *names: str, **state: object) -> Path:
    """What `save_to_disk` writes, but for the tables."""
    folder.mkdir(parents=True)
    listed = {"_data_files": [{"filename": name} for name in names], **state}
    (folder / "state.json").write_text(json.dumps(listed), encoding="utf-8")
    for name in names:
        (folder / name).touch()
    return folder
