"""A streaming session: frames go in one after another, masks of every object come out.

    session = Session(open_device("golden"))
    first = session.step(frame, {1: Prompt.from_pixels(height, width, box=(40, 30, 120, 90))})
    later = session.step(next_frame)
    mask = later.objects[1].mask()

Memory is bounded: a bank of fixed size an object, and one frame. Each object is looked for in a
window of the frame around it (`host.object_frame`), which the image encoder reads: it runs once an
object, as the other graphs do. With `window=0` all objects share one run on the whole frame, which
is faster where there are many and misses small ones.

Two modes give the same masks. In `latency` a step answers for the frame that it is given. In
`throughput` it answers for the frame before: its objects are worked on side by side, while the
device encodes the new frame. `finish` answers for the last one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.bank import MemoryBank
from host.device import Arrays, Device
from host.errors import FrameError, SavedSessionError, UnknownObjectError, UsageError
from host.images import Window, check_frame, sigmoid
from host.jobs import HeldCall, Job, Jobs, Steps, drive, drive_all
from host.mask_overlap import SharedFrame
from host.object_frame import ObjectFrame, coming, context_of
from host.prompts import Prompt, checked_prompts
from host.saved_session import load_state, save_state
from host.session_state import ObjectState, SessionState
from host.tracker import Answer, ObjectModel

MODES = ("latency", "throughput")


@dataclass(frozen=True, eq=False)
class ObjectResult:
    """A result tells what is known of one object on one frame.

    logits (R, R) float32 are of this object alone, in its window of the frame (`answer.window`);
    score is the object logit; iou is the model's own estimate in 0..1; present says whether the
    object is on the frame, and where it is not the mask is empty. shared is there where several
    objects share the frame: each pixel of the results below then goes to the surest of them.
    """

    logits: NDArray[np.float32]
    score: float
    iou: float
    present: bool
    answer: Answer
    frame_size: tuple[int, int]
    shared: SharedFrame | None = None

    def video_logits(
        self, height: int | None = None, width: int | None = None
    ) -> NDArray[np.float32]:
        """Returns logits (height, width) float32, at the video's own resolution unless told
        otherwise.
        """
        size = height or self.frame_size[0], width or self.frame_size[1]
        if self.shared is None:
            return self.answer.video_logits(*size)
        return self.shared.logits_of(self.answer, size)

    def mask(self, height: int | None = None, width: int | None = None) -> NDArray[np.bool_]:
        """Returns the mask (height, width) bool, thresholded after the interpolation."""
        return self.video_logits(height, width) > 0

    def soft_mask(self, height: int | None = None, width: int | None = None) -> NDArray[np.float32]:
        """Returns the probability (height, width), in 0..1, that a pixel is the object's."""
        return sigmoid(self.video_logits(height, width))


