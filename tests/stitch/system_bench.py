"""Runs in the simulator: scenarios of a small system."""

from __future__ import annotations

import zlib

import cocotb
from cocotb.triggers import Timer

from hw.spec.registers import VERSION, WORD, Control, Register, Status
from sim.bench.patterns import PATTERNS
from tests.stitch.system_host import INPUTS, OKAY, OUTPUTS, SLVERR, Frame, Host, ready


@cocotb.test()
async def every_graph_equals_golden_and_is_timed(dut):
    host, given = await ready(dut)
    assert await host.get(Register.FRAMES) == 0
    done = 0
    for name, frame in given.items():
        if frame.load:
            continue
        bench, done = await host.run(frame), done + 1
        assert await host.get(Register.FRAMES) == done
        cycles = await host.get(Register.CYCLES_LOW)
        assert await host.get(Register.CYCLES_HIGH) == 0
        # A graph may look at its settings before it takes the first beat.
        assert bench <= cycles <= bench + 3, (name, bench, cycles)
        if name in ("copy", "add"):
            assert cycles == bench, name


@cocotb.test()
async def stalls_on_all_channels_change_nothing(dut):
    host, given = await ready(dut, 7)
    names = [name for name in given if name != "load"]
    for pattern in PATTERNS:
        host.rng.shuffle(names)
        for name in names:
            await host.run(given[name], pattern)


@cocotb.test()
async def a_load_under_stalls(dut):
    host, given = await ready(dut, 3)
    for pattern in ("random", "slow source"):
        await host.reset()
        await host.run(given["load"], pattern)
        assert await host.get(Register.CYCLES_LOW) >= len(given["load"].inputs[0])
        await host.run(given["multiply"])
    assert await host.get(Register.FRAMES) == 1  # loads are no frames, and RESET clears them


@cocotb.test()
async def crcs_are_of_what_passed_each_channel(dut):
    host, given = await ready(dut, 2)
    await host.reset()
    for name in ("load", "copy", "add", "attend 5", "attend 16", "multiply", "copy"):
        frame = given[name]
        await host.run(frame, "random")
        for base, streams in ((Register.CRC_IN, frame.inputs), (Register.CRC_OUT, frame.outputs)):
            for channel, words in streams.items():
                found = await host.get(base + WORD * channel)
                assert found == zlib.crc32(bytes(words)), (name, base, channel)
    for absent in (INPUTS, 7):
        assert await host.get(Register.CRC_IN + WORD * absent) == 0
    assert await host.get(Register.CRC_OUT + WORD * OUTPUTS) == 0
    assert await host.write(Register.CRC_OUT, 1) == SLVERR


@cocotb.test()
async def channels_are_shut_while_idle(dut):
    host, given = await ready(dut)
    frame = given["add"]
    for n in range(INPUTS):
        getattr(dut, f"s_axis_{n}_tvalid").value = 1
    for n in range(OUTPUTS):
        getattr(dut, f"m_axis_{n}_tready").value = 1
    for graph in range(5):
        await host.set(Register.GRAPH, graph)
        for _ in range(20):
            await host.edge
            assert not any(int(getattr(dut, f"s_axis_{n}_tready").value) for n in range(INPUTS))
            assert not any(int(getattr(dut, f"m_axis_{n}_tvalid").value) for n in range(OUTPUTS))
    for n in range(INPUTS):
        getattr(dut, f"s_axis_{n}_tvalid").value = 0
    await host.run(frame)


@cocotb.test()
async def what_is_sent_too_much_waits_for_the_next_run(dut):
    host, given = await ready(dut)
    one = given["copy"]
    twice = Frame("twice", 0, {0: one.inputs[0] * 2}, {n: w * 2 for n, w in one.outputs.items()})
    size = len(one.inputs[0])
    sources, sinks, out = host.streams(twice, last={0: {size - 1, 2 * size - 1}})
    for sink in sinks:
        sink.beats.last = ([0] * (size - 1) + [1]) * 2
    moving = cocotb.start_soon(host.stream(sources, sinks))
    await host.start(one)
    await host.until(Status.DONE)
    await host.wait(100)
    assert [s.got for s in sinks] == [size, size] and sources[0].next == size + 1
    await host.start(one)
    assert await host.until(Status.DONE | Status.ERROR) == Status.DONE
    assert await moving and not out.faults
    assert await host.get(Register.FRAMES) == 2


async def fails(host, frame, last, faults):
    """A run whose tlasts are wrong: told, and over with a reset."""
    sources, sinks, out = host.streams(frame, last=last)
    moving = cocotb.start_soon(host.stream(sources, sinks, 300))
    await host.start(frame)
    assert await host.until(Status.ERROR) == Status.ERROR | Status.BUSY
    await moving
    assert not out.faults  # the accelerator worked on all the same
    assert await host.get(Register.STATUS) == Status.ERROR | Status.BUSY
    assert await host.get(Register.FAULTS) == faults
    await host.set(Register.CONTROL, Control.START)  # ignored
    assert await host.get(Register.FAULTS) == faults
    await host.reset()
    assert await host.get(Register.FRAMES) == 0


