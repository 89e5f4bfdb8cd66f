"""Rules that tie one frame of an object to the next, as pure functions.

The streaming session and the training unroll both follow them. They say which candidate mask
answers, when the object counts as present, what the memory encoder is given, what the next frame
sees, and in which window of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from host.device import Arrays
from host.images import Box, Window
from host.prompts import LOGIT_LIMIT, POSITIVE, Prompt, is_ambiguous

SINGLE_MASK = 0
CANDIDATES = (1, 2, 3)

LEAST_SIDE = 0.2
"""No window's sides are below this share of the frame's."""
LEAST_CONTEXT = 1.6
"""A window that has not yet grown as far as it will is at least so many times its object."""
GROWTH, SHRINKAGE = 0.3, 0.1
"""A window's side goes this share of its way, in logarithms, from frame to frame. It shrinks
slowly: a mask that is small by mistake must not close the window to the rest of its object, nor to
where a hidden one comes out again.
"""
WIDENING = 1.25
"""Factor by which a window grows from frame to frame while its object is not to be seen."""
SPARE = 0.005
"""This share of a mask may lie outside its box on each side: specks do not move a window."""

CLICKED_SIDES = (1.0, 0.75, 0.55, 0.4, 0.3)
"""Clicks on a new object are read in windows of these sides, as shares of the frame's."""

LEVELS = ("features", "skip8", "skip4")
"""These outputs of the image encoder make an object's look, each with the same weight."""

ENOUGH = 0.5
"""Pieces near where the object was answer alone where they are this share of its usual area."""


def choose_mask(ious: ArrayLike, prompt: Prompt | None, memory: bool) -> int:
    """Returns the index 0..3 of the mask token that answers.

    ious (4,) are IoU estimates in any monotone form. An ambiguous prompt takes the best of the
    candidates 1..3 (SAM, section 3, resolving ambiguity); everything else takes the single mask 0.
    """
    if prompt is None or not is_ambiguous(prompt.labels, prompt.box, prompt.mask, memory):
        return SINGLE_MASK
    estimates = np.asarray(ious).reshape(-1)
    return max(CANDIDATES, key=lambda index: float(estimates[index]))


def shows(labels: ArrayLike, box: object | None, mask: NDArray[np.bool_] | None) -> bool:
    """Tells whether a prompt shows its object: by a positive click, a box, or a mask that is not
    empty.
    """
    if mask is not None:
        return bool(mask.any())
    return box is not None or bool((np.asarray(labels) == POSITIVE).any())


def ever_shown(prompts: Iterable[Prompt | None]) -> bool:
    """Tells whether any of an object's prompts shows it.

    An object that an empty mask began has nothing to be recognised by: it stays absent until a
    prompt shows it.
    """
    return any(shows(p.labels, p.box, p.mask) for p in prompts if p is not None)


def ever_outlined(prompts: Iterable[Prompt | None]) -> bool:
    """Tells whether any of an object's prompts outlines it, by a box or a mask that is not empty.

    What clicks alone began may be a part of its object, and finds the rest of it later.
    """
    return any(
        p.box is not None if p.mask is None else bool(p.mask.any())
        for p in prompts
        if p is not None
    )


def may_show(
    shown: bool, before: NDArray[np.float32] | None, iou: float, return_iou: float
) -> bool:
    """Tells whether a positive object score counts on a frame without a prompt.

    shown says whether any prompt ever showed the object (`ever_shown`); without one the score means
    nothing. before (R, R) are the logits of the frame before, None where there is none: an object
    that was absent there is back only where the model's own estimate of its mask's IoU is at least
    `return_iou`, so that a lost object does not jump onto the next thing for want of a better one.
    """
    return shown and (before is None or iou >= return_iou or bool((before > 0).any()))


def is_present(score: float, prompt: Prompt | None, may: bool) -> bool:
    """Tells whether the object is on the frame: where the user points at it, or where the object
    score is positive and may show it (`may_show`).

    A prompt that shows the object says more than the estimate, and so does an empty mask.
    """
    if prompt is not None:
        if shows(prompt.labels, prompt.box, prompt.mask):
            return True
        if prompt.mask is not None:
            return False
    return may and score > 0


