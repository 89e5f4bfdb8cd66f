"""What surrounds a system on a board: its DMA engines if it has some, their way to memory, the
address map.

The one place that decides it: `hardware.json`, the Vivado project and its test read it from here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hw.board import Board
from hw.shell import masters_a_port
from hw.spec.errors import SpecError
from hw.spec.handoff import CONTROL, SYSTEM
from hw.spec.hardware import Hardware

RANGE = 1 << 16
"""Each window has this many bytes: far more than the registers have, as Vivado gives by default."""
# First address that the processor's general-purpose master port reaches: UG585, table "System-level
# address map"; UG1085, table "System address map", M_AXI_HPM0_FPD.
BASES = {"xc7": 0x4000_0000, "xcup": 0xA000_0000}


@dataclass(frozen=True)
class Dma:
    """One DMA engine. channel: of the stream that it feeds (`reads` memory) and of the one that it
    drains (`writes` memory).
    """

    cell: str
    channel: int
    reads: bool
    writes: bool

    @property
    def masters(self) -> tuple[str, ...]:
        """Its ports to memory, by the direction in their names."""
        return (*(("MM2S",) if self.reads else ()), *(("S2MM",) if self.writes else ()))


def dmas(hardware: Hardware) -> tuple[Dma, ...]:
    """An engine a channel: both ways where there is an input and an output of that number. None
    where the system has a data mover of its own.
    """
    if hardware.word_bytes:
        return ()
    ins, outs = hardware.in_channels, hardware.out_channels
    return tuple(Dma(f"dma_{n}", n, n < ins, n < outs) for n in range(max(ins, outs)))


def addresses(hardware: Hardware, board: Board) -> dict[str, int]:
    """Base of the registers and of each DMA engine, by name."""
    names = [CONTROL, *(dma.cell for dma in dmas(hardware))]
    return {name: BASES[board.family] + n * RANGE for n, name in enumerate(names)}


def memory_ports(hardware: Hardware, board: Board) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Returns (cell, direction) of the masters on each HP port that is used: DMAs, or the system
    itself where it has a data mover, with no direction.

    A port of n bytes has room for n streams of a byte a cycle, so all that fit share one: every
    further port costs an interconnect. Raises SpecError where the board has too few.
    """
    if hardware.word_bytes:
        return (((SYSTEM, ""),),)
    masters = [(dma.cell, way) for dma in dmas(hardware) for way in dma.masters]
    each = masters_a_port(board.hp_bits)
    ports = tuple(tuple(masters[n : n + each]) for n in range(0, len(masters), each))
    if len(ports) > board.hp_count:
        raise SpecError(
            f"{board.name}: {len(masters)} streams",
            f"its ports have room for {board.hp_count * each}",
        )
    return ports


def located(hardware: Hardware, board: Board) -> Hardware:
    """The hardware with its addresses on the board and the DMA of each channel."""
    cells = tuple(dma.cell for dma in dmas(hardware))
    return replace(hardware, addresses=addresses(hardware, board), dmas=cells)
