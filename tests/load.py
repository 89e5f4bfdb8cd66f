"""`python -m tests.load`, `make load`: a session that goes on and on, many objects, many sessions.

Prints figures that must stay flat: resident memory and the time of a frame at the beginning and at
the end of one long session on the golden device of `tiny`, whose every frame reads what the frames
before it wrote. Memory is what the process has written (a kernel short of memory takes pages of
files away). Time is the process's own, and stands beside that of a young session, which is begun
anew again and again, on the same frame at the same moment: what else the machine does, slows both.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from host.device import Device
from host.devices.registry import default_bundle, open_device
from host.prompts import Prompt
from host.session import Session

SIDE = 64
SETTLED = 1000
"""Frames after which memory and time are first read: banks are full, buffers made."""
BESIDE, YOUNG, FULL = 10, 20, 12
"""Every so many frames a young session gets the same one; it is begun anew after so many of these,
with so many frames at once, after which its bank is full as well."""
MEMORY_LIMIT, TIME_LIMIT = 0.01, 0.05


@dataclass(frozen=True)
class Reading:
    """Resident bytes at a frame, and of the frames before it the median milliseconds, as they are
    and for those of a young session.
    """

    frame: int
    memory: int
    milliseconds: float
    relative: float


def frame_at(index: int, phase: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """A frame (SIDE, SIDE, 3) uint8 of a bright square that goes round, and its box."""
    angle = 2 * np.pi * ((index + 7 * phase) % 97) / 97
    x, y = (round(32 + 14 * f(angle)) for f in (np.cos, np.sin))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    ground = (rows * 5 + columns * (3 + phase % 5) + index % 89) % 90
    frame = np.repeat(ground[..., None], 3, 2).astype(np.uint8)
    frame[y - 8 : y + 8, x - 8 : x + 8] = (230, 190 - 20 * (phase % 8), 40 + 20 * (phase % 8))
    return frame, np.array([x - 8, y - 8, x + 8, y + 8])


def prompt_at(index: int, phase: int = 0) -> Prompt:
    """A box around the square of that frame."""
    return Prompt.from_pixels(SIDE, SIDE, box=frame_at(index, phase)[1].tolist())


def resident(process: int | str = "self") -> int:
    """Bytes of memory that a process, this one or that of a number, has written and holds now."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) * 1024


def long_session(device: Device, frames: int, every: int = SETTLED) -> Iterator[Reading]:
    """Readings of one session of so many frames, one each `every` frames."""
    session, young = Session(device), Session(device)
    spent: list[float] = []
    ratios: list[float] = []
    for index in range(frames):
        frame, _ = frame_at(index)
        spent.append(_timed(session, frame, index == 0))
        if index % BESIDE == 0:
            if index % (BESIDE * YOUNG) == 0:
                young.reset()
                for _ in range(FULL):
                    _timed(young, frame, not young.object_ids)
            ratios.append(spent[-1] / _timed(young, frame, False))
        if (index + 1) % every == 0:
            middle = (float(np.median(values)) for values in (spent, ratios))
            yield Reading(index + 1, resident(), *middle)
            spent.clear()
            ratios.clear()


def _timed(session: Session, frame: NDArray[np.uint8], first: bool) -> float:
    """Milliseconds of a step with its mask; the first one prompts."""
    began = time.process_time()
    result = session.step(frame, {1: prompt_at(0)} if first else None)
    result.objects[1].mask()
    return (time.process_time() - began) * 1e3


def many_objects(device: Device, objects: int, frames: int) -> int:
    """Bytes that a session of so many objects takes beyond its first frame, after so many more."""
    session = Session(device)
    session.step(frame_at(0)[0], {k: prompt_at(0) for k in range(objects)})
    session.step(frame_at(1)[0])
    before = resident()
    for index in range(2, frames):
        result = session.step(frame_at(index)[0])
        assert len(result.objects) == objects
    return resident() - before


def alone(device: Device, phase: int, frames: int) -> list[NDArray[np.float32]]:
    """Logits by frame of one session that has the device to itself."""
    session = Session(device)
    return [_step(session, index, phase) for index in range(frames)]


def in_turn(device: Device, sessions: int, frames: int) -> list[list[NDArray[np.float32]]]:
    """Logits by session and frame of sessions that share a device, a frame of each in turn."""
    open_ones = [Session(device) for _ in range(sessions)]
    made: list[list[NDArray[np.float32]]] = [[] for _ in open_ones]
    for index in range(frames):
        for phase, session in enumerate(open_ones):
            made[phase].append(_step(session, index, phase))
    return made


def _step(session: Session, index: int, phase: int) -> NDArray[np.float32]:
    """A frame of the session whose scene has that phase; its object is shown on the first."""
    prompts = {1: prompt_at(0, phase)} if index == 0 else None
    return session.step(frame_at(index, phase)[0], prompts).objects[1].logits.copy()


def drift(readings: Sequence[Reading]) -> tuple[float, float]:
    """How far memory of the last reading is from the first one's, and the time, beside a young
    session's, of the last tenth from that of the first, as shares.
    """
    tenth = max(1, len(readings) // 10)
    early, late = (
        float(np.median([r.relative for r in part]))
        for part in (readings[:tenth], readings[-tenth:])
    )
    return readings[-1].memory / readings[0].memory - 1, late / early - 1


def main(argv: list[str] | None = None) -> int:
    """Runs the command line and returns the exit code, 1 where a figure is not flat."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--frames", type=int, default=100_000, help="(%(default)s)")
    parser.add_argument("--config", default="tiny", help="bundle to run (%(default)s)")
    parser.add_argument("--every", type=int, default=SETTLED, help="(%(default)s)")
    args = parser.parse_args(argv)
    device = open_device("golden", default_bundle(args.config))
    readings = []
    for reading in long_session(device, args.frames, args.every):
        readings.append(reading)
        if len(readings) == 1 or reading.frame % (10 * args.every) == 0:
            print(
                f"frame {reading.frame}: {reading.memory / 2**20:.2f} MiB, "
                f"{reading.milliseconds:.2f} ms a frame, "
                f"{reading.relative:.3f} of a young session's",
                flush=True,
            )
    memory, spent = drift(readings)
    print(
        f"{args.frames} frames: memory {memory:+.2%} from frame {readings[0].frame} to the last, "
        f"frame time {spent:+.2%} from the first tenth to the last, beside a young session's "
        f"(limits {MEMORY_LIMIT:.0%}, {TIME_LIMIT:.0%})"
    )
    return int(abs(memory) > MEMORY_LIMIT or abs(spent) > TIME_LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
