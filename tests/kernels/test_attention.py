"""attention against its golden model."""

from typing import Any

import numpy as np
import torch

from hw.design import Design
from hw.kernels.attention import Attention
from hw.ops.softmax import exp_table
from sim.bench.check import _case, simulate
from tests.kernels.suite import Bad, suite


def head(**fields: Any) -> Attention:
    """The head with accumulators as wide as its other fields ask."""
    default = {"LENGTH": 16, "DIM": 8, "Q_WIDTH": 8, "K_WIDTH": 8, "V_WIDTH": 8, "E_WIDTH": 8}
    f = {**default, **fields}
    scores = f["Q_WIDTH"] + f["K_WIDTH"] + f["DIM"].bit_length() - 1
    weight = f["LENGTH"] * ((1 << f["E_WIDTH"]) - 1)
    total = (weight * (1 << f["V_WIDTH"] - 1) - 1).bit_length() + 1
    widths = {"S_ACCU_WIDTH": scores, "N_ACCU_WIDTH": total, "SUM_WIDTH": weight.bit_length()}
    return Attention.example(**{"PORT_WIDTH": min(scores, 25), **widths, **f})


FAST = {"DIVIDE_CYCLES": 1}
NARROW = {"Q_WIDTH": 4, "K_WIDTH": 4, "V_WIDTH": 4}
EXP = exp_table(1 / 8, 1 / 255, 255, 255)
GRID = [
    head(RAGGED=True),
    head(**FAST, RAGGED=True, DOUBLE=False),
    head(LENGTH=24, PE=3, SIMD=4, RAM_STYLE="distributed"),
    head(**FAST, PE=2, SIMD=8, RAGGED=True),
    head(**FAST, PE=4, SIMD=8, RAGGED=True, DOUBLE=False),
    head(**FAST, LENGTH=1, DIM=3, PE=1, SIMD=1),
    head(**FAST, LENGTH=4, PE=4, SIMD=8, queries=40),
    head(**FAST, LENGTH=4, PE=4, SIMD=8, RAGGED=True, queries=1, RAM_STYLE="distributed"),
    head(RAGGED=True, LENGTH=20, PE=1, queries=1),
    head(**NARROW, **FAST, PE=4, SIMD=4, PACK=4, E_WIDTH=4, S_WIDTH=4),
    head(LENGTH=32, PE=2, SIMD=4, PACK=2, RAGGED=True, table=EXP),
    head(**NARROW, RES="lut", PE=1, SIMD=1, DIM=4, SHIFT=20, OUT_WIDTH=4, DIVIDE_CYCLES=4),
    head(RAM_STYLE="ultra", ROW_STYLE="block", ROM_STYLE="block", RAGGED=True, LENGTH=24),
    head(SETS=3, SHIFTS=2, SHIFT_STEP=2, RAGGED=True, LENGTH=32, PE=4),
    head(**FAST, SETS=2, PE=16, SIMD=2),
    head(OUT_WIDTH=10, DIVIDE_CYCLES=10, LENGTH=22, TIE=16, table=EXP),
    head(**FAST, V_WIDTH=2, OUT_WIDTH=2, E_WIDTH=1, S_WIDTH=2, SHIFT=30, M_WIDTH=14, TIE=1),
    head(LENGTH=64, DIM=16, PE=4, SIMD=4, queries=9, RAGGED=True, table=EXP),
    head(Q_WIDTH=16, K_WIDTH=13, PORT_WIDTH=20, **FAST, LENGTH=12),
    head(LENGTH=13, DIM=6, PE=1, SIMD=3, queries=13, DOUBLE=False),
    head(**FAST, LENGTH=13, DIM=12, PE=13, SIMD=2, queries=13, ROW_STYLE="block"),
    head(LENGTH=104, DIM=12, PE=4, SIMD=4, queries=3, RAGGED=True, ROW_STYLE="ultra"),
    head(LENGTH=72, PE=8, SIMD=4, PACK=2, RAGGED=True, ROM_STYLE="block"),
]
BAD: Bad = [
    ({"LENGTH": 15}, "LENGTH"),
    ({"DIM": 7}, "DIM"),
    ({"PE": 0}, "PE"),
    ({"PE": 3, "LENGTH": 15}, "PE"),
    ({"SIMD": 0}, "SIMD"),
    ({"Q_WIDTH": 1}, "Q_WIDTH"),
    ({"K_WIDTH": 17}, "K_WIDTH"),
    ({"V_WIDTH": 1}, "V_WIDTH"),
    ({"S_WIDTH": 9}, "S_WIDTH"),
    ({"E_WIDTH": 0}, "E_WIDTH"),
    ({"OUT_WIDTH": 1}, "OUT_WIDTH"),
    ({"S_ACCU_WIDTH": 18}, "S_ACCU_WIDTH"),
    ({"N_ACCU_WIDTH": 19}, "N_ACCU_WIDTH"),
    ({"SUM_WIDTH": 11}, "SUM_WIDTH"),
    ({"TIE": 17}, "TIE"),
    ({"DIVIDE_CYCLES": 4}, "DIVIDE_CYCLES"),
    ({"PACK": 4}, "PACK"),
    ({"RES": "fabric"}, "RES"),
    ({"RAM_STYLE": "auto"}, "RAM_STYLE"),
    ({"ROW_STYLE": "auto"}, "ROW_STYLE"),
    ({"ROM_STYLE": "ultra"}, "ROM_STYLE"),
]
FAULT = (".s_axis_b_tdata      (s_axis_v_tdata)", ".s_axis_b_tdata      (~s_axis_v_tdata)")
RATE = [head(LENGTH=32, PE=2, SIMD=4, RAGGED=True, queries=128)]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)


def test_rows_shorter_than_a_division() -> None:
    """Rows whose scores and context come faster than serial divisions: all waits, none for good."""
    kernel, rng = head(RAGGED=True, queries=12), np.random.default_rng(1)
    cases = []
    for pattern in ("none", "random", "opposed"):
        lengths = [int(n) for n in rng.permutation([1, 2, 3, 16, 7])]
        frames = [kernel.stimulus(rng, "random", length=n) for n in lengths]
        cases.append(_case(kernel, f"lengths {lengths}", pattern, frames, None))
    outcomes = simulate(Design.of(kernel), cases)
    assert [fault for o in outcomes for fault in o.faults] == []


def test_filled_up_rows_take_no_part() -> None:
    """The result is that of a head as long as the keys, whatever rows fill them up."""
    rng = np.random.default_rng(2)
    for length in (1, 5, 8, 11, 16):
        short = head(LENGTH=length, PE=1, SIMD=4)
        frame = short.stimulus(rng, "random")
        wanted = short.golden({k: torch.from_numpy(v) for k, v in frame.items()})["m_axis"]
        kernel = head(RAGGED=True, PE=8, SIMD=4)
        filled = kernel.stimulus(rng, "random", length=length) | {"s_axis_q": frame["s_axis_q"]}
        for name in ("s_axis_k", "s_axis_v"):
            filled[name][:length] = frame[name]
        found = kernel.golden({k: torch.from_numpy(v) for k, v in filled.items()})["m_axis"]
        assert torch.equal(found, wanted)
