"""A concept tracker passes once through a SAM 3 session's frames, under the session's ids."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from host.compat.sam3_known import Known, Names
from host.concepts.tracker import ConceptFrame, ConceptTracker, Correct, TrackedInstance
from host.prompts import Prompt
from host.session import ObjectResult

Found = tuple[int, dict[int, TrackedInstance]]
"""A pass finds a frame and the instances on it, removed ones too, under the session's ids."""


class Pass:
    """A pass runs through the frames of a video one way.

    images are all frames (S, S, 3) of the video. only lists the ids to be followed and nothing
    else; by default whatever turns up is followed.
    """

    def __init__(
        self,
        tracker: ConceptTracker,
        known: Known,
        images: Sequence[NDArray[np.uint8]],
        only: Sequence[int] | None = None,
    ) -> None:
        self._tracker, self._known, self._images, self._only = tracker, known, images, only
        self._names = Names(known)

    def from_frame(
        self, frames: Sequence[int], instances: Mapping[int, TrackedInstance]
    ) -> Iterator[Found]:
        """Passes through the frames; `instances` are known on the first one, where others may turn
        up.
        """
        self._names = Names(self._known, instances)
        first = frames[0]
        done = self._tracker.begin(
            self._images[first],
            instances,
            self._known.next_id,
            self._known.by_hand,
            self._corrections(first),
        )
        return self._run(frames, done)

    def beyond_frame(
        self, start: int, frames: Sequence[int], instances: Mapping[int, TrackedInstance]
    ) -> Iterator[Found]:
        """Passes through the frames that follow `start`, on which every instance is known."""
        self._names = Names(self._known, instances)
        known = self._known
        self._tracker.seed(self._images[start], instances, known.next_id, known.by_hand)
        return self._run(frames)

    def _run(
        self, frames: Sequence[int], begun: list[ConceptFrame] | None = None
    ) -> Iterator[Found]:
        waiting: deque[int] = deque()
        for index in frames:
            waiting.append(index)
            done, begun = begun, None
            if done is None:
                done = self._tracker.step(self._images[index], self._corrections(index))
            for result in done:
                yield self._let_out(waiting.popleft(), result)
        for result in self._tracker.finish():
            yield self._let_out(waiting.popleft(), result)

    def _corrections(self, frame: int) -> Correct:
        def correct(objects: Mapping[int, ObjectResult]) -> dict[int, Prompt]:
            self._names.match(
                frame, {i: one.logits > 0 for i, one in objects.items() if one.present}
            )
            prompts = {}
            size = self._images[frame].shape[:2]
            for object_id, one in self._known.corrected.get(frame, {}).items():
                if self._only is not None and object_id not in self._only:
                    continue
                own = self._names.own(object_id)
                if own is None:
                    own = self._tracker.claim()
                    self._names.of[own] = object_id
                mask = one.logits(*size) > 0
                if mask.any() or own in objects:
                    prompts[own] = Prompt(mask=mask)
            return prompts

        return correct

    def _let_out(self, frame: int, result: ConceptFrame) -> Found:
        found = dict(result.instances)
        if self._only is not None:
            found = {i: one for i, one in found.items() if self._names.of.get(i) in self._only}
        named = self._names.named(found)
        self._known.note(frame, named, self._only)
        corrected = self._known.corrected.get(frame, {})
        return frame, {i: corrected.get(i, one) for i, one in named.items()} | {
            i: one
            for i, one in corrected.items()
            if self._only is None and (one.answer.logits > 0).any()
        }
