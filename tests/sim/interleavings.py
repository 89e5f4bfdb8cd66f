"""`make interleavings SEEDS=1:200`: the whole tracker in RTL against golden, seed by seed.

    python -m tests.sim.interleavings --seeds 1:200 [--frames 20]

Of each seed the memory answers late and hesitates on all its channels, and the host looks after a
random while and goes on with any of the jobs that have ended by then. A line tells of each seed as
soon as it has run, so that a range can be broken off and gone on with at the next seed. Exit code 1
where a code differs, a run fails or the range is broken off.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from host.devices.golden import GoldenDevice
from host.devices.rtl import RtlDevice
from host.jobs import Job, Jobs
from host.media.demo_clip import render_demo_clip
from host.session import Session
from hw import board as boards
from hw.build.hardware import build, newest_source
from hw.search.target import Target
from hw.spec.errors import SamFabricError
from tests.host.test_jobs import FRAMES, OBJECTS, SEEDS, differences, prompts, tracked

SHORT, LONG = 2_000, 40_000
"""The host lets the system work for fewer cycles than these before it looks, mostly the short ones:
a graph's frame takes some 10,000 to 20,000.
"""

Order = tuple[tuple[str, int], ...]


class Shuffled(Jobs):
    """Jobs on a simulated system that `seed` decides the order of. The clock runs for a random
    while after a job was submitted and before one is asked for, and of those that have ended by
    then one is drawn. `order` lists the jobs as they were gone on with, each by its graph and its
    number among those submitted.
    """

    def __init__(self, device: RtlDevice, seed: int) -> None:
        super().__init__(device)
        self._device, self._rng = device, Random(seed)
        self._numbers: dict[Job, int] = {}
        self.order: list[tuple[str, int]] = []

    def _while(self) -> None:
        """Lets the system work; its interrupts are taken as they come."""
        system = self._device.transport
        end = system.clock() + self._rng.randrange(LONG if self._rng.random() < 0.2 else SHORT)
        while (left := end - system.clock()) > 0:
            system.sleep(left)
            self._queues.watch((), 0)

    def submit(self, graph: str, inputs: Any) -> Job:
        """Submits a job and lets the system work."""
        job = super().submit(graph, inputs)
        self._numbers[job] = len(self._numbers)
        self._while()
        return job

    def first(self, jobs: Collection[Job], timeout_s: float | None = None) -> Job:
        """Returns one of the jobs that have ended, once one has and a random while is over."""
        if len(jobs) == 1 and (only := next(iter(jobs))).done:
            return only
        super().first(jobs, timeout_s)
        self._while()
        job = self._rng.choice([job for job in jobs if job.done])
        self.order.append((job.graph, self._numbers[job]))
        return job


def hardware(folder: Path) -> Path:
    """Builds the hardware of `tiny` into a folder, with as few lanes as it can have."""
    source = newest_source("tiny", Path(__file__).resolve().parents[2] / "bitstreams")
    easy = Target(1e12, 1e12, 1e12)
    return build(source, boards.find("KV260"), easy, folder, strict=False, detector=False)


def clip(frames: int) -> tuple[Any, Any]:
    """So many frames of the demo clip, and boxes for three objects on the first."""
    return render_demo_clip(frames=frames)[0], {0: prompts(OBJECTS)}


def golden(bundle: Path, frames: int) -> list[Any]:
    """Results of the integer model in mode `latency`, call by call."""
    return tracked(Session(GoldenDevice(bundle)), *clip(frames))


def simulated(bundle: Path, frames: int, seed: int) -> tuple[list[Any], Order]:
    """Results of the hardware in mode `throughput`, and the order in which its jobs were taken."""
    device = RtlDevice(bundle, stalls=seed)
    try:
        jobs = Shuffled(device, seed)
        found = tracked(Session(device, mode="throughput", jobs=jobs), *clip(frames))
    finally:
        device.close()
    return found, tuple(jobs.order)


def codes(results: Sequence[Any]) -> int:
    """How many logits, masks' pixels, pointers and scores `differences` compares."""
    return sum(
        one.logits.size + one.answer.obj_ptr.size + one.answer.candidates.size + one.mask().size + 1
        for result in results
        for one in result.objects.values()
    )


@dataclass
class Tally:
    """What runs came to: seeds that ran to their end, codes compared and those that differ, orders
    of jobs, and seeds whose run failed.
    """

    seeds: int = 0
    compared: int = 0
    differ: int = 0
    orders: set[Order] = field(default_factory=set)
    failed: list[int] = field(default_factory=list)


def run(bundle: Path, seeds: range, frames: int) -> Tally:
    """Runs seed after seed and tells of each; an interrupt (Ctrl-C) ends it with what has run."""
    wanted, tally = golden(bundle, frames), Tally()
    each = codes(wanted)
    print(f"{frames} frames, {OBJECTS} objects, {each:,} codes a seed", flush=True)
    for seed in seeds:
        began = time.monotonic()
        try:
            found, order = simulated(bundle, frames, seed)
            unlike = differences(found, wanted)
        except KeyboardInterrupt:
            print(f"\nbroken off: go on with --seeds {seed}:{seeds[-1]}", flush=True)
            return tally
        except (SamFabricError, AssertionError) as error:
            tally.failed.append(seed)
            print(f"seed {seed}: failed: {error}", flush=True)
            continue
        tally.seeds, tally.compared = tally.seeds + 1, tally.compared + each
        tally.differ += unlike
        tally.orders.add(order)
        spent = time.monotonic() - began
        print(
            f"seed {seed}: {unlike} codes differ, {len(order)} jobs taken, {spent:.0f} s",
            flush=True,
        )
    return tally


def seeds_of(text: str) -> range:
    """Reads `first:last`, both included, or one number."""
    first, _, last = text.partition(":")
    try:
        seeds = range(int(first), int(last or first) + 1)
    except ValueError:
        seeds = range(0)
    if not seeds or seeds.start < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no range of seeds: give 1:200")
    return seeds


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.sim.interleavings", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument(
        "--seeds", type=seeds_of, default=f"1:{SEEDS}", help="first:last (%(default)s)"
    )
    parser.add_argument("--frames", type=int, default=FRAMES, help="(%(default)s)")
    args = parser.parse_args(argv)
    if args.frames < 1:
        parser.error(f"--frames {args.frames}: give 1 or more")
    with tempfile.TemporaryDirectory(prefix="samfabric-interleavings-") as name:
        tally = run(hardware(Path(name)), args.seeds, args.frames)
    print(
        f"{tally.seeds} seeds of {args.frames} frames, {OBJECTS} objects: "
        f"{tally.differ} of {tally.compared:,} codes differ, "
        f"{len(tally.orders)} different orders, {len(tally.failed)} runs failed"
    )
    return int(bool(tally.differ or tally.failed or tally.seeds < len(args.seeds)))


if __name__ == "__main__":
    sys.exit(main())
