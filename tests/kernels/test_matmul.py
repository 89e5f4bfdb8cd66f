"""matmul against its golden model."""

from hw.kernels.matmul import Matmul
from tests.kernels.suite import Bad, suite

SCORES = {"TRANSPOSED": True, "ACCU_WIDTH": 21}
CONTEXT = {"TRANSPOSED": False, "A_SIGNED": False, "ACCU_WIDTH": 24}
NARROW = {"A_WIDTH": 4, "B_WIDTH": 4, "ACCU_WIDTH": 13}
LUTRAM = {"RAM_STYLE": "distributed"}
ULTRA = {"RAM_STYLE": "ultra"}

GRID = [
    Matmul.example(**SCORES, RAGGED=True),
    Matmul.example(**CONTEXT, LENGTH=24, DIM=6, PE=3, SIMD=4, RAGGED=True, DOUBLE=False),
    Matmul.example(**SCORES, **LUTRAM, LENGTH=3, DIM=5, PE=3, SIMD=1, rows=1),
    # The mask product: four vectors, a pixel a row.
    Matmul.example(**SCORES, **LUTRAM, LENGTH=4, DIM=12, PE=4, SIMD=2, DOUBLE=False, rows=40),
    Matmul.example(**SCORES, **ULTRA, LENGTH=40, DIM=10, PE=4, SIMD=5, RAGGED=True, rows=9),
    Matmul.example(**SCORES, LENGTH=9, DIM=8, PE=1, SIMD=8, RAGGED=True, DOUBLE=False, rows=1),
    Matmul.example(**SCORES, **LUTRAM, LENGTH=12, DIM=1, PE=2, SIMD=1, RAGGED=True),
    Matmul.example(**SCORES, LENGTH=1, DIM=1, PE=1, SIMD=1, rows=1),
    Matmul.example(TRANSPOSED=True, **NARROW, **LUTRAM, LENGTH=10, DIM=12, PE=2, SIMD=3, rows=5),
    Matmul.example(
        TRANSPOSED=True, **NARROW, A_SIGNED=False, LENGTH=8, DIM=8, PE=8, SIMD=8, RAGGED=True
    ),
    Matmul.example(TRANSPOSED=True, A_WIDTH=16, B_WIDTH=2, ACCU_WIDTH=20, DIM=6, SIMD=1, RES="lut"),
    Matmul.example(
        TRANSPOSED=True, A_WIDTH=2, B_WIDTH=16, ACCU_WIDTH=21, LENGTH=14, PE=7, DOUBLE=False
    ),
    Matmul.example(**CONTEXT, **LUTRAM, LENGTH=16, DIM=8, PE=4, SIMD=1, RAGGED=True, rows=6),
    Matmul.example(**CONTEXT, **ULTRA, LENGTH=16, DIM=5, PE=5, SIMD=2, RAGGED=True, rows=7),
    Matmul.example(**CONTEXT, LENGTH=12, DIM=7, PE=1, SIMD=3, rows=1),
    Matmul.example(**CONTEXT, **LUTRAM, LENGTH=8, DIM=6, PE=2, SIMD=8, RAGGED=True, rows=1),
    Matmul.example(TRANSPOSED=False, **NARROW, LENGTH=16, DIM=8, PE=2, SIMD=2, DOUBLE=False),
    Matmul.example(
        TRANSPOSED=False, **NARROW, A_SIGNED=False, **LUTRAM, LENGTH=1, DIM=9, PE=3, SIMD=1
    ),
    Matmul.example(
        TRANSPOSED=False, A_SIGNED=False, A_WIDTH=1, B_WIDTH=8, ACCU_WIDTH=13, RES="lut"
    ),
    Matmul.example(**CONTEXT, LENGTH=160, DIM=4, PE=2, SIMD=2, RAGGED=True, rows=3),
    Matmul.example(**SCORES, LENGTH=64, DIM=32, PE=4, SIMD=4, PACK=2, RAGGED=True, rows=12),
    Matmul.example(**CONTEXT, LENGTH=16, DIM=8, PE=2, SIMD=1, PACK=2, RAGGED=True),
    # Buffers of four words, soon overwritten once they are free.
    Matmul.example(**CONTEXT, LENGTH=2, DIM=2, PE=1, SIMD=1, rows=3, DOUBLE=False),
    Matmul.example(**SCORES, **LUTRAM, LENGTH=2, DIM=2, PE=1, SIMD=1, rows=2),
    Matmul.example(TRANSPOSED=True, **NARROW, LENGTH=16, DIM=6, PE=4, SIMD=2, PACK=4, RAGGED=True),
    Matmul.example(
        TRANSPOSED=False, **NARROW, A_SIGNED=False, LENGTH=9, DIM=8, PE=8, SIMD=3, PACK=4
    ),
]
BAD: Bad = [
    ({"LENGTH": 15}, "LENGTH"),
    ({"DIM": 7}, "DIM"),
    ({"PE": 0}, "PE"),
    ({"PE": 3, "LENGTH": 15}, "PE"),
    ({"SIMD": 0}, "SIMD"),
    ({"TRANSPOSED": False, "SIMD": 3, "LENGTH": 15}, "SIMD"),
    ({"A_WIDTH": 1}, "A_WIDTH"),
    ({"A_WIDTH": 17}, "A_WIDTH"),
    ({"B_WIDTH": 1}, "B_WIDTH"),
    ({"ACCU_WIDTH": 18}, "ACCU_WIDTH"),
    ({"ACCU_WIDTH": 33}, "ACCU_WIDTH"),
    ({"PACK": 3}, "PACK"),
    ({"PACK": 4, "PE": 4}, "PACK"),
    ({"PACK": 2, "B_WIDTH": 9, "ACCU_WIDTH": 24}, "PACK"),
    ({"PACK": 2, "RES": "lut"}, "PACK"),
    ({"PACK": 2, "PE": 1}, "PACK"),
    ({"RES": "fabric"}, "RES"),
    ({"RAM_STYLE": "auto"}, "RAM_STYLE"),
]
FAULT = ("load_groups == groups", "load_groups != groups")
RATE = [
    Matmul.example(**SCORES, LENGTH=32, DIM=16, PE=2, SIMD=4, rows=64),
    Matmul.example(**CONTEXT, LENGTH=32, DIM=16, PE=4, SIMD=2, rows=128),
]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
