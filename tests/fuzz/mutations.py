"""Broken inputs made from whole ones: Hypothesis strategies that change bytes, structure, values.

Each draws what to change, so that a failure shrinks to the least change that fails.
"""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

MOST = 4
"""Changes of one input."""
DEEP = 30_000
"""Brackets in each other: more than a reader that calls itself can take."""

NAMES = ("", "x", "../x", "/etc/passwd", "a/../../x", "nul\0l", "\ud800", "x" * 5000, "tables.npz")
NUMBERS = (0, -1, 1, 2, 7, 255, 2**31 - 1, 2**31, 2**63 - 1, 2**64, -(2**63), 10**30)
FLOATS = (0.0, -0.0, 1e-320, 1e308, -1e308, float("nan"), float("inf"), float("-inf"), 0.5)
ODD_BYTES = (b"\0", b"\xff", b"\x7f\xff\xff\xff", b"\xff" * 4, b"[", b"{", b'"', b"\xed\xa0")
ODD_FILES = (b"[" * DEEP, b'{"a":' * DEEP, b"", b"null", b"\xff\xfe", b"9" * 9999)
ODD_VALUES = (
    "",
    "0",
    "-1",
    "nan",
    "inf",
    "1e400",
    "9" * 5000,
    "0xZZ",
    "FFFFFFFFFFFFFFFFFF",
    "&#0;",
)
ODD_LINES = (
    *("[", "]", '""', "nan", "inf", "-1", "0", "1e400", "{}", "[]", "true", '"x"', "0x_"),
    *("[" * 5000, "9" * 5000, "1979-05-27", "'\ud7ff'", "[x]", "[style]", "x = 1"),
)


def values() -> SearchStrategy[Any]:
    """What no reader expects in a place."""
    return st.one_of(
        st.sampled_from([None, True, False, *NUMBERS, *FLOATS, *NAMES]),
        st.integers(),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from([[], {}, [[]], [None], {"": None}, [[1, [2, [3]]]], [0] * 200]),
        st.lists(st.integers(-2, 300), max_size=5),
    )


