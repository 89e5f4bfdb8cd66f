"""Reads values from outside as what they should be: JSON, TOML, and the dataclasses made of them.

Nothing in a file is believed. What a reader here returns has the types that were asked for; what
does not fit raises ValueError or TypeError, never anything else, so that a caller can say in one
place which file it was.
"""

from __future__ import annotations

import collections.abc
import json
import math
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

LARGEST = 1 << 28
"""A file of text that is read has at most this many bytes."""
GREATEST = 1 << 53
"""Whole numbers beyond it are in no file of ours, and no floats."""

T = TypeVar("T")


def read_json(path: Path) -> Any:
    """What a JSON file holds. Raises OSError, ValueError."""
    return parse_json(_text(path))


def parse_json(text: str | bytes) -> Any:
    """What a text in JSON says. Raises ValueError."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("too many brackets in each other") from error


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file holds; Python 3.11 or newer. Raises OSError, ValueError."""
    import tomllib

    try:
        return tomllib.loads(_text(path))
    except RecursionError as error:
        raise ValueError("too many brackets in each other") from error


def _text(path: Path) -> str:
    size = path.stat().st_size
    if size > LARGEST:
        raise ValueError(f"{size:,} bytes, {LARGEST:,} at most")
    return path.read_text(encoding="utf-8")


def typed(kind: type[T], plain: Any) -> T:
    """A value of a type, out of what JSON holds: a number, text or truth value, or a dataclass
    whose fields are such, None, other such dataclasses, tuples and mappings of them. Raises
    TypeError or ValueError for anything else.
    """
    made: T = _typed(kind, plain, kind.__name__)
    return made


def _typed(kind: Any, plain: Any, what: str) -> Any:
    origin, parts = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _made(kind, plain, what)
    if origin in (Union, UnionType):
        (one,) = (part for part in parts if part is not type(None))
        return None if plain is None else _typed(one, plain, what)
    if origin is tuple:
        if not isinstance(plain, (list, tuple)):
            raise TypeError(f"{what} is {_short(plain)}, a list is needed")
        return tuple(_typed(parts[0], one, f"{what}[{i}]") for i, one in enumerate(plain))
    if origin is collections.abc.Mapping:
        if not isinstance(plain, dict):
            raise TypeError(f"{what} is {_short(plain)}, a table is needed")
        return {name: _typed(parts[1], one, f"{what}.{name}") for name, one in plain.items()}
    return _simple(kind, plain, what)


def _simple(kind: Any, plain: Any, what: str) -> Any:
    if kind is float and type(plain) is int:
        plain = float(plain) if abs(plain) < GREATEST else plain
    if type(plain) is not kind:
        raise TypeError(f"{what} is {_short(plain)}, {kind.__name__} is needed")
    if kind is int and abs(plain) > GREATEST or kind is float and not math.isfinite(plain):
        raise ValueError(f"{what} is {_short(plain)}")
    return plain


def _made(kind: Any, plain: Any, what: str) -> Any:
    if not isinstance(plain, dict):
        raise TypeError(f"{what} is {_short(plain)}, a table is needed")
    kinds = get_type_hints(kind)
    needed = {f.name for f in fields(kind) if f.default is f.default_factory is MISSING}
    if not needed <= plain.keys() <= kinds.keys():
        wrong = sorted(map(str, needed - plain.keys())) or sorted(plain.keys() - kinds.keys())
        raise TypeError(f"{what} lacks or does not have {', '.join(wrong)}")
    return kind(**{n: _typed(kinds[n], one, f"{what}.{n}") for n, one in plain.items()})


def whole(value: Any, what: str, least: int = 0, most: int = GREATEST) -> int:
    """The value, if it is a whole number of that range. Raises TypeError, ValueError."""
    if type(value) is not int:
        raise TypeError(f"{what} is {_short(value)}, a whole number is needed")
    if not least <= value <= most:
        raise ValueError(f"{what} is {_short(value)}, {least}..{most} is possible")
    return value


def _short(value: Any) -> str:
    text = repr(value) if not isinstance(value, int) or abs(value) < 1 << 99 else "a huge number"
    return text if len(text) <= 40 else f"{text[:37]}..."
