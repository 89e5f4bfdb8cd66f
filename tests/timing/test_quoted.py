"""Reports give frames a second at the clock that the analysis supports, never above the board's."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from hw.build.timing import FILE, quoted

HARDWARE: Any = SimpleNamespace(
    clock_mhz=200.0, graphs=[SimpleNamespace(name="encoder"), SimpleNamespace(name="decoder")]
)


def saved(folder, **clocks):
    plain = {graph: {"supported_mhz": mhz} for graph, mhz in clocks.items()}
    (folder / FILE).write_text(json.dumps(plain))


@pytest.mark.parametrize(
    ("clocks", "mhz", "said"),
    [
        ({"encoder": 115.2, "decoder": 180.0}, 115.2, "supports 115 MHz (`encoder` binds)"),
        ({"encoder": 230.0, "decoder": 215.0}, 200.0, "supports 215 MHz (`decoder` binds)"),
        ({"encoder": 115.2, "decoder": 180.0, "system": 112.0}, 112.0, "(`system` binds)"),
        ({"encoder": 115.2, "decoder": 180.0, "system": 115.2}, 115.2, "(`encoder` binds)"),
        ({"encoder": 115.2}, 200.0, "no timing analysis has confirmed"),  # not of every graph
        ({}, 200.0, "no timing analysis has confirmed"),
    ],
)
def test_the_lesser_clock_is_quoted(tmp_path, clocks, mhz, said):
    saved(tmp_path, **clocks)
    clock, sentence = quoted(tmp_path, HARDWARE)
    assert clock == mhz and said in sentence


def test_without_an_analysis_that_is_said(tmp_path):
    clock, sentence = quoted(tmp_path, HARDWARE)
    assert clock == 200.0 and "no timing analysis has confirmed" in sentence
