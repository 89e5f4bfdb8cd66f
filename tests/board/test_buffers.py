"""Buffers of the pynq device on a simulated board: where they lie, that they go back to the board,
and that none does while the data mover may still write into it.
"""

import gc

import numpy as np
import pytest

from host.devices import pynq as pynq_device
from host.devices.frames import SETS
from host.devices.pynq import PynqDevice
from host.devices.pynq_memory import LEAST_BYTES
from host.devices.transport import RunError
from host.errors import DeviceError
from hw.spec.registers import Register
from tests.board.calls import call_of, run


def test_buffers_are_cached_whole_pages_and_go_back_to_the_board(folder, small, machine):
    device = PynqDevice(folder)
    outputs = device.run("copy", call_of(small, "copy").inputs)
    assert all(size >= LEAST_BYTES and cached for _, size, cached in machine.memory.allocated)
    before = len(machine.memory.buffers)
    ordinary = device.allocate((1, 1, 7, 4), np.int8)
    assert type(ordinary) is np.ndarray and not ordinary.any()
    assert len(machine.memory.buffers) == before  # the mover's memory is for the mover
    device.close()
    assert outputs["first"].any()  # a view keeps its memory
    del device
    gc.collect()
    assert machine.memory.buffers
    del outputs
    gc.collect()
    assert machine.memory.buffers == {}


def by_length(small):
    """Calls of the ragged graph, the shortest first."""
    calls = (call for call in small if call.graph == "attend")
    return sorted(calls, key=lambda call: call.inputs["keys"].size)


def test_ragged_buffers_grow_and_the_old_ones_go(device, small, machine):
    counts = []
    for call in by_length(small):
        for _ in range(SETS):
            run(device, call)
        gc.collect()
        counts.append(len(machine.memory.buffers))
    assert len(set(counts)) == 1 and len(machine.memory.allocated) > counts[0]


def never_idle(device, monkeypatch):
    """The mover says that it is busy, whatever it is told."""
    registers = device.transport._registers
    read = registers.read
    monkeypatch.setattr(registers, "read", lambda o: read(o) | (o == Register.STATUS))


def test_a_buffer_that_grows_after_a_failed_run_goes_back_after_the_reset(
    device, small, machine, monkeypatch
):
    calls = by_length(small)
    for _ in range(SETS):
        run(device, calls[0])
    gc.collect()
    freed: list[int] = []
    free = machine.memory.free

    def listed(at):
        freed.append(at)
        free(at)

    monkeypatch.setattr(machine.memory, "free", listed)
    transport = device.transport
    usual, transport.grace, transport.timeout = (transport.grace, transport.timeout), 0, 0
    with monkeypatch.context() as broken:
        never_idle(device, broken)
        for call in (calls[0], calls[-1], calls[-1]):
            with pytest.raises(RunError, match="stays busy after a reset"):
                device.run("attend", call.inputs)
            gc.collect()
            assert freed == []
    transport.grace, transport.timeout = usual
    for _ in range(SETS):
        run(device, calls[-1])
    gc.collect()
    assert freed


def test_buffers_of_a_mover_that_does_not_stop_stay_taken(folder, small, machine, monkeypatch):
    device = PynqDevice(folder)
    monkeypatch.setattr(pynq_device, "_KEPT", [])
    never_idle(device, monkeypatch)
    with pytest.raises(DeviceError, match="the mover stays busy after a reset"):
        device.close()
    count = len(machine.memory.buffers)
    del device
    gc.collect()
    assert len(machine.memory.buffers) == count > 0 and len(pynq_device._KEPT) == 1


def test_buffers_are_taken_after_a_mover_that_somebody_left_at_work_is_reset(
    folder, small, machine, monkeypatch
):
    """Memory of a program that was killed may be given out again while the mover writes there."""
    first = PynqDevice(folder)
    frame = first.queues.begin("copy", call_of(small, "copy").inputs)
    assert not frame.ended() and any(machine.port.waiting.values())
    place, idle = machine.memory.place, []

    def placed(*given):
        idle.append(not any(machine.port.waiting.values()))
        return place(*given)

    monkeypatch.setattr(machine.memory, "place", placed)
    PynqDevice(folder, loaded=first)
    assert idle and all(idle)
