"""Runs real frames on emulated hardware and compares every code with the golden device.

    python -m host verify --bundle bitstreams/nano_KV260_... [--video FILE] [--frames 1]

Graphs are called exactly as a session calls them: the golden device tracks a clip until its memory
bank is full, then the calls of its last frames are repeated on the device under test. With --out
the cycles are kept as JSON for the bundle's report.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from host.device import Arrays, Device
from host.prompts import Prompt
from host.session import Session
from hw.spec.files import atomic_path


@dataclass(frozen=True)
class Call:
    """One run of a graph and what the golden device answered."""

    graph: str
    frame: int
    inputs: Arrays
    outputs: Arrays


@dataclass(frozen=True)
class Checked:
    """A call repeated: codes compared and differing, clock cycles, rows of a ragged input."""

    graph: str
    frame: int
    codes: int
    differing: int
    cycles: int
    length: int


class Recorder:
    """A device that keeps the calls of the frames from `first` on."""

    def __init__(self, device: Device, first: int) -> None:
        self.name, self.spec, self.calls = device.name, device.spec, list[Call]()
        self._device, self._first, self._frame = device, first, -1

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """As the device's."""
        return self._device.allocate(shape, dtype)

    def run(self, graph: str, inputs: Arrays) -> Arrays:
        """As the device's."""
        self._frame += graph == "image_encoder"
        outputs = self._device.run(graph, inputs)
        if self._frame >= self._first:
            kept = ({k: np.array(v) for k, v in arrays.items()} for arrays in (inputs, outputs))
            self.calls.append(Call(graph, self._frame, *kept))
        return outputs

    def close(self) -> None:
        """As the device's."""
        self._device.close()


def record(
    golden: Device,
    clip: Sequence[NDArray[np.uint8]],
    prompts: Mapping[int, Prompt],
    frames: int,
) -> list[Call]:
    """Calls of the last `frames` frames of a clip."""
    recorder = Recorder(golden, len(clip) - frames)
    session = Session(recorder)
    for index, frame in enumerate(clip):
        session.step(frame, prompts if index == 0 else None)
    return recorder.calls


def repeat(device: Any, calls: Sequence[Call], say: Callable[[Checked], None]) -> list[Checked]:
    """Repeats calls on a device with cycles. say: hears of each as it is done."""
    done = []
    for call in calls:
        found = device.run(call.graph, call.inputs)
        differing = sum(int((found[k] != v).sum()) for k, v in call.outputs.items())
        codes = sum(v.size for v in call.outputs.values())
        keys = call.inputs.get("memory_keys")
        length = 0 if keys is None else int(keys.shape[2])
        cycles = device.cycles[call.graph][-1]
        done.append(Checked(call.graph, call.frame, codes, differing, cycles, length))
        say(done[-1])
    return done


def save(path: Path, checked: Sequence[Checked]) -> None:
    """For the bundle's report."""
    with atomic_path(path) as part:
        part.write_text(json.dumps([asdict(c) for c in checked], indent=1) + "\n", "utf-8")
