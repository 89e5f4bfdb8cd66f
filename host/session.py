"""A streaming session: frames go in one after another, masks of every object come out.

    session = Session(open_device("golden"))
    first = session.step(frame, {1: Prompt.from_pixels(height, width, box=(40, 30, 120, 90))})
    later = session.step(next_frame)
    mask = later.objects[1].mask()

Memory is bounded: a bank of fixed size an object, and one frame. The image encoder runs once a
frame however many objects there are; the other graphs run once an object.

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
from host.errors import FrameError, PromptError, SavedSessionError, UnknownObjectError, UsageError
from host.images import sigmoid
from host.jobs import Job, Jobs, Steps, drive, drive_all
from host.mask_overlap import SharedFrame
from host.prompts import Prompt
from host.recurrence import ever_shown
from host.saved_session import load_state, save_state
from host.session_state import ObjectState, SessionState
from host.tracker import Answer, ObjectModel

MODES = ("latency", "throughput")


@dataclass(frozen=True, eq=False)
class ObjectResult:
    """A result tells what is known of one object on one frame.

    logits (R, R) float32 are of this object alone; score is the object logit; iou is the model's
    own estimate in 0..1; present says whether the object is on the frame, and where it is not the
    mask is empty. shared is there where several objects share the frame: each pixel of the results
    below then goes to the surest of them.
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


def check_frame(frame: Any, expected: tuple[int, int] | None = None, index: int = 0) -> None:
    """Raises FrameError unless `frame` is (H, W, 3) uint8, not empty, and of the expected size."""
    if not isinstance(frame, np.ndarray) or frame.ndim != 3 or frame.shape[2] != 3:
        shape = getattr(frame, "shape", type(frame).__name__)
        raise FrameError(f"frame {index} is {shape}", "give an array (height, width, 3) in RGB")
    if frame.dtype != np.uint8:
        raise FrameError(f"frame {index} is {frame.dtype}", "give uint8 values 0..255")
    height, width = frame.shape[:2]
    if not height or not width:
        raise FrameError(
            f"frame {index} is empty ({width}x{height})", "skip it, or mend the source"
        )
    if expected is not None and (height, width) != expected:
        raise FrameError(
            f"frame {index} is {width}x{height}, the stream began with {expected[1]}x{expected[0]}",
            "resize the frames, or reset the session and prompt again",
        )


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A frame that was handed in and is not answered for: its prompts, and its encoder's job."""

    frame: NDArray[np.uint8]
    asked: dict[int, Prompt]
    job: Job


