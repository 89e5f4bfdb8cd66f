"""SAM 2's video predictor takes prompts on any frame and propagates masks through the whole video.

Like SAM 2's it holds the whole video, no larger than the network has use for, and what it found on
every frame, so that frames can be corrected in any order and tracked both ways. For endless streams
use `host.session`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from host.bank import MemoryBank
from host.compat.bundles import open_video_model
from host.compat.mask_cleanup import without_small_parts
from host.compat.sam2_prompts import flag_of, prompt_of
from host.compat.sam2_state import KeyedState
from host.compat.stored_video import check_count, check_index, read_for
from host.compat.tensor import as_tensor
from host.device import Arrays, Device
from host.errors import PromptError, UnknownObjectError
from host.images import Window
from host.jobs import Steps, drive
from host.mask_overlap import share
from host.names import ModuleNames
from host.object_frame import ObjectFrame
from host.prompts import LOGIT_LIMIT, POSITIVE, Prompt
from host.recurrence import ever_outlined, ever_shown
from host.session_state import KNOWN_MASKS, ObjectState
from host.tracker import Answer, Memory, ObjectModel

Output = tuple[int, list[Any], Any]
"""Frame, object ids, mask logits (N, 1, H, W) as `as_tensor` gives them."""


@dataclass(eq=False)
class ObjectRecord:
    """A record keeps what is known of one object: its prompts, its answers by frame, and the
    memories of those frames that are remembered (`host.recurrence.is_remembered`).

    tracked is what a frame's first prompt replaced. steps is 1 or -1, the direction in which a
    frame was last passed.
    """

    prompts: dict[int, Prompt] = field(default_factory=dict)
    answers: dict[int, Answer] = field(default_factory=dict)
    memories: dict[int, Memory] = field(default_factory=dict)
    tracked: dict[int, tuple[Answer, Memory | None]] = field(default_factory=dict)
    steps: dict[int, int] = field(default_factory=dict)


@dataclass(eq=False)
class InferenceState(KeyedState):
    """A state holds one video under work. It can be read by SAM 2's keys too: state["num_frames"],
    state["obj_ids"].
    """

    KEYS = (
        "images",
        "num_frames",
        "video_height",
        "video_width",
        "obj_ids",
        "obj_id_to_idx",
        "obj_idx_to_id",
        "frames_tracked_per_obj",
    )

    images: list[NDArray[np.uint8]]
    video_height: int
    video_width: int
    objects: dict[Any, ObjectRecord] = field(default_factory=dict)

    @property
    def num_frames(self) -> int:
        """Returns the number of frames of the video."""
        return len(self.images)

    @property
    def obj_ids(self) -> list[Any]:
        """Returns the object ids in the order of their first prompts."""
        return list(self.objects)

    @property
    def obj_id_to_idx(self) -> dict[Any, int]:
        """Returns the row of the masks that each object has, by id."""
        return {object_id: row for row, object_id in enumerate(self.objects)}

    @property
    def obj_idx_to_id(self) -> dict[int, Any]:
        """Returns the object's id of each row of the masks."""
        return dict(enumerate(self.objects))

    @property
    def frames_tracked_per_obj(self) -> dict[int, dict[int, dict[str, bool]]]:
        """Returns the frames that were propagated through, by row: {frame: {"reverse": whether
        backwards}}.
        """
        return {
            row: {frame: {"reverse": step < 0} for frame, step in record.steps.items()}
            for row, record in enumerate(self.objects.values())
        }


