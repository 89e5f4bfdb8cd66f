"""An accelerator's nets, pin by pin, from the netlist of its kernels, and what their models say of
its readies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hw.spec.stream import Stream
from hw.stitch.netlist import Netlist
from hw.stitch.system_text import shell_pin
from hw.timing.compose import OWN, Pin
from hw.timing.delays import TimingError
from hw.timing.model import Model

READY = "_tready"
SHELL = "shell"
"""The instance of a whole system that is the mover and what stands beside it."""


def check_ready(netlist: Netlist, models: Mapping[str, Model]) -> None:
    """Raises TimingError, naming instance and pins, where a tready runs through a kernel that says
    `cuts_ready`. models: by instance.
    """
    for name, kernel in netlist.instances.items():
        ready = (arc for arc in models[name].arcs if arc.sink.endswith(READY))
        crossing = [arc for arc in ready if arc.source.endswith(READY)]
        if kernel.cuts_ready and crossing:
            pins = ", ".join(f"{arc.source} to {arc.sink}" for arc in crossing)
            raise TimingError(
                f"{netlist.title}: {name}, a {kernel.name}, says that it cuts tready: {pins}",
                "put a register in it, or take back cuts_ready",
            )


def nets(netlist: Netlist) -> list[tuple[Pin, Pin]]:
    """Returns (driver, reader) of every net that a kernel's pin is on, reset among them."""
    found: list[tuple[Pin, Pin]] = [((OWN, "rst"), (name, "rst")) for name in netlist.instances]
    for source, sink in netlist.wires:
        a, b = _end(source), _end(sink)
        for signal in ("tdata", "tvalid", *(["tlast"] if _last(netlist, a, b) else [])):
            found.append((_pin(a, signal), _pin(b, signal)))
        found.append((_pin(b, "tready"), _pin(a, "tready")))
    return found


def whole_nets(
    netlists: Mapping[str, Netlist], board: Iterable[tuple[bool, str]]
) -> list[tuple[Pin, Pin]]:
    """Returns (driver, reader) of every net of a system: its shell, and between its pins the
    kernels `<graph>.<instance>` of all graphs. board: whether a port of the system is an input, and
    its name.
    """
    found: list[tuple[Pin, Pin]] = []
    for given, port in board:
        ends = (OWN, port), (SHELL, port)
        found.append(ends if given else (ends[1], ends[0]))
    for graph, netlist in netlists.items():

        def place(pin: Pin, graph: str = graph) -> Pin:
            name, port = pin
            return (f"{graph}.{name}", port) if name else (SHELL, shell_pin(graph, port))

        found += [(place(driver), place(reader)) for driver, reader in nets(netlist)]
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