@dataclass(frozen=True, eq=False)
class StepResult:
    """A step's result holds every object on one frame, by id, and the milliseconds spent in each
    stage. frame_index is -1, without objects, where no frame has been answered for yet.
    """

    frame_index: int
    objects: dict[int, ObjectResult]
    timings_ms: dict[str, float]


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A frame that was handed in and is not answered for: its prompts, and jobs of the encoder."""

    frame: NDArray[np.uint8]
    asked: dict[int, Prompt]
    codes: NDArray[Any] | None
    ahead: dict[Window, Job]


class Session:
    """A session tracks any number of objects through a stream of frames.

    A device serves one session at a time, since a frame's features stay in the device's buffers.
    With overlapping, masks of several objects may overlap in the results; what is remembered of the
    objects is the same either way. Stages are timed by `now`, a clock in seconds. window says
    how large an object's window is (`Policy.window`), 0 for the whole frame; by default it is what
    the model says.
    """

    def __init__(
        self,
        device: Device,
        overlapping: bool = False,
        now: Callable[[], float] = time.perf_counter,
        mode: str = "latency",
        jobs: Jobs | None = None,
        window: float | None = None,
    ) -> None:
        if mode not in MODES:
            raise UsageError(f"mode {mode!r}", f"there is: {', '.join(MODES)}")
        self.device = device
        self.overlapping = overlapping
        self.mode = mode
        self.context = context_of(window, device.spec.policy)
        self.state = SessionState()
        self._model = ObjectModel(device, now)
        self._jobs = jobs or (Jobs(device) if mode == "throughput" else None)
        self._waiting: _Waiting | None = None
        self._ahead: dict[Window, Job] = {}  # of the frame that was answered for last

    @property
    def object_ids(self) -> list[int]:
        """Returns the ids of the objects tracked, in the order of their first prompts."""
        return list(self.state.objects)

    def step(
        self,
        frame: NDArray[np.uint8],
        prompts: Mapping[int, Prompt] | None = None,
        codes: NDArray[Any] | None = None,
    ) -> StepResult:
        """Takes the next frame (H, W, 3) uint8 RGB and answers for every object, in `throughput` on
        the frame before.

        prompts are given by object id; an id not yet known starts a new object. codes are what
        `prepare` made of the frame ahead of time. Raises FrameError and PromptError before anything
        has changed.
        """
        waiting, state = self._waiting, self.state
        size = state.frame_size if waiting is None else waiting.frame.shape[:2]
        check_frame(frame, size, state.frame_index + 1 + (waiting is not None))
        asked = self._checked(prompts, frame.shape[:2])
        self._model.clock.ms = {}
        if self._jobs is None:
            self._begin(frame, codes)
            for object_id in self._all_of(asked):
                self._answer(object_id, asked.get(object_id))
            return self._result()
        self._release()
        self._waiting = _Waiting(frame, asked, codes, self._encode_ahead(frame, asked, codes))
        return StepResult(-1, {}, {}) if waiting is None else self._answered(waiting, self._jobs)

    def finish(self) -> StepResult | None:
        """Answers for the frame that has not been answered for; None where there is none. The
        session goes on with the next frame.
        """
        waiting, self._waiting = self._waiting, None
        if waiting is None or self._jobs is None:
            return None
        self._model.clock.ms = {}
        self._release()
        return self._answered(waiting, self._jobs)

    def _begin(self, frame: NDArray[np.uint8], codes: NDArray[Any] | None) -> None:
        """Makes a frame the current one, which prompts and corrections then mean."""
        state = self.state
        state.frame_index += 1
        state.frame_size = (frame.shape[0], frame.shape[1])
        state.frame, state.codes = frame, codes
        state.images.clear()
        for known in state.objects.values():
            known.end_frame()

    def _all_of(self, asked: Mapping[int, Prompt]) -> list[int]:
        """Ids of all objects, new ones last."""
        known = self.state.objects
        return [*known, *(new for new in asked if new not in known)]

    def _answered(self, waiting: _Waiting, jobs: Jobs) -> StepResult:
        """Answers for a frame with all its objects at once."""
        self._ahead = waiting.ahead
        clock = self._model.clock
        self._begin(waiting.frame, waiting.codes)
        for window, job in waiting.ahead.items():
            self.state.images[window] = jobs.wait(job)
            clock.add(job.graph, job.ms)
        ids = self._all_of(waiting.asked)
        every = [self._answering(one, waiting.asked.get(one)) for one in ids]
        self.state.objects.update(zip(ids, drive_all(every, jobs, clock.add), strict=True))
        return self._result()

    def _release(self) -> None:
        """Gives back the features of the frame that was answered for last."""
        if self._jobs is not None:
            for job in self._ahead.values():
                self._jobs.release(job)
        self._ahead = {}

    def refine(self, prompts: Mapping[int, Prompt]) -> StepResult:
        """Prompts or corrects objects on the current frame, after `step`.

        Clicks add to those already given on this frame. The frame's earlier answer goes in as the
        mask input, unless a box or mask takes the place of an earlier one, and what was remembered
        of the frame is replaced. Raises FrameError before the first step, PromptError for a bad
        prompt.
        """
        state = self.state
        if state.frame_size is None:
            raise FrameError("there is no current frame to refine", "call step with a frame first")
        asked = self._checked(prompts, state.frame_size)
        self._model.clock.ms = {}
        for object_id, prompt in asked.items():
            self._answer(object_id, prompt)
        return self._result()

    def prepare(self, frame: NDArray[np.uint8]) -> NDArray[Any]:
        """Returns the image encoder's codes of a frame, to be handed to `step`. Any thread may call
        it while the device works on another frame.
        """
        return self._model.prepare(frame)

    def encoded(self) -> Arrays:
        """Returns the image encoder's outputs on the whole current frame, valid until an object is
        answered for or the next frame. Raises FrameError before the first step.
        """
        state = self.state
        if state.frame_size is None:
            raise FrameError("there is no current frame", "call step with a frame first")
        window = Window.whole(state.frame_size)
        if self._jobs is None:
            return drive(self._encoding(window), self._model.run)
        if window not in state.images:
            assert state.frame is not None  # a step has been taken
            job = self._jobs.submit(*self._model.image_call(state.frame, state.codes))
            state.images[window] = {n: a.copy() for n, a in self._jobs.wait(job).items()}
            self._jobs.release(job)
            self._model.clock.add(job.graph, job.ms)
        return state.images[window]

    def _encode_ahead(
        self, frame: NDArray[np.uint8], asked: Mapping[int, Prompt], codes: NDArray[Any] | None
    ) -> dict[Window, Job]:
        """Begins to encode the windows in which objects will be looked for on a frame. Buffer sets
        are left for this frame's objects: as many as it holds, and one more for windows that turn
        out to be others.
        """
        jobs, size = self._jobs, (frame.shape[0], frame.shape[1])
        assert jobs is not None  # the mode is `throughput`
        before = () if self._waiting is None else (self._waiting.asked,)
        ids = dict.fromkeys([*self.state.objects, *(i for given in before for i in given), *asked])
        windows = dict.fromkeys(
            coming(
                self.state.objects.get(one),
                [given.get(one) for given in (*before, asked)],
                size,
                self.context,
            )
            for one in ids
        )
        most = (jobs.sets - bool(self.context)) // 2
        ahead: dict[Window, Job] = {}
        for window in list(windows or [Window.whole(size)])[:most]:
            ahead[window] = jobs.submit(*self._model.image_call(frame, codes, window))
        return ahead

    @property
    def timings_ms(self) -> dict[str, float]:
        """Returns the milliseconds spent in each stage since the last `step` or `refine` began."""
        return dict(self._model.clock.ms)

    def remove_object(self, object_id: int) -> None:
        """Forgets an object. Raises UnknownObjectError for an id that is not tracked."""
        if object_id not in self.state.objects:
            have = ", ".join(map(str, self.state.objects)) or "none"
            raise UnknownObjectError(f"object {object_id!r} is not tracked", f"tracked: {have}")
        del self.state.objects[object_id]

    def reset(self) -> None:
        """Forgets every object and frame; the next frame may have another size."""
        self._release()
        if self._waiting is not None:
            self._ahead = self._waiting.ahead
            self._release()
        self._waiting = None
        self.state = SessionState()

    def save(self, path: str | Path) -> None:
        """Writes the session to a file (.npz), from which `load` resumes it to the bit. Raises
        SavedSessionError while a frame has not been answered for.
        """
        if self._waiting is not None:
            raise SavedSessionError("the last frame has not been answered for", "call finish first")
        save_state(self.state, self.device.spec, self.overlapping, self.context, path)

    @classmethod
    def load(cls, path: str | Path, device: Device) -> Session:
        """Returns the session that was saved in a file, on a device of the same model, whichever
        kind of device it is.

        Raises SavedSessionError for a file that is missing, damaged or of another model.
        """
        state, overlapping, window = load_state(path, device)
        session = cls(device, overlapping, window=window)
        session.state = state
        return session

    def _checked(
        self, prompts: Mapping[int, Prompt] | None, size: tuple[int, ...]
    ) -> dict[int, Prompt]:
        known = set(self.state.objects) | set(() if self._waiting is None else self._waiting.asked)
        return checked_prompts(prompts or {}, size, self.device.spec.grid, known)

    def _answer(self, object_id: int, prompt: Prompt | None) -> None:
        steps, jobs = self._answering(object_id, prompt), self._jobs
        if jobs is None:
            known = drive(steps, self._model.run)
        else:
            (known,) = drive_all([steps], jobs, self._model.clock.add)
        self.state.objects[object_id] = known

    def _answering(self, object_id: int, prompt: Prompt | None) -> Steps[ObjectState]:
        """Answers for an object on the current frame, and remembers it; its new state."""
        state = self.state
        assert state.frame_size is not None  # a step has been taken
        known = state.objects.get(object_id)
        if known is None:
            known = ObjectState(MemoryBank(self._model.spec, self.device.allocate))
        frame = ObjectFrame(
            self._model, state.frame_index, state.frame_size, self._encoding, self.context
        )
        return frame.answering(known, prompt)

    def _encoding(self, window: Window) -> Steps[Arrays]:
        """The image encoder's outputs on a window of the current frame, a call at a time."""
        state = self.state
        if window in state.images:
            return state.images[window]
        assert state.frame is not None  # a step has been taken
        call = self._model.image_call(state.frame, state.codes, window)
        if self._jobs is not None:
            return (yield HeldCall(*call))
        state.images.clear()  # the device may reuse the buffers even if it fails
        image = yield call
        state.images[window] = image
        return image

    def _result(self) -> StepResult:
        state = self.state
        size = state.frame_size
        if size is None:
            raise FrameError("there is no current frame", "call step with a frame first")
        answers = {
            object_id: known.current.shown()
            for object_id, known in state.objects.items()
            if known.current is not None
        }
        several = len(answers) > 1 and not self.overlapping
        shared = SharedFrame(list(answers.values())) if several else None
        objects = {
            object_id: ObjectResult(
                answer.logits, answer.score, answer.iou, answer.present, answer, size, shared
            )
            for object_id, answer in answers.items()
        }
        return StepResult(state.frame_index, objects, self.timings_ms)
