"""Association decides which detection is which track, which detections start tracks, and which
tracks end.

The rules are SAM 3's (Carion et al. 2025, appendix on video inference; its published settings are
the defaults here). There is no one-to-one assignment in them: a detection is matched to every track
that it overlaps, since two tracks on one detection are how a duplicate shows. `associate` is the
pure rule of one frame, `Tracks` keeps what it says over time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil

import numpy as np
from numpy.typing import NDArray

from host.errors import UsageError
from host.mask_overlap import mask_iou

LIVE_DELAY, QUALITY_DELAY = 0, 15
"""T counts the frames that output may be held back; 15 is SAM 3's `hotstart_delay`."""


@dataclass(frozen=True)
class Rules:
    """These are the settings of association. IoUs are of masks; frames are frames of the video.

    Raises UsageError for a delay, an interval or a threshold that means nothing.
    """

    delay: int = LIVE_DELAY
    every: int = 1  # the detector runs on every k-th frame
    threshold: float = 0.5  # least score of a detection
    new_score: float = 0.7  # least score that starts a track
    match_iou: float = 0.1  # a detection and a track are about the same object
    follow_iou: float = 0.5  # below it a track counts as missed, SAM 3's `trk_assoc_iou_thresh`
    duplicate_iou: float = 0.1  # of two detections of one frame the surer stays, `det_nms_thresh`
    # Of two tracks on one place one is hidden. SAM 3 hides from 0.7 on, but also cuts masks apart
    # pixel by pixel; without that, 0.5 keeps any two tracks apart.
    overlap_iou: float = 0.5
    keep_alive: int = 30  # frames that a track outlives its last detection
    condition_every: int = 16  # frames between two masks that the detector lends a track
    condition_score: float = 0.8  # least score of such a detection
    condition_iou: float = 0.8  # and least IoU with the track
    # Share of the looks within the delay that a track must fail to be withdrawn: 8 of 15 frames.
    withdraw_share: float = 8 / 15
    most: int = 50  # tracks at once: the time of a frame grows with them

    def __post_init__(self) -> None:
        if self.delay < 0:
            raise UsageError(f"a delay of {self.delay} frames", "0 is live, 15 the best quality")
        if self.every < 1:
            raise UsageError(f"detection every {self.every} frames", "1 is every frame")
        for name in ("threshold", "new_score"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} {getattr(self, name)}", "scores run from 0 to 1")

    @property
    def failures(self) -> int:
        """Returns how many looks a young track may fail before it is withdrawn."""
        return max(1, ceil(round(self.withdraw_share * self.delay / self.every, 6)))


@dataclass(frozen=True, eq=False)
class Matches:
    """This is one frame's verdict on n detections and m tracks.

    near (n, m) bool says which are about the same object. missed (m,) says that the track has a
    mask which no detection confirms. fresh (n,) says that a detection is sure enough and near no
    track. lender (m,) is the detection good enough to condition the track, or -1.
    """

    near: NDArray[np.bool_]
    missed: NDArray[np.bool_]
    fresh: NDArray[np.bool_]
    lender: NDArray[np.int64]


def associate(
    overlaps: NDArray[np.floating],
    scores: NDArray[np.floating],
    visible: NDArray[np.bool_],
    rules: Rules,
) -> Matches:
    """Compares the detections of a frame with its tracks. overlaps (n, m) are mask IoUs of
    detections and tracks, scores (n,) are the detections', and visible (m,) says that the track has
    a mask on this frame.
    """
    count, tracks = overlaps.shape
    near = overlaps >= rules.match_iou
    fresh = (scores >= rules.new_score) & ~near.any(1)
    missed = visible & ~(overlaps >= rules.follow_iou).any(0)
    lender = np.full(tracks, -1, np.int64)
    if count and tracks:
        best = overlaps.argmax(1)
        good = (scores >= rules.condition_score) & (overlaps.max(1) >= rules.condition_iou)
        lenders = np.flatnonzero(good)
        # A track's best lender last, so that it is the one that stays.
        lenders = lenders[np.argsort(overlaps[lenders, best[lenders]], kind="stable")]
        lender[best[lenders]] = lenders
    return Matches(near, missed, fresh, lender)


