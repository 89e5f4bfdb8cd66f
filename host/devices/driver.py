"""The driver of a system: all accelerators work at the same time, each at ends of its own of one
data mover, on the frames that were given to it.

It is the same in simulation and on a board; a transport reaches registers and memory, and sleeps
until the interrupt. Every wait has a limit. What goes wrong at one end ends all frames that are
under way, since the mover's reset is the accelerators' too: each then says so, and the next frame
finds everything as after the start.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

import numpy as np

from host.device import Arrays, Running
from host.devices.frames import (
    CLOCK,
    COUNT,
    SETS,
    Frame,
    Lane,
    Span,
    ends,
    passed,
    spans,
)
from host.devices.graph_buffers import GraphBuffers, check_ports
from host.devices.mover_registers import MoverRegisters
from host.devices.setup_file import setup_bytes
from host.devices.transport import LOST, Bytes, RunError, Transport, TransportError
from host.errors import DeviceError
from host.spec import GraphPorts
from hw.spec.hardware import Hardware
from hw.spec.registers import FRAMES_MODULUS, Bank, EndWord

LOOK = 50_000
"""Clock cycles of a sleep at most: a fault raises no interrupt."""
FAULTY = "the hardware reports an error"
SOMEBODY = "somebody else has used or reset the hardware"


class Driver:
    """The queues of a bundle's system (`host.device.Queues`), which it has checked and
    whose setup streams it has loaded.

    ports are those of each graph. folder is the bundle, for the setup files. With crc the CRC of
    every stream is compared where the next frame has not overwritten it. done is told the graph and
    the cycles of every frame. Raises BundleError for hardware that does not fit the ports,
    DeviceError for a system that is not the bundle's.
    """

    sets = SETS

    def __init__(
        self,
        transport: Transport,
        hardware: Hardware,
        ports: Mapping[str, GraphPorts],
        folder: Path,
        crc: bool = True,
        done: Callable[[str, int], None] = lambda graph, cycles: None,
    ) -> None:
        self.transport, self.hardware, self._folder = transport, hardware, folder
        self._registers, self._crc, self._done = MoverRegisters(transport), crc, done
        self._lost, self._loaded, self._pending = False, False, 0
        self._setups: dict[str, Bytes] = {}
        for name in ports:
            check_ports(hardware.graph(name), ports[name])
        self._loads = sorted((g for g in hardware.graphs if g.setup), key=lambda g: g.index)
        self._writes = hardware.writes
        self._start()  # first: a mover that is still at work would write into the new buffers
        self._lanes = {n: Lane(hardware.graph(n), ports[n], transport) for n in ports}
        self._load()

    # ---- Frames

    def room(self, graph: str) -> bool:
        """Tells whether a buffer set of the graph is free. Raises DeviceError where there is no
        such graph.
        """
        return bool(self._lane(graph).free)

    def begin(self, graph: str, inputs: Arrays, layer: int = 0) -> Frame:
        """Hands a frame to a graph's accelerator and returns at once.

        Raises SpecError or DeviceError for inputs that do not fit or where every buffer set is
        taken, RunError where the hardware does not take it.
        """
        lane = self._lane(graph)
        if not lane.free:
            raise DeviceError(f"{graph}: every buffer set is taken", "release a frame of it first")
        length = lane.free[0].length(inputs)
        self._ready(graph)
        buffers = lane.free.popleft()
        try:
            buffers.fill(inputs, length)
            return self._give(lane, buffers, length, layer)
        except BaseException:
            lane.free.append(buffers)
            raise

    def watch(self, frames: Collection[Running], seconds: float) -> None:
        """Sleeps until one of the frames has ended, at most so long; looks at all of them."""
        end = time.monotonic() + seconds
        while True:
            self._look()
            if any(frame.ended() for frame in frames) or time.monotonic() >= end:
                return
            try:
                self.transport.sleep(LOOK)
            except TransportError as error:
                self._failed("", error.message)

    def release(self, frame: Running) -> None:
        """Gives the buffer set of a frame that has ended back."""
        assert isinstance(frame, Frame) and frame.done
        self._lanes[frame.graph].free.append(frame.buffers)

    def run(self, graph: str, inputs: Arrays, layer: int = 0) -> tuple[Arrays, int]:
        """Runs a graph and returns its outputs by port, and the clock cycles that it took.

        The outputs stay until the same graph has been given as many frames more as it has sets.
        Raises as `begin`, and RunError for a frame that fails.
        """
        frame = self.begin(graph, inputs, layer)
        while not frame.done:
            self.watch([frame], float("inf"))
        self.release(frame)
        return frame.outputs(), frame.cycles

    def close(self) -> None:
        """Leaves the queues as they are: they are the device's own."""

    def shut(self) -> None:
        """Abandons what is under way and gives the transport back, and the system with it. Buffers
        of a mover that does not stop stay taken until the process ends.
        """
        try:
            self._registers.reset(self._writes)
        except DeviceError:
            self.transport.keep((self._lanes, self._setups))
            raise
        finally:
            self.transport.close()

    def _lane(self, graph: str) -> Lane:
        if graph not in self._lanes:
            raise DeviceError(f"no graph {graph!r}", f"there is: {', '.join(self._lanes)}")
        return self._lanes[graph]

    def _give(self, lane: Lane, buffers: GraphBuffers, length: int, layer: int) -> Frame:
        """Hands a frame to the mover, the values of its settings first. Raises RunError."""
        entry, transport, number = lane.entry, self.transport, lane.given + 1
        try:
            jobs = list(spans(entry, buffers, length))
            cycles = max([entry.cycles, *(count for _, _, _, count in jobs)])
            limit = int(cycles * transport.timeout) * (len(lane.waiting) + 1) + transport.grace
            limit += transport.clock()
            frame = Frame(entry.name, buffers, length, number, self._registers.now(), limit)
            self._count(lane, Bank.WRITES, entry.outputs[0].number)
            lane.waiting.append(frame)
            lane.given = number
            values = {"length": length, "layer": layer}
            for name, end in entry.settings.items():
                _refuse(self._registers.setting(end, values[name]))
            self._push(jobs)
            return frame
        except TransportError as error:
            raise self._failed(entry.name, error.message) from error
        except KeyboardInterrupt:
            self._failed(entry.name, "interrupted")
            raise

    def _push(self, spans: Collection[Span]) -> None:
        """Gives the mover a job for each span, with its address and length."""
        for bank, end, buffer, count in spans:
            (self.transport.give if bank is Bank.READS else self.transport.take)(buffer)
            _refuse(self._registers.push(bank, end, self.transport.address(buffer), count))
        if self._registers.faulty():
            raise TransportError(FAULTY)

    # ---- What has become of them

    def _look(self) -> None:
        """Ends the frames that are done, and all of them where something has gone wrong."""
        graph = ""
        try:
            self._pending |= self._registers.quiet()
            if self._registers.faulty():
                raise TransportError(FAULTY)
            now = self.transport.clock()
            for graph, lane in self._lanes.items():  # noqa: B007 - the error names it
                while lane.waiting and self._pending & lane.mask and self._complete(lane):
                    self._finish(lane)
                if lane.waiting and now > lane.waiting[0].limit:
                    raise TransportError("no end in time")
        except TransportError as error:
            self._failed(graph, error.message)
        except KeyboardInterrupt:
            self._failed(graph, "interrupted")
            raise

    def _complete(self, lane: Lane) -> bool:
        """Tells whether the oldest frame of a graph has left the memory and come back to it."""
        first = lane.waiting[0].number
        for bank, end in ends(lane.entry):
            if not passed(self._count(lane, bank, end), first):
                if bank is Bank.WRITES:  # which raises the interrupt when it is done
                    self._pending &= ~lane.mask
                return False
        return True

    def _count(self, lane: Lane, bank: Bank, end: int) -> int:
        """Returns the jobs done of an end of a graph, which are those of its frames."""
        count, waiting = self._registers.word(bank, end, EndWord.DONE), len(lane.waiting)
        if (count - lane.given + waiting) % COUNT > waiting:
            raise TransportError(f"{count} frames since reset of {lane.given}: {SOMEBODY}")
        return count

    def _finish(self, lane: Lane) -> None:
        """Ends the oldest frame of a graph, which is complete."""
        frame = lane.waiting[0]
        for buffer in frame.buffers.targets.values():
            self.transport.take(buffer)
        _refuse(self._wrong(lane, frame) if self._crc else "")
        ended = [
            self._registers.word(Bank.WRITES, end.number, EndWord.DONE_AT)
            for end in lane.entry.outputs
        ]
        counts = [
            self._registers.word(Bank.WRITES, end.number, EndWord.DONE)
            for end in lane.entry.outputs
        ]
        last = max((at - frame.began) % CLOCK for at in ended)
        if all(count == frame.number % COUNT for count in counts):
            before = 0 if lane.ended_at is None else (lane.ended_at - frame.began) % CLOCK
            frame.cycles = last - (before if before < last else 0)
            lane.ended_at = (frame.began + last) % CLOCK
            self._done(frame.graph, frame.cycles)
        else:
            lane.ended_at = None
        lane.waiting.popleft()
        frame.end()

    def _wrong(self, lane: Lane, frame: Frame) -> str:
        """Streams whose CRC is not that of the memory; "" where there are none. One that the next
        frame has overwritten says nothing.
        """
        said, number = [], frame.number % FRAMES_MODULUS
        for bank, end, buffer, count in spans(lane.entry, frame.buffers, frame.length):
            ahead = (self._registers.word(bank, end, EndWord.FRAMES) - number) % FRAMES_MODULUS
            if ahead > lane.given - frame.number:
                said.append(f"{bank.name} end {end} has not seen frame {frame.number}")
            if ahead:
                continue
            theirs = self._registers.word(bank, end, EndWord.CRC)
            ours = zlib.crc32(np.ascontiguousarray(buffer[:count]).data)
            if ours == theirs or self._registers.word(bank, end, EndWord.FRAMES) != number:
                continue
            said.append(f"{bank.name} end {end} has CRC {theirs:#010x}, memory {ours:#010x}")
        return "; ".join(said)

    def _failed(self, graph: str, what: str) -> RunError:
        """Ends all frames with the error that it returns; the system is reset before."""
        remedy, said = "the inputs of the frames under way are lost", [what]
        try:
            said += list(self._faults())
            self._start()
        except DeviceError as more:
            said.append(f"and it cannot be reset: {more.message}")
            self._lost, remedy = True, LOST
        lost = [frame for lane in self._lanes.values() for frame in lane.forget()]
        names = graph or ", ".join(dict.fromkeys(frame.graph for frame in lost))
        error = RunError(f"{names}: {'; '.join(said)}", remedy)
        for frame in lost:
            frame.end(error)
        return error

    def _faults(self) -> Iterator[str]:
        """The ends that report a fault, in words."""
        for entry in self.hardware.graphs:
            ports = {(Bank.READS, e.number): e.port for e in entry.inputs}
            ports |= {(Bank.WRITES, e.number): e.port for e in entry.outputs}
            for (bank, end), port in ports.items():
                found = self._registers.faults(bank, end)
                if found:
                    yield f"{entry.name}.{port}: {found}"

    # ---- The system as it has to be

    def _ready(self, graph: str) -> None:
        """The system as it was left. Raises RunError."""
        if not self._lost and self._loaded:
            return
        try:
            if self._lost:
                self._start()
            self._load()
        except DeviceError as error:
            self._lost = True
            raise RunError(f"{graph}: {error.message}", LOST) from error

    def _start(self) -> None:
        """Identifies the mover and resets it; what setup streams fill is then empty."""
        self._loaded, self._lost, self._pending = False, True, 0
        settings = sum(len(g.settings) for g in self.hardware.graphs)
        ends = self.hardware.reads, self._writes, max(1, settings)
        self._registers.identify(self.hardware, ends)
        self._registers.reset(self._writes)
        self._lost = False

    def _load(self) -> None:
        """Sends the setup streams, in the order of their graphs."""
        for number, entry in enumerate(self._loads, start=1):
            assert entry.setup is not None
            if entry.name not in self._setups:
                content = setup_bytes(self._folder, entry)
                self._setups[entry.name] = self.transport.allocate((content.size,), np.uint8)
                self._setups[entry.name][:] = content
            buffer, end = self._setups[entry.name], entry.setup.number
            limit = int(buffer.size * self.transport.timeout) + self.transport.grace
            limit += self.transport.clock()
            self._push([(Bank.READS, end, buffer, buffer.size)])
            while self._registers.word(Bank.READS, end, EndWord.FRAMES) != number % FRAMES_MODULUS:
                if self._registers.faulty() or self.transport.clock() > limit:
                    faults = self._registers.faults(Bank.READS, end) or "no end in time"
                    self._start()
                    raise DeviceError(f"{entry.name} (setup): {faults}", LOST)
                self.transport.sleep(LOOK // 10)
        self._loaded = True


def _refuse(what: str) -> None:
    """Raises TransportError for what speaks against the hardware, if anything does."""
    if what:
        raise TransportError(what)
