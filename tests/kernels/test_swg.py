"""swg against its golden model."""

from hw.kernels.swg import Swg
from tests.kernels.suite import Bad, in_order, suite

swg = in_order(Swg)


GRID = [
    swg(6, 7, 4, KERNEL=3, SIMD=2, DEPTHWISE=True),
    swg(7, 6, 3, KERNEL=3, STRIDE=2, SIMD=1, ELEM_WIDTH=5, RAM_STYLE="distributed"),
    swg(5, 6, 4, KERNEL=3, SIMD=2, PARALLEL=True),
    # Dense
    swg(6, 5, 4, KERNEL=1, SIMD=2, ELEM_WIDTH=4),
    swg(7, 9, 2, KERNEL=1, STRIDE=2, SIMD=2, ELEM_WIDTH=12, RAM_STYLE="distributed", signed=True),
    swg(8, 6, 3, KERNEL=2, STRIDE=2, SIMD=3),
    swg(9, 7, 2, KERNEL=2, STRIDE=2, SIMD=1, RAM_STYLE="ultra"),
    swg(5, 7, 6, KERNEL=2, SIMD=2, ELEM_WIDTH=3, RAM_STYLE="distributed"),
    swg(9, 8, 2, KERNEL=4, STRIDE=2, SIMD=2),
    swg(8, 11, 3, KERNEL=5, SIMD=3, ELEM_WIDTH=1),
    swg(3, 3, 5, KERNEL=3, SIMD=5, RAM_STYLE="distributed"),
    swg(1, 1, 1, KERNEL=1, SIMD=1, ELEM_WIDTH=32),
    swg(4, 3, 2, KERNEL=3, STRIDE=2, SIMD=1, RAM_STYLE="ultra"),
    swg(18, 18, 3, KERNEL=3, STRIDE=2, SIMD=3),
    # Depthwise
    swg(5, 5, 6, KERNEL=5, STRIDE=2, SIMD=2, DEPTHWISE=True, RAM_STYLE="distributed"),
    swg(9, 10, 4, KERNEL=5, STRIDE=2, SIMD=4, DEPTHWISE=True, ELEM_WIDTH=4),
    swg(6, 8, 4, KERNEL=2, SIMD=1, DEPTHWISE=True, ELEM_WIDTH=7, RAM_STYLE="ultra"),
    swg(5, 4, 6, KERNEL=1, STRIDE=2, SIMD=2, DEPTHWISE=True),
    swg(18, 18, 12, KERNEL=3, SIMD=4, DEPTHWISE=True, ELEM_WIDTH=4),
    # Parallel
    swg(7, 6, 3, KERNEL=3, STRIDE=2, SIMD=3, PARALLEL=True, ELEM_WIDTH=5, RAM_STYLE="distributed"),
    swg(5, 4, 6, KERNEL=1, STRIDE=2, SIMD=2, PARALLEL=True),
    swg(2, 2, 1, KERNEL=2, SIMD=1, PARALLEL=True, ELEM_WIDTH=3),
    swg(7, 9, 6, KERNEL=5, STRIDE=2, SIMD=2, PARALLEL=True, RAM_STYLE="ultra"),
    swg(6, 7, 36, KERNEL=4, SIMD=1, PARALLEL=True, ELEM_WIDTH=2, RAM_STYLE="distributed"),
    swg(18, 18, 4, KERNEL=3, SIMD=4, PARALLEL=True, ELEM_WIDTH=4),
]
BAD: Bad = [
    ({"IFM_H": 5000}, "IFM_H"),
    ({"IFM_W": 0, "KERNEL": 1}, "IFM_W"),
    ({"NumChannels": 0}, "NumChannels"),
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
    swg(32, 32, 8, KERNEL=3, SIMD=4, DEPTHWISE=True, ELEM_WIDTH=4),
    swg(33, 33, 3, KERNEL=3, STRIDE=2, SIMD=3),
    swg(64, 64, 3, KERNEL=2, STRIDE=2, SIMD=3),
    swg(64, 64, 4, KERNEL=3, SIMD=2, PARALLEL=True),
]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
