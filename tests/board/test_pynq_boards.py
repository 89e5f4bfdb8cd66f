"""The pynq device on a simulated KV260 and PYNQ-Z2: clocks, and what is said when a board or an
overlay is wrong.
"""

import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from host.devices import overlay
from host.devices.pynq import PynqDevice
from host.errors import BundleError, DeviceError
from hw.spec.hardware import Hardware
from sim.board.machine import KV260, PYNQ_Z2
from tests.board.calls import run

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
        ({"address": None}, "no address of its registers"),
        ({"part": "xczu7ev-ffvc1156-2-e"}, "hardware.json for xczu7ev"),
    ],
)
def test_bundles_without_what_a_board_needs(folder, small, machine, changes, message):
    change(folder, **changes)
    with pytest.raises(BundleError, match=message):
        PynqDevice(folder)
    assert machine.loaded == []


def test_an_address_that_differs_is_refused_before_anything_is_loaded(folder, small, machine):
    address = Hardware.load(folder).address
    assert address is not None
    moved = address + 0x10000
    change(folder, address=moved)
    told = "the registers are at 0x.*0000 in samfabric.hwh, at 0x.*10000 in hardware.json"
    with pytest.raises(BundleError, match=told):
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
