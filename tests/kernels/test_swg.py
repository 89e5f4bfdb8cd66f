"""swg against its golden model."""

from typing import Any

from hw.kernels.swg import Swg
from tests.kernels.suite import suite

GRID = [
    Swg(6, 7, 4, KERNEL=3, SIMD=2, DEPTHWISE=True),
    Swg(7, 6, 3, KERNEL=3, STRIDE=2, SIMD=1, ELEM_WIDTH=5, RAM_STYLE="distributed"),
    Swg(5, 6, 4, KERNEL=3, SIMD=2, PARALLEL=True),
    # Dense
    Swg(6, 5, 4, KERNEL=1, SIMD=2, ELEM_WIDTH=4),
    Swg(7, 9, 2, KERNEL=1, STRIDE=2, SIMD=2, ELEM_WIDTH=12, RAM_STYLE="distributed", signed=True),
    Swg(8, 6, 3, KERNEL=2, STRIDE=2, SIMD=3),
    Swg(9, 7, 2, KERNEL=2, STRIDE=2, SIMD=1, RAM_STYLE="ultra"),
    Swg(5, 7, 6, KERNEL=2, SIMD=2, ELEM_WIDTH=3, RAM_STYLE="distributed"),
    Swg(9, 8, 2, KERNEL=4, STRIDE=2, SIMD=2),
    Swg(8, 11, 3, KERNEL=5, SIMD=3, ELEM_WIDTH=1),
    Swg(3, 3, 5, KERNEL=3, SIMD=5, RAM_STYLE="distributed"),
    Swg(1, 1, 1, KERNEL=1, SIMD=1, ELEM_WIDTH=32),
    Swg(4, 3, 2, KERNEL=3, STRIDE=2, SIMD=1, RAM_STYLE="ultra"),
    Swg(18, 18, 3, KERNEL=3, STRIDE=2, SIMD=3),
    # Depthwise
    Swg(5, 5, 6, KERNEL=5, STRIDE=2, SIMD=2, DEPTHWISE=True, RAM_STYLE="distributed"),
    Swg(9, 10, 4, KERNEL=5, STRIDE=2, SIMD=4, DEPTHWISE=True, ELEM_WIDTH=4),
    Swg(6, 8, 4, KERNEL=2, SIMD=1, DEPTHWISE=True, ELEM_WIDTH=7, RAM_STYLE="ultra"),
    Swg(5, 4, 6, KERNEL=1, STRIDE=2, SIMD=2, DEPTHWISE=True),
    Swg(18, 18, 12, KERNEL=3, SIMD=4, DEPTHWISE=True, ELEM_WIDTH=4),
    # Parallel
    Swg(7, 6, 3, KERNEL=3, STRIDE=2, SIMD=3, PARALLEL=True, ELEM_WIDTH=5, RAM_STYLE="distributed"),
    Swg(5, 4, 6, KERNEL=1, STRIDE=2, SIMD=2, PARALLEL=True),
    Swg(2, 2, 1, KERNEL=2, SIMD=1, PARALLEL=True, ELEM_WIDTH=3),
    Swg(7, 9, 6, KERNEL=5, STRIDE=2, SIMD=2, PARALLEL=True, RAM_STYLE="ultra"),
    Swg(6, 7, 36, KERNEL=4, SIMD=1, PARALLEL=True, ELEM_WIDTH=2, RAM_STYLE="distributed"),
    Swg(18, 18, 4, KERNEL=3, SIMD=4, PARALLEL=True, ELEM_WIDTH=4),
]
BAD: list[tuple[dict[str, Any], str]] = [
    ({"IFM_H": 5000}, "IFM_H"),
    ({"IFM_W": 0, "KERNEL": 1}, "IFM_W"),
    ({"IFM_CH": 0}, "IFM_CH"),
    ({"KERNEL": 0}, "KERNEL"),
    ({"KERNEL": 7}, "KERNEL"),
    ({"IFM_H": 20, "IFM_W": 20, "KERNEL": 16}, "KERNEL"),
    ({"STRIDE": 3}, "STRIDE"),
    ({"SIMD": 3}, "SIMD"),
    ({"SIMD": 0}, "SIMD"),
    ({"ELEM_WIDTH": 33}, "ELEM_WIDTH"),
    ({"RAM_STYLE": "flash"}, "RAM_STYLE"),
]
FAULT = ("(HOME + NEXT_ROW) % DEPTH", "(HOME - NEXT_ROW) % DEPTH")
RATE = [
    Swg(32, 32, 8, KERNEL=3, SIMD=4, DEPTHWISE=True, ELEM_WIDTH=4),
    Swg(33, 33, 3, KERNEL=3, STRIDE=2, SIMD=3),
    Swg(64, 64, 3, KERNEL=2, STRIDE=2, SIMD=3),
    Swg(64, 64, 4, KERNEL=3, SIMD=2, PARALLEL=True),
]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
