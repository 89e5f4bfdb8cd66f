"""maxpool against its golden model."""

from hw.kernels.maxpool import Maxpool
from tests.kernels.suite import Bad, suite

GRID = [
    Maxpool.example(SIMD=2, SIGNED=True),
    Maxpool.example(IFM_H=5, IFM_W=7, NumChannels=3, SIMD=3, KERNEL=2),
    Maxpool(IFM_H=7, IFM_W=11, NumChannels=6, SIMD=2, KERNEL=3, ELEM_WIDTH=5, RAM_STYLE="block"),
    Maxpool.example(IFM_H=2, IFM_W=2, NumChannels=1, ELEM_WIDTH=1),
    Maxpool.example(IFM_H=9, IFM_W=5, NumChannels=4, SIMD=4, KERNEL=3, SIGNED=True),
    Maxpool(IFM_H=4, IFM_W=3, NumChannels=5, SIMD=1, KERNEL=3, ELEM_WIDTH=4),
    Maxpool.example(IFM_H=16, IFM_W=16, NumChannels=8, SIMD=8, ELEM_WIDTH=4),
    Maxpool.example(
        IFM_H=8, IFM_W=12, NumChannels=24, SIMD=4, KERNEL=4, SIGNED=True, RAM_STYLE="block"
    ),
    Maxpool(IFM_H=10, IFM_W=10, NumChannels=2, SIMD=1, KERNEL=5, ELEM_WIDTH=12, SIGNED=True),
    Maxpool.example(IFM_H=6, IFM_W=20, NumChannels=4, SIMD=2, ELEM_WIDTH=32, SIGNED=True),
    Maxpool.example(IFM_H=32, IFM_W=32, NumChannels=16, SIMD=4, ELEM_WIDTH=4, RAM_STYLE="block"),
    Maxpool.example(IFM_H=13, IFM_W=64, NumChannels=12, SIMD=3, SIGNED=True, RAM_STYLE="ultra"),
    Maxpool(IFM_H=8, IFM_W=8, NumChannels=16, SIMD=16, ELEM_WIDTH=2, SIGNED=True, KERNEL=8),
]
BAD: Bad = [
    ({"IFM_H": 0}, "IFM_H"),
    ({"IFM_W": 4097}, "IFM_W"),
    ({"NumChannels": 0}, "NumChannels"),
    ({"SIMD": 3}, "SIMD"),
    ({"SIMD": 0}, "SIMD"),
    ({"KERNEL": 1}, "KERNEL"),
    ({"KERNEL": 0}, "KERNEL"),
    ({"KERNEL": 9}, "KERNEL"),
    ({"ELEM_WIDTH": 0}, "ELEM_WIDTH"),
    ({"ELEM_WIDTH": 33}, "ELEM_WIDTH"),
    ({"SIGNED": True, "ELEM_WIDTH": 1}, "ELEM_WIDTH"),
    ({"RAM_STYLE": "flash"}, "RAM_STYLE"),
]
FAULT = ("first_q || (a", "first_q && (a")
RATE = [
    Maxpool.example(IFM_H=24, IFM_W=24, NumChannels=4),
    Maxpool.example(IFM_H=31, IFM_W=31, KERNEL=3, SIMD=4),
]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
