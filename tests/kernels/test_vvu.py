"""vvu against its golden model."""

from hw.kernels.vvu import Vvu
from tests.kernels.suite import Bad, in_order, suite

vvu = in_order(Vvu)


GRID = [
    vvu(8, 9, PE=4, RAM_STYLE="distributed", SETS=3, pixels=2),
    vvu(12, 9, PE=2, SIMD=3, PACK=2, SIGNED_ACTIVATIONS=True, pixels=3),
    vvu(6, 9, PE=3, SIMD=9, RES="lut", RAM_STYLE="ultra", SETS=2, pixels=4),
    vvu(144, 9, PE=4, pixels=2),
    vvu(144, 9, PE=4, PACK=2, pixels=2),
    vvu(144, 9, PE=4, RES="lut", pixels=2),
    vvu(144, 9, PE=4, SETS=4, pixels=2),
    vvu(144, 9, PE=8, SIMD=3, SETS=2, pixels=2),
    vvu(1, 1, RAM_STYLE="distributed", pixels=1),
    vvu(1, 9, SIMD=9, RAM_STYLE="ultra", pixels=1),
    vvu(5, 9, PE=5, SIMD=1, SETS=5, pixels=3),
    vvu(24, 25, PE=2, SIMD=5, ACTIVATION_WIDTH=3, PACK=2, pixels=2),
    vvu(24, 25, PE=2, SIMD=5, ACCU_WIDTH=14, RES="lut", pixels=2),
    vvu(16, 9, PE=16, SIMD=9, pixels=3),
    vvu(16, 9, PE=16, SIMD=9, PACK=2, pixels=3),
    vvu(32, 9, 4, 1, 8, True, 8, 20, pixels=2),
    vvu(32, 9, 4, 3, 8, False, 8, 21, RAM_STYLE="distributed", pixels=2),
    vvu(32, 9, 2, 1, 8, False, 4, 16, RAM_STYLE="ultra", pixels=2),
    vvu(16, 9, 4, 1, 1, False, 2, 6, PACK=2, pixels=2),
    vvu(16, 9, 4, 1, 2, True, 2, 7, RES="lut", pixels=2),
    vvu(4, 9, 2, 1, 16, False, 16, 32, weights=None, pixels=2),
    vvu(64, 9, 8, 1, 4, False, 4, 10, PACK=2, pixels=2),
    vvu(144, 9, 4, 1, 4, True, 4, 11, PACK=2, SETS=2, RAM_STYLE="distributed", pixels=1),
]
BAD: Bad = [
    ({"NumChannels": 0}, "NumChannels"),
    ({"TAPS": 0}, "TAPS"),
    ({"PE": 3}, "PE"),
    ({"PE": 0}, "PE"),
    ({"SIMD": 2}, "SIMD"),
    ({"SIMD": 0}, "SIMD"),
    ({"ACTIVATION_WIDTH": 17}, "ACTIVATION_WIDTH"),
    ({"ACTIVATION_WIDTH": 1, "SIGNED_ACTIVATIONS": True}, "ACTIVATION_WIDTH"),
    ({"WEIGHT_WIDTH": 1}, "WEIGHT_WIDTH"),
    ({"ACCU_WIDTH": 3}, "ACCU_WIDTH"),
    ({"ACCU_WIDTH": 33}, "ACCU_WIDTH"),
    ({"SETS": 0}, "SETS"),
    ({"SETS": 257}, "SETS"),
    ({"RAM_STYLE": "auto"}, "RAM_STYLE"),
    ({"RES": "fabric"}, "RES"),
    ({"PACK": 3}, "PACK"),
    ({"PACK": 2, "PE": 1}, "PACK"),
    ({"PACK": 2, "RES": "lut"}, "PACK"),
    ({"PACK": 2, "ACCU_WIDTH": 13}, "PACK"),
]
FAULT = ("acc_q) + ACCU_WIDTH'(product_q)", "acc_q) - ACCU_WIDTH'(product_q)")
RATE = [vvu(8, 9, PE=4, pixels=400), vvu(8, 9, PE=4, SIMD=3, SETS=2, pixels=400)]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
