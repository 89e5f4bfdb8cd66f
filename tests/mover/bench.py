"""Runs in the simulator: a host, a memory and accelerators around the mover, and what has to come
of their jobs by its golden model.
"""

from __future__ import annotations

import json
import os
import zlib
from collections import defaultdict
from random import Random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from cocotb.utils import get_sim_time
from cocotbext.axi.constants import AxiResp

from hw.mover.mover import MOST_BYTES, PAGE, READ_LATENCY, WRITE_LATENCY, Mover
from hw.spec.registers import (
    END_BYTES,
    FRAMES_MODULUS,
    IDENTITY,
    VERSION,
    Bank,
    EndWord,
    Fault,
    Register,
)
from tests.mover.ends import Ends
from tests.mover.memory import BASE, BLOCK, Memory
from tests.mover.registers import Host

GIVEN = json.loads(os.environ.get("MOVER", "{}"))
LONGEST = 1500
PERIOD_NS = 10


class Bench:
    """Everything around one mover. Jobs lie one after another in memory, with gaps between."""

    def __init__(self, dut) -> None:
        self.dut, self.rng = dut, Random(GIVEN["seed"])
        self.mover = Mover(**GIVEN["parameters"])
        self.beats = GIVEN["beats"]
        size = 2 * (self.beats + 40 * PAGE) // PAGE * PAGE
        blocks = self.rng.sample(range(size // BLOCK), size // BLOCK // 12) if GIVEN["bad"] else []
        bad = {block: self.rng.choice(("slave", "decode")) for block in blocks}
        pattern, stalls = GIVEN["pattern"], GIVEN["pattern"] != "none"
        self.memory = Memory(dut, size, pattern, bad, 120 if stalls else 0, GIVEN["seed"])
        self.wanted_memory = bytearray(self.memory.content)
        self.ends = Ends(
            dut, self.mover.READS, self.mover.WRITES, self.mover.SETTINGS, pattern, GIVEN["seed"]
        )
        self.host = Host(dut)
        self.next = 0
        self.wanted: list[list[tuple[int, int]]] = [[] for _ in range(self.mover.READS)]
        self.bursts: dict[Bank, list[tuple[int, int]]] = {Bank.READS: [], Bank.WRITES: []}
        self.faults: dict[tuple[Bank, int], Fault] = defaultdict(lambda: Fault(0))
        self.frames: dict[tuple[Bank, int], list[bytes]] = defaultdict(list)

    async def start(self) -> None:
        """Clock, reset, and what runs beside the test."""
        Clock(self.dut.clk, PERIOD_NS, unit="ns").start()
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, 5)
        self.dut.rst.value = 0
        cocotb.start_soon(self.memory.list_bursts(self.dut))
        cocotb.start_soon(self.ends.run())
        await ClockCycles(self.dut.clk, 20)

    def place(self, length: int) -> int:
        """An address for a job: any word, often at a burst's beginning or just before a page."""
        word, burst = self.mover.WORD_BYTES, self.mover.BURST_BYTES
        kind = self.rng.random()
        step = burst if kind < 0.4 else word
        start = -(-self.next // step) * step + step * self.rng.randint(0, 2)
        if kind > 0.9:
            start = -(-self.next // PAGE) * PAGE + PAGE - word
        self.next = start + length
        if self.next > len(self.wanted_memory):
            self.next = 0
            return self.place(length)
        return BASE + start

    def length(self) -> int:
        """Bytes of a job: often few, often whole bursts."""
        kind, burst = self.rng.random(), self.mover.BURST_BYTES
        if kind < 0.25:
            return self.rng.randint(1, 3 * self.mover.WORD_BYTES)
        return burst * self.rng.randint(1, 5) if kind < 0.5 else self.rng.randint(1, LONGEST)

    async def job(self, bank: Bank, end: int, length: int | None = None) -> int:
        """Submits a job, notes what has to come of it, and returns its length."""
        length = length or self.length()
        address = self.place(length)
        place = address - BASE
        bursts = self.mover.bursts(address, length)
        self.bursts[bank] += [(b.address, b.beats) for b in bursts]
        blocks = {n // BLOCK for n in (b.address - BASE for b in bursts)} & self.memory.bad.keys()
        for block in blocks:
            kind = Fault.SLAVE if self.memory.bad[block] == "slave" else Fault.DECODE
            self.faults[bank, end] |= kind
        if bank is Bank.READS:
            content = bytearray(self.wanted_memory[place : place + length])
            for block in blocks:  # a word with an error is zeros
                for n in range(
                    max(block * BLOCK - place, 0), min(block * BLOCK + BLOCK - place, length)
                ):
                    content[n] = 0
            self.wanted[end] += self.mover.read(bytes(content), 0, length)
            self.frames[bank, end].append(bytes(content))
        else:
            frame = self.rng.randbytes(length)
            self.frames[bank, end].append(frame)
            for at, word, strobes in self.mover.write(place, frame):
                if at // BLOCK not in self.memory.bad:
                    kept = strobes.bit_length()
                    self.wanted_memory[at : at + kept] = word[:kept]
            self.ends.sending[end].extend((b, int(n == length - 1)) for n, b in enumerate(frame))
        await self.host.submit(bank, end, address, length)
        return length

    async def check(self) -> None:
        """Waits for all jobs, then compares everything: beats, memory, bursts, faults."""
        await self.host.finish()
        await self.until(lambda: self.ends.received >= sum(map(len, self.wanted)), "beats")
        await ClockCycles(self.dut.clk, 50)
        for end, (taken, wanted) in enumerate(zip(self.ends.taken, self.wanted, strict=True)):
            assert taken == wanted, f"read end {end}: {len(taken)} beats of {len(wanted)}"
        assert self.memory.content == self.wanted_memory, "memory differs"
        for bank, found in ((Bank.READS, self.memory.reads), (Bank.WRITES, self.memory.writes)):
            assert sorted(found) == sorted(self.bursts[bank]), f"{bank.name}: bursts differ"
            for end in range(len(self.wanted) if bank is Bank.READS else self.mover.WRITES):
                assert await self.host.faults(bank, end) == self.faults[bank, end], (bank, end)
                await self._checksum(bank, end)

    async def _checksum(self, bank: Bank, end: int) -> None:
        """Compares the count of an end's frames, and the CRC of its last one."""
        frames = self.frames[bank, end]
        count = await self.host.word(bank, end, EndWord.FRAMES)
        assert count == len(frames) % FRAMES_MODULUS, f"{bank.name} {end}: {count} frames"
        if frames:
            found = await self.host.word(bank, end, EndWord.CRC)
            assert found == zlib.crc32(frames[-1]), f"{bank.name} {end}: CRC {found:#010x}"

    async def until(self, done, what: str, cycles: int = 100_000) -> None:
        """Waits for a condition. Raises AssertionError where it does not come."""
        for _ in range(cycles // 50):
            if done():
                return
            await ClockCycles(self.dut.clk, 50)
        raise AssertionError(f"{what}: not within {cycles} cycles")


async def opened(dut) -> Bench:
    bench = Bench(dut)
    await bench.start()
    return bench


def only(name):
    """A test that runs where the plan names it."""
    return cocotb.test(skip=GIVEN.get("test") != name)


@only("traffic")
async def traffic(dut):
    """Random jobs on all ends, until as many beats as asked have moved."""
    bench = await opened(dut)
    every = [(Bank.READS, n) for n in range(bench.mover.READS)]
    every += [(Bank.WRITES, n) for n in range(bench.mover.WRITES)]
    ends, pushed = bench.ends, 0
    values: list[list[int]] = [[] for _ in ends.settings]
    while pushed < bench.beats:
        bank, end = bench.rng.choice(every)
        before = bench.next
        pushed += await bench.job(bank, end)
        if bench.rng.random() < 0.1:
            setting = bench.rng.randrange(len(values))
            values[setting].append(bench.rng.getrandbits(32))
            await bench.host.write(Register.SETTING, values[setting][-1])
            await bench.host.write(Register.PUSH_SETTING, setting)
        # A place in memory is used once more only when nobody reads or writes it any longer.
        if bench.next < before:
            await bench.host.finish()
    await bench.check()
    assert ends.settings == values
    assert ends.sent + ends.received == pushed
    dut._log.warning(
        f"{ends.sent + ends.received} stream beats, {len(bench.memory.reads)} and "
        f"{len(bench.memory.writes)} bursts, {ends.cycle} cycles"
    )


@only("registers")
async def registers(dut):
    """Identity, registers that hold what is written, interrupts, and everything that is refused."""
    bench = await opened(dut)
    host, mover = bench.host, bench.mover
    assert await host.read(Register.IDENTITY) == IDENTITY
    sizes = mover.SETTINGS << 24 | mover.WRITES << 16 | mover.READS << 8
    assert await host.read(Register.VERSION) == sizes | VERSION
    first = await host.read(Register.NOW)
    assert 0 < await host.read(Register.NOW) - first < 100
    for register, value in (
        (Register.ADDRESS_LOW, 0xDEAD_BEE0),
        (Register.ADDRESS_HIGH, 0xFF),
        (Register.LENGTH, 1 << 24),
        (Register.SETTING, 0x1234_5678),
        (Register.ENABLE_READS, 1),
        (Register.ENABLE_WRITES, 1),
    ):
        assert await host.write(register, value) == AxiResp.OKAY
        assert await host.read(register) == value
    for offset, value in ((Register.STATUS, 1), (Register.PUSH_READ, mover.READS), (0x54, 0)):
        assert await host.write(offset, value) == AxiResp.SLVERR
    assert await host.read(Register.DESIGN) == await host.read(Register.GRAPHS) == 0
    for offset in (0x54, Bank.READS + END_BYTES * mover.READS, Bank.WRITES + 1, 0xC00):
        assert (await host.master.read(offset & ~3, 4)).resp == (
            AxiResp.OKAY if offset == Bank.WRITES + 1 else AxiResp.SLVERR
        )
    # An interrupt comes with a job done where it is enabled, and goes when its bit is cleared.
    assert dut.o_irq.value == 0
    await bench.job(Bank.READS, 0, 100)
    await bench.check()
    assert dut.o_irq.value == 1 and await host.read(Register.PENDING_READS) == 1
    await host.write(Register.PENDING_READS, 1)
    await ClockCycles(dut.clk, 5)
    assert dut.o_irq.value == 0 and await host.read(Register.PENDING_READS) == 0
    begun = await host.word(Bank.READS, 0, EndWord.BEGUN_AT)
    assert 0 < await host.word(Bank.READS, 0, EndWord.DONE_AT) - begun < 500
    # Refused: no bytes, too many, inside a word, and more jobs than there is room for.
    for address, length in ((BASE, 0), (BASE, MOST_BYTES + 1), (BASE, 1 << 31), (BASE + 1, 8)):
        for bank in Bank:
            await host.push(bank, 0, address, length)
            assert await host.faults(bank, 0) == Fault.REFUSED
        assert dut.o_irq.value == 1
        await host.abandon()
        assert await host.faults(Bank.READS, 0) == await host.faults(Bank.WRITES, 0) == Fault(0)
    for n in range(mover.QUEUE + 1):
        assert not await host.faults(Bank.WRITES, 0)
        await host.push(Bank.WRITES, 0, BASE, 64)
        assert bool(await host.read(Register.ROOM_WRITES) & 1) == (n < mover.QUEUE - 1)
    assert await host.faults(Bank.WRITES, 0) == Fault.REFUSED
    await host.abandon()


@only("frames")
async def frames(dut):
    """Frames that do not fit their jobs: told, and after ABANDON everything works again."""
    bench = await opened(dut)
    host, ends = bench.host, bench.ends
    # A frame that comes long before its job: it waits, its source is held up, and it is whole.
    early = bench.rng.randbytes(1500)
    ends.sending[0].extend((byte, int(n == 1499)) for n, byte in enumerate(early))
    await bench.until(lambda: len(ends.sending[0]) < 1000, "the first bytes")
    await ClockCycles(dut.clk, 2000)
    assert len(ends.sending[0]) > 1500 - bench.mover.FIFO_BYTES - 4 * bench.mover.WORD_BYTES
    await host.submit(Bank.WRITES, 0, BASE, 1500)
    await host.finish()
    assert bench.memory.content[:1500] == early
    await host.abandon()
    for length, sent, fault in ((700, 300, Fault.EARLY), (700, 699, Fault.EARLY)):
        await host.push(Bank.WRITES, 0, BASE, length)
        ends.sending[0].extend((n & 255, int(n == sent - 1)) for n in range(sent))
        assert await host.fault(Bank.WRITES, 0) & fault
        if length - sent > bench.mover.WORD_BYTES:
            assert await host.word(Bank.WRITES, 0, EndWord.DONE) == 0
        await host.abandon()
    await host.push(Bank.WRITES, 0, BASE, 512)
    ends.sending[0].extend((n & 255, int(n == 599)) for n in range(600))
    assert await host.fault(Bank.WRITES, 0) == Fault.LATE
    await bench.until(lambda: not ends.sending[0], "the rest of the frame")
    await ClockCycles(dut.clk, 200)
    await host.abandon()
    await _again(bench)


@only("abandoned")
async def abandoned(dut):
    """Jobs are abandoned in the midst of traffic; then the mover is as new."""
    bench = await opened(dut)
    host, ends = bench.host, bench.ends
    for _ in range(4):
        for end in range(bench.mover.READS):
            await host.push(Bank.READS, end, BASE + 64 * end, 3000)
        for end in range(bench.mover.WRITES):
            await host.push(Bank.WRITES, end, BASE + 8 * PAGE, 3000)
            ends.sending[end].extend((7, int(n == 2999)) for n in range(3000))
        await ClockCycles(dut.clk, bench.rng.randint(1, 2000))
        await host.abandon()
        for queue in ends.sending:
            queue.clear()
        await ClockCycles(dut.clk, 200)
        await host.abandon()  # what a source still had on offer
    await _again(bench)


async def _again(bench: Bench) -> None:
    """Everything is as after a reset: jobs on every end run and are compared."""
    ends, memory = bench.ends, bench.memory
    assert not any(ends.sending)
    bench.wanted_memory[:] = memory.content
    bench.frames.clear()
    memory.reads.clear()
    memory.writes.clear()
    for taken in ends.taken:
        taken.clear()
    ends.received = 0
    for _ in range(3):
        for bank, count in ((Bank.READS, bench.mover.READS), (Bank.WRITES, bench.mover.WRITES)):
            for end in range(count):
                await bench.job(bank, end)
    await bench.check()


@only("rates")
async def rates(dut):
    """Without stalls a byte a cycle at every end at once, and the latency that is documented."""
    bench = await opened(dut)
    ends, length = bench.ends, 4096
    await bench.host.write(Register.ADDRESS_LOW, BASE & 0xFFFF_FFFF)
    await bench.host.write(Register.ADDRESS_HIGH, BASE >> 32)
    await bench.host.write(Register.LENGTH, 64)
    channels = ("s_axi_control_w", "m_axi_ar", "m_axi_r", "m_axis_t")
    passed = [cocotb.start_soon(_first(dut, name)) for name in channels]
    await bench.host.write(Register.PUSH_READ, 0)
    written, asked, answered, first = [await one for one in passed]
    assert first - written - (answered - asked - 1) == READ_LATENCY
    bench.host.counts[Bank.READS, 0] = 1
    await bench.host.finish()
    await ClockCycles(dut.clk, 100)
    await bench.host.submit(Bank.WRITES, 0, BASE, 1)
    passed = [cocotb.start_soon(_first(dut, name)) for name in ("s_axis_t", "m_axi_w")]
    ends.sending[0].append((1, 1))
    given, stored = [await one for one in passed]
    assert stored - given == WRITE_LATENCY
    await bench.host.finish()
    before = ends.received + ends.sent
    for bank, count in ((Bank.READS, bench.mover.READS), (Bank.WRITES, bench.mover.WRITES)):
        for end in range(count):
            address = BASE + PAGE * (end + 16 * (bank is Bank.WRITES))
            await bench.host.submit(bank, end, address, length)
    for queue in ends.sending:
        queue.extend((n & 255, int(n == length - 1)) for n in range(length))
    total = length * (bench.mover.READS + bench.mover.WRITES)
    start = ends.cycle
    await bench.until(lambda: ends.received + ends.sent - before >= total, "beats")
    await bench.host.finish()
    # Pushing takes a while, so ends begin one after another; none is slower than a byte a cycle.
    assert ends.cycle - start < 1.1 * length + 100, ends.cycle - start


async def _first(dut, name: str) -> int:
    """The clock cycle of the simulation in which the next beat passes on a channel, whose end 0 is
    meant where it has several.
    """
    while True:
        await RisingEdge(dut.clk)
        valid, ready = (getattr(dut, f"{name}{pin}").value for pin in ("valid", "ready"))
        if int(valid) & int(ready) & 1:
            return int(get_sim_time("ns")) // PERIOD_NS
