"""A page may ask for these things; they are read from its messages, and refused with the reason
where they make no sense.

A message is a JSON object whose `do` names the command:

    {"do": "point", "x": 0.27, "y": 0.64, "positive": true, "id": 1}    id: of what is corrected
    {"do": "box", "box": [0.1, 0.2, 0.5, 0.9]}
    {"do": "phrase", "text": "fish"}    {"do": "forget", "text": "fish"}
    {"do": "rename", "id": 1, "name": "Ada"}    {"do": "remove", "id": 1}    {"do": "clear"}
    {"do": "pause", "id": 1, "on": true}    {"do": "play", "on": false}
    {"do": "record", "on": true}
    {"do": "seen", "number": 17}    which picture the page has shown

Coordinates run from 0 to 1 over the picture.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from host.errors import UsageError
from host.serve.limits import MESSAGE_BYTES, NAME_LENGTH, PHRASE_LENGTH


@dataclass(frozen=True)
class Point:
    """A point is a click: on the object (positive) or on what does not belong to it. object_id None
    starts an object.
    """

    x: float
    y: float
    positive: bool = True
    object_id: int | None = None


@dataclass(frozen=True)
class Box:
    """A box x0, y0, x1, y1 was dragged; object_id None starts an object."""

    box: tuple[float, float, float, float]
    object_id: int | None = None


@dataclass(frozen=True)
class Phrase:
    """A phrase is a name to look for, now and from now on; with on False it is looked for no
    longer.
    """

    text: str
    on: bool = True


@dataclass(frozen=True)
class Rename:
    """An object gets a new name; an empty one takes the name away."""

    object_id: int
    name: str


@dataclass(frozen=True)
class Remove:
    """An object is to be forgotten; None means all objects and phrases."""

    object_id: int | None = None


@dataclass(frozen=True)
class Pause:
    """An object is to be set aside, or taken up again."""

    object_id: int
    on: bool


@dataclass(frozen=True)
class Play:
    """The picture is to run, or to be held."""

    on: bool


@dataclass(frozen=True)
class Record:
    """A recording is to begin or to end."""

    on: bool


@dataclass(frozen=True)
class Seen:
    """A page has shown a picture."""

    number: int


Command = Point | Box | Phrase | Rename | Remove | Pause | Play | Record | Seen


def read_command(message: str) -> Command:
    """Returns the command of a page's message. Raises UsageError for a message that
    makes no sense.
    """
    if len(message) > MESSAGE_BYTES:
        raise UsageError(f"a message of {len(message)} characters", f"{MESSAGE_BYTES} are the most")
    try:
        said = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise UsageError("a message that is no JSON", 'send {"do": ...}') from error
    if not isinstance(said, dict):
        raise UsageError(f"a message of type {type(said).__name__}", 'send {"do": ...}')
    do = said.get("do")
    make = READERS.get(do) if isinstance(do, str) else None
    if make is None:
        raise UsageError(f"unknown command {_short(do)}", f"there is: {', '.join(READERS)}")
    return make(said)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _number(said: dict[str, Any], key: str, value: Any = None) -> float:
    given = said.get(key) if value is None else value
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given):
        raise UsageError(f"{key} {_short(given)}", "give a number from 0 to 1")
    return float(given)


def _flag(said: dict[str, Any], key: str) -> bool:
    given = said.get(key, True)
    if not isinstance(given, bool):
        raise UsageError(f"{key} {_short(given)}", "give true or false")
    return given


def _id(said: dict[str, Any]) -> int:
    given = said.get("id")
    if isinstance(given, bool) or not isinstance(given, int):
        raise UsageError(f"id {_short(given)}", "give the number of an object")
    return given


def _some_id(said: dict[str, Any]) -> int | None:
    return None if said.get("id") is None else _id(said)


def _text(said: dict[str, Any], key: str, most: int) -> str:
    given = said.get(key)
    if not isinstance(given, str):
        raise UsageError(f"{key} {_short(given)}", "give a text")
    tidy = " ".join("".join(c if c.isprintable() else " " for c in given).split())
    if len(tidy) > most:
        raise UsageError(f"a {key} of {len(tidy)} characters", f"{most} are the most")
    return tidy


def _point(said: dict[str, Any]) -> Point:
    x, y = _number(said, "x"), _number(said, "y")
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise UsageError(f"a click at ({x:g}, {y:g}), outside the picture", "click on the picture")
    return Point(x, y, _flag(said, "positive"), _some_id(said))


def _box(said: dict[str, Any]) -> Box:
    given = said.get("box")
    if not isinstance(given, list) or len(given) != 4:
        raise UsageError(f"box {_short(given)}", "give [x0, y0, x1, y1]")
    corners = [_number(said, "box", value if value is not None else "none") for value in given]
    x0, x1 = sorted((corners[0], corners[2]))
    y0, y1 = sorted((corners[1], corners[3]))
    if x1 <= 0 or y1 <= 0 or x0 >= 1 or y0 >= 1:
        raise UsageError(
            f"a box from ({x0:g}, {y0:g}) to ({x1:g}, {y1:g}), outside the picture",
            "drag it over the picture",
        )
    return Box((max(x0, 0.0), max(y0, 0.0), min(x1, 1.0), min(y1, 1.0)), _some_id(said))


def _phrase(on: bool) -> Callable[[dict[str, Any]], Phrase]:
    def read(said: dict[str, Any]) -> Phrase:
        text = _text(said, "text", PHRASE_LENGTH)
        if not text:
            raise UsageError("an empty phrase", "type what to look for: fish")
        return Phrase(text, on)

    return read


def _seen(said: dict[str, Any]) -> Seen:
    return Seen(int(_number(said, "number")))


READERS: dict[str, Callable[[dict[str, Any]], Command]] = {
    "point": _point,
    "box": _box,
    "phrase": _phrase(True),
    "forget": _phrase(False),
    "rename": lambda said: Rename(_id(said), _text(said, "name", NAME_LENGTH)),
    "remove": lambda said: Remove(_id(said)),
    "clear": lambda said: Remove(),
    "pause": lambda said: Pause(_id(said), _flag(said, "on")),
    "play": lambda said: Play(_flag(said, "on")),
    "record": lambda said: Record(_flag(said, "on")),
    "seen": _seen,
}
