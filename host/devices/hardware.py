"""The devices `rtl` and `pynq` share a bundle with hardware behind a driver, and the clock cycles
of its runs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from rich.table import Table

from host.device import Arrays
from host.devices.driver import Driver
from host.devices.transport import Transport
from host.names import ModuleNames
from host.spec import load_spec
from hw.spec.hardware import FILE, Hardware
from hw.spec.manifest import check_listed

KEPT = 100_000
"""The cycles of this many runs of a graph are kept; the older half goes when there are more."""


class HardwareDevice(ModuleNames):
    """The device runs a bundle's graphs on its accelerators.

    connect makes the transport once the bundle has been read. `queues` take the frames of all
    graphs, which run at the same time. `cycles` lists the clock cycles of every run, by graph.
    Raises BundleError for a bad bundle or one without hardware, DeviceError where it cannot run.
    """

    name = "hardware"

    def __init__(self, bundle: str | Path, connect: Callable[[Path, Hardware], Transport]) -> None:
        folder = Path(bundle)
        manifest, self.spec = load_spec(folder)
        self.hardware = Hardware.load(folder)
        check_listed(folder, manifest, (FILE, *self.hardware.files))
        self.cycles: dict[str, list[int]] = {}
        self.transport = connect(folder, self.hardware)
        try:
            self.queues = Driver(
                self.transport, self.hardware, self.spec.ports, folder, done=self._count
            )
        except BaseException:
            self.transport.close()
            raise

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Returns an array of zeros in ordinary memory: what goes to the accelerators is copied
        anyway, into buffers in the order of their streams, and the memory that the data mover
        reaches is scarce.
        """
        return np.zeros(shape, dtype)

    def run(self, graph: str, inputs: Arrays) -> Arrays:
        """Runs one graph and returns its outputs by port name, valid until the same graph runs
        again.

        Raises SpecError or DeviceError for inputs that do not fit, RunError for a failed run.
        """
        return self.queues.run(graph, inputs)[0]

    def close(self) -> None:
        """Gives the hardware back, which another device may then open."""
        self.queues.shut()

    def _count(self, graph: str, cycles: int) -> None:
        counts = self.cycles.setdefault(graph, [])
        counts.append(cycles)
        if len(counts) > KEPT:
            del counts[: KEPT // 2]


def cycle_summary(device: object) -> dict[str, dict[str, float]]:
    """Sums up each graph that has run: its runs, mean and greatest cycles, and the runs a second
    that the mean makes at the board's clock. The summary is empty for a device that has no clock.
    """
    if not isinstance(device, HardwareDevice):
        return {}
    rows = {}
    for graph, counts in device.cycles.items():
        mean = sum(counts) / len(counts)
        rows[graph] = {
            "runs": len(counts),
            "mean": round(mean, 1),
            "max": max(counts),
            "per_second": round(device.hardware.clock_mhz * 1e6 / mean, 3),
        }
    return rows


def cycle_table(device: object) -> Table | None:
    """Returns the summary as a table for a terminal, or None where there is nothing to show."""
    rows = cycle_summary(device)
    if not rows or not isinstance(device, HardwareDevice):
        return None
    hardware = device.hardware
    title = f"cycles a run; frames/s on {hardware.board} at {hardware.clock_mhz:g} MHz"
    table = Table(title=title, title_justify="left")
    table.add_column("accelerator")
    for column in ("mean cycles", "max cycles", "frames/s", "runs"):
        table.add_column(column, justify="right")
    for graph, row in rows.items():
        numbers = f"{row['mean']:,.0f}", f"{row['max']:,}", f"{row['per_second']:.1f}"
        table.add_row(graph, *numbers, f"{row['runs']:g}")
    return table
