"""Jobs: a device's graphs run asynchronously, each in the order in which its jobs were submitted.

    jobs = Jobs(device)
    job = jobs.submit("image_encoder", {"image": codes})
    ...
    features = jobs.wait(job)["features"]
    jobs.release(job)

It is one interface for every device. One that has queues itself, as accelerators behind a data
mover do, gets the jobs as they come. Of any other, a thread runs the graphs (`Threads`), or
one a graph where the device says `concurrent`. A job's inputs and outputs lie in a buffer set of
their graph, of which there are two or three: the inputs are copied in as the job is submitted, and
the outputs are valid until it is released, whatever runs meanwhile.

What an object needs on a frame is a generator that yields a `Call` and is sent its outputs. `drive`
brings one to its end, `drive_all` several at once: while the device works on a graph for one
object, it may work on another graph for another one, and on the next frame's image. Objects do not
read each other, so in whatever order their calls end, each gets the same numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from host.device import Arrays, Device, Queues, Running
from host.errors import DeviceError

T = TypeVar("T")
TIMEOUT_S = 600.0
"""A job that has not ended after this many seconds is given up: simulations are the slowest."""


SETS = 3
"""A graph has this many buffer sets: one is filled, one computed on, one read."""


class JobTimeout(DeviceError):
    """A job did not end in time. Its buffer set stays taken, since the device may write to it."""


@dataclass(eq=False)
class Job:
    """A job is one run of a graph."""

    graph: str
    _running: Running
    released: bool = False

    @property
    def done(self) -> bool:
        """Tells whether the job has ended, well or with an error."""
        return self._running.ended()

    @property
    def ms(self) -> float:
        """The milliseconds that the device took for it, once it is done."""
        return self._running.ms


class Jobs:
    """The jobs of one device, which serves nobody else meanwhile.

    sets: buffer sets a graph, where the device has no queues of its own. timeout_s: what `wait` and
    `first` allow unless told otherwise.
    """

    def __init__(self, device: Device, sets: int = SETS, timeout_s: float = TIMEOUT_S) -> None:
        if sets < 1:
            raise DeviceError(f"{sets} buffer sets a graph", "give 1 or more; 3 by default")
        self.device, self._timeout_s = device, timeout_s
        own: Queues | None = getattr(device, "queues", None)
        self._queues: Queues = Threads(device, sets) if own is None else own
        self.sets = self._queues.sets

    def room(self, graph: str) -> bool:
        """Tells whether a buffer set of the graph is free. Raises DeviceError where there is no
        such graph.
        """
        return self._queues.room(graph)

    def submit(self, graph: str, inputs: Arrays) -> Job:
        """Hands a job to the device and returns at once; inputs may be changed afterwards.

        Raises DeviceError where there is no such graph, or no buffer set of it is free. What is
        wrong with the inputs is told here or by `wait`.
        """
        if not self._queues.room(graph):
            raise DeviceError(
                f"{graph}: every buffer set is taken", "release a job of this graph first"
            )
        return Job(graph, self._queues.begin(graph, inputs))

    def wait(self, job: Job, timeout_s: float | None = None) -> Arrays:
        """Returns a job's outputs by port name, valid until it is released.

        Raises what the device raised, JobTimeout where the job does not end in time.
        """
        self.first([job], timeout_s)
        if job.released:
            raise DeviceError(f"{job.graph}: the job has been released", "wait before release")
        return job._running.outputs()

    def first(self, jobs: Collection[Job], timeout_s: float | None = None) -> Job:
        """Returns one of the jobs that has ended, as soon as one has. Raises JobTimeout."""
        allowed = self._timeout_s if timeout_s is None else timeout_s
        self._queues.watch([job._running for job in jobs], allowed)
        for job in jobs:
            if job.done:
                return job
        graphs = ", ".join(sorted({job.graph for job in jobs}))
        raise JobTimeout(
            f"{self.device.name}: {graphs}: no end within {allowed:g} s",
            "open the device again; a slower one needs a longer timeout_s",
        )

    def release(self, job: Job) -> None:
        """Gives a job's buffer set back. One that has not ended is waited for, and its error is
        dropped. Raises JobTimeout.
        """
        if not job.released:
            self.first([job])
            job.released = True
            self._queues.release(job._running)

    def close(self) -> None:
        """Ends the threads once the jobs under way have ended; the device stays open."""
        self._queues.close()


class _Buffers:
    """One buffer set of a graph. Arrays keep the size of the largest that they have held."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._held: dict[str, NDArray[Any]] = {}

    def take(self, arrays: Arrays) -> Arrays:
        """Copies arrays in and returns the copies, which are overwritten by the next ones."""
        return {name: self._copy(name, array) for name, array in arrays.items()}

    def _copy(self, name: str, array: NDArray[Any]) -> NDArray[Any]:
        held = self._held.get(name)
        if held is None or held.size < array.size or held.dtype != array.dtype:
            held = self._held[name] = self._device.allocate((array.size,), array.dtype)
        copy = held[: array.size].reshape(array.shape)
        np.copyto(copy, array)
        return copy


@dataclass(eq=False)
class _Frame:
    """A frame that a thread runs, or will."""

    graph: str
    slot: tuple[_Buffers, _Buffers]
    future: Future[Arrays] = field(init=False)
    ms: float = 0.0

    def ended(self) -> bool:
        return self.future.done()

    def outputs(self) -> Arrays:
        return self.future.result()


