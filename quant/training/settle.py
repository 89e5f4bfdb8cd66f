"""Settle a trained quantized tracker: move every step of its quantizers clear of the integers.

A quantizer behind a convolution is a staircase in an integer sum. Where a step lies within
float32's rounding of an integer, the float model falls to one side or the other by
the order in which it happened to add, and no integer rule can follow; one code that falls apart
changes thousands behind it. The bias decides where steps lie, so each channel's bias is
moved by less than one unit of its sum (far below one code) to where its steps are farthest from all
integers. Float and integer arithmetic then agree sum for sum.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from host.detector_spec import EMBEDDING
from quant.model.concept_prompts import EXEMPLARS
from quant.model.layers import Conv, Quantizer
from quant.model.tracker import Tracker

SHIFTS = np.arange(-24, 25) / 50  # candidate moves, in units of the sum; the smallest good one wins


class _Watch:
    """Which quantizer feeds each convolution and which one reads it, seen in one forward pass."""

    def __init__(self, model: nn.Module) -> None:
        self.pairs: dict[Conv, tuple[Quantizer, Quantizer]] = {}
        self._made: dict[int, Quantizer] = {}  # data pointer -> the quantizer that wrote it
        self._sums: dict[int, tuple[Conv, Quantizer]] = {}
        self._kept: list[Tensor] = []  # so that no address is used twice
        self._last: Quantizer | None = None
        self.handles = []
        for module in model.modules():
            if isinstance(module, Conv):
                self.handles.append(module.conv.register_forward_hook(self._convolved(module)))
            elif isinstance(module, Quantizer):
                self.handles.append(module.register_forward_hook(self._quantized))

    def _convolved(self, layer: Conv) -> Callable[[nn.Module, tuple[Tensor], Tensor], None]:
        def hook(_module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
            # A reshaped context is a copy: it comes from the quantizer that ran last.
            source = self._made.get(inputs[0].data_ptr(), self._last)
            if source is not None:
                self._sums[output.data_ptr()] = (layer, source)
                self._kept.append(output)

        return hook

    def _quantized(self, module: Quantizer, inputs: tuple[Tensor], output: Tensor) -> None:
        found = self._sums.get(inputs[0].data_ptr())
        if found is not None:
            self.pairs[found[0]] = (found[1], module)
        self._made[output.data_ptr()] = self._last = module
        self._kept.append(output)


def settle(model: Tracker, keep: nn.Module | None = None) -> int:
    """Move biases in place, see the file's opening; returns the number of channels moved.

    keep: part that stays as it is, having been settled before: a channel for which no move gives
        ample room is moved again each time.
    """
    kept = set(keep.modules()) if keep is not None else set()
    watch = _Watch(model)
    with torch.no_grad():
        _run_all(model)
    for handle in watch.handles:
        handle.remove()
    return sum(_settle(layer, *ends) for layer, ends in watch.pairs.items() if layer not in kept)


def _settle(layer: Conv, source: Quantizer, target: Quantizer) -> int:
    conv = layer.conv
    unit = source.scale * conv.quant_weight().scale.detach().double().flatten().numpy()  # (O,)
    bias = conv.bias.detach().double().numpy()
    low, high = (-target.levels, target.levels - 1) if target.signed else (0, target.levels)
    codes = np.arange(low + 1, high + 1)
    steps = ((codes - 0.5)[None] * target.scale - bias[:, None]) / unit[:, None]  # (O,N) sums
    moves = np.array([best_move(row) for row in steps])
    with torch.no_grad():
        # Moving the steps up by d is lowering the bias by d units.
        conv.bias.copy_(torch.from_numpy(bias - moves * unit).to(conv.bias))
    return int((moves != 0).sum())


def best_move(steps: NDArray[np.float64]) -> float:
    """The shift of SHIFTS that takes steps (N,) farthest from integers, relative to their size.

    Float32 errs in proportion to the sum, so a step far out needs more room; steps that already
    have ample room (a hundredth of a unit and 128 ulp) ask for no move.
    """
    room = 0.01 + np.abs(steps) * 2.0**-17
    moved = steps[None] + SHIFTS[:, None]
    distance = np.abs(moved - np.rint(moved))
    least = (distance / room).min(1)
    ample = least >= 1
    if ample.any():
        return float(SHIFTS[ample][np.abs(SHIFTS[ample]).argmin()])
    return float(SHIFTS[least.argmax()])


def _run_all(model: Tracker) -> None:
    """One pass through all graphs, so that every convolution meets its quantizers."""
    config = model.config
    image = torch.zeros(1, 3, config.image_size, config.image_size)
    features, skip8, skip4 = model.image_encoder(image)
    mask = torch.zeros(1, 1, config.grid, config.grid)
    keys, values = model.memory_encoder(mask, features)
    conditioned = model.memory_attention(features, keys, values)
    index = torch.zeros(1, 8, dtype=torch.long)
    tokens = model.prompt_encoder(index, index, index)
    dense = torch.zeros(1, 6, config.grid, config.grid)
    model.mask_decoder(conditioned, skip8, skip4, dense, tokens)
    if model.detector is not None and model.concept_prompts is not None:
        question = {
            "text": torch.zeros(1, EMBEDDING),
            "has_text": torch.ones(1, dtype=torch.bool),
            "boxes": torch.zeros(1, EXEMPLARS, 4),
            "labels": torch.zeros(1, EXEMPLARS, dtype=torch.long),
            "features": features,
        }
        model.detector(features, skip8, skip4, *model.concept_prompts.ask(question))
