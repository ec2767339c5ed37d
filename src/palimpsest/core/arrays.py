"""Arrays of a .npy file as its header and its length agree: nothing is taken on trust.

`numpy.load` believes a header: one that promises 10¹² numbers asks for the memory first.
"""

import math
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

KINDS = "biufcU"
"""Kinds of dtype that are read: numbers and texts, no objects (pickles), no records."""


def array_of(file: IO[bytes], size: int) -> NDArray[Any]:
    """The array of an open .npy file; nothing is allocated that the file does not hold.

    Args:
        file: at its beginning.
        size: bytes that it has.

    Raises:
        ValueError: no array, one of objects (pickles), or its header promises other than follows;
            and whatever else numpy raises on a damaged header.
    """
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version} of the format")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else (
        np.lib.format.read_array_header_2_0
    )  # fmt: skip
    shape, fortran, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("Object arrays, which are pickles")
    if dtype.kind not in KINDS or dtype.itemsize == 0:
        raise ValueError(f"no numbers but {dtype}")
    there, promised = size - file.tell(), math.prod(shape) * dtype.itemsize
    if promised != there:
        raise ValueError(f"{there:,} bytes where the header promises {promised:,}")
    array = np.frombuffer(file.read(), dtype)
    return array.reshape(shape, order="F" if fortran else "C").copy(order="K")