def is_remembered(prompted: bool, present: bool, iou: float, least_iou: float) -> bool:
    """The bank takes in every frame that a prompt made, and of the others those on which the object
    is present and the model's own estimate of its mask's IoU is at least `least_iou`.

    A doubtful mask in the FIFO pushes out a good one and teaches its own fault to the frames that
    follow, and so does an absence: after six frames of it, nothing of the object's latest look is
    left. Of SAM 2's followers DAM4SAM and SAMURAI choose memories likewise (Videnovic et al. 2024;
    Yang et al. 2024, section 4.2). In training every frame is remembered, since doubtful masks are
    what the clips teach to correct.
    """
    return prompted or least_iou <= 0 or (present and iou >= least_iou)


def remembered_mask(logits: NDArray[np.float32], present: bool) -> NDArray[np.float32]:
    """Returns the logits (R, R) that stand for the frame: the mask's own, or -16 everywhere when
    the object is absent.

    This one map is the answer to the user, the memory encoder's input and the next frame's previous
    mask.
    """
    return logits if present else np.full_like(logits, -LOGIT_LIMIT)


def near_pieces(
    logits: NDArray[np.float32], trail: Sequence[NDArray[np.float32]], reach: float
) -> NDArray[np.float32]:
    """Returns logits (R, R) of a followed object whose mask has only the pieces that lie near where
    the object has just been; the cells of others get the opposite sign.

    trail are the logits (R, R) of the frames before in this frame's window, the latest last. A
    piece is a region of positive logits that are neighbours, by sides or corners. It is near where
    it comes within 1 + reach * side cells of the trail's masks, side being that of the largest of
    their boxes. So what looks alike elsewhere in the window is not taken along. All pieces count
    where the object was absent on the frame before, or where near ones are less than ENOUGH of the
    trail's median area, since it moved fast or comes out from behind something. For the same reason
    SiamFC (Bertinetto et al. 2016) lowers its scores away from where the object was.
    """
    masks = [mask for mask in (one > 0 for one in trail) if mask.any()]
    if not reach or not masks or not (trail[-1] > 0).any():
        return logits
    side = max(max(np.ptp(axis) + 1 for axis in np.nonzero(mask)) for mask in masks)
    radius = math.ceil(1 + reach * side)
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
    near = cv2.dilate(np.logical_or.reduce(masks).astype(np.uint8), disk) > 0
    count, pieces = cv2.connectedComponents((logits > 0).astype(np.uint8), connectivity=8)
    kept = np.zeros(count, bool)
    kept[pieces[near]] = True
    kept[0] = False  # the background
    stay = kept[pieces]
    if stay.sum() < ENOUGH * np.median([mask.sum() for mask in masks]):
        return logits
    return np.where((pieces > 0) & ~stay, -logits, logits)


