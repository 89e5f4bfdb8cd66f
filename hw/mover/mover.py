"""Data mover: one AXI4 master between memory and the streams of many accelerators.

What `mover.sv` and the modules beside it do, and what they are made of: parameters, sources, the
register map as a package, and the golden behaviour: which bursts a job becomes, which words go
over the memory port, which beats over the streams.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hw.design import Design
from hw.library import sources
from hw.spec import registers
from hw.spec.errors import SpecError
from hw.spec.files import atomic_path
from hw.spec.kernel import Cost

FOLDER = Path(__file__).resolve().parent
PARTS = (
    "mover_arbiter",
    "mover_bursts",
    "mover_reader",
    "mover_read_end",
    "mover_writer",
    "mover_write_end",
    "mover_tally",
    "mover_crc",
    "mover_reads",
    "mover_writes",
    "mover_registers",
)
PACKAGE = "registers"
PAGE = 4096
"""AXI4 bursts cross no multiple of this many bytes."""
MOST_BYTES = 1 << 24
"""A job has at most this many bytes."""
READ_LATENCY = 16
"""Clock cycles from the write of PUSH_READ's data to the first byte on the stream, with a memory
that answers in the cycle after it was asked."""
WRITE_LATENCY = 10
"""Clock cycles from the last byte of a frame shorter than a burst to its first word on W."""


@dataclass(frozen=True)
class Burst:
    """A burst of whole words. last: it ends its job."""

    address: int
    beats: int
    last: bool


@dataclass(frozen=True)
class Mover:
    """Args:
        READS, WRITES, SETTINGS: ends that read memory, that write it, and of settings, 1 to 32.
        QUEUE: jobs that wait for an end, a power of two from 2.
        WORD_BYTES: bytes of a word of the memory port, a power of two from 2 to 128.
        BURST_BYTES: a power of two, 2 to 256 words and at most a page.
        FIFO_BYTES: of every end, whole words, at least a burst.
        OUTSTANDING: bursts under way in each direction, at least 2.

    Rate: one byte a cycle an end, one word a cycle and direction at the memory port, a burst in
    six cycles. Raises SpecError for parameters that do not fit.
    """

    READS: int
    WRITES: int
    SETTINGS: int = 1
    QUEUE: int = registers.QUEUE
    WORD_BYTES: int = 8
    BURST_BYTES: int = 256
    FIFO_BYTES: int = 512
    OUTSTANDING: int = 8

    def __post_init__(self) -> None:
        most, words = registers.MOST_ENDS, self.BURST_BYTES // max(self.WORD_BYTES, 1)
        for name in ("READS", "WRITES", "SETTINGS"):
            self._need(1 <= getattr(self, name) <= most, name, f"1 to {most} ends of a kind")
        self._need(self.QUEUE >= 2 and _power(self.QUEUE), "QUEUE", "a power of two from 2")
        fits = 2 <= self.WORD_BYTES <= 128 and _power(self.WORD_BYTES)
        self._need(fits, "WORD_BYTES", "a power of two from 2 to 128")
        fits = _power(self.BURST_BYTES) and self.BURST_BYTES <= PAGE and 2 <= words <= 256
        self._need(fits, "BURST_BYTES", f"a power of two, 2 to 256 words, at most {PAGE}")
        fits = self.FIFO_BYTES >= self.BURST_BYTES and self.FIFO_BYTES % self.WORD_BYTES == 0
        self._need(fits, "FIFO_BYTES", "whole words, at least BURST_BYTES")
        self._need(self.OUTSTANDING >= 2, "OUTSTANDING", "at least 2 bursts")

    def _need(self, fits: bool, name: str, rule: str) -> None:
        if not fits:
            raise SpecError(f"mover: {name} = {getattr(self, name)}", rule)

    def design(self, folder: Path) -> Design:
        """Writes the register map's package into `folder`; the mover with all its files."""
        with atomic_path(folder / f"{PACKAGE}.sv") as part:
            part.write_text(package(), encoding="utf-8")
        parts = (FOLDER / f"{name}.sv" for name in (*PARTS, "mover"))
        files = (folder / f"{PACKAGE}.sv", *sources("fifo"), *sources("crc"), *parts)
        return Design("mover", files, asdict(self), {})

    def bursts(self, address: int, length: int) -> list[Burst]:
        """The bursts of a job of `length` bytes: each ends where its address reaches a multiple of
        BURST_BYTES, or with the job. Raises SpecError for a job that the mover refuses.
        """
        if not 1 <= length <= MOST_BYTES:
            raise SpecError(f"a job of {length} bytes", f"1 to {MOST_BYTES}")
        if address % self.WORD_BYTES:
            raise SpecError(f"a job at {address:#x}", f"a multiple of {self.WORD_BYTES}")
        found, end = [], address + length
        while address < end:
            stop = min(end, (address // self.BURST_BYTES + 1) * self.BURST_BYTES)
            beats = -(-(stop - address) // self.WORD_BYTES)
            found.append(Burst(address, beats, stop == end))
            address = stop
        return found

    def read(
        self, memory: Mapping[int, int] | bytes, address: int, length: int
    ) -> list[tuple[int, int]]:
        """The beats, (tdata, tlast), of a read end for one job."""
        self.bursts(address, length)
        return [(memory[address + n], int(n == length - 1)) for n in range(length)]

    def write(self, address: int, frame: Sequence[int]) -> Iterator[tuple[int, bytes, int]]:
        """The words, (address, bytes, strobes), that a job of a whole frame puts on W. Lanes
        without a strobe are given as 0.
        """
        whole = self.WORD_BYTES
        for start in range(0, len(frame), whole):
            part = bytes(frame[start : start + whole])
            yield address + start, part.ljust(whole, b"\0"), (1 << len(part)) - 1

    def cost(self) -> Cost:
        """What it takes with the default QUEUE, BURST_BYTES, FIFO_BYTES and OUTSTANDING: a line
        through seven syntheses by Yosys for UltraScale+, words of 8 and 16 bytes.
        """
        wide = self.WORD_BYTES
        read = Cost(lut=200 + 13 * wide // 2, ff=115 + 75 * wide // 8)
        write = Cost(lut=344, ff=146 + 115 * wide // 8)
        shared = Cost(lut=816, ff=1280 + 31 * wide // 2)
        return shared + read * self.READS + write * self.WRITES


def next_end(asking: Sequence[bool], last: int) -> int | None:
    """The end that is served after `last`: the next one in the ring that asks."""
    ends = len(asking)
    ring = (n % ends for n in range(last + 1, last + 1 + ends))
    return next((n for n in ring if asking[n]), None)


def package() -> str:
    """Returns the text of the package that has the registers' addresses."""
    address = f"logic [{registers.ADDRESS_BITS - 1}:0]"
    values = {register.name: register.value for register in registers.Register}
    values |= {bank.name: bank.value for bank in registers.Bank}
    lines = [
        "// SPDX-License-Identifier: Apache-2.0",
        "// Made by hw.mover from hw/spec/registers.py: offsets of registers, places of bits.",
        "`default_nettype none",
        "",
        f"package {PACKAGE};",
        f"  localparam int unsigned ADDRESS_BITS = {registers.ADDRESS_BITS};",
        f"  localparam logic [31:0] IDENTITY_VALUE = 32'h{registers.IDENTITY:08x};",
        f"  localparam logic [7:0] MAP_VERSION = 8'd{registers.VERSION};",
        *(
            f"  localparam {address} {k} = {registers.ADDRESS_BITS}'h{v:03x};"
            for k, v in values.items()
        ),
        *(
            f"  localparam logic [4:0] END_{word.name} = 5'h{word.value:02x};"
            for word in registers.EndWord
        ),
    ]
    for name, bits in (("CONTROL", registers.Control), ("STATUS", registers.Status)):
        lines += [
            f"  localparam int unsigned {name}_{bit.name} = {bit.value.bit_length() - 1};"
            for bit in bits
        ]
    return "\n".join([*lines, "endpackage", "", "`default_nettype wire", ""])


def _power(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0
