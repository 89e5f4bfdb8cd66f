"""Register map of a system of accelerators: 32-bit words over AXI4-Lite, byte offsets.

One run: the host writes GRAPH, LENGTH and LAYER, starts, streams the graph's inputs and takes its
outputs, and waits for DONE. A run in which ERROR rises never ends by itself: reset it.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

VERSION = 2
"""The version of this register map."""
ADDRESS_BITS = 8
"""The register window has addresses of this many bits."""
CHANNELS = 8
"""A system has at most this many stream channels in each direction."""


class Register(IntEnum):
    """Byte offsets. ro: written by the hardware."""

    IDENTITY = 0x00  # ro: first 32 bits of the hash of all that the design computes
    VERSION = 0x04  # ro: VERSION, and in bits 15:8 the number of graphs
    CONTROL = 0x08  # wo: Control
    STATUS = 0x0C  # ro: Status
    GRAPH = 0x10  # rw: the graph that the channels belong to
    LENGTH = 0x14  # rw: rows of a ragged input (L of memory attention)
    LAYER = 0x18  # rw: set of parameters of a looped block
    FRAMES = 0x1C  # ro: runs completed since reset
    CYCLES_LOW = 0x20  # ro: of the last or current run, from start to its last output beat
    CYCLES_HIGH = 0x24
    FAULTS = 0x28  # ro: input channels whose tlast came early or late: bits 7:0 early, 15:8 late
    CRC_IN = 0x40  # ro: CRC-32 of the last frame that each input channel let in: 8 words
    CRC_OUT = 0x60  # ro: of the last frame that each output channel let out


WORD = 4
"""A register has this many bytes; CRC_IN and CRC_OUT have one register a channel."""


class Control(IntFlag):
    """The register CONTROL has these bits, which clear themselves."""

    START = 1  # run the selected graph once
    LOAD = 2  # take the selected graph's setup stream instead of a run
    RESET = 4  # drop what is in flight, clear errors; then LOAD again what a setup stream fills


class Status(IntFlag):
    """The register STATUS has these bits."""

    BUSY = 1
    DONE = 2  # until the next start
    ERROR = 4  # see FAULTS, or GRAPH or LENGTH out of range at the start
