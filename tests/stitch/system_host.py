"""Runs in the simulator: what a host does to a system over AXI4-Lite and its streams, and the
frames to send and to expect, which come in frames.pickle.
"""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from random import Random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from hw.spec.registers import Control, Register, Status
from sim.bench.patterns import PATTERNS
from sim.bench.plan import Beats, Outcome
from sim.bench.testbench import Sink, Source

INPUTS, OUTPUTS = 3, 2
LIMIT = 4000
OKAY, SLVERR = 0, 2


@dataclass
class Frame:
    """One run: bytes by channel, register values. load: it is a setup instead."""

    name: str
    graph: int
    inputs: dict[int, list[int]]
    outputs: dict[int, list[int]]
    length: int = 0
    layer: int = 0
    load: bool = False


def frames() -> dict[str, Frame]:
    """By name: what the test prepared."""
    return pickle.loads((Path(os.environ["BENCH_FOLDER"]) / "frames.pickle").read_bytes())


class Host:
    """Registers over AXI4-Lite and streams of a system."""

    def __init__(self, dut, seed=1):
        self.dut, self.rng = dut, Random(seed)
        self.edge = RisingEdge(dut.clk)

    async def begin(self):
        """Clock, reset, everything quiet."""
        Clock(self.dut.clk, 10, unit="ns").start()
        for channel in "aw", "w", "ar":
            self._axi(f"{channel}valid").value = 0
        self._axi("bready").value = 0
        self._axi("rready").value = 0
        for n in range(INPUTS):
            getattr(self.dut, f"s_axis_{n}_tvalid").value = 0
        for n in range(OUTPUTS):
            getattr(self.dut, f"m_axis_{n}_tready").value = 0
        self.dut.rst.value = 1
        await self.wait(4)
        self.dut.rst.value = 0
        await self.wait(2)

    def _axi(self, name):
        return getattr(self.dut, f"s_axi_control_{name}")

    async def wait(self, cycles):
        for _ in range(cycles):
            await self.edge

    async def _offer(self, channel, delay, **values):
        await self.wait(delay)
        for name, value in values.items():
            self._axi(f"{channel}{name}").value = value
        self._axi(f"{channel}valid").value = 1
        for _ in range(LIMIT):
            await self.edge
            if self._axi(f"{channel}ready").value == 1:
                break
        else:
            raise AssertionError(f"{channel} is never taken")
        self._axi(f"{channel}valid").value = 0
        for name in values:
            self._axi(f"{channel}{name}").value = self.rng.getrandbits(3)

    async def _take(self, channel, delay, *names):
        seen = None
        for _ in range(LIMIT):
            await self.edge
            ready = self._axi(f"{channel}ready").value == 1
            if self._axi(f"{channel}valid").value == 1:
                now = tuple(self._axi(f"{channel}{name}").value.to_unsigned() for name in names)
                assert seen in (None, now), f"{channel} changed while it waited"
                seen = now
                if ready:
                    self._axi(f"{channel}ready").value = 0
                    return now
                delay -= 1
            else:
                assert seen is None, f"{channel}valid fell before it was taken"
            if delay <= 0:
                self._axi(f"{channel}ready").value = 1
        raise AssertionError(f"no answer on {channel}")

    async def write(self, address, value, strobes=15, aw=0, w=0, b=0):
        """Response; aw, w, b: cycles by which that channel is late."""
        parts = [
            cocotb.start_soon(self._offer("aw", aw, addr=int(address))),
            cocotb.start_soon(self._offer("w", w, data=int(value), strb=strobes)),
        ]
        answer = await self._take("b", b, "resp")
        for part in parts:
            await part
        return answer[0]

    async def read(self, address, ar=0, r=0):
        """(value, response)."""
        part = cocotb.start_soon(self._offer("ar", ar, addr=int(address)))
        answer = await self._take("r", r, "data", "resp")
        await part
        return answer

    async def get(self, register):
        value, response = await self.read(register)
        assert response == OKAY
        return value

    async def set(self, register, value):
        assert await self.write(register, value) == OKAY

    async def start(self, frame):
        """Settings and START or LOAD."""
        await self.set(Register.GRAPH, frame.graph)
        await self.set(Register.LENGTH, frame.length)
        await self.set(Register.LAYER, frame.layer)
        await self.set(Register.CONTROL, Control.LOAD if frame.load else Control.START)

    async def until(self, bits):
        """Status when it has one of the bits."""
        for _ in range(LIMIT):
            status = await self.get(Register.STATUS)
            if status & bits:
                return status
        raise AssertionError(f"status {status:x} for ever")

    def streams(self, frame, pattern="none", last=None):
        """Sources, sinks and where faults are noted. last: channel -> beats with tlast."""
        out = Outcome(frame.name, pattern)
        give, take = PATTERNS[pattern]
        sources, sinks = [], []
        for n, words in frame.inputs.items():
            high = (last or {}).get(n, {len(words) - 1})
            beats = Beats(words, [int(i in high) for i in range(len(words))], 8)
            sources.append(Source(self.dut, f"s_axis_{n}", beats, give(self.rng), self.rng))
        for n, words in frame.outputs.items():
            beats = Beats(words, [0] * (len(words) - 1) + [1], 8)
            sinks.append(Sink(self.dut, f"m_axis_{n}", beats, take(self.rng), out))
        return sources, sinks, out

    async def stream(self, sources, sinks, cycles=LIMIT):
        """Drives them to their end or for some cycles. Returns the clock edges from the first beat
        taken through the last one, 0 where it did not come to an end.
        """
        started = ended = 0
        for cycle in range(1, cycles + 1):
            for item in (*sources, *sinks):
                item.drive()
            await self.edge
            before = [s.next - s.offering for s in sources]
            for source in sources:
                source.sample()
            if not started and before != [s.next - s.offering for s in sources]:
                started = cycle
            if any([sink.sample() for sink in sinks]):
                ended = cycle
            if all(s.done for s in (*sources, *sinks)):
                for item in (*sources, *sinks):
                    (item.valid if isinstance(item, Source) else item.ready).value = 0
                return (ended or cycle) - started + 1
        for item in (*sources, *sinks):
            (item.valid if isinstance(item, Source) else item.ready).value = 0
        return 0

    async def run(self, frame, pattern="none"):
        """A whole run, compared with golden. Returns its cycles as the bench counts them."""
        sources, sinks, out = self.streams(frame, pattern)
        moving = cocotb.start_soon(self.stream(sources, sinks))
        await self.start(frame)
        status = await self.until(Status.DONE | Status.ERROR)
        assert status == Status.DONE, f"{frame.name}: status {status:x}"
        cycles = await moving
        assert not out.faults, f"{frame.name}: {out.faults}"
        assert cycles, f"{frame.name}: streams came to no end"
        assert all(s.got == len(s.beats.words) for s in sinks)
        return cycles

    async def reset(self):
        await self.set(Register.CONTROL, Control.RESET)
        assert await self.get(Register.STATUS) == 0
        assert await self.get(Register.FAULTS) == 0


async def ready(dut, seed=1):
    """A host with its memories loaded, and the frames."""
    host, given = Host(dut, seed), frames()
    await host.begin()
    await host.run(given["load"])
    return host, given