class Session:
    """A session tracks any number of objects through a stream of frames.

    A device serves one session at a time, since a frame's features stay in the device's buffers.
    With overlapping, masks of several objects may overlap in the results; what is remembered of the
    objects is the same either way. Stages are timed by `now`, a clock in seconds.
    """

    def __init__(
        self,
        device: Device,
        overlapping: bool = False,
        now: Callable[[], float] = time.perf_counter,
        mode: str = "latency",
        jobs: Jobs | None = None,
    ) -> None:
        if mode not in MODES:
            raise UsageError(f"mode {mode!r}", f"there is: {', '.join(MODES)}")
        self.device = device
        self.overlapping = overlapping
        self.mode = mode
        self.state = SessionState()
        self._model = ObjectModel(device, now)
        self._jobs = jobs or (Jobs(device) if mode == "throughput" else None)
        self._waiting: _Waiting | None = None
        self._encoding: Job | None = None  # of the frame that was answered for last

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
            self._begin(frame)
            state.codes = codes
            for object_id in self._all_of(asked):
                self._answer(object_id, asked.get(object_id))
            return self._result()
        self._release()
        call = self._model.image_call(frame, codes)
        self._waiting = _Waiting(frame, asked, self._jobs.submit(*call))
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

    def _begin(self, frame: NDArray[np.uint8]) -> None:
        """Makes a frame the current one, which prompts and corrections then mean."""
        state = self.state
        state.frame_index += 1
        state.frame_size = (frame.shape[0], frame.shape[1])
        state.frame, state.codes, state.image = frame, None, None
        for known in state.objects.values():
            known.end_frame()

    def _all_of(self, asked: Mapping[int, Prompt]) -> list[int]:
        """Ids of all objects, new ones last."""
        known = self.state.objects
        return [*known, *(new for new in asked if new not in known)]

    def _answered(self, waiting: _Waiting, jobs: Jobs) -> StepResult:
        """Answers for a frame with all its objects at once."""
        self._encoding = waiting.job
        image = jobs.wait(waiting.job)
        clock = self._model.clock
        clock.add(waiting.job.graph, waiting.job.ms)
        self._begin(waiting.frame)
        self.state.image = image
        ids = self._all_of(waiting.asked)
        every = [self._answering(one, waiting.asked.get(one)) for one in ids]
        self.state.objects.update(zip(ids, drive_all(every, jobs, clock.add), strict=True))
        return self._result()

    def _release(self) -> None:
        """Gives back the features of the frame that was answered for last."""
        if self._encoding is not None and self._jobs is not None:
            self._jobs.release(self._encoding)
            self._encoding = None

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
        """Returns the image encoder's outputs on the current frame, valid until the next one. The
        encoder runs once a frame. Raises FrameError before the first step.
        """
        state = self.state
        if state.image is None:
            if state.frame is None:
                raise FrameError("there is no current frame", "call step with a frame first")
            state.image = self._model.encode_image(state.frame, state.codes)
        return state.image

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
        if self._waiting is not None and self._jobs is not None:
            self._jobs.release(self._waiting.job)
        self._waiting = None
        self.state = SessionState()

    def save(self, path: str | Path) -> None:
        """Writes the session to a file (.npz), from which `load` resumes it to the bit. Raises
        SavedSessionError while a frame has not been answered for.
        """
        if self._waiting is not None:
            raise SavedSessionError("the last frame has not been answered for", "call finish first")
        save_state(self.state, self.device.spec, self.overlapping, path)

    @classmethod
    def load(cls, path: str | Path, device: Device) -> Session:
        """Returns the session that was saved in a file, on a device of the same model, whichever
        kind of device it is.

        Raises SavedSessionError for a file that is missing, damaged or of another model.
        """
        state, overlapping = load_state(path, device)
        session = cls(device, overlapping)
        session.state = state
        return session

    def _checked(
        self, prompts: Mapping[int, Prompt] | None, size: tuple[int, ...]
    ) -> dict[int, Prompt]:
        asked = dict(prompts or {})
        for object_id, prompt in asked.items():
            if not isinstance(object_id, (int, np.integer)) or isinstance(object_id, bool):
                raise PromptError(f"object id {object_id!r}", "object ids are integers")
            if not isinstance(prompt, Prompt):
                raise PromptError(
                    f"object {object_id}: a prompt of type {type(prompt).__name__}",
                    "give a Prompt, as Prompt.from_pixels makes it",
                )
            if prompt.logits is not None:
                self._require_grid(object_id, prompt.logits)
            elif prompt.mask is not None and prompt.mask.shape != tuple(size):
                raise PromptError(
                    f"object {object_id}: mask {prompt.mask.shape[1]}x{prompt.mask.shape[0]} on a "
                    f"frame of {size[1]}x{size[0]}",
                    "give the mask at the video's own resolution",
                )
            known = object_id in self.state.objects or (
                self._waiting is not None and object_id in self._waiting.asked
            )
            if not known and prompt.mask is None and prompt.box is None:
                _require_positive(object_id, prompt)
        return asked

    def _require_grid(self, object_id: int, logits: NDArray[np.float32]) -> None:
        grid = self.device.spec.grid
        if logits.shape != (grid, grid):
            raise PromptError(
                f"object {object_id}: logits of shape {logits.shape}",
                f"give the {grid}x{grid} logits of the model's masks",
            )

    def _answer(self, object_id: int, prompt: Prompt | None) -> None:
        self.state.objects[object_id] = drive(self._answering(object_id, prompt), self._model.run)

    def _answering(self, object_id: int, prompt: Prompt | None) -> Steps[ObjectState]:
        """Answers for an object on the current frame, and remembers it; its new state."""
        state, model = self.state, self._model
        image = self.encoded()
        known = state.objects.get(object_id)
        if known is None:
            known = ObjectState(MemoryBank(model.spec, self.device.allocate))
        own = None if known.current is None else known.current.logits
        tracked = own if known.prompt is None else known.tracked
        if prompt is not None and known.prompt is not None:
            if prompt.replaces(known.prompt):
                own = tracked  # what the old box or mask gave says nothing about the new one
            elif prompt.mask is None:  # clicks correct what showed the object; a mask takes it back
                known.shown = known.shown or ever_shown([known.prompt])
            prompt = known.prompt.then(prompt)
        now = state.frame_index
        shown = known.shown or ever_shown([prompt])
        answer = yield from model.answering(
            image, known.bank, now, prompt, known.before, own, shown=shown
        )
        prompted = prompt is not None
        if model.remembers(prompted, answer):
            memory = yield from model.memorising(image, answer)
            with model.clock.stage("bank"):
                known.bank.write(now, prompted, memory.keys, memory.values, memory.obj_ptr)
        else:
            known.bank.forget(now)
        known.current, known.prompt, known.tracked = answer, prompt, tracked
        return known

    def _result(self) -> StepResult:
        state = self.state
        size = state.frame_size
        if size is None:
            raise FrameError("there is no current frame", "call step with a frame first")
        answers = [known.current for known in state.objects.values() if known.current is not None]
        shared = SharedFrame(answers) if len(answers) > 1 and not self.overlapping else None
        objects = {
            object_id: ObjectResult(
                known.current.logits,
                known.current.score,
                known.current.iou,
                known.current.present,
                known.current,
                size,
                shared,
            )
            for object_id, known in state.objects.items()
            if known.current is not None
        }
        return StepResult(state.frame_index, objects, self.timings_ms)


def _require_positive(object_id: int, prompt: Prompt) -> None:
    if not (prompt.labels == 1).any():
        raise PromptError(
            f"object {object_id} is new and has only background clicks",
            "start it with a positive click, a box or a mask",
        )
