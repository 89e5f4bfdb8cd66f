"""From a float tracker to a quantized one: fold batch norms, copy weights, set every quantizer's
scale. And back: a float tracker with the weights that a quantized one computes with.

Weight scales minimise the squared error channel by channel, activation thresholds the squared error
over calibration clips; both are then learned on.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from quant.config import FLOAT, Precision
from quant.model.layers import Conv, Quantizer
from quant.model.state import unique_state
from quant.model.tracker import Tracker

SHRINKS = torch.linspace(0.1, 1.0, 46)  # candidate thresholds, as shares of the absolute maximum


def fold_batch_norm(state: dict[str, Tensor], eps: float = 1e-5) -> dict[str, Tensor]:
    """State of a float model -> the same with every `<conv>.norm` folded into `<conv>.conv` weight
    and bias.
    """
    folded = dict(state)
    for key in [k for k in state if k.endswith(".norm.running_var")]:
        base = key.removesuffix("norm.running_var")
        gain, shift, mean, variance = (
            state[f"{base}norm.{n}"] for n in ("weight", "bias", "running_mean", "running_var")
        )
        factor = gain / torch.sqrt(variance + eps)
        folded[f"{base}conv.weight"] = state[f"{base}conv.weight"] * factor[:, None, None, None]
        folded[f"{base}conv.bias"] = shift - mean * factor
        for n in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            folded.pop(f"{base}norm.{n}", None)
    return folded


def quantized_from_float(model: Tracker, precision: Precision) -> Tracker:
    """A quantized tracker with the float one's folded weights and weight scales set; activations
    are still uncalibrated.
    """
    result = Tracker(model.config, precision, detects=model.detector is not None)
    state = {k: v.detach() for k, v in unique_state(model).items()}
    folded = fold_batch_norm(state)
    own = unique_state(result)
    missing = [k for k in own if k not in folded and "tensor_quant" not in k]
    unknown = [k for k in folded if k not in own]
    if missing or unknown:
        raise ValueError(f"float and quantized models differ: {missing[:3]} {unknown[:3]}")
    with torch.no_grad():
        for key, tensor in own.items():
            if key in folded:
                tensor.copy_(folded[key])
    for layer in result.modules():
        if isinstance(layer, Conv):
            _set_weight_scale(layer)
    return result


@torch.no_grad()
def float_from_quantized(model: Tracker, floats: Tracker | None = None) -> Tracker:
    """Returns a float tracker with a quantized one's weights as it computes with them, on their
    grids: the numbers behind them have not been used since training began and fit nothing (`nano`
    on dev: J&F 43 by mask, 74 with the rounded ones). Its norms change nothing until they learn.
    floats: the tracker whose image encoder it has instead, which the quantized one was made from.
    """
    result = Tracker(model.config, FLOAT, detects=model.detector is not None)
    own, theirs = unique_state(result), unique_state(model)
    for key, tensor in own.items():
        if key in theirs:
            tensor.copy_(theirs[key])
        elif ".norm." not in key:
            raise ValueError(f"float and quantized models differ: {key}")
    quantized = dict(model.named_modules())
    for name, layer in result.named_modules():
        if isinstance(layer, Conv):
            source = quantized[name]
            assert isinstance(source, Conv)
            layer.conv.weight.copy_(source.conv.quant_weight().value)
            if isinstance(layer.norm, nn.BatchNorm2d):
                bias = source.conv.bias
                assert bias is not None  # only a float convolution with a norm has none
                layer.norm.bias.copy_(bias)
                layer.norm.running_mean.zero_()
                layer.norm.running_var.fill_(1 - layer.norm.eps)
                layer.norm.weight.fill_(1)
    if floats is not None:
        result.image_encoder.load_state_dict(floats.image_encoder.state_dict())
    return result


@torch.no_grad()
def _set_weight_scale(layer: Conv) -> None:
    weight = layer.conv.weight.flatten(1)  # (O, I*k*k)
    quantizer = layer.conv.weight_quant
    scaling = quantizer.tensor_quant.scaling_impl
    levels = float(2 ** (int(layer.conv.quant_weight().bit_width) - 1) - 1)  # narrow range
    top = weight.abs().amax(1).clamp(min=1e-8)
    threshold = best_threshold(
        weight, top, lambda w, t: (w / t * levels).round().clamp(-levels, levels) * t / levels
    )
    scaling.value.copy_(threshold.view_as(scaling.value))


def best_threshold(
    values: Tensor, top: Tensor, quantize: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """Row by row the threshold (a share of `top`) with least squared error; values (N,M), top (N,)
    -> (N,).
    """
    best, error = top.clone(), torch.full_like(top, float("inf"))
    for share in SHRINKS.to(values):
        t = top * share
        e = (quantize(values, t[:, None]) - values).square().sum(1)
        better = e < error
        best, error = torch.where(better, t, best), torch.where(better, e, error)
    return best


class Calibration:
    """Collects what flows into each learned quantizer while float values pass, then sets the
    thresholds.

    Use as a context manager around forward passes of the quantized model: inside, quantizers pass
        values through (ReLU kept).
    """

    def __init__(
        self, model: nn.Module, keep: nn.Module | None = None, samples: int = 1 << 14
    ) -> None:
        kept = {id(m) for m in keep.modules()} if keep is not None else set()
        self.quantizers = [
            q
            for q in model.modules()
            if isinstance(q, Quantizer)
            and not q.is_float
            and q.fixed_scale is None
            and id(q) not in kept
        ]
        self.samples = samples
        self.seen: dict[int, list[Tensor]] = {id(q): [] for q in self.quantizers}
        self.tops: dict[int, float] = {id(q): 0.0 for q in self.quantizers}

    def __enter__(self) -> Calibration:
        self.handles = [q.register_forward_hook(self._watch) for q in self.quantizers]
        return self

    def _watch(self, module: Quantizer, inputs: tuple[Tensor], _output: Tensor) -> Tensor:
        x = inputs[0].detach()
        x = x if module.signed else x.relu()
        flat = x.flatten()
        step = max(1, flat.numel() // self.samples)
        offset = int(torch.randint(step, ()))  # a fixed phase would always meet the same channels
        self.seen[id(module)].append(flat[offset::step][: self.samples].clone())
        self.tops[id(module)] = max(self.tops[id(module)], float(flat.abs().max()))
        return x

    def __exit__(self, *_: object) -> None:
        for handle in self.handles:
            handle.remove()

    @torch.no_grad()
    def apply(self) -> None:
        """Set every watched quantizer's threshold to the least squared error over what it saw."""
        for q in self.quantizers:
            if not self.seen[id(q)]:
                continue
            values = torch.cat(self.seen[id(q)])
            top = torch.tensor([max(self.tops[id(q)], 1e-4)])
            levels = q.levels
            low, high = (-levels, levels - 1) if q.signed else (0, levels)

            def quantize(
                v: Tensor, t: Tensor, n: int = levels, lo: int = low, hi: int = high
            ) -> Tensor:
                return (v / t * n).round().clamp(lo, hi) * t / n

            q.threshold.fill_(float(best_threshold(values[None], top, quantize)))
