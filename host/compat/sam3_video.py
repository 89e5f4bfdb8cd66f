"""SAM 3's video predictor, under its own names, answers requests with the instances of a concept on
every frame.

Like SAM 3's it holds the whole video, at the network's size, for the length of a session. For
endless streams use `host.concepts.tracker`.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from host.compat.sam2_prompts import prompt_of
from host.compat.sam3_known import Known
from host.compat.sam3_pass import Pass
from host.compat.sam3_requests import ONCE, STREAMED, read_request
from host.compat.stored_video import check_count, check_index, read_squares
from host.concepts.association import QUALITY_DELAY, Rules
from host.concepts.outputs import tracked_outputs
from host.concepts.phrases import Phrases
from host.concepts.prompts import ConceptPrompt
from host.concepts.tracker import ConceptTracker, TrackedInstance
from host.device import Device
from host.errors import PromptError, UnknownObjectError, UsageError
from host.names import ModuleNames
from host.prompt_values import labels_of, numbers
from host.prompts import Prompt
from host.session import Session

log = logging.getLogger(__name__)

Response = dict[str, Any]
DIRECTIONS = ("both", "forward", "backward")


@dataclass(eq=False)
class VideoSession:
    """A session holds one video: its frames (S, S, 3), its size, what is looked for and
    since when.
    """

    images: list[NDArray[np.uint8]]
    height: int
    width: int
    prompt: ConceptPrompt | None = None
    prompt_frame: int = 0
    known: Known = field(default_factory=Known)

    @property
    def num_frames(self) -> int:
        """Returns the number of frames of the video."""
        return len(self.images)


class Sam3VideoPredictor(ModuleNames):
    """The predictor answers SAM 3's requests.

    rules are those of association; by default they have SAM 3's delay, so that spurious instances
    never show. phrases are embeddings of phrases, by default the bundle's.
    """

    def __init__(
        self, device: Device, rules: Rules | None = None, phrases: Phrases | None = None
    ) -> None:
        self.device = device
        self.rules = rules or Rules(delay=QUALITY_DELAY)
        self._phrases = phrases
        self._sessions: dict[str, VideoSession] = {}

    def handle_request(self, request: Mapping[str, Any]) -> Response:
        """Answers a request by its `type`: start_session (resource_path[, session_id]), add_prompt
        (session_id, frame_index, text and/or bounding_boxes with bounding_box_labels, or points
        with point_labels and obj_id), remove_object (session_id, obj_id), reset_session or
        close_session (session_id).

        Raises UsageError for a type or field that is unknown or missing, and the errors of the
        methods.
        """
        kind, given = read_request(request, ONCE)
        response: Response = getattr(self, kind)(**given)
        return response

    def handle_stream_request(self, request: Mapping[str, Any]) -> Iterator[Response]:
        """Answers the request propagate_in_video (session_id[, propagation_direction,
        start_frame_index, max_frame_num_to_track]) frame by frame.
        """
        _kind, given = read_request(request, STREAMED)
        return self.propagate_in_video(**given)

    def start_session(self, resource_path: Any, session_id: str | None = None) -> Response:
        """Opens a video file, a folder of frames or a picture, or takes a video in memory as
        `frames_given` does, and returns its session_id.

        Raises SourceError and FrameError for what cannot be read.
        """
        images, size = read_squares(resource_path, self.device.spec.image_size)
        name = session_id or str(uuid.uuid4())
        self._sessions[name] = VideoSession(images, *size)
        return {"session_id": name}

    def add_prompt(
        self,
        session_id: str,
        frame_idx: int,
        text: str | None = None,
        bounding_boxes: ArrayLike | None = None,
        bounding_box_labels: Sequence[int] | None = None,
        points: ArrayLike | None = None,
        point_labels: Sequence[int] | None = None,
        obj_id: int | None = None,
    ) -> Response:
        """Says what to look for, in place of what was said before, and answers for that frame; or,
        with points, corrects or starts one object by clicks.

        bounding_boxes (E, 4) are examples on the frame, x, y, width, height in 0..1, with a label 1
        or 0 each. points (N, 2) in 0..1 with point_labels (N,) 1 or 0 are for the object obj_id, in
        place of clicks on it given on this frame before. Returns frame_index and outputs. Raises
        PromptError, FrameError, UsageError for points together with what to look for.
        """
        session = self._session(session_id)
        check_index(frame_idx, session.num_frames)
        if points is not None or point_labels is not None:
            if text is not None or bounding_boxes is not None:
                raise UsageError(
                    "points together with text or boxes", "ask for one, then the other"
                )
            if obj_id is None:
                raise UsageError("points without obj_id", "say which object they are on")
            self._click(session, frame_idx, obj_id, points, point_labels)
            return self._response(session, frame_idx, session.known.at(frame_idx))
        if obj_id is not None:
            raise UsageError("obj_id without points", "a phrase or examples are for all objects")
        prompt = _prompt(text, bounding_boxes, bounding_box_labels)
        tracker = self._tracker(prompt)
        (result,) = [*tracker.step(session.images[frame_idx]), *tracker.finish()]
        session.prompt, session.prompt_frame, session.known = prompt, frame_idx, Known()
        session.known.note(frame_idx, result.instances)
        return self._response(session, frame_idx, result.instances)

    def remove_object(self, session_id: str, obj_id: int) -> Response:
        """Leaves an instance out of all output from now on. Raises UnknownObjectError for an id
        that has not been given.
        """
        known = self._session(session_id).known
        if obj_id not in known.scores:
            have = ", ".join(map(str, sorted(known.scores))) or "none"
            raise UnknownObjectError(f"object {obj_id!r} is not known", f"known: {have}")
        known.removed.add(int(obj_id))
        return {"is_success": True}

    def reset_session(self, session_id: str) -> Response:
        """Forgets the prompt; the video stays loaded."""
        session = self._session(session_id)
        session.prompt, session.prompt_frame, session.known = None, 0, Known()
        return {"is_success": True}

    def close_session(self, session_id: str) -> Response:
        """Forgets the session; it may be closed already."""
        if self._sessions.pop(session_id, None) is None:
            log.warning("there is no session %s to close", session_id)
        return {"is_success": True}

    def propagate_in_video(
        self,
        session_id: str,
        propagation_direction: str = "both",
        start_frame_idx: int | None = None,
        max_frame_num_to_track: int | None = None,
    ) -> Iterator[Response]:
        """Finds and follows the concept, and objects clicked on, from a frame on, by default the
        prompted one: first to the end of the video, then, from the frame before it, to the
        beginning. Instances have the ids that they had before.

        Yields frame_index and outputs. Raises PromptError without a prompt, UsageError.
        """
        session = self._session(session_id)
        if session.prompt is None and not session.known.corrected:
            raise PromptError("nothing to propagate", "add a prompt first")
        if propagation_direction not in DIRECTIONS:
            raise UsageError(
                f"propagation direction {propagation_direction!r}", f"use {', '.join(DIRECTIONS)}"
            )
        start = session.prompt_frame if start_frame_idx is None else start_frame_idx
        check_index(start, session.num_frames)
        check_count(max_frame_num_to_track)
        prompt = session.prompt
        if prompt is not None and start != session.prompt_frame and len(prompt.boxes):
            # Examples are boxes on the prompted frame, and on no other.
            if prompt.text is None:
                raise PromptError(
                    f"examples of frame {session.prompt_frame} propagated from frame {start}",
                    "begin on their frame, or give a phrase too",
                )
            prompt = ConceptPrompt(prompt.text)
        count = session.num_frames if max_frame_num_to_track is None else max_frame_num_to_track
        return self._propagate(session, prompt, propagation_direction, start, count)

    def _propagate(
        self,
        session: VideoSession,
        prompt: ConceptPrompt | None,
        direction: str,
        start: int,
        count: int,
    ) -> Iterator[Response]:
        known = session.known
        self._carry(session, start)
        forward = direction != "backward"
        last = min(start + count, session.num_frames - 1) if forward else start
        at_start = known.at(start)
        if prompt is not None and start == session.prompt_frame:
            # The prompt finds its own anew, examples and all.
            at_start = {i: one for i, one in at_start.items() if i in known.by_hand}
        there = Pass(self._tracker(prompt), known, session.images)
        for index, found in there.from_frame(range(start, last + 1), at_start):
            if index == start:
                at_start = found
            if forward:
                yield self._response(session, index, found)
        before = range(start - 1, max(start - count, 0) - 1, -1)
        if direction == "forward" or not before:
            return
        # The stream the other way begins with what was found on the start frame.
        back = Pass(self._tracker(prompt), known, session.images)
        for index, found in back.beyond_frame(start, before, at_start):
            yield self._response(session, index, found)

    def _carry(self, session: VideoSession, start: int) -> None:
        """Follows what is known elsewhere to the frame that a propagation is to begin on."""
        known, text = session.known, None if session.prompt is None else session.prompt.text
        for place, ids in known.unsure(start).items():
            way = range(place + 1, start + 1) if place < start else range(place - 1, start - 1, -1)
            tracker = self._tracker(None if text is None else ConceptPrompt(text))
            there = {i: one for i, one in known.at(place).items() if i in ids}
            for _ in Pass(tracker, known, session.images, ids).beyond_frame(place, way, there):
                pass

    def _click(
        self,
        session: VideoSession,
        frame: int,
        obj_id: int,
        points: ArrayLike | None,
        labels: Sequence[int] | None,
    ) -> None:
        image, known = session.images[frame], session.known
        prompt = prompt_of(points, labels, None, (session.height, session.width), pixels=False)
        alone = Session(self.device, window=0)
        before = known.tracked(frame, obj_id)
        drawn = None if before is None else before.logits(*image.shape[:2]) > 0
        if drawn is not None and drawn.any():
            alone.step(image, {obj_id: Prompt(mask=drawn)})
            found = alone.refine({obj_id: prompt})
        else:
            found = alone.step(image, {obj_id: prompt})
        if session.prompt is None and not known.corrected:
            session.prompt_frame = frame
        score = known.scores.get(obj_id, 1.0)
        known.correct(frame, obj_id, TrackedInstance.of(found.objects[obj_id], score))

    def _tracker(self, prompt: ConceptPrompt | None) -> ConceptTracker:
        return ConceptTracker(self.device, prompt, self.rules, self._phrases)

    def _session(self, session_id: str) -> VideoSession:
        if session_id not in self._sessions:
            raise UnknownObjectError(f"there is no session {session_id!r}", "start one first")
        return self._sessions[session_id]

    @staticmethod
    def _response(
        session: VideoSession, index: int, instances: Mapping[int, TrackedInstance]
    ) -> Response:
        shown = session.known.shown(instances)
        outputs = tracked_outputs(shown, session.height, session.width)
        return {"frame_index": index, "outputs": outputs}


def _prompt(
    text: str | None, boxes: ArrayLike | None, labels: Sequence[int] | None
) -> ConceptPrompt:
    given = numbers([] if boxes is None else boxes, "bounding_boxes")
    if given.size and given.shape[-1] != 4:
        raise PromptError(f"bounding_boxes of shape {given.shape}", "give x, y, width, height each")
    given = given.reshape(-1, 4)
    kinds = np.ones(len(given), np.int64) if labels is None else labels_of(labels)
    corners = np.concatenate([given[:, :2], given[:, :2] + given[:, 2:]], 1)
    return ConceptPrompt(text, corners, kinds)