@cocotb.test()
async def a_wrong_tlast_is_told_and_reset_recovers(dut):
    host, given = await ready(dut)
    add, copy = given["add"], given["copy"]
    size = len(add.inputs[0])
    await fails(host, add, {1: {size - 1, 3}}, 0x0002)
    await fails(host, add, {0: set()}, 0x0100)
    await fails(host, add, {0: {0}, 1: set()}, 0x0301)
    ragged = given["attend 5"]
    await fails(host, ragged, {2: {len(ragged.inputs[2]) - 5, len(ragged.inputs[2]) - 1}}, 0x0004)
    await fails(host, given["attend 16"], {1: set()}, 0x0200)
    await host.run(copy)
    await host.run(add)
    await host.run(ragged)
    await host.run(given["load"])
    await host.run(given["multiply"])


@cocotb.test()
async def reset_in_the_midst_of_a_run(dut):
    host, given = await ready(dut)
    for frame in (given["copy"], given["add"], given["attend 16"]):
        for cycles in (7, 23, 40):
            sources, sinks, _ = host.streams(frame)
            moving = cocotb.start_soon(host.stream(sources, sinks, cycles))
            await host.start(frame)
            await moving
            await host.reset()
            await host.run(frame)
    await host.set(Register.CONTROL, Control.RESET | Control.START)
    assert await host.get(Register.STATUS) == 0


@cocotb.test()
async def settings_that_cannot_run(dut):
    host, given = await ready(dut)
    bad = [Frame("", 4, {}, {}), Frame("", 256, {}, {}), Frame("", 2, {}, {}, length=0)]
    bad += [Frame("", 2, {}, {}, length=17), Frame("", 2, {}, {}, length=65537)]
    bad += [Frame("", 0, {}, {}, load=True), Frame("", 9, {}, {}, load=True)]
    for frame in bad:
        await host.start(frame)
        assert await host.get(Register.STATUS) == Status.ERROR, frame
        await host.start(given["copy"])  # refused until the reset
        assert await host.get(Register.STATUS) == Status.ERROR
        await host.reset()
    await host.run(given["attend 16"])


@cocotb.test()
async def registers_over_the_bus(dut):
    host, given = await ready(dut)
    assert await host.get(Register.IDENTITY) == given["load"].length
    assert await host.get(Register.VERSION) == VERSION | 4 << 8
    rng = host.rng
    settings = {Register.GRAPH: 8, Register.LENGTH: 16, Register.LAYER: 8}
    for _ in range(40):
        register = rng.choice(list(settings))
        value = rng.getrandbits(settings[register])
        late = {key: rng.choice((0, 0, 1, 5)) for key in ("aw", "w", "b")}
        assert await host.write(register, value, **late) == OKAY
        assert await host.read(register, ar=rng.choice((0, 3)), r=rng.choice((0, 4))) == (value, 0)
    for register, bits in settings.items():
        assert await host.write(register, 1 << bits) == OKAY
        assert await host.get(register) == (1 << bits) - 1
    for address in (0x2C, 0x80, 0xFC, 0x11, 0x0A):
        assert await host.read(address) == (0, SLVERR), hex(address)
        assert await host.write(address, 1) == SLVERR, hex(address)
    read_only = {Register.IDENTITY, Register.VERSION, Register.STATUS, Register.FRAMES}
    read_only |= {Register.CYCLES_LOW, Register.CYCLES_HIGH, Register.FAULTS}
    for register in read_only:
        before = await host.get(register)
        assert await host.write(register, ~before & 0xFFFFFFFF) == SLVERR
        assert await host.get(register) == before
    await host.set(Register.GRAPH, 1)
    for strobes in (0, 1, 7, 14):
        assert await host.write(Register.GRAPH, 2, strobes) == SLVERR
        assert await host.write(Register.CONTROL, 1, strobes) == SLVERR
    assert await host.get(Register.GRAPH) == 1
    assert await host.read(Register.CONTROL) == (0, OKAY)
    assert await host.get(Register.STATUS) == Status.DONE


@cocotb.test()
async def reads_and_writes_side_by_side(dut):
    host, _ = await ready(dut)
    host_2 = Host(dut, 5)
    await host.set(Register.LENGTH, 0)

    async def writes():
        for value in range(30):
            late = {key: host.rng.choice((0, 2)) for key in ("aw", "w", "b")}
            assert await host.write(Register.LENGTH, value, **late) == OKAY

    async def reads():
        seen = [await host_2.get(Register.LENGTH) for _ in range(40)]
        assert seen == sorted(seen) and len(set(seen)) > 5

    jobs = [cocotb.start_soon(writes()), cocotb.start_soon(reads())]
    for job in jobs:
        await job
    await Timer(1, "ns")


@cocotb.test()
async def a_run_keeps_its_settings(dut):
    host, given = await ready(dut)
    frame = given["attend 5"]
    await host.start(frame)
    await host.set(Register.GRAPH, 0)
    await host.set(Register.LENGTH, 16)
    await host.set(Register.LAYER, 0)
    await host.set(Register.CONTROL, Control.START)
    await host.set(Register.CONTROL, Control.LOAD)
    assert await host.get(Register.GRAPH) == 2 and await host.get(Register.LENGTH) == 5
    sources, sinks, out = host.streams(frame)
    assert await host.stream(sources, sinks)
    assert await host.until(Status.DONE | Status.ERROR) == Status.DONE and not out.faults
    assert await host.get(Register.FRAMES) == 1
