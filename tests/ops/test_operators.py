"""Golden functions against their definitions, written out in Python integers."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
import torch

from hw.ops.conv import conv
from hw.ops.integers import bounds, step_positions
from hw.ops.join import join_add, saturate
from hw.ops.layout import cut, upsample
from hw.ops.matmul import matmul
from hw.ops.operators import bind
from hw.ops.program import Node
from hw.ops.requant import requant, requant_or_threshold, threshold
from hw.ops.softmax import divide, exp_rows, exp_table, row_sum
from hw.spec.errors import BundleError


def brute_conv(x, w, stride, padding, groups):
    channels, size = x.shape[0], x.shape[1]
    out_channels, depth, k, _ = w.shape
    side = (size + 2 * padding - k) // stride + 1
    result = np.zeros((out_channels, side, side), object)
    per_group = out_channels // groups
    assert depth * groups == channels
    for o, r, c in np.ndindex(result.shape):
        total = 0
        for i, u, v in np.ndindex(depth, k, k):
            row, column = r * stride + u - padding, c * stride + v - padding
            if 0 <= row < size and 0 <= column < size:
                total += int(w[o, i, u, v]) * int(x[o // per_group * depth + i, row, column])
        result[o, r, c] = total
    return result.astype(np.int64)


@pytest.mark.parametrize(
    ("channels", "out", "kernel", "stride", "groups"),
    [(3, 5, 3, 2, 1), (4, 4, 3, 1, 4), (6, 6, 3, 2, 6), (5, 7, 1, 1, 1)],
)
@pytest.mark.parametrize("kind", [torch.float32, torch.int64])
def test_conv(channels, out, kernel, stride, groups, kind):
    random = np.random.default_rng(0)
    x = random.integers(-128, 128, (channels, 6, 6))
    w = random.integers(-7, 8, (out, channels // groups, kernel, kernel))
    padding = kernel // 2
    wanted = brute_conv(x, w, stride, padding, groups)
    found = conv(torch.from_numpy(x)[None].to(kind), torch.from_numpy(w), stride, padding, groups)
    assert found.dtype == kind
    assert np.array_equal(found[0].numpy().astype(np.int64), wanted)
    low, high = bounds(w, -128, 127)
    assert (wanted >= low[:, None, None]).all() and (wanted <= high[:, None, None]).all()


def test_conv_bounds_are_reached():
    w = np.array([[[[3, -2]]]])
    assert [b.tolist() for b in bounds(w, -128, 127)] == [[-384 - 254], [381 + 256]]


def test_requant_floors_and_clips():
    acc = torch.tensor([[[[-100, -3, -1, 0, 1, 5, 100]], [[-8, -4, -2, 0, 2, 4, 8]]]])
    m, b, n = torch.tensor([3, 1]), torch.tensor([2, -1]), torch.tensor([2, 0])
    found = requant(acc, m, b, n, -4, 7)
    for c in range(2):
        wanted = [
            min(max((a * int(m[c]) + int(b[c])) >> int(n[c]), -4), 7) for a in acc[0, c, 0].tolist()
        ]
        assert found[0, c, 0].tolist() == wanted


def test_thresholds_equal_requant_at_its_own_steps():
    random = np.random.default_rng(1)
    m, n = random.integers(1, 4000, 6), random.integers(6, 14, 6)
    b = random.integers(-(1 << 15), 1 << 15, 6)
    steps = torch.from_numpy(step_positions(m, b, n, -8, 7))
    acc = torch.arange(-5000, 5000).view(1, 1, -1, 1).expand(1, 6, -1, 1)
    factors = torch.from_numpy(m), torch.from_numpy(b), torch.from_numpy(n)
    wanted = requant(acc, *factors, -8, 7)
    assert torch.equal(threshold(acc, steps, -8), wanted)
    # Channels listed as fallbacks come from their steps whatever m, b, n say.
    zero = torch.zeros(6, dtype=torch.int64)
    mixed = requant_or_threshold(acc, zero, zero, zero, -8, 7, torch.tensor([1, 4]), steps[[1, 4]])
    assert torch.equal(mixed[:, [1, 4]], wanted[:, [1, 4]])
    assert not mixed[:, [0, 2, 3, 5]].any()
    whole = requant_or_threshold(
        acc, zero[:1], zero[:1], zero[:1], -8, 7, torch.tensor([0]), steps[:1]
    )
    assert torch.equal(whole[:, 3], wanted[:, 0])  # one set serves every channel


def test_join_and_saturate():
    a, b = torch.tensor([100, -100, 5]), torch.tensor([100, -100, -9])
    assert join_add(a, b, -128, 127).tolist() == [127, -128, -4]
    assert saturate(torch.tensor([-5, 300]), 0, 255).tolist() == [0, 255]


@pytest.mark.parametrize("depth", [64, 700, 2056])
def test_matmul_is_exact_beyond_float32(depth):
    """255 * 127 * 2056 is past 2^24: blocks must keep the sum exact."""
    random = np.random.default_rng(2)
    a = random.integers(250, 256, (1, 1, 5, depth))
    b = random.integers(100, 128, (1, 1, depth, 3))
    found = matmul(torch.from_numpy(a).float(), torch.from_numpy(b).float(), 255 * 128)
    assert np.array_equal(found.numpy().astype(np.int64), a @ b)
    stacked = np.concatenate([a, a[..., ::-1]], 1)
    twice = matmul(
        torch.from_numpy(stacked).float(),
        torch.from_numpy(np.concatenate([b, b], 1)).float(),
        32640,
    )
    assert np.array_equal(twice.numpy().astype(np.int64), stacked @ np.concatenate([b, b], 1))


def test_exp_table_and_rows():
    table = exp_table(1 / 8, 1 / 255, 255, 255)
    assert table[0] == 255 and table[8] == round(255 * np.exp(-1)) and table[-1] == 0
    assert (np.diff(table) <= 0).all()
    s = torch.tensor([[[[3, -5, 127], [-128, -128, -128]]]])
    assert exp_rows(s, torch.from_numpy(table)).tolist() == [
        [[[int(table[124]), int(table[132]), 255], [255, 255, 255]]]
    ]
    assert row_sum(torch.tensor([[1, 2, 3]])).tolist() == [[6]]


HALF_AND_TIE = Fraction(1, 2) + Fraction(1, 1 << 12)


@pytest.mark.parametrize("kind", [torch.int64, torch.float32])
def test_divide_rounds_halves_up(kind):
    random = np.random.default_rng(3)
    d = np.concatenate([random.integers(255, 60_000, 500), [510, 510, 2, 2, 2, 2]])
    n = np.concatenate(
        [random.integers(-128, 128, 500) * d[:500] // 2, [47175, 46665, 1, 3, -1, -3]]
    )
    wanted = [
        max(min(floor(Fraction(int(a), int(b)) + HALF_AND_TIE), 127), -128)
        for a, b in zip(n, d, strict=True)
    ]
    found = divide(
        torch.from_numpy(n).to(torch.float64 if kind.is_floating_point else kind),
        torch.from_numpy(d).to(kind),
        -128,
        127,
        12,
    )
    assert found.tolist() == wanted
    assert found[-4:].tolist() == [1, 2, 0, -1]  # 1/2, 3/2, -1/2, -3/2
    assert found.dtype == kind


def test_upsample_and_cut():
    x = torch.arange(12).view(1, 2, 2, 3)
    wanted = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.equal(upsample(x, 2), wanted)
    assert torch.equal(cut(x, 3, 1, 3), x[..., 1:3])


def test_unknown_operator():
    with pytest.raises(BundleError, match="layer7.*unknown operator 'fft'"):
        bind(Node("layer7", "fft", ("x",), "y"))
