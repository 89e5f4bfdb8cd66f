"""Messages of a page: what they mean, and what is refused."""

import json

import pytest

from host.errors import UsageError
from host.serve.commands import (
    Box,
    Pause,
    Phrase,
    Play,
    Point,
    Record,
    Remove,
    Rename,
    Seen,
    read_command,
)


def said(**message):
    return read_command(json.dumps(message))


def test_every_command_is_read():
    assert said(do="point", x=0.25, y=1) == Point(0.25, 1.0)
    assert said(do="point", x=0, y=0.5, positive=False, id=3) == Point(0.0, 0.5, False, 3)
    assert said(do="box", box=[0.1, 0.2, 0.5, 0.9]) == Box((0.1, 0.2, 0.5, 0.9))
    assert said(do="phrase", text="  red \n fish ") == Phrase("red fish")
    assert said(do="forget", text="fish") == Phrase("fish", False)
    assert said(do="rename", id=2, name="Schildkröte 魚") == Rename(2, "Schildkröte 魚")
    assert said(do="rename", id=2, name="") == Rename(2, "")
    assert said(do="remove", id=2) == Remove(2) and said(do="clear") == Remove(None)
    assert said(do="pause", id=1, on=False) == Pause(1, False)
    assert said(do="play", on=True) == Play(True) and said(do="record", on=False) == Record(False)
    assert said(do="seen", number=7) == Seen(7)


def test_a_box_is_cut_at_the_border_and_may_be_dragged_backwards():
    assert said(do="box", box=[0.9, 1.5, -0.5, 0.25]) == Box((0.0, 0.25, 0.9, 1.0))


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ("", "no JSON"),
        ("[" * 4000, "no JSON"),
        ("[1]", "type list"),
        ("{}", "unknown command None"),
        ('{"do": ["point"]}', "unknown command"),
        ('{"do": "format"}', "unknown command 'format'"),
        ('{"do": "point", "x": "a", "y": 0}', "x 'a'"),
        ('{"do": "point", "x": true, "y": 0}', "x True"),
        ('{"do": "point", "x": NaN, "y": 0}', "x nan"),
        ('{"do": "point", "x": 1.2, "y": 0.5}', "outside the picture"),
        ('{"do": "point", "x": 0.2, "y": 0.5, "positive": 1}', "positive 1"),
        ('{"do": "point", "x": 0.2, "y": 0.5, "id": "1"}', "id '1'"),
        ('{"do": "box", "box": [0, 0, 1]}', "box [0, 0, 1]"),
        ('{"do": "box", "box": [0, 0, 1, null]}', "box 'none'"),
        ('{"do": "box", "box": [1.1, 0.2, 1.4, 0.6]}', "outside the picture"),
        ('{"do": "box", "box": [0.1, -0.6, 0.4, -0.2]}', "outside the picture"),
        ('{"do": "rename", "id": 1, "name": "' + "n" * 41 + '"}', "name of 41 characters"),
        ('{"do": "rename", "id": 1}', "name None"),
        ('{"do": "phrase", "text": " \\u0007 "}', "empty phrase"),
        ('{"do": "phrase", "text": "' + "p" * 81 + '"}', "text of 81 characters"),
        ('{"do": "remove"}', "id None"),
        ('{"do": "pause", "id": 1, "on": "no"}', "on 'no'"),
        ('{"do": "clear"}' + " " * 5000, "5015 characters"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(message, wanted):
    with pytest.raises(UsageError) as caught:
        read_command(message)
    assert wanted in str(caught.value) and caught.value.remedy


def test_control_characters_do_not_get_into_names():
    assert said(do="rename", id=1, name="a\u0000b\u202ec\nd") == Rename(1, "a b c d")
