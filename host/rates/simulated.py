"""How many frames a second a system makes, counted in its own simulation, the host's time left
aside: the encoder works on the next frame while all objects of a frame go through attention,
decoder and memory encoder, as a session in `throughput` has them do.

    python -m host.rates.simulated --bundle bitstreams/tiny_KV260_... [--objects 1 4 8]
                                   [--frames 3] [--every 8] [--stalls SEED]

Every memory is as long as a full bank makes it, inputs are random codes. With `--every` the
detector looks at every so many frames, from the first on, beside all that. Prints cycles a frame
and frames a second at the board's clock for each number of objects. Exit code 2 on an error.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from host.device import Arrays
from host.devices.hardware import HardwareDevice
from host.devices.rtl import RtlDevice
from host.errors import DeviceError, SamFabricError
from host.jobs import Call, Jobs, Steps, drive_all
from host.rates.inspect import drawn
from hw.spec.command_line import given_path
from hw.spec.manifest import DETECTOR

ONCE = "image_encoder"
OBJECT = ("memory_attention", "mask_decoder", "memory_encoder")
"""What an object needs on a frame, one after another."""
WARM = 2
"""Frames before those that count: until then the pipeline fills."""
DAY_S = 86_400.0
"""`Jobs` may wait so long: the driver ends what takes too many cycles, however slow the machine."""


@dataclass(frozen=True)
class Rate:
    """Clock cycles a frame, on average, with so many objects."""

    objects: int
    cycles: float

    def per_second(self, clock_mhz: float) -> float:
        """Returns the frames a second that these cycles make at a clock in MHz."""
        return clock_mhz * 1e6 / self.cycles


def rate(device: HardwareDevice, objects: int, frames: int, every: int = 0, seed: int = 0) -> Rate:
    """Counts the cycles of so many frames. every: frames between two looks of the detector, none
    with 0. Raises DeviceError for fewer than 0, and for a bundle without a detector.
    """
    if every < 0:
        raise DeviceError(f"--every {every}", "give 0 or more frames")
    if every and DETECTOR not in device.spec.ports:
        raise DeviceError(f"model {device.spec.name} has no detector here", "leave out --every")
    graphs = (ONCE, *OBJECT, *((DETECTOR,) if every else ()))
    rng = np.random.default_rng(seed)
    longest = {g.name: g.longest for g in device.hardware.graphs}
    inputs = {
        graph: {
            name: drawn(port, rng, longest[graph])
            for name, port in device.spec.ports[graph].inputs.items()
        }
        for graph in graphs
    }
    jobs, clock = Jobs(device, timeout_s=DAY_S), device.queues.transport.clock
    encoding = jobs.submit(ONCE, inputs[ONCE])
    marks, looks = [], []
    for number in range(WARM + frames):
        if every and number % every == 0:
            looks.append(jobs.submit(DETECTOR, inputs[DETECTOR]))
        following = jobs.submit(ONCE, inputs[ONCE])
        jobs.wait(encoding)
        drive_all([_steps(inputs) for _ in range(objects)], jobs, lambda graph, ms: None)
        jobs.release(encoding)
        encoding = following
        marks.append(clock())
    for job in (encoding, *looks):
        jobs.release(job)
    return Rate(objects, (marks[-1] - marks[WARM - 1]) / frames)


def _steps(inputs: dict[str, Arrays]) -> Steps[None]:
    for graph in OBJECT:
        yield Call(graph, inputs[graph])


def rates(
    device: HardwareDevice, objects: Sequence[int], frames: int, every: int = 0
) -> Iterator[Rate]:
    """Counts the rates with so many objects, one number after another."""
    for count in objects:
        yield rate(device, count, frames, every)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m host.rates.simulated", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--bundle", type=given_path, required=True, help="with its hardware")
    parser.add_argument("--objects", type=int, nargs="+", default=[1, 4, 8], help="(1 4 8)")
    parser.add_argument("--frames", type=int, default=3, help="frames that count (3)")
    parser.add_argument(
        "--every", type=int, default=0, help="frames between two looks of the detector (none)"
    )
    parser.add_argument("--stalls", type=int, help="seed of a memory that hesitates everywhere")
    given = parser.parse_args(arguments)
    try:
        device = RtlDevice(given.bundle, given.stalls)
        try:
            mhz = device.hardware.clock_mhz
            for found in rates(device, given.objects, given.frames, given.every):
                print(
                    f"{found.objects} objects: {found.cycles:,.0f} cycles a frame, "
                    f"{found.per_second(mhz):.1f} frames/s at {mhz:g} MHz",
                    flush=True,
                )
        finally:
            device.close()
    except SamFabricError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
