"""A simulated board as a device of the real `pynq` package: its Overlay, parser of `.hwh`, Clocks,
MMIO and buffers run on it unchanged.
"""

from __future__ import annotations

import ctypes
import struct
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pynq
import pynq.ps
from pynq.buffer import PynqBuffer
from pynq.metadata.runtime_metadata_parser import RuntimeMetadataParser
from pynq.pl_server.device import Device
from pynqmetadata.frontends import Metadata

from sim.board.machine import Machine


class SimulatedDevice(Device):
    """A simulated board as a device of pynq; `activate` makes it the one that pynq uses.

    machine: the board that is simulated.
    """

    _probe_priority_ = 10  # before pynq's own devices

    @classmethod
    def _probe_(cls) -> list[Device]:
        return []  # only where it is activated

    def __init__(self, machine: Machine) -> None:
        super().__init__(f"simulated-{machine.kind.name}")
        self.machine = machine
        self.capabilities = {"REGISTER_RW": True}
        self.name, self.arch = machine.kind.name, machine.kind.machine

    def activate(self) -> None:
        """From here on pynq finds this board and no other."""
        Device.active_device = self
        pynq.ps.CPU_ARCH = self.arch  # pynq 3.0 asks the computer, pynq 3.1 the device
        with suppress(AttributeError):
            del pynq.Clocks._real_instance
        if hasattr(pynq.Clocks, "set_device"):
            pynq.Clocks.set_device(self)

    # -- overlays

    def get_bitfile_metadata(self, bitfile_name: str, partial: bool = False) -> Any:
        """What pynq's parser finds in the `.hwh` beside a bitstream."""
        return RuntimeMetadataParser(Metadata(input=Path(bitfile_name).with_suffix(".hwh")))

    def download(self, bitstream: Any, parser: Any = None) -> None:
        """Loads an overlay into the simulated fabric, as pynq asks its device to."""
        self.machine.configure(Path(bitstream.bitfile_name))
        self.post_download(bitstream, parser, self.name)

    # -- registers

    def read_registers(self, address: int, length: int) -> bytes:
        """Reads `length` bytes of registers from an address on."""
        words = (self.machine.load(a) for a in range(address, address + length, 4))
        return b"".join(struct.pack("<I", word) for word in words)

    def write_registers(self, address: int, data: Any) -> None:
        """Writes bytes to the registers from an address on, word by word."""
        for index, (word,) in enumerate(struct.iter_unpack("<I", bytes(data))):
            self.machine.store(address + 4 * index, word)

    # -- memory

    def allocate(self, shape: Any, dtype: Any, cacheable: int = 0, **_: Any) -> PynqBuffer:
        """A buffer, its memory foreign to numpy as that of XRT's buffers is."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        held = (ctypes.c_char * size)()
        address = self.machine.memory.place(np.frombuffer(held, np.uint8), bool(cacheable))
        buffer = PynqBuffer(
            shape,
            dtype,
            device=self,
            bo=address,
            buffer=held,
            device_address=address,
            coherent=False,
        )
        weakref.finalize(buffer, self._freed, address, len(held))
        return buffer

    def _freed(self, address: int, size: int) -> None:
        assert not self.machine.at_work(address, size), "freed while the mover may still write"
        self.machine.memory.free(address)

    def flush(self, bo: int, offset: int, vaddr: int, nbytes: int) -> None:
        """Writes the processor's bytes of a buffer to memory."""
        self.machine.memory.flush(bo + offset, nbytes)

    def invalidate(self, bo: int, offset: int, vaddr: int, nbytes: int) -> None:
        """Drops the processor's bytes of a buffer."""
        self.machine.memory.invalidate(bo + offset, nbytes)
