"""An accelerator's nets, pin by pin, from the netlist of its kernels."""

from __future__ import annotations

from hw.spec.stream import Stream
from hw.stitch.netlist import Netlist
from hw.timing.compose import OWN, Pin


def nets(netlist: Netlist) -> list[tuple[Pin, Pin]]:
    """Returns (driver, reader) of every net that a kernel's pin is on, reset among them."""
    found: list[tuple[Pin, Pin]] = [((OWN, "rst"), (name, "rst")) for name in netlist.instances]
    for source, sink in netlist.wires:
        a, b = _end(source), _end(sink)
        for signal in ("tdata", "tvalid", *(["tlast"] if _last(netlist, a, b) else [])):
            found.append((_pin(a, signal), _pin(b, signal)))
        found.append((_pin(b, "tready"), _pin(a, "tready")))
    return found


def _last(netlist: Netlist, a: Pin, b: Pin) -> bool:
    """Do both ends of a wire have tlast?"""
    ends: list[Stream] = []
    for (name, port), side in ((a, "outputs"), (b, "inputs")):
        if name:
            ends.append(getattr(netlist.instances[name], side)()[port])
    return all(stream.last for stream in ends)


def _end(text: str) -> Pin:
    name, _, port = text.rpartition(".")
    return name, port


def _pin(end: Pin, signal: str) -> Pin:
    return end[0], f"{end[1]}_{signal}"
