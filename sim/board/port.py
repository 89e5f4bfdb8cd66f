"""A system on a simulated board: its registers, and the board's buffers at its port."""

from __future__ import annotations

from collections import deque

from hw.spec.registers import END_BYTES, Bank, Control, EndWord, Register
from sim.board.memory import Bytes, Memory
from sim.rtl.system import RtlSystem

Job = tuple[int, int]
"""Address and bytes."""
PUSHES = {Register.PUSH_READ: Bank.READS, Register.PUSH_WRITE: Bank.WRITES}
COUNT = 1 << 16


class MoverPort:
    """What a board sees of a system. `waiting` are the jobs that are not done, by bank
    and end, as the registers that were written tell. The system is clocked by so many cycles
    (stride) at every look at its STATUS, or until its interrupt is up.
    """

    def __init__(self, system: RtlSystem, memory: Memory, stride: int) -> None:
        self.system, self.memory, self.stride = system, memory, stride
        self.waiting: dict[tuple[Bank, int], deque[Job]] = {}
        self.fast = False  # clocked faster than the logic's paths allow
        self._abandoned = False
        self._done: dict[tuple[Bank, int], int] = {}
        self._written: dict[int, int] = {}
        self._placed: dict[int, Bytes] = {}

    def load(self, offset: int) -> int:
        """Reads the word of 32 bits that a register of the mover holds."""
        self._place()
        if offset == Register.STATUS:
            self.system.sleep(self.stride)
        value = self.system.read(offset)
        if offset == Register.STATUS and not value and self._abandoned:
            self._abandoned = False
            self.waiting.clear()
            self._done.clear()
        bank = Bank.WRITES if offset >= Bank.WRITES else Bank.READS
        if offset >= bank and offset % END_BYTES == EndWord.DONE:
            self._hear(bank, (offset - bank) // END_BYTES, value)
        return value

    def store(self, offset: int, value: int) -> None:
        """Writes a word of 32 bits to a register of the mover; pushed jobs are noted."""
        self._place()
        if offset in PUSHES:
            job = self._written[Register.ADDRESS_HIGH] << 32, self._written[Register.LENGTH]
            job = job[0] | self._written[Register.ADDRESS_LOW], job[1]
            self.waiting.setdefault((PUSHES[Register(offset)], value), deque()).append(job)
        if offset == Register.CONTROL and value & Control.ABANDON:
            self._abandoned = True
        self._written[offset] = value
        self.system.write(offset, value)

    def at_work(self, address: int, size: int) -> bool:
        """Tells whether a job that is not done moves bytes of a buffer."""
        for bank, end in [key for key, queue in self.waiting.items() if queue]:
            self._hear(bank, end, self.system.read(bank + END_BYTES * end + EndWord.DONE))
        jobs = (job for queue in self.waiting.values() for job in queue)
        return any(start < address + size and address < start + count for start, count in jobs)

    def _hear(self, bank: Bank, end: int, count: int) -> None:
        """An end has done so many jobs: what they wrote has come to memory, where cache lines that
        the processor has changed may come over it at any time.
        """
        before, queue = self._done.get((bank, end), 0), self.waiting.get((bank, end))
        self._done[bank, end] = count
        for _ in range((count - before) % COUNT):
            if not queue:
                return
            start, _ = queue.popleft()
            if bank is Bank.WRITES:
                content = self.memory.reached(start, 1)
                assert content is not None
                if self.fast:
                    content[0] ^= 1
                self.memory.write_back(content)

    def _place(self) -> None:
        """The buffers that there are now, at the port."""
        buffers = self.memory.buffers
        for address in [a for a, held in self._placed.items() if a not in buffers]:
            self.system.remove(address)
            del self._placed[address]
        for address, buffer in buffers.items():
            if self._placed.get(address) is not buffer.dram:
                self.system.place(address, buffer.dram)
                self._placed[address] = buffer.dram
