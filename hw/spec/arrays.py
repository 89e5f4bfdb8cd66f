"""Arrays out of .npz files that may come from anywhere: no pickles, no more bytes than the file
says, no more than a bound in all. numpy's own reader believes the sizes in a file's headers.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = 1 << 29
"""All arrays of a file, unpacked, have at most this many bytes."""
KINDS = "biufU"
"""Kinds of numpy type that are read: truth values, numbers, texts."""
_ZIP_FAULTS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,  # a compression that this Python lacks
    RuntimeError,  # a password
    OverflowError,
    SyntaxError,
    MemoryError,
)


def read_arrays(path: str | os.PathLike[str], largest: int = LARGEST) -> dict[str, NDArray[Any]]:
    """Arrays of an .npz by name, in this machine's byte order.

    Raises OSError where there is no such file, ValueError for one that is damaged, holds anything
    but arrays of numbers and texts, or unpacks to more than `largest` bytes.
    """
    # Opened here, so that a file's own offsets cannot raise the errors of a file system.
    data = io.BytesIO(Path(path).read_bytes())
    try:
        with zipfile.ZipFile(data) as stored:
            infos = stored.infolist()
            total = sum(info.file_size for info in infos)
            if total > largest:
                raise ValueError(f"{total:,} bytes unpacked, {largest:,} at most")
            found = {}
            for info in infos:
                name = info.filename.removesuffix(".npy")
                if name == info.filename or name in found:
                    raise ValueError(f"member {info.filename[:60]!r} is no array, or there twice")
                found[name] = _array(stored, info, name)
            return found
    except _ZIP_FAULTS as error:
        raise ValueError(f"no readable .npz: {str(error)[:200]}") from error
    except OSError as error:  # an offset before the file's beginning
        raise ValueError(f"no readable .npz: {error}") from error


def _array(stored: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> NDArray[Any]:
    with stored.open(info) as member:
        # By its length: without one zipfile unpacks all that there is, whatever the header says.
        data = io.BytesIO(member.read(info.file_size))
        if member.read(1):
            raise ValueError(f"array {name[:60]!r} is longer than it says")
    version = np.lib.format.read_magic(data)
    if version == (1, 0):
        shape, fortran, kind = np.lib.format.read_array_header_1_0(data)
    elif version == (2, 0):
        shape, fortran, kind = np.lib.format.read_array_header_2_0(data)
    else:
        raise ValueError(f"array {name[:60]!r} is of version {version} of numpy's format")
    if kind.kind not in KINDS:
        raise ValueError(f"array {name[:60]!r} is of type {kind}, which is not read")
    if not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError(f"array {name[:60]!r} has the shape {shape}")
    rest = data.read()
    count = 1
    for side in shape:
        count *= side
    if count * kind.itemsize != len(rest):
        raise ValueError(f"array {name[:60]!r} of {kind} {shape} has {len(rest):,} bytes")
    flat = np.frombuffer(rest, kind, count).astype(kind.newbyteorder("="))
    return flat.reshape(shape, order="F" if fortran else "C")
