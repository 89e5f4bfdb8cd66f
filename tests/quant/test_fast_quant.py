"""Fast quantizers equal Brevitas': values to the bit, gradients to rounding."""

import pytest
import torch

from quant.config import FLOAT, W4A4, get_config
from quant.convert import quantized_from_float
from quant.fast_quant import fast_quantizers
from quant.layers import Conv, Quantizer
from quant.model import Tracker


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("scale", [None, 1 / 8])
def test_a_quantizer_equals_brevitas(bits, signed, scale):
    torch.manual_seed(0)
    quantizer = Quantizer(W4A4, bits, signed=signed, scale=scale).train()
    if scale is None:
        quantizer.threshold.data.fill_(1.7)
    found = []
    x = torch.randn(2, 3, 16, 16) * 1.5
    x.view(-1)[:64] = torch.arange(-32, 32) / 16 * 1.7  # steps and ends among them
    grad = torch.randn_like(x)
    for fast in (False, True):
        quantizer.zero_grad()
        quantizer.fast = fast
        leaf = x.clone().requires_grad_()
        y = quantizer(leaf)
        (y * grad).sum().backward()
        threshold = quantizer.threshold.grad.clone() if scale is None else torch.zeros(())
        found.append((y.detach(), leaf.grad, threshold))
    (y, dx, dt), (y_fast, dx_fast, dt_fast) = found
    assert torch.equal(y, y_fast)
    assert torch.equal(dx == 0, dx_fast == 0)
    torch.testing.assert_close(dx_fast, dx, rtol=1e-6, atol=0)  # Brevitas multiplies and divides
    torch.testing.assert_close(dt_fast.sum(), dt.sum(), rtol=1e-4, atol=1e-4)


def test_a_layers_weight_equals_brevitas():
    torch.manual_seed(1)
    for weight_bits in (None, 8):
        layer = Conv(W4A4, 6, 5, 3, relu=True, weight_bits=weight_bits)
        layer.conv.quant_weight()
        layer.act.threshold.data.fill_(2.0)
        x, grads = torch.randn(2, 6, 9, 9), []
        for fast in (False, True):
            layer.zero_grad()
            if fast:
                with fast_quantizers(layer):
                    y_fast = layer(x)
                    y_fast.square().sum().backward()
            else:
                y = layer(x)
                y.square().sum().backward()
            grads.append({n: p.grad.clone() for n, p in layer.named_parameters()})
        assert layer.ready is None and not layer.act.fast
        assert torch.equal(y, y_fast)
        assert any("scaling_impl" in n for n in grads[0])
        for name in grads[0]:
            torch.testing.assert_close(grads[1][name], grads[0][name], rtol=1e-4, atol=1e-4)


def test_the_image_encoder_equals_brevitas():
    torch.manual_seed(2)
    model = quantized_from_float(Tracker(get_config("tiny"), FLOAT), W4A4).train()
    image = torch.rand(2, 3, 64, 64) * 2 - 1
    slow = model.image_encoder(image)
    with fast_quantizers(model):
        fast = model.image_encoder(image)
    for a, b in zip(slow, fast, strict=True):
        assert torch.equal(a, b)
