"""The pynq device on a simulated KV260 and PYNQ-Z2: every graph, all at once, memory that is not
coherent, and what is said when something is wrong.
"""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from host.cli.verify import Call
from host.devices import pynq as pynq_device
from host.devices.pynq import PynqDevice
from host.devices.pynq_memory import WORD_BYTES
from host.devices.transport import RunError
from host.errors import BundleError, DeviceError
from host.jobs import Job, Jobs
from hw.spec.handoff import Handoff, Reach
from sim.board.machine import KV260
from tests.board.calls import call_of, plant, run, same


def test_every_graph_equals_its_golden(device, small, machine):
    assert [path.name for path in machine.loaded] == ["samfabric.bit"]
    for _ in range(2):
        for call in small:
            run(device, call)
    assert len(device.cycles["attend"]) == 6
    assert device.hardware.clock_mhz == pytest.approx(machine.clocks.mhz(), rel=1e-4)
    assert machine.memory.strayed == []
    assert all(size % WORD_BYTES == 0 and cached for _, size, cached in machine.memory.allocated)


@pytest.mark.parametrize("seed", range(3))
def test_frames_of_all_graphs_at_once(device, small, seed):
    jobs, rng = Jobs(device), np.random.default_rng(seed)
    running: dict[Job, Call] = {}
    begun = 0
    while begun < 30 or running:
        call = small[rng.integers(len(small))]
        if begun < 30 and jobs.room(call.graph):
            running[jobs.submit(call.graph, call.inputs)] = call
            begun += 1
        if begun == 30 or rng.random() < 0.3:
            job = jobs.first(list(running))
            same(jobs.wait(job), running.pop(job).outputs)
            jobs.release(job)
    jobs.close()


@pytest.mark.parametrize("method", ["flush", "invalidate"])
def test_a_dropped_flush_or_invalidation_is_noticed(
    method, folder, small, machine, pynq, monkeypatch
):
    device, call = PynqDevice(folder), call_of(small, "add")
    for _ in range(3):  # every buffer set
        run(device, call)
    plant(monkeypatch, pynq, method, lambda buffer: None)
    changed = {k: np.roll(v, 1) for k, v in call.inputs.items()}
    side = "READS" if method == "flush" else "WRITES"
    with pytest.raises(RunError, match=rf"{side} end \d has CRC"):
        device.run("add", changed)
    monkeypatch.undo()
    run(device, call)


def test_what_the_host_wrote_into_an_output_does_not_come_back_over_it(device, small):
    call = call_of(small, "add")
    for _ in range(3):
        device.run("add", call.inputs)["sum"][:] = 77  # dirty cache lines where the mover writes
    run(device, call)


def test_memory_above_4_gb_is_reached(folder, small, kind, machine):
    if kind is not KV260:
        pytest.skip("this board has 512 MB")
    machine.memory.high = True
    device = PynqDevice(folder)
    assert all(address >> 32 for address, _, _ in machine.memory.allocated)
    for call in small:
        run(device, call)


def test_a_buffer_out_of_reach_is_refused(device, monkeypatch):
    transport = device.transport
    monkeypatch.setattr(transport, "_reach", Reach(((0, 0xFF),)))
    with pytest.raises(
        DeviceError, match="a buffer of 8192 bytes lies at 0x.*where the mover does not reach"
    ):
        transport.allocate((3,), np.uint8)


def test_logic_that_is_too_fast_gives_wrong_codes(device, small, machine):
    machine.clocks.crystal_mhz *= 1.25
    with pytest.raises(RunError, match=r"WRITES end \d has CRC 0x"):
        run(device, call_of(small, "copy"))
    machine.clocks.crystal_mhz /= 1.25
    run(device, call_of(small, "copy"))


def test_memory_that_is_not_there_is_told_by_port(device, small, machine, monkeypatch):
    lanes = device.queues._lanes["copy"]
    images = [buffers.sources["image"] for buffers in lanes.free]
    address = device.transport.address

    def astray(array):
        return 0x7FFF_FF00 if any(array is image for image in images) else address(array)

    monkeypatch.setattr(device.transport, "address", astray)
    with pytest.raises(RunError, match="copy.image: DECODE"):
        run(device, call_of(small, "copy"))
    monkeypatch.undo()
    run(device, call_of(small, "copy"))


def test_waiting_sleeps(device, small, monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr("host.devices.pynq.time.sleep", slept.append)
    run(device, call_of(small, "copy"))
    assert slept and 0 < max(slept) <= pynq_device.PAUSE_S


def test_a_frame_that_does_not_end_is_given_up_and_its_buffers_come_back(device, small, machine):
    transport = device.transport
    usual, transport.grace, transport.timeout = (transport.grace, transport.timeout), 0, 0
    with pytest.raises(RunError, match="copy: no end in time"):
        run(device, call_of(small, "copy"))
    transport.grace, transport.timeout = usual
    for call in small:
        run(device, call)


def test_a_handoff_without_memory_for_the_mover_is_refused(folder, small, machine):
    path = folder / "samfabric.hwh"
    assert Handoff.read(path).memory.ranges
    tree = ET.parse(path)
    for module in tree.getroot().iter("MODULE"):
        if module.get("INSTANCE") == "system":
            ranges = module.find("MEMORYMAP")
            assert ranges is not None
            module.remove(ranges)
    tree.write(path)
    with pytest.raises(BundleError, match="gives the data mover no memory"):
        PynqDevice(folder)
    assert machine.loaded == []
