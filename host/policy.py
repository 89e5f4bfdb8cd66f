"""These pure functions of indices decide which memories an object's bank offers to the attention.

The streaming session and the training unroll both call these, so a clip is trained under exactly
the policy that the board runs. The rule is SAM 2's (Ravi et al. 2024, section 4, memory bank): a
FIFO of recent memories, a FIFO of prompted ones, light object pointers, and time encoded by frame
distance; the prompted FIFO is bounded so that memory does not grow with the video.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

RECENT, PROMPTED, OBJ_PTR = 0, 1, 2
"""The kind of a memory token is its row of the age-code table."""

AGE_LANES = 8
"""The host overwrites this many last lanes of every key with an age code each frame."""

AGE_BUCKETS = 16
_EXACT_AGES = 6  # distances that get a bucket of their own: the recent FIFO's reach


@dataclass(frozen=True)
class Policy:
    """A bank's sizes are the most recent memories N, the most prompted memories M, and the most
    object pointers that it offers.

    least_iou is the model's own IoU estimate from which a frame without a prompt is remembered;
    with 0 every frame is, also one on which the object is absent (`host.recurrence.is_remembered`).
    return_iou is the same estimate from which an object that was absent on the frame before is back
    (`host.recurrence.may_show`); with 0 the object score alone decides. window is the side of the
    window in which an object is looked for, over the root of the object's side
    (`host.recurrence.followed_window`); with 0 it is the whole frame. reach is how far from where
    the object was a piece of its mask may lie, over the object's side
    (`host.recurrence.near_pieces`); with 0 all pieces count. likeness is how much what is
    masked must look like the object on the frames remembered to be shown as it
    (`host.recurrence.likeness`); with 0 nothing is compared.
    """

    recent: int = 6
    prompted: int = 2
    obj_ptrs: int = 8
    least_iou: float = 0.0
    return_iou: float = 0.0
    window: float = 0.0
    reach: float = 0.0
    likeness: float = 0.0

    @property
    def slots(self) -> int:
        """Returns how many entries `retained` can ever name, which is the fixed size of the bank's
        storage.
        """
        return max(self.recent, self.obj_ptrs - self.prompted) + self.prompted + 1


@dataclass(frozen=True)
class Entry:
    """An entry is one remembered frame of one object: its index in the video, and whether a prompt
    made it.
    """

    frame: int
    prompted: bool


@dataclass(frozen=True)
class Selection:
    """A selection lists the memories to attend to, oldest first, each as (index into the history,
    kind, age bucket).
    """

    spatial: list[tuple[int, int, int]] = field(default_factory=list)
    obj_ptrs: list[tuple[int, int, int]] = field(default_factory=list)


def age_bucket(distance: int) -> int:
    """Returns the bucket 0..15 of a frame distance: distance - 1 for 1..6, then one bucket an
    octave.

    Octaves start at 7, 14, 28, ...; bucket 15 holds everything from 3584 on. The sign of the
    distance does not matter (a reverse pass looks ahead), and 0 falls into the nearest bucket.
    """
    distance = abs(distance)
    if distance <= _EXACT_AGES:
        return max(distance - 1, 0)
    octave = (distance // (_EXACT_AGES + 1)).bit_length() - 1
    return min(_EXACT_AGES + octave, AGE_BUCKETS - 1)


def _latest(indices: list[int], count: int) -> list[int]:
    return indices[-count:] if count > 0 else []


def _split(history: Sequence[Entry], skip: set[int]) -> tuple[list[int], list[int]]:
    recent = [i for i, e in enumerate(history) if not e.prompted and i not in skip]
    prompted = [i for i, e in enumerate(history) if e.prompted and i not in skip]
    return recent, prompted


def select(history: Sequence[Entry], now: int, policy: Policy) -> Selection:
    """Returns the memories that frame `now` attends to.

    history lists the entries in the order in which they were written, which need not be the order
    of frames. A prompted entry counts only among the prompted ones. An entry of frame `now` itself
    is left out: a frame that is corrected must not attend to its own first answer.
    """
    own = {i for i, e in enumerate(history) if e.frame == now}
    recent, prompted = _split(history, own)
    kept_prompted = _latest(prompted, policy.prompted)

    def rows(indices: list[int], kind: int) -> list[tuple[int, int, int]]:
        return [(i, kind, age_bucket(now - history[i].frame)) for i in indices]

    spatial = rows(_latest(recent, policy.recent), RECENT) + rows(kept_prompted, PROMPTED)
    pointing = _latest(kept_prompted, policy.obj_ptrs)
    pointing = _latest(recent, policy.obj_ptrs - policy.prompted) + pointing
    return Selection(sorted(spatial), rows(sorted(pointing), OBJ_PTR))


def retained(history: Sequence[Entry], policy: Policy) -> list[int]:
    """Returns the indices of entries that may ever be selected again, ascending, at most
    `policy.slots` of them.

    The newest entry may still be corrected, which can turn a recent memory into a prompted one and
    so bring the one it pushed out back into reach. What it pushed out is therefore kept until the
    next frame is written.
    """
    if not history:
        return []
    newest = len(history) - 1
    recent, prompted = _split(history, {newest})
    depth = max(policy.recent, policy.obj_ptrs - policy.prompted)
    return sorted([*_latest(recent, depth), *_latest(prompted, policy.prompted), newest])