def overshadowed(
    overlaps: NDArray[np.floating], rank: NDArray[np.integer], limit: float
) -> NDArray[np.bool_]:
    """Tells which tracks to hide since they lie on another one. overlaps (m, m) are mask IoUs; of
    two tracks the one with the lower rank (m,) stays.
    """
    above = rank[None, :] < rank[:, None]
    # A hidden track hides no other: go from the best rank down.
    hidden = np.zeros(len(rank), bool)
    rivals = (overlaps > limit) & above
    for index in np.argsort(rank, kind="stable"):
        hidden[index] = bool((rivals[index] & ~hidden).any())
    return hidden


@dataclass(eq=False)
class Plan:
    """A plan is what a frame asks of the tracker.

    started is the detection by new id. conditioned is the detection by the id that it should
    correct. withdrawn are ids that never were objects, to be taken out of all output still held
    back. ended are ids whose object is gone. hidden are ids that lie on another track's place on
    this frame. dropped are detections that would have started a track but for the limit.
    """

    started: dict[int, int] = field(default_factory=dict)
    conditioned: dict[int, int] = field(default_factory=dict)
    withdrawn: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)
    dropped: int = 0


class Tracks:
    """The tracks of one concept are followed through a stream of frames: their ids, and how well
    each has been confirmed.

    Rows of the arrays are the tracks, in the order of `ids`.
    """

    def __init__(self, rules: Rules | None = None, next_id: int = 1) -> None:
        self.rules = rules or Rules()
        self.ids = np.zeros(0, np.int64)
        self._next = next_id
        self._first = np.zeros(0, np.int64)  # frame on which the track began
        self._alive = np.zeros(0, np.int64)  # frames that it may still go without a detection
        self._missed = np.zeros(0, np.int64)  # looks that did not confirm it
        self._lent = np.zeros(0, np.int64)  # frame of the last mask from the detector
        self._gone = np.zeros(0, np.int64)  # last frame on which it was empty or hidden, else -1
        self._doubled = np.zeros((0, 0), np.int64)  # looks in which row was a double of column
        self._pinned: set[int] = set()

    @property
    def next_id(self) -> int:
        """Returns the id that the next track to start will have."""
        return self._next

    def adopt(self, frame: int, ids: NDArray[np.int64]) -> None:
        """Takes over tracks that exist already and have been seen, so that they are not
        withdrawn.
        """
        self._append(frame, np.asarray(ids, np.int64))
        self._first[:] = frame - self.rules.delay
        self._next = max([self._next, *(int(i) + 1 for i in ids)])

    def claim(self) -> int:
        """Returns the id of the next track to start and uses it up, for a track that is added from
        outside.
        """
        self._next += 1
        return self._next - 1

    def add(self, frame: int, ids: NDArray[np.int64]) -> None:
        """Takes over tracks that exist already but are to be confirmed as new ones are."""
        self._append(frame, np.asarray(ids, np.int64))
        self._next = max([self._next, *(int(i) + 1 for i in ids)])

    def pin(self, ids: Iterable[int]) -> None:
        """Keeps tracks that a user has corrected: they are neither withdrawn nor ended, and no
        detection conditions them.
        """
        self._pinned.update(ids)

    def coast(self, frame: int, masks: NDArray[np.bool_]) -> Plan:
        """Takes a frame on which the detector did not run; masks (m, R, R) are those of the tracks,
        in the order of `ids`.
        """
        plan = Plan()
        self._hide(frame, masks, plan)
        return plan

    def update(
        self,
        frame: int,
        masks: NDArray[np.bool_],
        found: NDArray[np.bool_],
        scores: NDArray[np.floating],
    ) -> Plan:
        """Takes a frame on which the detector ran: masks (m, R, R) of the tracks in the order of
        `ids`, found (n, R, R) and scores (n,) of detections that are no duplicates of each other.

        Tracks withdrawn or ended are gone from `ids` afterwards, and those started are in it.
        """
        rules, plan = self.rules, Plan()
        visible = np.asarray(masks.any((1, 2)))
        matches = associate(mask_iou(found, masks), scores, visible, rules)
        hidden = self._hide(frame, masks, plan)
        seen = matches.near.any(0) & ~hidden
        # Both may hold: near a detection, but not on it. Then nothing changes.
        lost = matches.missed | hidden | ~visible
        self._alive = np.minimum(self._alive + rules.every * seen, rules.keep_alive)
        self._alive -= rules.every * lost
        self._missed += matches.missed | hidden
        self._note_doubles(matches.near & ~hidden)
        leaving = self._withdraw(frame, plan) | self._end(plan)
        self._lend(frame, matches.lender, hidden | leaving, plan)
        self._keep(~leaving)
        self._start(frame, matches.fresh, scores, plan)
        return plan

    def covered(self, masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Tells which tracks lie on another one's place, by masks (m, R, R) in the order of `ids`:
        of two it is the one that was last lost from sight (SAM 3's suppression by recent
        occlusion), else the younger.
        """
        order = np.lexsort((np.arange(len(self.ids)), self._first, self._gone))
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        return overshadowed(mask_iou(masks, masks), rank, self.rules.overlap_iou)

    @property
    def _by_hand(self) -> NDArray[np.bool_]:
        return np.isin(self.ids, list(self._pinned))

    def _hide(self, frame: int, masks: NDArray[np.bool_], plan: Plan) -> NDArray[np.bool_]:
        hidden = self.covered(masks)
        self._gone[hidden | ~masks.any((1, 2))] = frame
        plan.hidden = self.ids[hidden].tolist()
        return hidden

    def _note_doubles(self, near: NDArray[np.bool_]) -> None:
        if not near.size:
            return
        # Of the tracks near one detection, all but the eldest double it; rows are by age on a tie.
        age = self._first - np.linspace(1, 0, len(self.ids), endpoint=False)
        eldest = np.where(near, age, np.inf).argmin(1)
        chief = near & (np.arange(len(self.ids)) == eldest[:, None])
        doubles = near.T.astype(np.float32) @ chief.astype(np.float32) > 0
        self._doubled += doubles & ~np.eye(len(self.ids), dtype=bool)

    def _withdraw(self, frame: int, plan: Plan) -> NDArray[np.bool_]:
        # Only while output is held back so far that nobody has seen the track.
        unseen = self._first > frame - self.rules.delay
        failed = np.maximum(self._missed, self._doubled.max(1, initial=0))
        leaving = unseen & (failed >= self.rules.failures) & ~self._by_hand
        plan.withdrawn = self.ids[leaving].tolist()
        return leaving

    def _end(self, plan: Plan) -> NDArray[np.bool_]:
        leaving = (self._alive <= 0) & ~self._by_hand
        plan.ended = [i for i in self.ids[leaving].tolist() if i not in plan.withdrawn]
        return leaving

    def _lend(
        self,
        frame: int,
        lender: NDArray[np.int64],
        excepted: NDArray[np.bool_],
        plan: Plan,
    ) -> None:
        due = (frame - self._lent >= self.rules.condition_every) & (lender >= 0)
        due &= ~(excepted | self._by_hand)
        self._lent[due] = frame
        plan.conditioned = dict(zip(self.ids[due].tolist(), lender[due].tolist(), strict=True))

    def _keep(self, rows: NDArray[np.bool_]) -> None:
        for name in ("ids", "_first", "_alive", "_missed", "_lent", "_gone"):
            setattr(self, name, getattr(self, name)[rows])
        self._doubled = self._doubled[rows][:, rows]

    def _start(
        self,
        frame: int,
        fresh: NDArray[np.bool_],
        scores: NDArray[np.floating],
        plan: Plan,
    ) -> None:
        chosen = np.flatnonzero(fresh)
        chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
        room = max(0, self.rules.most - len(self.ids))
        plan.dropped = len(chosen) - len(chosen[:room])
        chosen = chosen[:room]
        ids = self._next + np.arange(len(chosen))
        self._next += len(chosen)
        self._append(frame, ids)
        plan.started = dict(zip(ids.tolist(), chosen.tolist(), strict=True))

    def _append(self, frame: int, ids: NDArray[np.int64]) -> None:
        count, many = len(ids), len(self.ids) + len(ids)
        start = {"ids": ids, "_first": frame, "_alive": self.rules.keep_alive}
        start |= {"_missed": 0, "_lent": frame, "_gone": -1}
        for name, value in start.items():
            column = np.broadcast_to(np.asarray(value, np.int64), (count,))
            setattr(self, name, np.concatenate([getattr(self, name), column]))
        doubled = np.zeros((many, many), np.int64)
        doubled[: many - count, : many - count] = self._doubled
        self._doubled = doubled
