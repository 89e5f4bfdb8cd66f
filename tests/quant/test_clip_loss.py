"""A step is a fixed sequence of device operations: what a CUDA graph can hold."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from quant.clip_loss import ClipLoss
from quant.config import FLOAT, W4A4, get_config
from quant.convert import quantized_from_float
from quant.model import Tracker
from quant.ports import POLICY
from quant.unroll import Plan, age_rows, readings

TINY = get_config("tiny")
FROM_HOST = ("lift_fresh", "_local_scalar_dense", "nonzero", "item", "masked_select")
"""Operators that copy from the host, wait for the device, or whose shapes depend on data."""


class Watch(TorchDispatchMode):
    """Notes every operator by name."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen.add(func.name())
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("precision", ["float", "w4a4"])
@pytest.mark.parametrize("plan", [Plan(3, rounds=2), Plan(3, corrected=1, age=20)])
def test_a_step_neither_copies_from_the_host_nor_waits(precision, plan):
    torch.manual_seed(0)
    model = Tracker(TINY, FLOAT)
    if precision == "w4a4":
        model = quantized_from_float(model, W4A4)
    model.train()
    side, grid = TINY.image_size, TINY.grid
    inputs = (
        torch.randint(0, 256, (2, 3, 3, side, side), dtype=torch.uint8),
        (torch.rand(2, 2, 3, grid, grid) > 0.7).float(),
        torch.ones(2, 3, grid, grid),
        torch.tensor([0, 1, 2, 2]),
        age_rows(readings(plan, POLICY)),
    )
    with Watch() as watch:
        loss, iou = ClipLoss(model, POLICY, plan)(*inputs)
        loss.backward()
    assert torch.isfinite(loss) and 0 <= iou <= 1
    assert {"aten::convolution", "aten::convolution_backward"} <= watch.seen
    bad = {name for name in watch.seen if any(part in name for part in FROM_HOST)}
    assert not bad
