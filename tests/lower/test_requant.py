"""The requantizer's integers against the trained quantizer, on every reachable sum."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from hw.kernels.requant import Requant
from hw.lower.requant import (
    CASCADE_PORT,
    NARROW_PORT,
    WIDE_PORT,
    search,
    search_shared,
    solve,
    trained_steps,
)
from hw.ops.program import Node, Program
from hw.ops.requant import requant_or_threshold
from hw.spec.dtypes import IntType
from hw.spec.manifest import DETECTOR, load_manifest
from sim import in_numpy, in_torch

UINT4, INT8 = IntType(4, signed=False), IntType(8)


def exact_quantizer(acc, scale, bias, out, dtype, relu=False):
    """Half-even in rational arithmetic on the float parameters."""
    value = Fraction(float(scale)) * int(acc) + Fraction(float(bias))
    if relu:
        value = max(value, Fraction(0))
    return max(dtype.min, min(dtype.max, round(value / Fraction(float(out)))))


def problem(dtype, channels, reach, seed):
    random = np.random.default_rng(seed)
    scale = np.exp(random.uniform(np.log(0.2), np.log(5), channels)).astype(np.float32)
    scale = (scale * 2.0 / reach).astype(np.float32).astype(np.float64)
    bias = random.normal(0, 1, channels).astype(np.float32).astype(np.float64)
    out = float(np.float32(4.0 / dtype.max))
    low = -random.integers(reach // 2, reach, channels)
    return scale, bias, out, low, random.integers(reach // 2, reach, channels)


@pytest.mark.parametrize("dtype", [UINT4, INT8], ids=lambda t: t.name)
@pytest.mark.parametrize("seed", range(3))
def test_every_reachable_sum(dtype, seed):
    scale, bias, out, low, high = problem(dtype, 24, 3000, seed)
    steps = trained_steps(scale, bias, out, dtype, relu=False)
    found = search(steps, scale / out, low, high, dtype)
    assert (found.dsps == 1).all()
    acc = np.arange(-3000, 3001)
    codes = requant_or_threshold(
        torch.from_numpy(acc).view(1, 1, -1, 1).expand(1, 24, -1, 1),
        torch.from_numpy(found.m),
        torch.from_numpy(found.b),
        torch.from_numpy(found.n),
        dtype.min,
        dtype.max,
        torch.zeros(0, dtype=torch.int64),
        torch.zeros(0, steps.shape[1], dtype=torch.int64),
    ).numpy()[0, :, :, 0]
    for c in range(0, 24, 6):
        inside = (acc >= low[c]) & (acc <= high[c])
        wanted = [exact_quantizer(a, scale[c], bias[c], out, dtype) for a in acc[inside]]
        assert codes[c, inside].tolist() == wanted
    # All channels by their steps, which the rational quantizer has just confirmed.
    staircase = dtype.min + (acc[None, :, None] >= steps[:, None, :]).sum(2)
    inside = (acc[None] >= low[:, None]) & (acc[None] <= high[:, None])
    assert np.array_equal(codes[inside], staircase[inside])


def test_ties_round_to_even_and_powers_of_two_are_exact():
    one = np.ones(1)
    steps = trained_steps(one * 0.5, one * 0, 1.0, UINT4, relu=True)
    # Sums 1, 3, 5 are worth 0.5, 1.5, 2.5: codes 0, 2, 2.
    assert steps[0, :4].tolist() == [2, 3, 6, 7]
    found = search(steps, one * 0.5, np.array([-40]), np.array([40]), UINT4)
    assert found.dsps[0] in (0, 1, 2)
    acc = np.arange(-40, 41)
    staircase = (acc[:, None] >= steps).sum(1)
    assert staircase.tolist() == [exact_quantizer(a, 0.5, 0, 1.0, UINT4, True) for a in acc]


def test_relu_before_a_signed_quantizer():
    one = np.ones(1)
    steps = trained_steps(one * 0.3, one * -1.0, 0.5, INT8, relu=True)
    acc = np.arange(-500, 500)
    staircase = INT8.min + (acc[:, None] >= steps).sum(1)
    assert staircase.tolist() == [exact_quantizer(a, 0.3, -1.0, 0.5, INT8, True) for a in acc]


def test_ports_are_respected_and_wide_sums_take_more():
    scale, bias, out, _, _ = problem(INT8, 64, 1 << 19, 5)
    reach = np.full(64, 1 << 19)
    steps = trained_steps(scale, bias, out, INT8, relu=False)
    found = search(steps, scale / out, -reach, reach, INT8)
    one, two = found.dsps == 1, found.dsps == 2
    assert one.sum() + two.sum() > 60
    limit = max(NARROW_PORT, WIDE_PORT) - 1
    assert (found.m[one] < 1 << limit).all() and (found.m[two] < 1 << (CASCADE_PORT - 1)).all()
    hopeless = search(steps << 12, scale / out / 4096, -reach << 12, reach << 12, INT8)
    assert (hopeless.dsps == 0).all()  # sums wider than any port: thresholds


@pytest.mark.parametrize("dtype", [UINT4, INT8], ids=lambda t: t.name)
@pytest.mark.parametrize("reach", [500, 20_000])
def test_fast_evaluation_is_the_same_function(dtype, reach):
    scale, bias, out, low, high = problem(dtype, 16, reach, 7)
    steps = trained_steps(scale, bias, out, dtype, relu=False)
    found = search(steps, scale / out, low, high, dtype)
    keep = found.dsps > 0
    empty = {"channels": np.zeros(0, np.int64), "steps": np.zeros((0, steps.shape[1]), np.int64)}
    params = {k: getattr(found, k)[keep] for k in "mbn"} | empty
    node = Node("r", "requant", ("a",), "y", {"low": dtype.min, "high": dtype.max}, params)
    acc = torch.arange(-reach, reach + 1).view(1, 1, -1, 1).expand(1, int(keep.sum()), -1, 1)
    wanted = requant_or_threshold(
        acc, **{k: torch.from_numpy(v) for k, v in params.items()}, low=dtype.min, high=dtype.max
    )
    assert np.array_equal(in_numpy.bind(node)(acc.float().numpy()), wanted.numpy())
    assert torch.equal(in_torch.bind(node)(acc.float()).long(), wanted)


def disagreements(found, steps, low, high, dtype):
    """Reachable sums, over all channels, at which the kernel's codes are not the staircase's."""
    accu = max(int(high.max()).bit_length(), int(-low.min() - 1).bit_length()) + 1
    kernel = Requant.example(
        NumChannels=len(low),
        PE=1,
        ACCU_WIDTH=max(accu, found.parameters["PORT_WIDTH"]),
        OUT_WIDTH=dtype.bits,
        OUT_SIGNED=dtype.signed,
        m=found.m,
        b=found.b,
        n=found.n,
        **found.parameters,
    )
    wrong = 0
    for first in range(int(low.min()), int(high.max()) + 1, 4096):
        acc = np.arange(first, min(first + 4096, int(high.max()) + 1))
        sums = np.repeat(acc[:, None], len(low), 1)
        codes = kernel.golden({"s_axis": torch.from_numpy(sums)})["m_axis"].numpy()
        for c in range(len(low)):
            inside = (acc >= low[c]) & (acc <= high[c])
            wanted = dtype.min + np.searchsorted(steps[c], acc[inside], side="right")
            wrong += int((codes[inside, c] != wanted).sum())
    return wrong


@pytest.mark.parametrize("dtype", [UINT4, INT8], ids=lambda t: t.name)
@pytest.mark.parametrize("shifts", [1, 2, 4])
def test_shared_shifts_follow_every_reachable_sum(dtype, shifts):
    scale, bias, out, low, high = problem(dtype, 24, 3000, 11)
    steps = trained_steps(scale, bias, out, dtype, relu=False)
    found = search_shared(steps, low, high, dtype, shifts)
    assert disagreements(found, steps, low, high, dtype) == 0
    assert found is not None and len(np.unique(found.n)) <= shifts
    assert (found.b % (1 << found.parameters["B_SHIFT"]) == 0).all()


def test_more_shifts_make_factors_narrower_where_slopes_differ():
    scale, bias, out, low, high = problem(UINT4, 32, 3000, 2)
    scale[:16] /= 40
    steps = trained_steps(scale, bias, out, UINT4, relu=False)
    found = {n: search_shared(steps, low, high, UINT4, n) for n in (1, 2)}
    assert disagreements(found[2], steps, low, high, UINT4) == 0
    one, two = found[1], found[2]
    assert one is not None and two is not None
    assert two.parameters["SHIFTS"] == 2
    assert two.parameters["M_WIDTH"] <= one.parameters["M_WIDTH"]


def test_channels_that_never_change_take_part():
    dead = np.array([[1 << 40] * 15, [-(1 << 40)] * 15, list(range(0, 45, 3))], np.int64)
    low, high = np.array([0, -50, -50]), np.array([0, 50, 50])
    found = search_shared(dead, low, high, UINT4)
    assert disagreements(found, dead, low, high, UINT4) == 0


BUNDLES = sorted((Path(__file__).parents[2] / "bitstreams").glob("*_emulated_*"))


@pytest.mark.parametrize("folder", BUNDLES, ids=lambda f: f.name.partition("_")[0])
def test_every_layer_of_the_bundles_has_integers_for_hardware(folder):
    """Two shifts serve every layer, and one serves all of the tracker's but a single layer at most.
    One DSP a lane serves every layer but the stem, whose sums of 19 bits and more need factors of
    20 and more.
    """
    two = []
    for graph in (entry.name for entry in load_manifest(folder).graphs):
        for node in Program.load(folder, graph).nodes:
            if node.op != "requant":
                continue
            assert not node.params["channels"].size, node.name
            assert node.hardware["SHIFTS"] <= 2, node.name
            if graph != DETECTOR and node.hardware["SHIFTS"] == 2:
                two.append(node.name)
            wide = node.hardware["M_WIDTH"] >= 18 and node.hardware["PORT_WIDTH"] > NARROW_PORT
            assert wide == (node.name == "backbone.stem.requant" and "tiny" not in folder.name)
    assert len(two) <= 1, two


def test_solve_takes_the_fewest_dsps_then_the_fewest_shifts():
    scale, bias, out, low, high = problem(UINT4, 24, 3000, 5)
    steps = trained_steps(scale, bias, out, UINT4, relu=False)
    found = solve(steps, scale / out, low, high, UINT4)
    assert (found.dsps == 1).all() and found.parameters["SHIFTS"] == 1
    assert disagreements(found, steps, low, high, UINT4) == 0


def test_solve_falls_back_on_thresholds_for_channels_that_no_factor_follows():
    """One channel's staircase has steps of uneven width; the others keep integers of their own."""
    even, uneven = np.arange(-70, 80, 10), np.array([0, 1, 2, 3, 40, 41, 42, 43, *range(90, 97)])
    steps = np.stack([even, uneven]).astype(np.int64)
    found = solve(steps, np.array([0.1, 0.1]), np.full(2, -200), np.full(2, 200), UINT4)
    assert found.parameters == {} and found.dsps.tolist() == [1, 0]
