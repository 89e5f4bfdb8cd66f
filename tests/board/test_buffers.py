"""Buffers of the pynq device on a simulated board: where they lie, that they go back to the board,
and that none does while a DMA may still write into it.
"""

import gc

import numpy as np
import pytest

from host.devices import pynq as pynq_device
from host.devices.driver import RunError
from host.devices.pynq import PynqDevice
from host.devices.pynq_memory import LEAST_BYTES
from host.errors import DeviceError
from tests.board.calls import call_of, run


def test_buffers_are_cached_whole_pages_and_go_back_to_the_board(folder, small, machine):
    device = PynqDevice(folder)
    outputs = device.run("copy", call_of(small, "copy").inputs)
    assert all(size >= LEAST_BYTES and cached for _, size, cached in machine.memory.allocated)
    before = len(machine.memory.buffers)
    ordinary = device.allocate((1, 1, 7, 4), np.int8)
    assert type(ordinary) is np.ndarray and not ordinary.any()
    assert len(machine.memory.buffers) == before  # the DMAs' memory is for the DMAs
    device.close()
    assert outputs["first"].any()  # a view keeps its memory
    del device
    gc.collect()
    assert machine.memory.buffers
    del outputs
    gc.collect()
    assert machine.memory.buffers == {}


def test_ragged_buffers_grow_and_the_old_ones_go(device, small, machine):
    calls = sorted(
        (call for call in small if call.graph == "attend"), key=lambda c: c.inputs["keys"].size
    )
    counts = []
    for call in calls:
        run(device, call)
        gc.collect()
        counts.append(len(machine.memory.buffers))
    assert len(set(counts)) == 1 and len(machine.memory.allocated) > counts[0]


def no_reset(machine, monkeypatch):
    """DMAs take no reset: they stay at work."""
    monkeypatch.setattr(machine, "reset_channel", lambda channel: None)
    for pair in machine.engines.values():
        for engine in pair:
            read = engine.read
            monkeypatch.setattr(
                engine, "read", lambda offset, read=read: read(offset) | (offset == 0) * 4
            )


def test_a_buffer_that_grows_after_a_failed_run_goes_back_after_the_reset(
    device, small, machine, monkeypatch
):
    calls = sorted(
        (call for call in small if call.graph == "attend"), key=lambda c: c.inputs["keys"].size
    )
    run(device, calls[0])
    gc.collect()
    freed: list[bool] = []
    free = machine.memory.free
    monkeypatch.setattr(machine.memory, "free", lambda at: (freed.append(machine.idle), free(at)))
    transport = device._driver.transport
    usual, transport.grace, machine.stuck = transport.grace, 1000, True
    with monkeypatch.context() as broken:
        no_reset(machine, broken)
        for call in (calls[0], calls[-1], calls[-1]):
            with pytest.raises(RunError, match="does not reset"):
                device.run("attend", call.inputs)
            gc.collect()
            assert freed == [] and not machine.idle
    transport.grace, machine.stuck = usual, False
    run(device, calls[-1])
    gc.collect()
    assert freed and all(freed)


def test_buffers_of_a_dma_that_does_not_stop_outlive_their_device(
    folder, small, machine, monkeypatch
):
    device, call = PynqDevice(folder), call_of(small, "copy")
    transport = device._driver.transport
    transport.grace, machine.stuck = 1000, True
    with monkeypatch.context() as broken:
        broken.setattr(pynq_device, "_UNSTOPPED", kept := [])
        no_reset(machine, broken)
        with pytest.raises(RunError, match="does not reset"):
            device.run("copy", call.inputs)
        with pytest.raises(DeviceError, match="does not reset"):
            device.close()
        del device, transport
        gc.collect()
        held = {one.address for one in kept}
        assert held and held <= machine.memory.buffers.keys()
    for channel in range(len(machine.engines)):
        machine.reset_channel(channel)
    kept.clear()
    gc.collect()
    assert machine.memory.buffers == {}


def test_buffers_are_taken_after_engines_that_somebody_left_at_work_are_reset(
    folder, small, machine, monkeypatch
):
    """Memory of a program that was killed may be given out again while a DMA writes there."""
    first = PynqDevice(folder)
    machine.engines["dma_0"][1].busy = True
    place, idle = machine.memory.place, []
    monkeypatch.setattr(
        machine.memory, "place", lambda *given: (idle.append(machine.idle), place(*given))[1]
    )
    PynqDevice(folder, loaded=first)
    assert idle and all(idle)