class Threads:
    """Threads as the queues of a device that has none: one a graph where the device says
    `concurrent`, else one for all. They call its `run`, and copy inputs and outputs into buffer
    sets that stay as they are until a frame is released. sets: buffer sets a graph.
    """

    def __init__(self, device: Device, sets: int) -> None:
        self._device, self.sets = device, sets
        self._free = {
            graph: [(_Buffers(device), _Buffers(device)) for _ in range(sets)]
            for graph in device.spec.ports
        }
        concurrent = getattr(device, "concurrent", False)
        lanes = self._free if concurrent else ("",)
        self._lanes = {lane: ThreadPoolExecutor(1, f"{device.name} {lane}") for lane in lanes}
        self._lane_of = {graph: graph if concurrent else "" for graph in self._free}

    def room(self, graph: str) -> bool:
        """Tells whether a buffer set of the graph is free. Raises DeviceError where there is no
        such graph.
        """
        if graph not in self._free:
            raise DeviceError(f"no graph {graph!r}", f"there is: {', '.join(self._free)}")
        return bool(self._free[graph])

    def begin(self, graph: str, inputs: Arrays) -> _Frame:
        """Hands a frame to the graph's thread, in a buffer set that `room` has found."""
        frame = _Frame(graph, self._free[graph].pop())
        copies = frame.slot[0].take(inputs)
        frame.future = self._lanes[self._lane_of[graph]].submit(self._run, frame, copies)
        return frame

    def watch(self, frames: Collection[Running], seconds: float) -> None:
        """Waits until one of the frames has ended, at most so long."""
        futures = [frame.future for frame in frames if isinstance(frame, _Frame)]
        wait_for(futures, seconds, FIRST_COMPLETED)

    def release(self, frame: Running) -> None:
        """Gives the buffer set of a frame that has ended back to its graph."""
        assert isinstance(frame, _Frame)
        self._free[frame.graph].append(frame.slot)

    def close(self) -> None:
        """Ends the threads once the frames under way have ended."""
        for lane in self._lanes.values():
            lane.shutdown(wait=True, cancel_futures=True)

    def _run(self, frame: _Frame, inputs: Arrays) -> Arrays:
        start = time.perf_counter()
        outputs = frame.slot[1].take(self._device.run(frame.graph, inputs))
        frame.ms = (time.perf_counter() - start) * 1e3
        return outputs


class Call(NamedTuple):
    """A call asks for one run of a graph."""

    graph: str
    inputs: Arrays


class HeldCall(Call):
    """The outputs of a held call are valid until the generator that asked has ended or yields its
    next held call; where calls run one after another, until the graph's next call.
    """


Steps = Generator[Call, Arrays, T]
"""What yields calls, is sent their outputs, and returns a T in the end. Outputs are valid until the
next call has been yielded and taken."""


def drive(steps: Steps[T], run: Callable[[Call], Arrays]) -> T:
    """Drives one generator to its end, call by call, and returns what it returns."""
    try:
        call = next(steps)
        while True:
            call = steps.send(run(call))
    except StopIteration as end:
        result: T = end.value
        return result


class _Track:
    """One generator on its way: its call that waits for room, or the job that runs for it."""

    def __init__(self, steps: Steps[Any]) -> None:
        self.steps = steps
        self.call: Call | None = None
        self.job: Job | None = None
        self.before: Job | None = None  # its outputs may be inputs of the call that waits
        self.held: list[Job] = []  # their outputs are read until the generator ends
        self.result: Any = None

    def advance(self, outputs: Arrays | None) -> None:
        """Sends outputs in; the next call, or the result, comes out."""
        try:
            self.call = next(self.steps) if outputs is None else self.steps.send(outputs)
        except StopIteration as end:
            self.call, self.result = None, end.value


def drive_all(
    every: Sequence[Steps[T]], jobs: Jobs, timed: Callable[[str, float], None]
) -> list[T]:
    """Drives all generators at once and returns what they return, in their order. `timed` is told
    the graph and the milliseconds of every run.

    An error of any of them ends all: jobs under way are waited for, then it is raised.
    """
    tracks = [_Track(steps) for steps in every]
    running: dict[Job, _Track] = {}
    try:
        for track in tracks:
            track.advance(None)
        while True:
            for track in tracks:
                if isinstance(track.call, HeldCall):
                    _release_held(track, jobs)
                if track.call is not None and jobs.room(track.call.graph):
                    track.job = jobs.submit(*track.call)
                    running[track.job] = track
                    if isinstance(track.call, HeldCall):
                        track.held.append(track.job)
                    track.call = None
                    _release(track, jobs)
            if not running:
                stuck = next((track.call for track in tracks if track.call is not None), None)
                if stuck is None:
                    return [track.result for track in tracks]
                jobs.submit(
                    stuck.graph, stuck.inputs
                )  # somebody else has taken every set: it says so
            job = jobs.first(running)
            track = running.pop(job)
            track.job, track.before = None, None if job in track.held else job
            outputs = jobs.wait(job)
            timed(job.graph, job.ms)
            track.advance(outputs)
            if track.call is None:
                _release(track, jobs)
                _release_held(track, jobs)
    except BaseException as error:
        for track in tracks:
            track.steps.close()
            for held in (track.before, track.job, *track.held):
                # One that was given up may still write to its set.
                if held is not None and (held.done or not isinstance(error, JobTimeout)):
                    jobs.release(held)
        raise


def _release_held(track: _Track, jobs: Jobs) -> None:
    while track.held:
        jobs.release(track.held.pop())


def _release(track: _Track, jobs: Jobs) -> None:
    if track.before is not None:
        jobs.release(track.before)
        track.before = None
