"""The pynq device on a simulated KV260 and PYNQ-Z2: every graph, DMA registers, memory that is not
coherent, clocks, and what is said when a board or an overlay is wrong.
"""

import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from host.devices import overlay
from host.devices.driver import RunError
from host.devices.pynq import PynqDevice, PynqTransport
from host.devices.pynq_memory import WINDOW
from host.errors import BundleError, DeviceError
from hw.spec.handoff import Dma
from hw.spec.hardware import Hardware
from sim.board.machine import KV260, PYNQ_Z2
from tests.board.calls import call_of, plant, run


def test_every_graph_equals_its_golden(device, folder, small, machine):
    assert [path.name for path in machine.loaded] == ["samfabric.bit"]
    for _ in range(2):
        for call in small:
            run(device, call)
    assert len(device.cycles["attend"]) == 6
    assert device.hardware.clock_mhz == pytest.approx(machine.clocks.mhz(), rel=1e-4)
    assert machine.memory.strayed == []


def expect(device, small, match, graph="copy"):
    call = call_of(small, graph)
    with pytest.raises(RunError, match=match):
        device.run(graph, call.inputs)
    return call


# -- memory


@pytest.mark.parametrize("method", ["flush", "invalidate"])
def test_a_dropped_flush_or_invalidation_is_noticed(
    method, folder, small, machine, pynq, monkeypatch
):
    device, call = PynqDevice(folder), call_of(small, "add")
    run(device, call)
    plant(monkeypatch, pynq, method, lambda buffer: None)
    changed = {k: np.roll(v, 1) for k, v in call.inputs.items()}
    with pytest.raises(
        RunError, match=r"s_axis_\d has CRC" if method == "flush" else "m_axis_0 has"
    ):
        device.run("add", changed)
    monkeypatch.undo()
    run(device, call)


def test_what_the_host_wrote_into_an_output_does_not_come_back_over_it(device, small):
    call = call_of(small, "add")
    device.run("add", call.inputs)["sum"][:] = 77  # dirty cache lines where the DMA writes next
    run(device, call)


def test_memory_above_4_gb_is_reached_and_no_high_word_is_left_over(folder, small, kind, machine):
    """Buffers above and below in turn, so that every DMA sees both kinds one after the other."""
    if kind is not KV260:
        pytest.skip("this board has 512 MB")
    device = PynqDevice(folder)
    transport = device._driver.transport
    for graph in device._driver._graphs.values():
        for ends in (graph.sources, graph.targets):
            for number, name in enumerate(sorted(ends)):
                machine.memory.high = number % 2 == 0
                ends[name] = transport.allocate((ends[name].size,), np.uint8)
    assert any(address >> 32 for address, _, _ in machine.memory.allocated)
    for _ in range(2):
        for call in small:
            graph = device._driver._graphs[call.graph]
            device.run(call.graph, call.inputs)
            for name, codes in call.outputs.items():  # the views are of the buffers before
                found = graph.targets[name][: codes.size].view(codes.dtype)
                np.testing.assert_array_equal(found, codes.transpose(0, 2, 3, 1).ravel())
    assert machine.memory.strayed == []


def test_a_stale_high_word_is_an_address_of_somebody_else(folder, small, kind, machine):
    """What the device writes to the high word on every run is what keeps it right."""
    if kind is not KV260:
        pytest.skip("DMAs of 32 address bits have no high word")
    device, call = PynqDevice(folder), call_of(small, "copy")
    for pair in machine.engines.values():
        for engine in pair:
            engine.high = 8
    run(device, call)
    dma = machine.engines["dma_0"][0]
    dma.high, whole = 8, dma.write
    dma.write = lambda offset, value: None if offset == 0x1C else whole(offset, value)
    expect(device, small, "address error|s_axis_0 has CRC")


def test_a_buffer_out_of_reach_is_refused(folder, small, machine, monkeypatch):
    narrow = Dma(31, 26, ((0, 0x0FFF_FFFF),))
    device = PynqDevice(folder)
    transport = device._driver.transport
    monkeypatch.setattr(transport, "_engines", {"dma_1": narrow})
    with pytest.raises(DeviceError, match="a buffer of 8192 bytes lies at 0x.*dma_1.*31 address"):
        transport.allocate((3,), np.uint8)


# -- DMAs