def look(image: Arrays, logits: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Returns the look (n,) of what a mask covers, of length 1; None for an empty mask.

    image are the image encoder's outputs (1, C, G, G) of some window, logits (R, R) the mask's in
    the same one, R being a multiple of each G. A cell counts by the share of it that is masked.
    """
    mask = (logits > 0).astype(np.float32)
    if not mask.any():
        return None
    parts = []
    for level in LEVELS:
        codes = image[level][0]
        cells = codes.shape[1]
        side = len(mask) // cells
        weights = mask.reshape(cells, side, cells, side).mean((1, 3)).ravel()
        at = weights.nonzero()[0]
        mean = codes.reshape(len(codes), -1)[:, at].astype(np.float32) @ weights[at]
        parts.append(mean / max(float(np.linalg.norm(mean)), 1e-9))
    return np.concatenate(parts).astype(np.float32) / np.float32(len(parts) ** 0.5)


def likeness(one: NDArray[np.float32], others: Sequence[NDArray[np.float32]]) -> float:
    """Returns the greatest cosine, -1 to 1, of a look (n,) with any of others (n,); 1 where there
    are none. The object score says little of a mask that stands on something else; this says more
    (docs/decisions.md). DeepSORT (Wojke et al. 2017, section 2.3) gates by such a cosine.
    """
    return max((float(one @ other) for other in others), default=1.0)


def previous_mask(
    before: NDArray[np.float32] | None, own: NDArray[np.float32] | None
) -> NDArray[np.float32] | None:
    """Returns channel 0 of the dense prompt, the mask that the decoder starts from.

    own is this frame's earlier answer when a prompt corrects it (SAM's mask input), and goes first.
    before is the answer of the frame before, or None on an object's first frame.
    """
    return before if own is None else own


def prompted_window(
    prompt: Prompt, frame_size: tuple[int, int], context: float, shown: Box | None = None
) -> Window:
    """Returns the window in which a prompt is read: around its mask or its box, where it has one.

    shown is the box in which an earlier answer on this frame saw the object; it and the clicks are
    held too. A click alone says nothing of how large its object is (`clicked_windows`), so without
    them the whole frame is read. context is the window's side over the root of the object's, sides
    being shares of the frame's; 0 reads the whole frame always.
    """
    outline = shown
    if prompt.logits is not None:
        outline = Window.whole(frame_size).box(prompt.logits)
    elif prompt.mask is not None:
        outline = Window.whole(frame_size).box(np.where(prompt.mask, 1.0, -1.0))
    elif prompt.box is not None:
        x0, y0, x1, y1 = prompt.box.tolist()
        outline = x0, y0, x1, y1
    if outline is None or not context:
        return Window.whole(frame_size)
    low = np.minimum(np.array(outline[:2]), prompt.points.min(0, initial=1.0))
    high = np.maximum(np.array(outline[2:]), prompt.points.max(0, initial=0.0))
    return _window((*low.tolist(), *high.tolist()), context, frame_size)


def clicked_windows(prompt: Prompt, frame_size: tuple[int, int]) -> list[Window]:
    """Returns the windows in which a new object is looked for around its clicks, the whole frame
    first and each smaller than the one before. Those that do not show all clicks are left out.

    The prompt has at least one click on the object. That does not say how large it is; in each
    window the model sees it at another size.
    """
    x, y = prompt.points[prompt.labels == POSITIVE].mean(0).tolist()
    every = [Window.around(x, y, side, frame_size) for side in CLICKED_SIDES]
    return [window for window in every if window.is_whole or window.shows(prompt.points)]


def followed_window(last: Window, seen: Box | None, context: float) -> Window:
    """Returns the window in which an object is looked for on a frame without a prompt.

    last is its window on the frame before. seen is the box of its mask two frames before, None
    where it had none: then the window grows where it is, until it is the whole frame. Two frames,
    since a device that encodes ahead begins a frame before the one before it has been answered for;
    one frame before would bring 0.1 points of J&F (docs/decisions.md). Trackers have looked in a
    window of about twice the object since Bertinetto et al. 2016 (SiamFC, section 2.1).
    """
    if not context:
        return Window.whole(last.frame_size)
    if seen is None:
        return Window.around(*last.centre, last.side * WIDENING, last.frame_size)
    wanted = _window(seen, context, last.frame_size)
    change = wanted.side / last.side
    side = last.side * change ** (GROWTH if change > 1 else SHRINKAGE)
    side = max(side, LEAST_CONTEXT * _side(seen))
    return Window.around(*_centre(seen), side, last.frame_size)


def _window(box: Box, context: float, frame_size: tuple[int, int]) -> Window:
    """The window around a box: its side grows with the root of the box's, so that small objects
    have more around them, where they may have gone by the next frame, and large ones fill it.
    """
    side = max(LEAST_SIDE, context * _side(box) ** 0.5)
    return Window.around(*_centre(box), side, frame_size)


def _side(box: Box) -> float:
    return max(box[2] - box[0], box[3] - box[1])


def _centre(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
