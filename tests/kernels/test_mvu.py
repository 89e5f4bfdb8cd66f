"""mvu against its golden model."""

from itertools import product

import numpy as np

from hw.kernels.mvu import Mvu
from tests.kernels.suite import Bad, in_order, suite

mvu = in_order(Mvu)


def narrow(mh: int, mw: int, bits: int = 4, sets: int = 1) -> np.ndarray:
    """Weights without the least code of their width."""
    top = (1 << (bits - 1)) - 1
    return np.random.default_rng(mh).integers(-top, top, (sets, mh, mw), endpoint=True)


def quadruples(least: int) -> np.ndarray:
    """Single weights, four rows for four that share a multiplier: every pair of neighbours at each
    place, and pairs with one or two zeros between, over which a borrow runs.
    """
    pairs = list(product(range(least, 8), repeat=2))
    rows = [(a, b, a, b) for a, b in pairs]
    rows += [four for a, b in pairs for four in ((a, 0, b, a), (a, 0, 0, b))]
    return np.array(rows).reshape(1, -1, 1)


GRID = [
    mvu(12, 16, 8, 4, 4, False, 4, 11, PACK=4, weights=narrow(16, 12), vectors=3),
    mvu(6, 8, 4, 1, 8, True, 4, 15, PACK=2, RAM_STYLE="distributed", SETS=3, vectors=2),
    mvu(5, 6, 3, 5, 3, True, 3, 9, RES="lut", RAM_STYLE="ultra", vectors=3),
    # The inverted residual's two.
    mvu(24, 144, 12, 1, 8, True, 4, 16, PACK=2, weights=narrow(144, 24), vectors=2),
    mvu(144, 24, 12, 1, 4, False, 4, 16, PACK=2, weights=narrow(24, 144), vectors=1),
    mvu(144, 24, 12, 1, 4, False, 4, 16, PACK=2, SETS=3, vectors=1),
    # Every activation with every pair of weights that meet in a multiplier.
    *(
        mvu(1, w.size, 4, 1, 4, s, 4, 8, PACK=4, weights=w, vectors=32)
        for s in (False, True)
        for w in (quadruples(-8), quadruples(-7))
    ),
    mvu(16, 16, 8, 8, 4, False, 4, 12, PACK=4, vectors=3),
    mvu(16, 16, 8, 8, 4, True, 4, 12, PACK=2, vectors=3),
    mvu(16, 16, 8, 8, 4, False, 4, 12, RES="lut", vectors=3),
    mvu(32, 8, 8, 8, 8, False, 8, 21, PACK=2, vectors=3),
    mvu(32, 8, 8, 8, 8, True, 8, 21, PACK=2, weights=narrow(8, 32, 8), RAM_STYLE="ultra"),
    mvu(16, 8, 4, 4, 8, True, 8, 20, vectors=3),
    mvu(1, 1, 1, 1, 8, False, 8, 17, RAM_STYLE="distributed"),
    mvu(9, 7, 1, 1, 1, False, 2, 6, RES="lut", vectors=3),
    mvu(9, 5, 1, 3, 1, False, 8, 12, RES="lut", RAM_STYLE="distributed", vectors=2),
    mvu(8, 6, 6, 2, 1, False, 2, 5, PACK=2, vectors=5),
    mvu(6, 12, 4, 6, 2, False, 3, 8, PACK=4, SETS=3, vectors=3),
    mvu(6, 12, 4, 2, 3, True, 2, 7, PACK=4, RAM_STYLE="ultra", SETS=3, vectors=2),
    mvu(15, 10, 2, 3, 6, True, 5, 14, PACK=2, weights=narrow(10, 15, 5), vectors=2),
    mvu(15, 10, 2, 5, 7, False, 6, 17, RES="lut", vectors=2),
    mvu(130, 4, 2, 1, 2, True, 7, 16, PACK=2, vectors=1),
    mvu(20, 6, 2, 20, 5, False, 4, 14, PACK=2, SETS=5, vectors=3),
    mvu(64, 64, 4, 1, 8, True, 8, 22, PACK=1, vectors=1),
    mvu(64, 64, 8, 1, 4, True, 4, 14, PACK=4, weights=narrow(64, 64), vectors=1),
]
BAD: Bad = [
    ({"MW": 0}, "MW"),
    ({"MH": 0}, "MH"),
    ({"PE": 5}, "PE"),
    ({"PE": 0}, "PE"),
    ({"SIMD": 5}, "SIMD"),
    ({"SIMD": 0}, "SIMD"),
    ({"ACTIVATION_WIDTH": 0}, "ACTIVATION_WIDTH"),
    ({"ACTIVATION_WIDTH": 9}, "ACTIVATION_WIDTH"),
    ({"ACTIVATION_WIDTH": 1, "SIGNED_ACTIVATIONS": True}, "ACTIVATION_WIDTH"),
    ({"WEIGHT_WIDTH": 1}, "WEIGHT_WIDTH"),
    ({"WEIGHT_WIDTH": 9}, "WEIGHT_WIDTH"),
    ({"ACCU_WIDTH": 9}, "ACCU_WIDTH"),
    ({"ACCU_WIDTH": 33}, "ACCU_WIDTH"),
    ({"SETS": 0}, "SETS"),
    ({"SETS": 257}, "SETS"),
    ({"RAM_STYLE": "auto"}, "RAM_STYLE"),
    ({"RES": "fabric"}, "RES"),
    ({"PACK": 3}, "PACK"),
    ({"PACK": 0}, "PACK"),
    ({"PACK": 4, "ACTIVATION_WIDTH": 5}, "PACK"),
    ({"PACK": 2, "RES": "lut"}, "PACK"),
    ({"PACK": 4, "PE": 2}, "PACK"),
]
FAULT = ("{step, valid1_q}", "{take, valid1_q}")
RATE = [
    mvu(64, 32, 8, 8, 4, False, 4, 14, PACK=4, vectors=60),
    mvu(24, 144, 12, 1, 8, True, 4, 16, PACK=2, weights=narrow(144, 24), vectors=20),
]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