def test_a_dma_error_is_named_and_mended(device, small, machine):
    engine = machine.engines["dma_0"][0]
    whole, engine.settings = engine.settings, Dma(32, 26, ((0, 15),))
    call = expect(device, small, "DMA of s_axis_0: address error")
    engine.settings = whole
    run(device, call)


def test_a_frame_that_comes_short_is_noticed(device, small, machine):
    machine.short = {1: 4}
    call = expect(device, small, "m_axis_1: 20 of 24 bytes came")
    machine.short = {}
    run(device, call)


def test_a_dma_that_never_ends_is_given_up_and_reset(device, small, machine):
    machine.stuck = True
    transport = device._driver.transport
    usual, transport.grace = transport.grace, 1000
    call = expect(device, small, "no end within .*s_axis_0 waits")
    assert machine.idle
    machine.stuck, transport.grace = False, usual
    run(device, call)


def test_a_dma_that_does_not_start_is_named(device, small, machine, monkeypatch):
    engine = machine.engines["dma_1"][1]
    whole = engine.read
    monkeypatch.setattr(engine, "read", lambda offset: whole(offset) | (offset == 4))
    expect(device, small, "the DMA of m_axis_1 does not start")


def test_waiting_sleeps(device, small, machine, monkeypatch):
    slept = []
    monkeypatch.setattr("host.devices.pynq.time.sleep", slept.append)
    call = call_of(small, "copy")
    for _ in range(3):
        run(device, call)
    assert len(slept) >= 3 and min(slept) > 0


