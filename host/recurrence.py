"""Rules that tie one frame of an object to the next, as pure functions.

The streaming session and the training unroll both follow them. They say which candidate mask
answers, when the object counts as present, what the memory encoder is given and what the next frame
sees.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from host.prompts import LOGIT_LIMIT, POSITIVE, Prompt, is_ambiguous

SINGLE_MASK = 0
CANDIDATES = (1, 2, 3)


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


def previous_mask(
    before: NDArray[np.float32] | None, own: NDArray[np.float32] | None
) -> NDArray[np.float32] | None:
    """Returns channel 0 of the dense prompt, the mask that the decoder starts from.

    own is this frame's earlier answer when a prompt corrects it (SAM's mask input), and goes first.
    before is the answer of the frame before, or None on an object's first frame.
    """
    return before if own is None else own
