"""Settled quantizers keep their steps clear of the integers, so float and integer sums agree."""

import numpy as np
import torch

from quant.model.layers import Conv
from quant.training.settle import _run_all, _Watch, best_move, settle
from tests.tiny import calibrated


def steps_of(model):
    """Step positions of every quantizer behind a convolution, in units of its integer sum."""
    watch = _Watch(model)
    with torch.no_grad():
        _run_all(model)
    for handle in watch.handles:
        handle.remove()
    assert len(watch.pairs) == sum(isinstance(m, Conv) for m in model.modules())
    for layer, (source, target) in watch.pairs.items():
        unit = source.scale * layer.conv.quant_weight().scale.detach().double().flatten().numpy()
        bias = layer.conv.bias.detach().double().numpy()
        low, high = (-target.levels, target.levels - 1) if target.signed else (0, target.levels)
        codes = np.arange(low + 1, high + 1) - 0.5
        yield (codes[None] * target.scale - bias[:, None]) / unit[:, None], unit, bias, layer


def test_moves_are_below_one_unit_and_make_room():
    model = calibrated("tiny", seed=3)
    before = list(steps_of(model))
    assert settle(model) > 0
    nearest = []
    for (old, unit, bias, layer), (new, *_) in zip(before, steps_of(model), strict=True):
        moved = np.abs(layer.conv.bias.detach().double().numpy() - bias) / unit
        assert moved.max() < 0.5
        gap = [np.abs(s - np.rint(s)).min(1) for s in (old, new)]
        nearest.append([(g < 1e-4).mean() for g in gap])
    was, now = np.mean(nearest, axis=0)
    assert now < was / 4


def test_best_move_by_hand():
    assert best_move(np.array([0.5, 7.4])) == 0.0  # ample room: stay
    assert abs(best_move(np.array([3.0]))) == 0.02  # the smallest move that gives it
    tight = np.array([0.0, 0.5])
    assert np.abs((tight + best_move(tight)) % 0.5 - 0.25).max() < 0.25