def test_a_dma_that_only_receives_is_reset_by_its_own_register():
    arrays = {address: np.zeros(WINDOW // 4, np.uint32) for address in (1, 2, 3)}
    stand_in = SimpleNamespace(MMIO=lambda address, _: SimpleNamespace(array=arrays[address]))
    hardware = SimpleNamespace(
        in_channels=1,
        out_channels=2,
        dmas=("a", "b"),
        addresses={"control": 1, "a": 2, "b": 3},
        clock_mhz=100.0,
    )
    handoff = SimpleNamespace(dmas={"a": Dma(32, 26), "b": Dma(32, 26)})
    transport = PynqTransport(stand_in, hardware, handoff)
    with pytest.raises(DeviceError, match="DMA 0 does not reset"):
        transport.abandon()
    assert np.flatnonzero(arrays[2]).tolist() == [0]
    arrays[2] = np.zeros(WINDOW // 4, np.uint32)
    transport._dmas = transport._dmas[1:]
    transport._in_channels = 0
    with pytest.raises(DeviceError, match="does not reset"):
        transport.abandon()
    assert np.flatnonzero(arrays[3]).tolist() == [0x30 // 4]


# -- clocks


@pytest.fixture
def pll_runs(machine, pynq, monkeypatch):
    """The PLLs run so many times as fast as Vivado took them to, and pynq knows."""

    def change(factor):
        machine.clocks.crystal_mhz *= factor
        if hasattr(pynq.Clocks, "_instance"):
            instance = pynq.Clocks._instance
            monkeypatch.setattr(instance, "_ref_clk_mhz", instance._ref_clk_mhz * factor)

    return change


@pytest.mark.parametrize("factor", [1.25, 0.75])
def test_a_clock_unlike_the_overlays_is_lowered_never_above(
    factor, folder, small, machine, pll_runs
):
    """With PLLs 25 % fast the overlay's divisors would give logic too fast for its paths."""
    pll_runs(factor)
    timed = Hardware.load(folder).clock_mhz
    device = PynqDevice(folder)
    assert machine.clocks.mhz() <= timed * 1.001
    assert device.hardware.clock_mhz == pytest.approx(machine.clocks.mhz(), rel=1e-3)
    assert machine.clocks.mhz() >= 0.6 * timed
    for call in small:
        run(device, call)


def test_logic_that_is_too_fast_gives_wrong_codes(device, small, machine):
    """So that the tests above would see a clock that nobody lowered."""
    machine.clocks.crystal_mhz *= 1.25
    expect(device, small, "m_axis_0 has CRC 0x")


def test_a_clock_that_stays_too_fast_or_cannot_be_read_is_refused():
    fixed = SimpleNamespace(fclk0_mhz=250.0)
    stuck = type("Clocks", (), {"fclk0_mhz": property(lambda s: 250.0, lambda s, v: None)})()
    assert overlay.settle_clock(fixed, 250.1) == 250.0
    with pytest.raises(DeviceError, match="stays at 250 MHz, the overlay is timed for 200 MHz"):
        overlay.settle_clock(stuck, 200.0)

    class Unreadable:
        @property
        def fclk0_mhz(self):
            raise ValueError("Invalid PLL Source")

    with pytest.raises(DeviceError, match="cannot be read or set: Invalid PLL Source"):
        overlay.settle_clock(Unreadable(), 200.0)


# -- overlays and boards


def change(folder, **changes):
    replace(Hardware.load(folder), **changes).save(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"overlay": None}, "no bitstream"),
        ({"overlay": "lost.bit"}, r"lost\.bit is missing"),
        ({"dmas": ("dma_0", "dma_1")}, "2 DMAs for 3 channels"),
        ({"addresses": {"control": 0}}, "no address of dma_0, dma_1, dma_2"),
        ({"part": "xczu7ev-ffvc1156-2-e"}, "hardware.json for xczu7ev"),
    ],
)
def test_bundles_without_what_a_board_needs(folder, small, machine, changes, message):
    change(folder, **changes)
    with pytest.raises(BundleError, match=message):
        PynqDevice(folder)
    assert machine.loaded == []


def test_addresses_that_differ_are_refused_before_anything_is_loaded(folder, small, machine):
    hardware = Hardware.load(folder)
    moved = {**hardware.addresses, "dma_1": hardware.addresses["dma_1"] + 0x10000}
    change(folder, addresses=moved)
    with pytest.raises(BundleError, match="dma_1 is at 0x.*20000 in samfabric.hwh, at 0x.*30000"):
        PynqDevice(folder)
    assert machine.loaded == []


@pytest.mark.parametrize("kept", [0, 0.5, 0.99])
def test_a_torn_handoff_is_named(folder, small, machine, kept):
    path = folder / "samfabric.hwh"
    text = path.read_bytes()
    path.write_bytes(text[: int(len(text) * kept)])
    with pytest.raises(BundleError, match=r"samfabric\.hwh is no whole hardware handoff"):
        PynqDevice(folder)
    path.unlink()
    with pytest.raises(BundleError, match=r"samfabric\.hwh is missing"):
        PynqDevice(folder)
    assert machine.loaded == []


def test_a_torn_bitstream_is_a_device_error(folder, small, machine):
    path = folder / "samfabric.bit"
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(DeviceError, match=r"cannot load .*samfabric\.bit: .*fetch the bundle"):
        PynqDevice(folder)


def test_an_overlay_of_another_bundle_is_refused_and_takes_no_memory(folder, small, machine):
    change(folder, identity=7)
    with pytest.raises(DeviceError, match="0x5afab51c.*0x00000007"):
        PynqDevice(folder)
    assert machine.memory.allocated == []


def test_a_bundle_of_another_board_is_refused(folder, small, kind, machine, monkeypatch):
    other = PYNQ_Z2 if kind is KV260 else KV260
    monkeypatch.setenv("BOARD", other.image)
    with pytest.raises(DeviceError, match=f"bundle is for {kind.name}, this board is"):
        PynqDevice(folder)
    assert machine.loaded == []


def test_away_from_a_board(folder, small, machine, pynq, monkeypatch):
    class NoDevice:
        @property
        def active_device(self):
            raise RuntimeError("No Devices Found")

    monkeypatch.setattr(pynq, "Device", NoDevice())
    with pytest.raises(DeviceError, match="No Devices Found.*run as root on a board"):
        PynqDevice(folder)
    monkeypatch.delenv("XILINX_XRT")
    with pytest.raises(DeviceError, match="XILINX_XRT is not set.*source /etc/profile.d"):
        PynqDevice(folder)
    monkeypatch.setitem(sys.modules, "pynq", None)
    with pytest.raises(DeviceError, match="needs a board and its Python package"):
        PynqDevice(folder)


def test_without_root(folder, small, machine, pynq, monkeypatch):
    def refuse(path):
        raise OSError("Root permissions required.")

    monkeypatch.setattr(pynq, "Overlay", refuse)
    with pytest.raises(DeviceError, match="Root permission.*as root"):
        PynqDevice(folder)


def test_an_overlay_that_never_loads_is_given_up(folder, small, machine, pynq, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(pynq, "Overlay", lambda path: release.wait(30))
    monkeypatch.setattr(overlay, "LOAD_S", 0.2)
    with pytest.raises(DeviceError, match="is not loaded after 0.2 s.*off and on"):
        PynqDevice(folder)
    release.set()
