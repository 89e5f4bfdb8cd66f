"""Cost models against Yosys over every grid: LUT within 15 % at the median, DSP exact."""

import pytest

from hw.library import names
from tests.kernels.datasheet import deviation, row
from tests.kernels.grids import grid

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", names())
def test_cost_model_follows_yosys(name):
    rows = [row(kernel) for kernel in grid(name)]
    assert deviation(rows) <= 0.15
    assert [r.model.dsp for r in rows] == [r.found.dsp for r in rows]
