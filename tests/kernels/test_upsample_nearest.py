"""upsample_nearest against its golden model."""

from hw.kernels.upsample_nearest import UpsampleNearest
from tests.kernels.suite import Bad, suite

GRID = [
    UpsampleNearest.example(IFM_H=4, IFM_W=5, NumChannels=4, SIMD=2),
    UpsampleNearest(IFM_H=3, IFM_W=4, NumChannels=3, SIMD=3, ELEM_WIDTH=5, RAM_STYLE="block"),
    UpsampleNearest.example(IFM_H=3, IFM_W=1, NumChannels=2, SIMD=1),
    UpsampleNearest.example(IFM_H=1, IFM_W=1, NumChannels=1),
    UpsampleNearest(IFM_H=1, IFM_W=7, NumChannels=6, SIMD=1, ELEM_WIDTH=4),
    UpsampleNearest.example(IFM_H=4, IFM_W=2, NumChannels=1, ELEM_WIDTH=1),
    UpsampleNearest.example(IFM_H=8, IFM_W=8, NumChannels=16, SIMD=4, signed=True),
    UpsampleNearest(IFM_H=5, IFM_W=2, NumChannels=12, SIMD=2, ELEM_WIDTH=32, signed=True),
    UpsampleNearest(IFM_H=16, IFM_W=16, NumChannels=8, SIMD=8, ELEM_WIDTH=4),
    UpsampleNearest.example(IFM_H=8, IFM_W=64, NumChannels=12, SIMD=3, RAM_STYLE="block"),
    UpsampleNearest(IFM_H=3, IFM_W=65, NumChannels=16, SIMD=2, ELEM_WIDTH=6, RAM_STYLE="ultra"),
    UpsampleNearest.example(IFM_H=13, IFM_W=11, NumChannels=5, SIMD=5, signed=True),
]
BAD: Bad = [
    ({"IFM_H": 0}, "IFM_H"),
    ({"IFM_H": 4097}, "IFM_H"),
    ({"IFM_W": 0}, "IFM_W"),
    ({"NumChannels": 0}, "NumChannels"),
    ({"SIMD": 3}, "SIMD"),
    ({"SIMD": 0}, "SIMD"),
    ({"ELEM_WIDTH": 0}, "ELEM_WIDTH"),
    ({"ELEM_WIDTH": 33}, "ELEM_WIDTH"),
    ({"RAM_STYLE": "flash"}, "RAM_STYLE"),
]
FAULT = ("line_again_q && waddr_q", "line_again_q || waddr_q")
RATE = [
    UpsampleNearest.example(IFM_H=20, IFM_W=20),
    UpsampleNearest.example(IFM_H=30, IFM_W=30, SIMD=4),
]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