class SAM2VideoPredictor(ModuleNames):
    """The predictor takes prompts for objects anywhere in a video and propagates their masks
    through it.
    """

    def __init__(
        self, device: Device, fill_hole_area: float = 0, non_overlap_masks: bool = False
    ) -> None:
        """fill_hole_area: largest hole of a mask that is filled, in cells of the mask grid.
        non_overlap_masks: each pixel of the output is of the surest object.
        """
        self.model = ObjectModel(device)
        self.fill_hole_area = fill_hole_area
        self.non_overlap_masks = flag_of("non_overlap_masks", non_overlap_masks)
        self.image_size, self.device = device.spec.image_size, "cpu"
        # One bank serves every object: it is filled anew from the records for each answer.
        self._bank = MemoryBank(device.spec, device.allocate)
        self._encoded: tuple[InferenceState, int, Window, Arrays] | None = None

    @classmethod
    def from_pretrained(cls, model_id: str, **options: Any) -> SAM2VideoPredictor:
        """Returns the predictor of a bundle folder or a model's name; SAM 2's hub names open the
        default bundle.
        """
        checkpoint, device = (options.pop(name, None) for name in ("ckpt_path", "device"))
        model, settings = open_video_model(model_id, checkpoint, device, options)
        return cls(model, **settings)

    def init_state(
        self,
        video_path: Any,
        offload_video_to_cpu: bool = False,
        offload_state_to_cpu: bool = False,
        async_loading_frames: bool = False,
    ) -> InferenceState:
        """Reads a video file or a folder of frames, or takes what `frames_given` does: a list of
        pictures, an array or tensor (T, H, W, 3) or (T, 3, H, W). The other arguments are SAM 2's
        and change nothing here. Raises SourceError and FrameError.
        """
        frames, size = read_for(self.model.spec, video_path)
        return InferenceState(frames, *size)

    def add_new_points_or_box(
        self,
        inference_state: InferenceState,
        frame_idx: int,
        obj_id: Any,
        points: ArrayLike | None = None,
        labels: ArrayLike | None = None,
        clear_old_points: bool = True,
        normalize_coords: bool = True,
        box: ArrayLike | None = None,
    ) -> Output:
        """Prompts or corrects an object by clicks, a box, or both.

        points are (N, 2) x, y with labels (N,) 1 or 0, box is (4,) x0, y0, x1, y1; both are in
        pixels of the video, or in 0..1 when normalize_coords is false. With clear_old_points the
        answer is the one that the frame would have had without earlier prompts on it. Returns
        (frame_idx, obj_ids, mask logits (N, 1, H, W)). Raises PromptError, FrameError.
        """
        state = inference_state
        clear = flag_of("clear_old_points", clear_old_points)
        pixels = flag_of("normalize_coords", normalize_coords)
        if box is not None and not clear:
            raise PromptError("a box with clear_old_points=False", "give the box before any points")
        size = (state.video_height, state.video_width)
        prompt = prompt_of(points, labels, box, size, pixels)
        return self._prompt(state, frame_idx, obj_id, prompt, clear)

    def add_new_points(self, *args: Any, **kwargs: Any) -> Output:
        """Does the same as `add_new_points_or_box`, under SAM 2's older name."""
        return self.add_new_points_or_box(*args, **kwargs)

    def add_new_mask(
        self, inference_state: InferenceState, frame_idx: int, obj_id: Any, mask: ArrayLike
    ) -> Output:
        """Prompts an object by its mask (H, W), which is that frame's output: truth values,
        probabilities or logits. Returns what `add_new_points_or_box` does. Raises PromptError where
        a mask could mean several of them.
        """
        state = inference_state
        prompt = Prompt.from_pixels(state.video_height, state.video_width, mask=mask)
        return self._prompt(state, frame_idx, obj_id, prompt, clear=True)

    def propagate_in_video(
        self,
        inference_state: InferenceState,
        start_frame_idx: int | None = None,
        max_frame_num_to_track: int | None = None,
        reverse: bool = False,
    ) -> Iterator[Output]:
        """Tracks every object from a frame on, by default from the earliest prompt.

        Yields (frame_idx, obj_ids, mask logits (N, 1, H, W)) for the frame itself and
        max_frame_num_to_track more, towards the end or, in reverse, the beginning of the video.
        """
        state = inference_state
        prompted = [index for record in state.objects.values() for index in record.prompts]
        if not prompted:
            raise PromptError("nothing to propagate", "add points, a box or a mask first")
        start = min(prompted) if start_frame_idx is None else start_frame_idx
        check_index(start, state.num_frames)
        check_count(max_frame_num_to_track)
        most = state.num_frames if max_frame_num_to_track is None else max_frame_num_to_track
        step = -1 if flag_of("reverse", reverse) else 1
        last = max(start - most, 0) if step < 0 else min(start + most, state.num_frames - 1)
        for index in range(start, last + step, step):
            for record in state.objects.values():
                if index not in record.prompts:
                    self._answer(state, record, index, None, step)
                record.steps[index] = step
            yield self._output(state, index)

    def clear_all_prompts_in_frame(
        self,
        inference_state: InferenceState,
        frame_idx: int,
        obj_id: Any,
        need_output: bool = True,
    ) -> Output | None:
        """Takes back an object's prompts on a frame, which then has what tracking had
        found there.
        """
        record = self._record(inference_state, obj_id)
        check_index(frame_idx, inference_state.num_frames)
        wanted = flag_of("need_output", need_output)
        if record.prompts.pop(frame_idx, None) is not None:
            del record.answers[frame_idx], record.memories[frame_idx]
            if frame_idx in record.tracked:
                record.answers[frame_idx], memory = record.tracked.pop(frame_idx)
                if memory is not None:
                    record.memories[frame_idx] = memory
        if not record.prompts:
            # Without any prompt the rest is an answer to a question no longer asked.
            for known in (record.answers, record.memories, record.tracked, record.steps):
                known.clear()
        return self._output(inference_state, frame_idx) if wanted else None

    def remove_object(
        self,
        inference_state: InferenceState,
        obj_id: Any,
        strict: bool = False,
        need_output: bool = True,
    ) -> tuple[list[Any], list[tuple[int, Any]]]:
        """Forgets an object. Returns (remaining obj_ids, [(frame, mask logits)] of its prompted
        frames). Raises UnknownObjectError for an unknown id when strict."""
        state = inference_state
        wanted = flag_of("need_output", need_output)
        if not flag_of("strict", strict) and (
            not isinstance(obj_id, Hashable) or obj_id not in state.objects
        ):
            return state.obj_ids, []
        record = self._record(state, obj_id)
        del state.objects[obj_id]
        updated = []
        if wanted and state.objects:
            updated = [(index, self._output(state, index)[2]) for index in sorted(record.prompts)]
        return state.obj_ids, updated

    def reset_state(self, inference_state: InferenceState) -> None:
        """Forgets all objects; the video stays loaded."""
        inference_state.objects.clear()

    def _record(self, state: InferenceState, obj_id: Any) -> ObjectRecord:
        if not isinstance(obj_id, Hashable) or obj_id not in state.objects:
            have = ", ".join(map(str, state.objects)) or "none"
            raise UnknownObjectError(f"object {obj_id!r} is not tracked", f"tracked: {have}")
        return state.objects[obj_id]

    def _encoding(self, state: InferenceState, index: int, window: Window) -> Steps[Arrays]:
        """The image encoder's outputs on a window of a frame, a call at a time."""
        if self._encoded is None or self._encoded[:3] != (state, index, window):
            self._encoded = None  # the device may reuse the buffers even if it fails
            image = yield self.model.image_call(state.images[index], window=window)
            self._encoded = (state, index, window, image)
        return self._encoded[3]

    def _prompt(
        self, state: InferenceState, index: int, obj_id: Any, prompt: Prompt, clear: bool
    ) -> Output:
        check_index(index, state.num_frames)
        if not isinstance(obj_id, Hashable):
            raise PromptError(f"object id {obj_id!r}", "give a number or a text")
        record = state.objects.get(obj_id, ObjectRecord())
        if index not in record.prompts and index in record.answers:
            record.tracked[index] = record.answers[index], record.memories.get(index)
        own = None if index not in record.tracked else record.tracked[index][0]
        if not clear and index in record.prompts:
            prompt = record.prompts[index].then(prompt)
            own = record.answers[index]
        if not (prompt.outlines or record.prompts or (prompt.labels == POSITIVE).any()):
            raise PromptError(
                f"object {obj_id!r} is new and has only background clicks",
                "start it with a positive click, a box or a mask",
            )
        self._answer(state, record, index, prompt, record.steps.get(index, 1), own)
        record.prompts[index] = prompt
        state.objects[obj_id] = record
        return self._output(state, index)

    def _fill_bank(self, record: ObjectRecord, now: int, step: int) -> None:
        """What a stream that came to `now` in this direction would remember, as SAM 2 chooses:
        the frames just passed, and the prompted frames nearest in time, on either side."""
        policy = self.model.spec.policy
        depth = max(policy.recent, policy.obj_ptrs - policy.prompted)
        self._bank.clear()
        prompted = sorted((i for i in record.prompts if i != now), key=lambda i: -abs(i - now))
        recent: list[int] = []
        index = now - step
        # Back to the first gap: what lies beyond belongs to another pass.
        while len(recent) < depth and index in record.answers:
            if index not in record.prompts and index in record.memories:
                recent.insert(0, index)
            index -= step
        for index in [*prompted[-policy.prompted :], *recent]:
            record.memories[index].keep(self._bank, index, index in record.prompts)

    def _answer(
        self,
        state: InferenceState,
        record: ObjectRecord,
        now: int,
        prompt: Prompt | None,
        step: int,
        own: Answer | None = None,
    ) -> None:
        self._fill_bank(record, now, step)
        size = (state.video_height, state.video_width)
        frame = ObjectFrame(
            self.model,
            now,
            size,
            partial(self._encoding, state, now),
            self.model.spec.policy.window,
        )
        # A prompt on this frame replaces the one before it there.
        prompts = (record.prompts | {now: prompt}).values()
        passed = [record.answers.get(now - step * n) for n in range(KNOWN_MASKS, 0, -1)]
        known = ObjectState(self._bank, shown=ever_shown(prompts))
        known.outlined = ever_outlined(prompts)
        for answer in passed:
            if answer is not None:
                known.current, known.window = answer, answer.placed(size).window
                known.end_frame()
        if passed[-1] is None:
            known.trail = ()
        earlier = None if own is None else own.placed(size)
        answer, image, _ = drive(frame.looking(known, prompt, earlier), self.model.run)
        # The raw candidates are only of use at once; over a whole video they would weigh most.
        record.answers[now] = replace(answer, candidates=answer.candidates[:0].copy())
        record.memories.pop(now, None)
        if self.model.remembers(prompt is not None, answer):
            memory = self.model.memorise(image, answer)
            record.memories[now] = replace(
                memory, keys=memory.keys.copy(), values=memory.values.copy()
            )

    def _output(self, state: InferenceState, index: int) -> Output:
        height, width = state.video_height, state.video_width
        full = np.full((len(state.objects), 1, height, width), -LOGIT_LIMIT, np.float32)
        for plane, record in zip(full, state.objects.values(), strict=True):
            if index in record.answers:
                plane[0] = self._tidy(record.answers[index].shown()).video_logits(height, width)
        if self.non_overlap_masks:
            full = share(full[:, 0])[:, None]
        return index, state.obj_ids, as_tensor(full)

    def _tidy(self, answer: Answer) -> Answer:
        if self.fill_hole_area <= 0 or answer.given is not None:
            return answer  # a mask is its frame's output to the pixel
        (logits,) = without_small_parts(answer.logits[None], 0, self.fill_hole_area, 0)
        return replace(answer, logits=logits)
