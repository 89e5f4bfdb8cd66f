"""Brevitas blocks of the whole model: quantizers, convolution blocks, residual joins.

Every linear map is a 1x1 or k x k convolution on 4-D tensors, tokens included (B, C, T, 1),
followed by batch norm while
the model is float. `quant.training.convert` folds the norm into the convolution before
quantization, so a quantized model
consists of convolutions with a bias, quantizers and sums, which is what FINN's `StreamlinePlus`
turns into integers.
"""

from __future__ import annotations

import brevitas.nn as qnn
import torch
from brevitas.inject.enum import ScalingImplType
from brevitas.quant import Int8ActPerTensorFloat, Int8WeightPerChannelFloat, Uint8ActPerTensorFloat
from torch import Tensor, nn
from torch.nn import functional as F

from quant.config import Precision
from quant.model.fake_quantize import fake_quantize


class Quantizer(nn.Module):
    """Uniform activation quantizer, per tensor, zero point 0; the identity (or a clamp) in a float
    model.

    Args:
        precision: flavour of the model.
        bits: width of the codes; None in a float model.
        signed: signed codes, else codes from 0 with a ReLU in front.
        scale: fixed scale; None learns it (initialised by `quant.training.convert.calibrate`).
    """

    def __init__(
        self,
        precision: Precision,
        bits: int | None,
        *,
        signed: bool = True,
        scale: float | None = None,
    ) -> None:
        super().__init__()
        self.signed, self.fixed_scale = signed, scale
        self.fast = False  # set by quant.model.fast_quant while a step runs
        self.quant: nn.Module
        if precision.is_float or bits is None:
            # A fixed scale saturates in hardware; float training sees the same range.
            if scale is not None:
                low, high = (-128, 127) if signed else (0, 255)
                self.quant = nn.Hardtanh(low * scale, high * scale)
            else:
                self.quant = nn.Identity() if signed else nn.ReLU()
            return
        levels = 2 ** (bits - 1) if signed else 2**bits - 1  # Brevitas: scale = threshold / levels
        base = Int8ActPerTensorFloat if signed else Uint8ActPerTensorFloat
        kind = ScalingImplType.PARAMETER if scale is None else ScalingImplType.CONST
        init = 6.0 if scale is None else scale * levels  # 6: MobileNet's ReLU6, until calibrated
        quantizer = base.let(bit_width=bits, scaling_impl_type=kind, scaling_init=init)
        layer = qnn.QuantIdentity if signed else qnn.QuantReLU
        self.quant = layer(act_quant=quantizer, return_quant_tensor=False)
        self.levels = levels

    def forward(self, x: Tensor) -> Tensor:
        if self.fast and not self.is_float:
            low, high = (-self.levels, self.levels - 1) if self.signed else (0, self.levels)
            return fake_quantize(x, self._scale(x), low, high)
        return self.quant(x)

    def _scale(self, x: Tensor) -> Tensor:
        """The scale in force as a tensor beside x, with the gradient of the threshold."""
        if self.fixed_scale is not None:
            return x.new_full((), self.fixed_scale)
        return self.threshold.abs() / self.levels

    @property
    def is_float(self) -> bool:
        return not isinstance(self.quant, (qnn.QuantIdentity, qnn.QuantReLU))

    @property
    def threshold(self) -> nn.Parameter:
        """The learned clipping threshold, scale * levels; quantized and not fixed only."""
        return self.quant.act_quant.fused_activation_quant_proxy.tensor_quant.scaling_impl.value

    @property
    def scale(self) -> float:
        """The scale in force: value = code * scale."""
        if self.fixed_scale is not None:
            return self.fixed_scale
        return float(self.quant.act_quant.scale().detach())


class Conv(nn.Module):
    """Convolution, with batch norm while float and, if asked, ReLU quantized to unsigned codes.

    Args:
        relu: append an unsigned activation quantizer of the precision's activation bits.
        bits: widths of that quantizer, when not the precision's.
        gain: initial scale of the batch norm; 0 makes a residual branch start as the identity.
        weight_bits: when not the precision's.
    """

    def __init__(
        self,
        precision: Precision,
        channels_in: int,
        channels_out: int,
        kernel: int = 1,
        *,
        stride: int = 1,
        groups: int = 1,
        relu: bool = False,
        norm: bool = True,
        gain: float = 1.0,
        bits: int | None = None,
        weight_bits: int | None = None,
    ) -> None:
        super().__init__()
        is_float = precision.is_float
        width = None if is_float else weight_bits or precision.weights
        # codes of a weight run from -levels to levels (Brevitas' narrow range)
        self.weight_levels = 0 if width is None else 2 ** (width - 1) - 1
        weight_quant = (
            None
            if width is None
            else Int8WeightPerChannelFloat.let(
                bit_width=width,
                scaling_impl_type=ScalingImplType.PARAMETER_FROM_STATS,
            )
        )
        self.conv = qnn.QuantConv2d(
            channels_in,
            channels_out,
            kernel,
            stride=stride,
            padding=kernel // 2,
            groups=groups,
            bias=not (is_float and norm),
            weight_quant=weight_quant,
        )
        self.norm: nn.Module = nn.BatchNorm2d(channels_out) if is_float and norm else nn.Identity()
        if isinstance(self.norm, nn.BatchNorm2d):
            nn.init.constant_(self.norm.weight, gain)
        self.ready: Tensor | None = (
            None  # the quantized weight of a step, set by quant.model.fast_quant
        )
        self.act: nn.Module = nn.Identity()
        if relu:
            bits = bits or precision.activations
            self.act = Quantizer(precision, bits, signed=False)

    def forward(self, x: Tensor) -> Tensor:
        norm, c = self.norm, self.conv
        if self.weight_levels and self.ready is None:
            return self.act(c(x))
        weight = c.weight if self.ready is None else self.ready
        bias = c.bias
        if isinstance(norm, nn.BatchNorm2d) and not norm.training:
            # A norm with settled statistics is a gain a channel: folded into the weights it costs
            # no pass over the map (a frozen encoder's time falls by a quarter).
            gain = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
            weight, norm = weight * gain[:, None, None, None], nn.Identity()
            bias = self.norm.bias - self.norm.running_mean * gain
        # Not through Brevitas' layer: without quantizers it is this, and a quarter of a step's time
        # goes into its Python.
        y = F.conv2d(x, weight, bias, c.stride, c.padding, c.dilation, c.groups)
        return self.act(norm(y))


def join(quantizer: Quantizer, trunk: Tensor, branch: Tensor) -> Tensor:
    """Residual sum on one grid: q(trunk + q(branch)), `trunk` being on the quantizer's grid
    already.

    Both operands share one scale, so the sum is an integer addition and the outer quantizer a
        saturation: no
    multiplier in hardware and no scale left behind by FINN's streamlining.
    """
    return quantizer(trunk + quantizer(branch))
