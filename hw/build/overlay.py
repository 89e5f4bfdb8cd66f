"""What surrounds a system on a board: where its registers lie, and its way to memory.

The one place that decides it: `hardware.json`, the Vivado project and its test read it from here.
"""

from __future__ import annotations

from dataclasses import replace

from hw.board import Board
from hw.spec.hardware import Hardware

RANGE = 1 << 16
"""The registers' window has this many bytes: far more than there are registers, as Vivado gives by
default."""
# First address that the processor's general-purpose master port reaches: UG585, table "System-level
# address map"; UG1085, table "System address map", M_AXI_HPM0_FPD.
BASES = {"xc7": 0x4000_0000, "xcup": 0xA000_0000}


def address(board: Board) -> int:
    """Returns the address at which the registers begin on a board."""
    return BASES[board.family]


def located(hardware: Hardware, board: Board) -> Hardware:
    """The hardware with the address of its registers on the board."""
    return replace(hardware, address=address(board))
