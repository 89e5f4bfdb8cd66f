"""A SAM 3 session knows each instance under one id for good.

Every pass through the video finds and numbers instances anew; here they get the ids that they had
before, by where they were seen on the same frame. So an instance that was removed stays removed,
whichever frame a pass begins on, and an id never means another instance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from host.concepts.tracker import TrackedInstance
from host.mask_overlap import mask_iou
from host.tracker import Answer

SAME_IOU = 0.5
"""IoU from which two masks of a frame are one instance: two tracks never overlap so much."""


@dataclass(eq=False)
class Known:
    """This is what a session knows of its instances.

    seen are logits (R, R) float16 by frame and id, exact for codes of 1/8. looked are the frames on
    which an id was looked for. corrected is what the user's clicks gave, by frame and id. scores
    are by id.
    """

    seen: dict[int, dict[int, NDArray[np.float16]]] = field(default_factory=dict)
    looked: dict[int, set[int]] = field(default_factory=dict)
    corrected: dict[int, dict[int, TrackedInstance]] = field(default_factory=dict)
    scores: dict[int, float] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    next_id: int = 1

    def note(
        self, frame: int, found: Mapping[int, TrackedInstance], ids: Iterable[int] | None = None
    ) -> None:
        """Keeps what was found on a frame. ids are those that were looked for, by default all."""
        masks = self.seen.setdefault(frame, {})
        by_hand = self.corrected.get(frame, {})
        for object_id, one in found.items():
            if object_id in by_hand:
                continue  # what was tracked there is kept, for the next clicks
            self.add(object_id, one.score)
            masks[object_id] = one.answer.logits.astype(np.float16)
        for object_id in self.scores if ids is None else ids:
            self.looked[object_id].add(frame)

    def add(self, object_id: int, score: float) -> None:
        """Makes an id known, with the score of its instance."""
        self.scores[object_id] = score
        self.looked.setdefault(object_id, set())
        self.next_id = max(self.next_id, object_id + 1)

    def correct(self, frame: int, object_id: int, one: TrackedInstance) -> None:
        """Keeps what a user's clicks gave on a frame."""
        self.add(object_id, one.score)
        self.removed.discard(object_id)
        self.corrected.setdefault(frame, {})[object_id] = one
        # What was tracked from another mask of this frame is to be found anew.
        self.looked[object_id] = {frame}
        for place, masks in self.seen.items():
            if place != frame:
                masks.pop(object_id, None)

    @property
    def by_hand(self) -> set[int]:
        """Returns the ids that the user has clicked on."""
        return {object_id for frame in self.corrected.values() for object_id in frame}

    def at(self, frame: int) -> dict[int, TrackedInstance]:
        """Returns the instances on a frame, removed ones too."""
        found = {i: self._instance(i, plane) for i, plane in self.seen.get(frame, {}).items()}
        return found | self.corrected.get(frame, {})

    def tracked(self, frame: int, object_id: int) -> TrackedInstance | None:
        """Returns an instance on a frame as it was without the user's clicks there."""
        plane = self.seen.get(frame, {}).get(object_id)
        return None if plane is None else self._instance(object_id, plane)

    def masks(self, frame: int) -> dict[int, NDArray[np.bool_]]:
        """Returns the masks (R, R) of the instances on a frame, removed ones too, without
        corrections.
        """
        return {i: plane > 0 for i, plane in self.seen.get(frame, {}).items()}

    def shown(self, found: Mapping[int, TrackedInstance]) -> dict[int, TrackedInstance]:
        """Returns those of the instances found that are not removed."""
        return {i: one for i, one in found.items() if i not in self.removed}

    def unsure(self, frame: int) -> dict[int, list[int]]:
        """Returns the ids that nobody has looked for on a frame, by the nearest frame on which they
        are known.
        """
        missing: dict[int, list[int]] = {}
        for object_id, frames in self.looked.items():
            places = [
                i for known in (self.seen, self.corrected) for i in known if object_id in known[i]
            ]
            if frame not in frames and places:
                nearest = min(places, key=lambda place: (abs(place - frame), place))
                missing.setdefault(nearest, []).append(object_id)
        return missing

    def _instance(self, object_id: int, plane: NDArray[np.float16]) -> TrackedInstance:
        none = np.zeros(0, np.float32)
        logits = plane.astype(np.float32)
        answer = Answer(logits, 0.0, 0.0, True, none, none.reshape(0, *logits.shape), none)
        return TrackedInstance(answer, self.scores[object_id], 1.0)


class Names:
    """Translates between the ids of a session and those of one pass."""

    def __init__(self, known: Known, same: Iterable[int] = ()) -> None:
        """same: ids that the pass was begun with."""
        self._known = known
        self.of = {object_id: object_id for object_id in same}

    def match(self, frame: int, masks: Mapping[int, NDArray[np.bool_]]) -> None:
        """Names the objects of the pass, masks (R, R) by id, that are where an instance
        was before.
        """
        known = self._known
        places = known.masks(frame)
        for others, candidates in (
            ([i for i in masks if i not in self.of], places),
            # Of those that have a name some may turn out to be what was removed.
            (
                [i for i in masks if i in self.of and self.of[i] not in known.removed],
                {i: mask for i, mask in places.items() if i in known.removed},
            ),
        ):
            named = set(self.of.values())
            free = [i for i in candidates if i not in named and candidates[i].any()]
            if not others or not free:
                continue
            overlaps = mask_iou(
                np.stack([masks[i] for i in others]), np.stack([candidates[i] for i in free])
            )
            while overlaps.size and overlaps.max() >= SAME_IOU:
                row, column = np.unravel_index(overlaps.argmax(), overlaps.shape)
                self.of[others[row]] = free[column]
                overlaps[row], overlaps[:, column] = 0, 0

    def named(self, found: Mapping[int, TrackedInstance]) -> dict[int, TrackedInstance]:
        """Returns the instances of the pass under the session's ids; new ones get the
        next free id.
        """
        for object_id, one in found.items():
            if object_id not in self.of:
                self.of[object_id] = self._known.next_id
                self._known.add(self._known.next_id, one.score)
        return {self.of[i]: one for i, one in sorted(found.items())}

    def own(self, object_id: int) -> int | None:
        """Returns the id that an instance of the session has in the pass."""
        return next((own for own, name in self.of.items() if name == object_id), None)
