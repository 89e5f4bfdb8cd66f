"""Training steps of a quantized model without Brevitas' operators: the same values and gradients in
a fraction of the time (quant.fake_quantize), and each weight quantized once a step instead of once
a call.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from quant.fake_quantize import fake_quantize
from quant.layers import Conv, Quantizer


@contextmanager
def fast_quantizers(model: nn.Module) -> Iterator[None]:
    """Inside, the model's quantizers are fast ones; a float model has none."""
    quantizers = [m for m in model.modules() if isinstance(m, Quantizer) and not m.is_float]
    layers = [m for m in model.modules() if isinstance(m, Conv) and m.weight_levels]
    try:
        for quantizer in quantizers:
            quantizer.fast = True
        for layer in layers:
            layer.ready = quantized_weight(layer)
        yield
    finally:
        for quantizer in quantizers:
            quantizer.fast = False
        for layer in layers:
            layer.ready = None


def quantized_weight(layer: Conv) -> Tensor:
    """A layer's weight (O,I,k,k) on its channels' grids, as Brevitas quantizes it: narrow range, so
    that both signs have the same number of codes.
    """
    scaling = layer.conv.weight_quant.tensor_quant.scaling_impl
    levels = layer.weight_levels
    scale = scaling.value.abs() / levels
    return fake_quantize(layer.conv.weight, scale, -levels, levels)
