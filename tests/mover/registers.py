"""Runs in the simulator: the host at the mover's registers, on cocotbext-axi's AXI4-Lite master."""

from __future__ import annotations

from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiLiteBus, AxiLiteMaster
from cocotbext.axi.constants import AxiResp

from hw.spec.registers import END_BYTES, Bank, Control, EndWord, Fault, Register, Status

PATIENCE = 3_000
"""Looks at a register after which something that does not happen counts as a deadlock."""


class Host:
    """The host writes and reads registers. `counts` are the jobs pushed, by bank and end."""

    def __init__(self, dut) -> None:
        bus = AxiLiteBus.from_prefix(dut, "s_axi_control")
        self.dut, self.master = dut, AxiLiteMaster(bus, dut.clk, dut.rst)
        for part in (self.master.write_if, self.master.read_if):
            part.log.setLevel("ERROR")
        self.counts: dict[tuple[Bank, int], int] = {}

    async def write(self, offset: int, value: int) -> AxiResp:
        """Writes one register and returns the response."""
        done = await self.master.write(offset, value.to_bytes(4, "little"))
        return AxiResp(done.resp)

    async def read(self, offset: int) -> int:
        """Reads one register, which there has to be."""
        done = await self.master.read(offset, 4)
        assert done.resp == AxiResp.OKAY, f"{offset:#x}: {done.resp}"
        return int.from_bytes(done.data, "little")

    async def word(self, bank: Bank, end: int, word: EndWord) -> int:
        """Reads one of the status words that the mover keeps of an end."""
        return await self.read(bank + END_BYTES * end + word)

    async def push(self, bank: Bank, end: int, address: int, length: int) -> None:
        """Pushes a job, whether or not there is room."""
        await self.write(Register.ADDRESS_LOW, address & 0xFFFF_FFFF)
        await self.write(Register.ADDRESS_HIGH, address >> 32)
        await self.write(Register.LENGTH, length)
        register = Register.PUSH_READ if bank == Bank.READS else Register.PUSH_WRITE
        assert await self.write(register, end) == AxiResp.OKAY

    async def submit(self, bank: Bank, end: int, address: int, length: int) -> None:
        """Waits for room in the end's queue and pushes a job that will be done."""
        room = Register.ROOM_READS if bank == Bank.READS else Register.ROOM_WRITES
        for _ in range(PATIENCE):
            if await self.read(room) >> end & 1:
                break
        else:
            raise AssertionError(f"{bank.name} {end}: never any room")
        await self.push(bank, end, address, length)
        self.counts[bank, end] = self.counts.get((bank, end), 0) + 1

    async def finish(self) -> None:
        """Waits until all jobs that were submitted are done, and STATUS says so too."""
        for (bank, end), count in self.counts.items():
            for _ in range(PATIENCE):
                if await self.word(bank, end, EndWord.DONE) == count % (1 << 16):
                    break
                await ClockCycles(self.dut.clk, 100)
            else:
                raise AssertionError(f"{bank.name} {end}: not all of {count} jobs done: deadlock")
        for _ in range(100):
            if not await self.read(Register.STATUS) & Status.BUSY:
                return
        raise AssertionError("all jobs are done, but STATUS says BUSY")

    async def faults(self, bank: Bank, end: int) -> Fault:
        """Reads which faults an end of a bank has had since a reset or ABANDON."""
        return Fault(await self.word(bank, end, EndWord.FAULTS))

    async def fault(self, bank: Bank, end: int) -> Fault:
        """Waits until an end of a bank reports a fault, and returns its faults."""
        for _ in range(PATIENCE):
            if found := await self.faults(bank, end):
                return found
        raise AssertionError(f"{bank.name} {end}: no fault")

    async def abandon(self) -> None:
        """Abandons all jobs and waits for the end of it."""
        await self.write(Register.CONTROL, Control.ABANDON)
        for _ in range(PATIENCE):
            if not await self.read(Register.STATUS):
                break
        else:
            raise AssertionError("ABANDON does not end")
        self.counts.clear()
