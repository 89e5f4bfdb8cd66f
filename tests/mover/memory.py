"""Runs in the simulator: the memory at the mover's port, on cocotbext-axi's slave. It answers late
and hesitantly, or with an error where a block is bad, and keeps a list of the bursts.
"""

from __future__ import annotations

from random import Random

from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiReadBus, AxiSlaveRead, AxiSlaveWrite, AxiWriteBus
from cocotbext.axi.constants import AxiResp

from sim.bench.patterns import PATTERNS

BASE = 0x12_3456_0000
"""The memory begins at this address, of all 40 bits."""
BLOCK = 512
"""Bytes that are bad together, at least a burst."""
ANSWERS = {"slave": AxiResp.SLVERR, "decode": AxiResp.DECERR}


class BadBlock(Exception):
    """An access to a block that answers with an error."""


class Memory:
    """`content` is what the memory holds; bad: kind of answer by block. Reads wait up to `latency`
    cycles before a burst's first word, writes before its last.
    """

    def __init__(self, dut, size: int, pattern: str, bad: dict[int, str], latency: int, seed: int):
        self.content = bytearray(Random(seed).randbytes(size))
        self.bad, self.latency, self.rng, self.clk = bad, latency, Random(seed + 1), dut.clk
        self.kind = "slave"
        self.reads: list[tuple[int, int]] = []
        self.writes: list[tuple[int, int]] = []
        self._read_next = 0
        self.reader = AxiSlaveRead(
            AxiReadBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, target=self
        )
        self.writer = AxiSlaveWrite(
            AxiWriteBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, target=self
        )
        for slave in (self.reader, self.writer):
            slave.log.setLevel("ERROR")
        gates = PATTERNS[pattern]
        channels = [
            (self.reader.ar_channel, gates[1]),
            (self.reader.r_channel, gates[0]),
            (self.writer.aw_channel, gates[1]),
            (self.writer.w_channel, gates[1]),
            (self.writer.b_channel, gates[0]),
        ]
        for channel, gate in channels if pattern != "none" else ():
            channel.log.setLevel("ERROR")
            channel.set_pause_generator(_pauses(gate(Random(self.rng.random()))))
        for channel, field in (
            (self.reader.r_channel, "rresp"),
            (self.writer.b_channel, "bresp"),
        ):
            channel.send = self._answering(channel.send, field)

    def _answering(self, send, field):
        """The slave knows SLVERR alone; what a block answers stands here."""

        async def answer(beat):
            if getattr(beat, field):
                setattr(beat, field, ANSWERS[self.kind])
            await send(beat)

        return answer

    def _check(self, address: int) -> int:
        place = address - BASE
        assert 0 <= place < len(self.content), f"{address:#x} is outside the memory"
        if kind := self.bad.get(place // BLOCK):
            self.kind = kind
            raise BadBlock
        return place

    async def read(self, address: int, length: int) -> bytes:
        """Returns what stands there, a while later at the beginning of a burst."""
        if self.latency and address != self._read_next and self.rng.random() < 0.5:
            await ClockCycles(self.clk, self.rng.randint(1, self.latency))
        self._read_next = address + length
        place = self._check(address)
        return bytes(self.content[place : place + length])

    async def write(self, address: int, data: bytes) -> None:
        """Answers one beat of a write burst: puts its bytes into the word at an address."""
        if self.latency and self.rng.random() < 0.02:
            await ClockCycles(self.clk, self.rng.randint(1, self.latency))
        place = self._check(address)
        self.content[place : place + len(data)] = data

    async def list_bursts(self, dut) -> None:
        """Lists (address, beats) of every burst as its address is taken."""
        while True:
            await RisingEdge(dut.clk)
            for channel, bursts in (("ar", self.reads), ("aw", self.writes)):
                pins = {k: getattr(dut, f"m_axi_{channel}{k}") for k in ("valid", "ready")}
                if pins["valid"].value == 1 and pins["ready"].value == 1:
                    address = int(getattr(dut, f"m_axi_{channel}addr").value)
                    bursts.append((address, int(getattr(dut, f"m_axi_{channel}len").value) + 1))


def _pauses(gate):
    while True:
        yield not gate(True)
