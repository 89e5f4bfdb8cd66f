"""What a device's hardware does, for a reader: codes beside golden's, cycles, the report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.device import Arrays, Device
from host.devices.hardware import HardwareDevice
from hw.spec.hardware import newest
from hw.spec.port import Port

REPORT = "report.md"
ROWS = 64
"""A ragged input gets so many rows."""


def difference(reference: Device, device: Device, seed: int = 0) -> Iterator[tuple[str, int, int]]:
    """Runs every graph of both devices on the same random codes; yields its name, how many codes of
    the outputs differ, and how many there are.
    """
    rng = np.random.default_rng(seed)
    for graph, ports in reference.spec.ports.items():
        inputs = {name: drawn(port, rng) for name, port in ports.inputs.items()}
        wanted = {name: np.array(codes) for name, codes in reference.run(graph, inputs).items()}
        found: Arrays = device.run(graph, inputs)
        differing = sum(int((found[name] != codes).sum()) for name, codes in wanted.items())
        yield graph, differing, sum(codes.size for codes in wanted.values())


def drawn(port: Port, rng: np.random.Generator, rows: int = ROWS) -> NDArray[Any]:
    """Random codes of a port, so many rows of one whose length varies."""
    shape = tuple(rows if n is None else n for n in port.shape)
    if port.dtype is None:
        return rng.normal(0, 1, shape).astype(np.float32)
    return rng.integers(port.dtype.min, port.dtype.max + 1, shape).astype(port.storage)


def cycles(device: Device) -> list[tuple[str, int, float]]:
    """Returns the clock cycles of each graph's latest run with milliseconds at the board's clock,
    those that its hardware is built for before the first; nothing for a device without a clock.
    """
    if not isinstance(device, HardwareDevice):
        return []
    hardware = device.hardware
    rows = []
    for entry in hardware.graphs:
        count = device.cycles.get(entry.name, [entry.cycles])[-1]
        rows.append((entry.name, count, count / (hardware.clock_mhz * 1e3)))
    return rows


def report_of(device: Device, bundles: Path = Path("bitstreams")) -> str | None:
    """Returns the report that `make hardware` wrote into the device's bundle; None for none."""
    if not isinstance(device, HardwareDevice):
        return None
    path = newest(device.spec.name, device.hardware.board, bundles) / REPORT
    return path.read_text("utf-8") if path.is_file() else None


def hardware_of(device: Device, bundles: Path = Path("bitstreams")) -> Path | None:
    """Returns the bundle of a device with hardware; None for a device without."""
    if not isinstance(device, HardwareDevice):
        return None
    return newest(device.spec.name, device.hardware.board, bundles)
