"""A system of small accelerators with every feature: several inputs, a ragged one, both settings, a
setup stream.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hw.kernels.attention import Attention
from hw.kernels.duplicate import Duplicate
from hw.kernels.join_add import JoinAdd
from hw.kernels.mvu import Mvu
from hw.kernels.pipe import Pipe
from hw.spec.hardware import GraphHardware, Hardware, StreamEnd
from hw.stitch.netlist import Netlist
from hw.stitch.system import System, at_ends

BEATS = 24
QUERIES, LENGTH, DIM, PE = 3, 16, 4, 2
VECTORS, COLUMNS, ROWS = 5, 6, 4

COPY = Netlist(
    "copy_frame",
    {"fork": Duplicate.example(beats=BEATS), "pipe": Pipe.example(beats=BEATS)},
    (
        ("s_axis_image", "fork.s_axis"),
        ("fork.m_axis_0", "pipe.s_axis"),
        ("pipe.m_axis", "m_axis_first"),
        ("fork.m_axis_1", "m_axis_second"),
    ),
)
ADD = Netlist(
    "add_frames",
    {"join": JoinAdd.example(beats=BEATS)},
    (("s_axis_a", "join.s_axis_a"), ("s_axis_b", "join.s_axis_b"), ("join.m_axis", "m_axis_sum")),
)
ATTEND = Netlist(
    "attend",
    {
        "head": Attention.example(
            LENGTH=LENGTH, DIM=DIM, PE=PE, SIMD=1, SETS=2, RAGGED=True, RES="lut", queries=QUERIES
        )
    },
    (
        ("s_axis_length", "head.s_axis_length"),
        ("s_axis_layer", "head.s_axis_layer"),
        ("s_axis_queries", "head.s_axis_q"),
        ("s_axis_keys", "head.s_axis_k"),
        ("s_axis_values", "head.s_axis_v"),
        ("head.m_axis", "m_axis_context"),
    ),
)
PRODUCT = Mvu.example(
    **{"MW": COLUMNS, "MH": ROWS, "PE": 1, "SIMD": 1, "ACTIVATION_WIDTH": 3, "WEIGHT_WIDTH": 2},
    **{"ACCU_WIDTH": 8, "RES": "lut", "RAM_STYLE": "ultra", "vectors": VECTORS},
)
MULTIPLY = Netlist(
    "multiply",
    {"mvu": PRODUCT},
    (
        ("s_axis_vectors", "mvu.s_axis"),
        ("s_axis_weights", "mvu.s_axis_weights"),
        ("mvu.m_axis", "m_axis_sums"),
    ),
)
ACCELERATORS = {"copy": COPY, "add": ADD, "attend": ATTEND, "multiply": MULTIPLY}


def end(name: str, beats: int, number: int = 0, **ragged: int) -> StreamEnd:
    """A stream of the port that its name ends with. `at_ends` gives it its number."""
    return StreamEnd(name, name.split("_")[-1], number, beats, bool(ragged), **ragged)


ENTRIES = (
    GraphHardware(
        name="copy",
        index=0,
        inputs=(end("s_axis_image", BEATS),),
        outputs=(end("m_axis_first", BEATS), end("m_axis_second", BEATS)),
        cycles=COPY.cycles(),
    ),
    GraphHardware(
        name="add",
        index=1,
        inputs=(end("s_axis_a", BEATS), end("s_axis_b", BEATS)),
        outputs=(end("m_axis_sum", BEATS),),
        cycles=ADD.cycles(),
    ),
    GraphHardware(
        name="attend",
        index=2,
        inputs=(
            end("s_axis_queries", QUERIES * DIM),
            end("s_axis_keys", DIM, rows=PE),
            end("s_axis_values", DIM, rows=PE),
        ),
        outputs=(end("m_axis_context", QUERIES * DIM),),
        cycles=ATTEND.cycles(),
    ),
    GraphHardware(
        name="multiply",
        index=3,
        inputs=(end("s_axis_vectors", VECTORS * COLUMNS),),
        outputs=(end("m_axis_sums", VECTORS * ROWS),),
        cycles=MULTIPLY.cycles(),
        setup=end("s_axis_weights", COLUMNS * ROWS),
        setup_file="multiply.bin",
    ),
)
HARDWARE = at_ends(
    Hardware(
        board="KV260",
        part="xck26-sfvc784-2LV-c",
        clock_mhz=200.0,
        identity=0x5AFAB51C,
        top="samfabric",
        sources=(),
        graphs=ENTRIES,
    ),
    ACCELERATORS,
    8,
)
GRAPHS = HARDWARE.graphs


def system(**changed: Any) -> System:
    """The system; `changed` are fields of its Hardware."""
    return System("samfabric", ACCELERATORS, replace(HARDWARE, **changed))
