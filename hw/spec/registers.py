"""Register map of a system, which is that of its data mover: 32-bit words over AXI4-Lite, byte
offsets.

One job: the host writes ADDRESS_LOW, ADDRESS_HIGH and LENGTH, then the end's number to PUSH_READ
or PUSH_WRITE, and waits until the end's count of jobs done has gone up. An accelerator's frame is a
job for each of its ends; what it reads once a frame (rows, layer) is a value pushed to a setting
end.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

IDENTITY = 0x5346_4D56
"""What the register IDENTITY reads: "SFMV"."""
VERSION = 2
"""The register VERSION reads this number, which goes up with every change of the map."""
ADDRESS_BITS = 12
"""The register window has addresses of this many bits."""
MOST_ENDS = 32
"""A mover has at most this many ends of a kind."""
QUEUE = 4
"""This many jobs wait for an end, and values for a setting end, as a mover is made."""


class Register(IntEnum):
    """Byte offsets. ro: written by the hardware; wo: reads as 0."""

    IDENTITY = 0x00  # ro: "SFMV"
    VERSION = 0x04  # ro: VERSION; bits 15:8 read ends, 23:16 write ends, 31:24 setting ends
    CONTROL = 0x08  # wo: Control
    STATUS = 0x0C  # ro: Status
    NOW = 0x10  # ro: clock cycles since reset, modulo 2^32
    ADDRESS_LOW = 0x14  # rw: of the next job, bits 31:0
    ADDRESS_HIGH = 0x18  # rw: bits 39:32
    LENGTH = 0x1C  # rw: bytes of the next job, from 1
    SETTING = 0x20  # rw: the next value of a setting end
    PUSH_READ = 0x24  # wo: appends the job to the queue of the read end of this number
    PUSH_WRITE = 0x28  # wo: to that of a write end
    PUSH_SETTING = 0x2C  # wo: appends SETTING to the queue of a setting end
    PENDING_READS = 0x30  # rw: ends with a job done or a fault since this bit was cleared; write 1s
    PENDING_WRITES = 0x34  # rw: the same of write ends
    ENABLE_READS = 0x38  # rw: ends whose pending bit raises the interrupt
    ENABLE_WRITES = 0x3C  # rw: the same of write ends
    ROOM_READS = 0x40  # ro: ends whose queue takes a job
    ROOM_WRITES = 0x44  # ro: the same of write ends
    ROOM_SETTINGS = 0x48  # ro: setting ends whose queue takes a value
    DESIGN = 0x4C  # ro: first 32 bits of the hash of all that the design computes
    GRAPHS = 0x50  # ro: graphs of the design


class Bank(IntEnum):
    """Byte offsets of the words of read end 0, and of write end 0."""

    READS = 0x400
    WRITES = 0x800


class EndWord(IntEnum):
    """Byte offsets of the words of an end, all ro."""

    DONE = 0x0  # jobs done since reset, modulo 2^16
    FAULTS = 0x4  # Fault
    BEGUN_AT = 0x8  # NOW when the last job that has begun did so
    DONE_AT = 0xC  # NOW when the last job that is done was
    CRC = 0x10  # CRC-32 of the last frame that has passed the end's stream
    FRAMES = 0x14  # frames that have, modulo 16: CRC is that of this one


END_BYTES = 0x20
"""The words of one end take this many bytes."""
FRAMES_MODULUS = 16
"""The word FRAMES counts modulo this number."""


class Control(IntFlag):
    """The register CONTROL has these bits, which clear themselves."""

    ABANDON = 1  # begin no further burst, wait for those under way, then forget jobs and faults


class Status(IntFlag):
    """The register STATUS has these bits."""

    BUSY = 1  # a job is not done
    ABANDONING = 2  # ABANDON has not come to its end
    FAULT = 4  # some end has a fault


class Fault(IntFlag):
    """The faults of an end, which stay until ABANDON or a reset."""

    SLAVE = 1  # the memory answered SLVERR
    DECODE = 2  # it answered DECERR
    REFUSED = 4  # a job of no bytes, at an address inside a word, or for a queue without room
    EARLY = 8  # the accelerator's frame ended before the job; the end stands still
    LATE = 16  # it did not end with the job
