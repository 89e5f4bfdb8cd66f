"""Kernels that stand for many in timing: as slow as those, and few."""

import numpy as np
import pytest

from hw.design import Design
from hw.kernels.dwc import Dwc
from hw.kernels.fifo import Fifo
from hw.kernels.fmpad import Fmpad
from hw.kernels.mvu import Mvu
from hw.kernels.requant import Requant
from hw.kernels.split import Split
from hw.kernels.vvu import Vvu
from hw.timing import delays
from hw.timing.alike import alike
from hw.timing.model import of_netlist
from hw.timing.netlists import netlists

TABLE = delays.load("xcup")
SLACK = 0.04
LEVEL = TABLE.cell["lut"] + TABLE.net(4)
"""What two mappings of the same logic may differ by: Yosys takes an enable here and a LUT there."""


def trained(low, shape, seed):
    return np.random.default_rng(seed).integers(low, 8, shape)


KERNELS = {
    "requant": Requant.example(NumChannels=24, M_WIDTH=19, B_SHIFT=13, SHIFT=21, B_WIDTH=17),
    "mvu": Mvu.example(MW=64, MH=24, PE=2, SIMD=1, ACTIVATION_WIDTH=8, ACCU_WIDTH=18,
                       weights=trained(-7, (1, 24, 64), 0)),
    "vvu": Vvu.example(NumChannels=24, PE=2, ACCU_WIDTH=12),
    "fifo": Fifo(DEPTH=48, STREAM_WIDTH=24),
    "dwc": Dwc(IN_LANES=3, OUT_LANES=1, ELEM_WIDTH=14),
    "split": Split(N=1, NumChannels0=96, NumChannels1=576, PE=1, ELEM_WIDTH=8),
}  # fmt: skip


@pytest.fixture(scope="module")
def models():
    pairs = {name: Design.of(k) for name, k in KERNELS.items()}
    pairs |= {f"alike {name}": Design.of(alike(k)) for name, k in KERNELS.items()}
    places = netlists(pairs, "xcup", 1)
    return {name: of_netlist(path, TABLE) for name, path in places.items()}


def test_a_memory_takes_no_address_bit_more():
    own = Vvu.example(NumChannels=192, PE=1, TAPS=9, RAM_STYLE="block", ACCU_WIDTH=12)
    stands = alike(own)
    assert isinstance(stands, Vvu) and stands.NumChannels > 192
    assert 1024 < stands.NumChannels * 9 <= 2048  # as 192 * 9


@pytest.mark.parametrize("name", KERNELS)
def test_what_stands_for_a_kernel_is_as_slow(models, name):
    own, stands = models[name], models[f"alike {name}"]
    assert own.inner[0].delay <= stands.inner[0].delay * (1 + SLACK)
    assert own.captures.keys() == stands.captures.keys()
    assert own.launches.keys() == stands.launches.keys()
    for pin in own.captures:
        assert own.captures[pin].delay <= stands.captures[pin].delay + LEVEL, pin
    for pin in own.launches:
        assert own.launches[pin].delay <= stands.launches[pin].delay + LEVEL, pin
    ready = {(a.source, a.sink) for a in own.arcs if a.source.endswith("tready")}
    assert ready == {(a.source, a.sink) for a in stands.arcs if a.source.endswith("tready")}


def test_what_was_trained_does_not_matter():
    some, other = (Mvu.example(weights=trained(-7, (1, 8, 16), n)) for n in (1, 2))
    assert Design.of(some).digest() != Design.of(other).digest()
    assert Design.of(alike(some)).digest() == Design.of(alike(other)).digest()
    shifts = [Requant.example(SHIFT=s, B_SHIFT=11, M_WIDTH=m) for s, m in ((22, 18), (23, 20))]
    assert len({Design.of(alike(k)).digest() for k in shifts}) == 1


def test_a_kernel_without_a_rule_stands_for_itself():
    kernel = Fmpad.example()
    assert alike(kernel) is kernel


@pytest.mark.parametrize("name", KERNELS)
def test_it_stands_for_itself_too(name):
    stands = alike(KERNELS[name])
    assert Design.of(alike(stands)).digest() == Design.of(stands).digest()
