"""A calibrated `tiny` quantized tracker, shared by the tests of export, lowering and simulation."""

from __future__ import annotations

import functools

import torch

from quant.config import W4A4, get_config
from quant.convert import Calibration
from quant.model import Tracker


@functools.cache
def calibrated(name: str = "tiny", seed: int = 0) -> Tracker:
    """A freshly initialised quantized tracker whose thresholds follow random data; biases are not zero."""
    torch.manual_seed(seed)
    model = Tracker(get_config(name), W4A4).eval()
    with torch.no_grad():
        for key, value in model.named_parameters():
            if key.endswith("conv.bias"):
                value.normal_(0, 0.1)
            if key.endswith("conv.weight"):
                value.mul_(1.4)  # keeps depth alive: the default start shrinks a signal layer by layer
    c = model.config
    g, r, length = c.coarse, c.grid, 8 * c.coarse**2 + 8
    with torch.no_grad(), Calibration(model) as calibration:
        image = torch.nn.functional.interpolate(
            torch.rand(1, 3, 16, 16) * 2 - 1, (c.image_size, c.image_size), mode="bilinear"
        )
        f, skip8, skip4 = model.image_encoder(image)
        model.memory_encoder(torch.randn(1, 1, r, r) * 8, f)
        keys, values = torch.randn(2, 1, 1, length, c.lanes)
        x = model.memory_attention(f, keys, values)
        index = torch.randint(0, 5, (1, 8))
        tokens = model.prompt_encoder(index, index, index)
        model.mask_decoder(x, skip8, skip4, torch.randn(1, 6, r, r) * 8, tokens)
        assert x.shape == (1, c.width, g, g)
    calibration.apply()
    return model
