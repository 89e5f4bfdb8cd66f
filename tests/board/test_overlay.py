"""What a user of PYNQ does with a bundle: its overlay as a class, its registers, the entry points.
On the real package `pynq` only.
"""

import importlib.util

import cv2
import numpy as np
import pytest

from host.cli.verify import drawn
from host.devices import pynq as device_module
from host.devices.registry import open_device
from host.errors import BundleError, PromptError
from host.prompts import Prompt
from host.session import Session
from hw.spec.hardware import Hardware
from hw.spec.registers import END_BYTES, Bank, Control, EndWord, Register
from sim.board.machine import KV260

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pynq") is None, reason="needs the package pynq: make test-board"
)


@pytest.fixture
def tiny(prepared, kind, machine, monkeypatch):
    """Bundle of tiny for the board. It is simulated cycle by cycle, and takes its time."""
    if kind is not KV260:
        pytest.skip("one board is enough here")
    machine.stride = 2000
    monkeypatch.setattr(device_module, "GRACE_S", 600.0)
    return prepared / f"tiny-{kind.name}"


def test_the_overlay_tracks_as_golden_does(tiny, machine, tmp_path):
    from samfabric.overlays import SamFabricOverlay

    clip, box = drawn(2)
    for number, frame in enumerate(clip):
        cv2.imwrite(str(tmp_path / f"{number}.png"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    overlay = SamFabricOverlay(tiny)
    assert overlay.is_loaded() and overlay.system is not None and len(machine.loaded) == 1
    found = [result.objects[1].mask() for _, result in overlay.track(tmp_path, box=box)]
    assert len(machine.loaded) == 1  # the device is on the overlay that was there
    overlay.close()
    session = Session(open_device("golden", tiny))
    height, width = clip[0].shape[:2]
    asked = {1: Prompt.from_pixels(height, width, box=box)}
    for number, frame in enumerate(clip):
        wanted = session.step(frame, asked if number == 0 else None).objects[1].mask()
        assert wanted.any()
        np.testing.assert_array_equal(found[number], wanted)


def test_the_overlay_finds_its_bundle_and_needs_one_prompt(tiny, tmp_path, monkeypatch):
    from samfabric.overlays import SamFabricOverlay

    (tmp_path / "bitstreams").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOARD", "Nowhere")
    with pytest.raises(BundleError, match="no bundle with an overlay for Nowhere under"):
        SamFabricOverlay()
    monkeypatch.setenv("BOARD", "KV260")
    (tmp_path / "bitstreams" / "tiny").symlink_to(tiny)
    overlay = SamFabricOverlay()
    assert overlay.bundle == tmp_path / "bitstreams" / "tiny"
    with pytest.raises(PromptError, match="no prompt"):
        next(overlay.track(tmp_path))


def test_the_registers_move_a_frame_by_hand(folder, small, machine, pynq):
    """Registers as anybody would use them, without this project's driver."""
    loaded = pynq.Overlay(str(folder / "samfabric.bit"))
    hardware = Hardware.load(folder)
    entry, call = hardware.graph("copy"), next(c for c in small if c.graph == "copy")
    control = pynq.MMIO(loaded.ip_dict["system"]["phys_addr"], 0x1000)
    control.write(int(Register.CONTROL), int(Control.ABANDON))
    while control.read(int(Register.STATUS)):
        pass

    def push(register, end, buffer):
        for bits, offset in ((0, Register.ADDRESS_LOW), (32, Register.ADDRESS_HIGH)):
            control.write(int(offset), buffer.device_address >> bits & 0xFFFF_FFFF)
        control.write(int(Register.LENGTH), end.beats)
        control.write(int(register), end.number)

    taken = {}
    for end in entry.outputs:
        taken[end.port] = pynq.allocate((end.beats,), np.uint8, cacheable=1)
        taken[end.port].invalidate()
        push(Register.PUSH_WRITE, end, taken[end.port])
    (source,) = entry.inputs
    sent = pynq.allocate((source.beats,), np.uint8, cacheable=1)
    sent[:] = call.inputs[source.port].transpose(0, 2, 3, 1).ravel().view(np.uint8)
    sent.flush()
    push(Register.PUSH_READ, source, sent)
    for end in entry.outputs:
        done = Bank.WRITES + END_BYTES * end.number + EndWord.DONE
        while control.read(int(Register.STATUS)) or control.read(int(done)) != 1:
            pass
        taken[end.port].invalidate()
        wanted = call.outputs[end.port].transpose(0, 2, 3, 1).ravel().view(np.uint8)
        np.testing.assert_array_equal(np.asarray(taken[end.port]), wanted)


def test_looking_for_notebooks_and_overlays_loads_nothing_of_a_board(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pynq", None)
    for name in ("samfabric.notebooks", "samfabric.overlays"):
        assert importlib.import_module(name).__path__
