"""fmpad against its golden model."""

from hw.kernels.fmpad import Fmpad
from tests.kernels.suite import in_order, suite


def padded(
    shape: tuple[int, int, int],
    pads: tuple[int, int, int, int],
    simd: int = 1,
    bits: int = 8,
    signed: bool = False,
) -> Fmpad:
    """shape: H, W, C. pads: top, bottom, left, right."""
    return in_order(Fmpad)(*shape, simd, bits, *pads, signed)


GRID = [
    padded((5, 3, 6), (0, 2, 1, 0), simd=2, bits=3),
    padded((4, 6, 4), (1, 1, 1, 1), simd=4, bits=4, signed=True),
    padded((1, 1, 1), (1, 1, 1, 1)),
    padded((1, 1, 3), (0, 0, 0, 0)),
    padded((1, 1, 1), (0, 0, 0, 0), bits=1),
    padded((1, 1, 2), (0, 0, 0, 1), bits=7),
    padded((3, 4, 2), (2, 0, 0, 0), bits=32, signed=True),
    padded((3, 4, 2), (0, 3, 0, 0), simd=2),
    padded((3, 4, 3), (0, 0, 5, 0)),
    padded((4, 3, 3), (0, 0, 0, 2), simd=3, bits=5),
    padded((7, 5, 6), (3, 1, 2, 4), simd=3, bits=12),
    padded((1, 9, 4), (2, 2, 2, 2)),
    padded((16, 16, 12), (1, 1, 1, 1), simd=4, bits=4),
]
BAD = [
    ({"IFM_H": 0}, "IFM_H"),
    ({"IFM_W": 5000}, "IFM_W"),
    ({"NumChannels": 0}, "NumChannels"),
    ({"SIMD": 4}, "SIMD"),
    ({"SIMD": 0}, "SIMD"),
    ({"ELEM_WIDTH": 33}, "ELEM_WIDTH"),
    ({"PAD_TOP": 256}, "PAD_TOP"),
    ({"PAD_BOTTOM": 256}, "PAD_BOTTOM"),
    ({"PAD_LEFT": 256}, "PAD_LEFT"),
    ({"PAD_RIGHT": 256}, "PAD_RIGHT"),
]
FAULT = ("X_FIRST + IFM_W * FOLD", "X_FIRST - IFM_W * FOLD")
RATE = [padded((32, 32, 4), (1, 1, 1, 1), simd=2)]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
