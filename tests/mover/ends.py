"""Runs in the simulator: the accelerators at the mover's streams, which hesitate by a pattern, take
what read ends send and send what write ends shall store.
"""

from __future__ import annotations

from collections import deque
from random import Random

from cocotb.triggers import RisingEdge

from sim.bench.patterns import PATTERNS


class Ends:
    """All ends of a mover. `taken` is, by read end, the beats that came; `sending`, by write end,
    those that still go; `settings`, by setting end, the values that came. `sent` and `received`
    count beats.
    """

    def __init__(self, dut, reads: int, writes: int, settings: int, pattern: str, seed: int):
        rng, (source, sink) = Random(seed), PATTERNS[pattern]
        self.dut = dut
        self.taken: list[list[tuple[int, int]]] = [[] for _ in range(reads)]
        self.sending: list[deque[tuple[int, int]]] = [deque() for _ in range(writes)]
        self.settings: list[list[int]] = [[] for _ in range(settings)]
        self.sent = self.received = 0
        self.cycle = 0
        self._sinks = [sink(Random(rng.random())) for _ in range(reads)]
        self._sources = [source(Random(rng.random())) for _ in range(writes)]
        for name in ("m_axis_tready", "s_axis_tvalid", "s_axis_tlast", "s_axis_tdata"):
            getattr(dut, name).value = 0
        dut.m_axis_setting_tready.value = 0

    async def run(self) -> None:
        """Every cycle: what passed at the edge, then what is shown in the next cycle. Waiting
        beats have to stay as they are.
        """
        dut = self.dut
        held: dict[int, tuple[int, int]] = {}
        ready = offered = listening = 0
        noise = Random(len(self.taken))
        shown = [(0, 0)] * len(self.sending)
        while True:
            await RisingEdge(dut.clk)
            self.cycle += 1
            valid = int(dut.m_axis_tvalid.value)
            if valid:
                data, last = int(dut.m_axis_tdata.value), int(dut.m_axis_tlast.value)
            accepted = int(dut.s_axis_tready.value)
            values = int(dut.m_axis_setting_tvalid.value) & listening
            if dut.o_rst.value == 1:
                held.clear()
                valid = values = 0
            for end in range(len(self.taken)):
                if not valid >> end & 1:
                    assert end not in held, f"read end {end}: a beat went away"
                    continue
                beat = data >> 8 * end & 255, last >> end & 1
                assert held.get(end, beat) == beat, f"read end {end}: a waiting beat changed"
                if ready >> end & 1:
                    held.pop(end, None)
                    self.taken[end].append(beat)
                    self.received += 1
                else:
                    held[end] = beat
            for end in range(len(self.settings)):
                if values >> end & 1:
                    word = int(dut.m_axis_setting_tdata.value) >> 32 * end
                    self.settings[end].append(word & 0xFFFF_FFFF)
            passed = offered & accepted
            self.sent += passed.bit_count()
            offered &= ~passed
            ready = sum(gate(valid >> n & 1 == 1) << n for n, gate in enumerate(self._sinks))
            for end, (queue, gate) in enumerate(zip(self.sending, self._sources, strict=True)):
                waits = offered >> end & 1
                if gate(bool(waits)) and queue and not waits:
                    shown[end] = queue.popleft()
                    offered |= 1 << end
                elif not waits and passed >> end & 1:
                    shown[end] = noise.getrandbits(8), noise.getrandbits(1)
            listening = noise.getrandbits(len(self.settings))
            dut.m_axis_tready.value = ready
            dut.m_axis_setting_tready.value = listening
            dut.s_axis_tvalid.value = offered
            dut.s_axis_tdata.value = sum(byte << 8 * n for n, (byte, _) in enumerate(shown))
            dut.s_axis_tlast.value = sum(end << n for n, (_, end) in enumerate(shown))
