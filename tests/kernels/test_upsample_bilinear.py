"""upsample_bilinear against its golden model, and that against torch's interpolation."""

import pytest
import torch
from torch.nn.functional import interpolate

from hw.kernels.upsample_bilinear import UpsampleBilinear
from tests.kernels.suite import Bad, suite

GRID = [
    UpsampleBilinear.example(IFM_H=4, IFM_W=5, NumChannels=4, SIMD=2, SIGNED=True),
    UpsampleBilinear(IFM_H=3, IFM_W=4, NumChannels=3, SIMD=3, ELEM_WIDTH=5, RAM_STYLE="block"),
    UpsampleBilinear.example(IFM_H=3, IFM_W=1, NumChannels=2, SIMD=1),
    UpsampleBilinear.example(IFM_H=1, IFM_W=1, NumChannels=1),
    UpsampleBilinear(IFM_H=1, IFM_W=7, NumChannels=6, SIMD=1, ELEM_WIDTH=4),
    UpsampleBilinear.example(IFM_H=4, IFM_W=2, NumChannels=1, ELEM_WIDTH=1),
    UpsampleBilinear.example(IFM_H=2, IFM_W=3, NumChannels=70, ELEM_WIDTH=2, SIGNED=True),
    UpsampleBilinear.example(IFM_H=8, IFM_W=8, NumChannels=16, SIMD=4, SIGNED=True),
    UpsampleBilinear(IFM_H=5, IFM_W=2, NumChannels=12, SIMD=2, ELEM_WIDTH=32, SIGNED=True),
    UpsampleBilinear(IFM_H=16, IFM_W=16, NumChannels=8, SIMD=8, ELEM_WIDTH=4),
    UpsampleBilinear.example(IFM_H=8, IFM_W=64, NumChannels=12, SIMD=3, RAM_STYLE="block"),
    UpsampleBilinear(IFM_H=3, IFM_W=65, NumChannels=16, SIMD=2, ELEM_WIDTH=6, RAM_STYLE="ultra"),
    UpsampleBilinear.example(IFM_H=13, IFM_W=11, NumChannels=5, SIMD=5, SIGNED=True),
]
BAD: Bad = [
    ({"IFM_H": 0}, "IFM_H"),
    ({"IFM_H": 4097}, "IFM_H"),
    ({"IFM_W": 0}, "IFM_W"),
    ({"NumChannels": 0}, "NumChannels"),
    ({"SIMD": 3}, "SIMD"),
    ({"SIMD": 0}, "SIMD"),
    ({"ELEM_WIDTH": 1}, "ELEM_WIDTH"),
    ({"ELEM_WIDTH": 0}, "ELEM_WIDTH"),
    ({"ELEM_WIDTH": 33}, "ELEM_WIDTH"),
    ({"RAM_STYLE": "flash"}, "RAM_STYLE"),
]
FAULT = ("two[E:1]} - ~", "two[E:1]} + ~")
RATE = [
    UpsampleBilinear.example(IFM_H=20, IFM_W=20),
    UpsampleBilinear.example(IFM_H=30, IFM_W=30, SIMD=4, SIGNED=True),
]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)


@pytest.mark.parametrize("signed", [False, True])
def test_golden_is_torch_rounded(signed):
    kernel = UpsampleBilinear.example(IFM_H=9, IFM_W=6, SIGNED=signed)
    low = kernel.inputs()["s_axis"].dtype.min
    x = torch.randint(low, low + 256, (9, 6, 4), generator=torch.Generator().manual_seed(1))
    as_map = x.permute(2, 0, 1)[None].double()
    wanted = interpolate(as_map, scale_factor=2, mode="bilinear", align_corners=False)
    found = kernel.golden({"s_axis": x})["m_axis"]
    assert torch.equal(found, (wanted[0].permute(1, 2, 0) + 0.5).floor().long())
