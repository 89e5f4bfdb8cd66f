"""Runs real frames on emulated hardware and compares every code with the golden device.

    python -m host verify --bundle bitstreams/nano_KV260_... [--video FILE] [--frames 1]

Graphs are called exactly as a session calls them: the golden device tracks a clip until its memory
bank is full, then the calls of its last frames are repeated on the device under test. Codes and
cycles are kept in the bundle, for its report, and the time of the host's own work a frame.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from rich.console import Console

from host.concepts.prompts import ConceptPrompt
from host.concepts.session import ConceptDetector
from host.device import Arrays, Device
from host.devices.registry import open_device
from host.errors import UsageError
from host.media.demo_clip import TURTLE, render_demo_clip
from host.prompts import Prompt
from host.rates.measure import measure
from host.rates.rating import processor_name, rating_here
from host.session import Session
from hw.spec.files import atomic_path
from hw.spec.host_work import Measured

NAME = "simulated.json"
FULL = 12
"""Frames that fill a memory bank."""
SIZES = ((480, 640), (720, 1280))
"""Height and width of frames for which the host's own work is measured."""
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Call:
    """A call is one run of a graph with what the golden device answered."""

    graph: str
    frame: int
    inputs: Arrays
    outputs: Arrays


@dataclass(frozen=True)
class Checked:
    """A repeated call is told by its codes, how many were compared and how many differ, its clock
    cycles, and the rows of a ragged input.
    """

    graph: str
    frame: int
    codes: int
    differing: int
    cycles: int
    length: int


class Recorder:
    """A recorder is a device that keeps the calls of the frames from `first` on."""

    def __init__(self, device: Device, first: int) -> None:
        self.name, self.spec, self.calls = device.name, device.spec, list[Call]()
        self._device, self._first, self._frame = device, first, -1

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Returns what the recorded device's `allocate` does."""
        return self._device.allocate(shape, dtype)

    def run(self, graph: str, inputs: Arrays) -> Arrays:
        """Runs a graph on the recorded device and keeps the call."""
        self._frame += graph == "image_encoder"
        outputs = self._device.run(graph, inputs)
        if self._frame >= self._first:
            kept = ({k: np.array(v) for k, v in arrays.items()} for arrays in (inputs, outputs))
            self.calls.append(Call(graph, self._frame, *kept))
        return outputs

    def close(self) -> None:
        """Closes the device whose calls were recorded."""
        self._device.close()


def record(
    golden: Device,
    clip: Sequence[NDArray[np.uint8]],
    prompts: Mapping[int, Prompt],
    frames: int,
) -> list[Call]:
    """Returns the calls of the last `frames` frames of a clip. Its second frame is prompted too, by
    the masks found there, since a bank is full only with all its prompted memories. A concept
    detector, where there is one, looks at each of these frames for a phrase and one of the prompts'
    boxes.
    """
    recorder = Recorder(golden, len(clip) - frames)
    session = Session(recorder)
    height, width = clip[0].shape[:2]
    detector = None if golden.spec.detector is None else ConceptDetector(recorder)
    boxes = np.array([p.box for p in prompts.values() if p.box is not None][:1], np.float32)
    for index, frame in enumerate(clip):
        answer = session.step(frame, prompts if index == 0 else None)
        if index == 1:
            masks = {k: v.mask() for k, v in answer.objects.items()}
            session.refine({k: Prompt.from_pixels(height, width, mask=m) for k, m in masks.items()})
        if detector is not None and index >= len(clip) - frames:
            known = detector.phrases.phrases
            concept = ConceptPrompt(known[index % len(known)], boxes, np.ones(len(boxes), np.int64))
            detector(session.encoded(), concept, (height, width))
    return recorder.calls


def repeat(device: Any, calls: Sequence[Call], say: Callable[[Checked], None]) -> list[Checked]:
    """Repeats calls on a device that counts cycles and tells `say` of each as it is done."""
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
    """Writes the repeated calls to a JSON file, for the bundle's report."""
    with atomic_path(path) as part:
        part.write_text(json.dumps([asdict(c) for c in checked], indent=1) + "\n", "utf-8")


def drawn(frames: int) -> tuple[list[NDArray[np.uint8]], Box]:
    """Returns the beginning of the project's own clip, and a box around its turtle."""
    clip, labels = render_demo_clip(60)
    ys, xs = np.nonzero(labels[0] == TURTLE)
    box = (float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1))
    return clip[:frames], box


def run(
    bundle: Path, clip: Sequence[NDArray[np.uint8]], box: Box, frames: int, console: Console
) -> int:
    """Verifies a bundle on a clip, keeps `simulated.json` in it, and returns how many codes differ.

    Raises UsageError for a clip without a frame, and the errors of the devices.
    """
    if not clip:
        raise UsageError("the clip has no frame", "give a video that can be read")
    height, width = clip[0].shape[:2]
    golden = open_device("golden", bundle)
    prompts = {1: Prompt.from_pixels(height, width, box=box)}
    calls = record(golden, clip, prompts, frames)
    device = open_device("rtl", bundle)
    # Only the devices with hardware have its description, and "rtl" is one.
    expected = {g.name: g.cycles for g in device.hardware.graphs}  # type: ignore[attr-defined]

    def say(c: Checked) -> None:
        keys = f", {c.length} keys" if c.length else ""
        console.print(
            f"frame {c.frame} {c.graph}: {c.differing} of {c.codes:,} codes differ, "
            f"{c.cycles:,} cycles ({expected[c.graph]:,} expected{keys})",
            highlight=False,
        )

    try:
        checked = repeat(device, calls, say)
    finally:
        device.close()
    save(bundle / NAME, checked)
    works = measure(golden, clip[:FULL], prompts, bundle, sizes=SIZES)
    Measured(processor_name(), rating_here(), works).save(bundle)
    return sum(c.differing for c in checked)
