"""Cost models against Yosys over every grid: LUT within 15 % at the median, DSP exact."""

import pytest

from hw.library import names
from tests.kernels.datasheet import costs_of, deviation
from tests.kernels.grids import grid

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", names())
def test_cost_model_follows_yosys(name):
    kernels = grid(name)
    found, models = costs_of(kernels, jobs=1), [kernel.cost() for kernel in kernels]
    assert deviation(found, models) <= 0.15
    assert [cost.dsp for cost in models] == [cost.dsp for cost in found]