@st.composite
def broken_bytes(draw: DrawFn, whole: SearchStrategy[bytes]) -> bytes:
    """Bytes cut, overwritten, put in, taken out, doubled or swapped."""
    data = bytearray(draw(whole))
    for _ in range(draw(st.integers(1, MOST))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        kind = draw(st.integers(0, 6))
        if kind == 0:
            del data[at:]
        elif kind == 1:
            data[at : at + 1] = bytes([draw(st.integers(0, 255))])
        elif kind == 2:
            odd = draw(st.sampled_from(ODD_BYTES))
            data[at : at + len(odd)] = odd
        elif kind == 3:
            data[at:at] = draw(st.binary(max_size=8))
        elif kind == 4:
            del data[at : at + draw(st.integers(1, 64))]
        elif kind == 5:
            part = bytes(data[at : at + draw(st.integers(1, 64))])
            to = draw(st.integers(0, len(data)))
            data[to:to] = part
        elif data:
            data[at] ^= 1 << draw(st.integers(0, 7))
    return bytes(data)


def _places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(tree, dict):
        items: Any = tree.items()
    else:
        items = enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        found += _places(value, (*path, key))
    return found


@st.composite
def broken_tree(draw: DrawFn, whole: SearchStrategy[Any]) -> Any:
    """A tree of dictionaries and lists with values replaced, taken out, doubled, moved, renamed."""
    tree = copy.deepcopy(draw(whole))
    for _ in range(draw(st.integers(1, MOST))):
        places = _places(tree)
        if not places:
            return draw(values())
        *way, last = places[draw(st.integers(0, len(places) - 1))]
        owner = tree
        for step in way:
            owner = owner[step]
        kind = draw(st.integers(0, 6))
        if kind <= 2:
            owner[last] = draw(values())
        elif kind == 3:
            del owner[last]
        elif kind == 4:
            if isinstance(owner, list):
                owner.insert(last, copy.deepcopy(owner[last]))
            else:
                owner[draw(st.sampled_from(NAMES[:6] + NAMES[7:]))] = owner.pop(last)
        elif kind == 5:
            *other, end = places[draw(st.integers(0, len(places) - 1))]
            source = tree
            for step in other:
                source = source[step] if source is not None else None
            owner[last] = copy.deepcopy(source[end]) if source is not None else None
        else:
            number = owner[last]
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                owner[last] = [copy.deepcopy(number)]
            else:
                owner[last] = number + draw(st.sampled_from((-1, 1, 2, 1000, 0.5)))
    return tree


@st.composite
def broken_json(draw: DrawFn, whole: SearchStrategy[Any]) -> bytes:
    """A JSON file: broken as a tree mostly, else as text."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(st.sampled_from(ODD_FILES))
    if kind <= 2:
        return draw(broken_bytes(whole.map(lambda tree: json.dumps(tree).encode())))
    return json.dumps(draw(broken_tree(whole))).encode("utf-8", "surrogatepass")


Arrays = Mapping[str, np.ndarray]


def _odd_array(array: np.ndarray, kind: int, number: int) -> np.ndarray:
    flat = np.array(array)
    if kind == 0:
        kinds = (np.float64, np.int8, np.uint64, np.bool_, np.complex64, "U3")
        source = flat if flat.dtype.kind != "U" else np.zeros(flat.shape, np.uint8)
        with np.errstate(all="ignore"):
            return source.astype(kinds[number % len(kinds)])
    if kind == 1:
        return flat.reshape(-1)[: number % (flat.size + 1)]
    if kind == 2:
        return flat[None] if number % 2 else flat.T.copy()
    if kind == 3 and flat.size and flat.dtype.kind in "iu":
        limits = np.iinfo(flat.dtype)
        flat.reshape(-1)[number % flat.size] = (limits.max, limits.min, 0)[number % 3]
    elif kind == 3 and flat.size and flat.dtype.kind == "f":
        flat.reshape(-1)[number % flat.size] = FLOATS[number % len(FLOATS)]
    elif kind == 4:
        return np.zeros((0, *flat.shape[1:]), flat.dtype)
    elif kind == 5:
        return np.asfortranarray(flat.astype(flat.dtype.newbyteorder(">")))
    return flat


def whole_members(arrays: Arrays) -> dict[str, bytes]:
    """Files of an .npz of those arrays, by name."""
    return {f"{name}.npy": _npy(array) for name, array in arrays.items()}


def _npy(array: np.ndarray, allow_pickle: bool = False) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, array, allow_pickle=allow_pickle)
    return out.getvalue()


class Trap:
    """What a pickle that is loaded would run."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        import os

        return os.system, ("exit 1",)


def _claims(shape: str, descr: str = "'<i8'") -> bytes:
    """A .npy file whose header claims more than there is."""
    head = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    head += b" " * (63 - (len(head) + 10) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head


ODD_MEMBERS: Sequence[bytes] = (
    b"",
    b"\x93NUMPY",
    b"PK\x03\x04",
    _claims("(1 << 50,)"),
    _claims(f"({2**62},)"),
    _claims("(4096, 4096, 4096)"),
    _claims("(-1,)"),
    _claims("(True, 3)"),
    _claims("()", "'|O'"),
    _claims("(0,)", "'<U999999999'"),
    _claims("(2,)", "[('a', '<i4'), ('b', '|O')]"),
    _claims("(" * 300 + ")" * 300),
    _npy(np.array([Trap()], object), allow_pickle=True),
)
ODD_NAMES = ("../escape.npy", "/tmp/escape.npy", "a/../../escape.npy", "x", "", "x" * 3000)


@cache
def _bomb(name: str) -> bytes:
    """Half a gigabyte of zeros, packed to a thousandth of it."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        file.open(name, "w") as into,
    ):
        into.write(_claims(f"({1 << 29},)", "'|i1'"))
        for _ in range(64):
            into.write(bytes(1 << 23))
    return out.getvalue()


@st.composite
def broken_npz(
    draw: DrawFn, whole: SearchStrategy[Arrays], made: Mapping[str, bytes] | None = None
) -> bytes:
    """An .npz: bytes of the file, its members, names and compression, or the arrays' values.

    made: `whole_members` of the arrays, where they are always the same.
    """
    arrays = dict(draw(whole))
    kind = draw(st.integers(0, 9))
    members = whole_members(arrays) if made is None else dict(made)
    method = draw(st.sampled_from((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
    if kind > 1:
        for _ in range(draw(st.integers(1, MOST))):
            if not arrays:
                break
            name = draw(st.sampled_from(sorted(arrays)))
            change = draw(st.integers(0, 7))
            if change <= 4:
                odd = _odd_array(arrays[name], draw(st.integers(0, 5)), draw(st.integers(0, 10**6)))
                members[f"{name}.npy"] = _npy(odd)
            elif change == 5:
                members[f"{name}.npy"] = draw(st.sampled_from(ODD_MEMBERS))
            elif change == 6:
                members.pop(f"{name}.npy", None)
            else:
                members[draw(st.sampled_from(ODD_NAMES))] = members.get(f"{name}.npy", b"")
    if draw(st.integers(0, 60)) == 0:
        return _bomb("bomb.npy" if kind > 4 else next(iter(members), "x.npy"))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method, compresslevel=1) as file:
        for member, data in members.items():
            file.writestr(member or "unnamed", data)
    if kind <= 1:
        return draw(broken_bytes(st.just(out.getvalue())))
    return out.getvalue()


@st.composite
def broken_text(draw: DrawFn, whole: SearchStrategy[str]) -> bytes:
    """A file of lines, as TOML: lines taken out, doubled, moved, their values replaced."""
    if draw(st.integers(0, 2)) == 0:
        return draw(broken_bytes(whole.map(str.encode)))
    lines = draw(whole).splitlines()
    for _ in range(draw(st.integers(1, MOST))):
        if not lines:
            break
        at = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.integers(0, 3))
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(draw(st.integers(0, len(lines))), lines[at])
        elif kind == 2 and "=" in lines[at]:
            lines[at] = f"{lines[at].split('=')[0]}= {draw(st.sampled_from(ODD_LINES))}"
        else:
            lines.insert(at, draw(st.sampled_from(ODD_LINES)))
    return "\n".join(lines).encode("utf-8", "surrogatepass")
