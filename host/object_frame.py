"""One object on one frame: in which window it is looked for, what answers, and what is remembered.

An object that a prompt outlines is read in a window around it, one that is followed in a window
around where it was seen (`host.recurrence`). What a new object's clicks alone mean is asked in
several windows around them, and the answer on which these agree most is looked at once more close
by. So small objects fill as much of the network's square as large ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from host.device import Arrays
from host.errors import UsageError
from host.images import Box, Placed, Window
from host.jobs import Steps
from host.mask_overlap import most_agreed
from host.policy import Policy
from host.prompts import Prompt
from host.recurrence import (
    SPARE,
    clicked_windows,
    ever_outlined,
    ever_shown,
    followed_window,
    near_pieces,
    prompted_window,
)
from host.session_state import KNOWN_BOXES, ObjectState
from host.tracker import Answer, ObjectModel

CLOSER = 0.8
"""A click's object is looked at again where a window of at most this share of the sides will do."""


def context_of(window: float | None, policy: Policy) -> float:
    """Returns how large objects' windows are: what a user says, None for the policy's own. Raises
    UsageError for a number below 0 or none.
    """
    if window is None:
        return policy.window
    if not 0 <= window < math.inf:
        raise UsageError(f"window {window!r}", "give 0 for whole frames, or about 1")
    return float(window)


@dataclass(frozen=True)
class ObjectFrame:
    """A frame on which objects are answered for: its index in the stream and its size (H, W).

    encoded gives the image encoder's outputs on a window of the frame. context says how large
    windows are (`Policy.window`), 0 for whole frames.
    """

    model: ObjectModel
    index: int
    frame_size: tuple[int, int]
    encoded: Callable[[Window], Steps[Arrays]]
    context: float

    def answering(self, known: ObjectState, prompt: Prompt | None) -> Steps[ObjectState]:
        """Answers for an object, and remembers it, a call at a time. Returns its state, which is
        `known`, altered once all has gone well.
        """
        own = known.answered
        tracked = own if known.prompt is None else known.tracked
        if prompt is not None and known.prompt is not None:
            if prompt.replaces(known.prompt):
                own = tracked  # what the old box or mask gave says nothing about the new one
            elif prompt.mask is None:  # clicks correct what showed the object; a mask takes it back
                known.shown = known.shown or ever_shown([known.prompt])
                known.outlined = known.outlined or ever_outlined([known.prompt])
            prompt = known.prompt.then(prompt)
        answer, image, window = yield from self.looking(known, prompt, own)
        prompted = prompt is not None
        if self.model.remembers(prompted, answer):
            memory = yield from self.model.memorising(image, answer)
            with self.model.clock.stage("bank"):
                memory.keep(known.bank, self.index, prompted)
        else:
            known.bank.forget(self.index)
        known.current, known.prompt, known.tracked = answer, prompt, tracked
        known.window = window
        return known

    def looking(
        self, known: ObjectState, prompt: Prompt | None, own: Placed | None
    ) -> Steps[tuple[Answer, Arrays, Window]]:
        """Answers for an object, a call at a time, without remembering it: the answer, and the
        image encoder's outputs on the window that it is of. own is this frame's earlier answer,
        which the prompt corrects.
        """
        window = self._window(known, prompt, own)
        if prompt is not None and own is None and self._is_clicked_anew(known, prompt):
            own = yield from self._surveyed(known, prompt)
            if own is not None:
                window = prompted_window(prompt, self.frame_size, self.context, own.box())
        image = yield from self.encoded(window)
        answer = yield from self._answer(known, image, window, prompt, own)
        closer = self._closer(prompt, answer, window)
        if closer is not None:
            own = Placed(answer.logits, window)
            window = closer
            image = yield from self.encoded(window)
            answer = yield from self._answer(known, image, window, prompt, own)
        return answer, image, window

    def _is_clicked_anew(self, known: ObjectState, prompt: Prompt) -> bool:
        """Tells whether clicks alone must say what the object is: nothing else is known of it."""
        alone = not prompt.outlines and known.before is None
        return bool(self.context) and alone and ever_shown([prompt])

    def _surveyed(self, known: ObjectState, prompt: Prompt) -> Steps[Placed | None]:
        """Asks what clicks mean in several windows, twice in each, since the second answer may
        correct the first. Returns the answer on which they agree most, None where it is empty.
        """
        answers = []
        for window in clicked_windows(prompt, self.frame_size):
            image = yield from self.encoded(window)
            first = yield from self._answer(known, image, window, prompt, None)
            own = Placed(first.logits, window)
            answers.append((yield from self._answer(known, image, window, prompt, own)))
        side = self.model.spec.image_size
        masks = [answer.video_logits(side, side) > 0 for answer in answers]
        best = answers[most_agreed(masks, [answer.iou for answer in answers])]
        return best.placed(self.frame_size) if (best.logits > 0).any() else None

    def _answer(
        self,
        known: ObjectState,
        image: Arrays,
        window: Window,
        prompt: Prompt | None,
        own: Placed | None,
    ) -> Steps[Answer]:
        before = known.before
        answer = yield from self.model.answering(
            image,
            known.bank,
            self.index,
            None if prompt is None else window.prompt(prompt),
            None if before is None else before.within(window),
            None if own is None else own.within(window),
            shown=known.shown or ever_shown([prompt]),
        )
        reach = self.model.spec.policy.reach
        if reach and prompt is None and known.outlined and answer.present:
            trail = [one.within(window) for one in known.trail]
            answer = replace(answer, logits=near_pieces(answer.logits, trail, reach))
        if prompt is None:
            answer = self.model.recognised(image, known.bank, answer)
        if window.is_whole:
            return answer
        given = None if prompt is None or answer.given is None else prompt.mask
        return replace(answer, given=given, window=window)

    def _window(self, known: ObjectState, prompt: Prompt | None, own: Placed | None) -> Window:
        """Returns the window in which the object is looked for at first."""
        if prompt is None:
            return following(known.window, known.boxes, self.frame_size, self.context)
        if prompt.outlines:
            return prompted_window(prompt, self.frame_size, self.context)
        if own is not None:
            if own.window.shows(prompt.points):
                return own.window
            return prompted_window(prompt, self.frame_size, self.context, own.box())
        last = following(known.window, known.boxes, self.frame_size, self.context)
        return last if last.shows(prompt.points) else Window.whole(self.frame_size)

    def _closer(self, prompt: Prompt | None, answer: Answer, window: Window) -> Window | None:
        """Returns the window in which what clicks showed is looked at again, None where it is large
        enough as it is.
        """
        if prompt is None or prompt.outlines:
            return None
        seen = window.box(answer.logits)
        if seen is None:
            return None
        closer = prompted_window(prompt, self.frame_size, self.context, seen)
        return closer if closer.side <= CLOSER * window.side else None


def following(
    last: Window | None,
    boxes: tuple[Box | None, ...],
    frame_size: tuple[int, int],
    context: float,
) -> Window:
    """Returns the window of an object without a prompt: that of the frame before, until its boxes
    two frames back are known.
    """
    if last is None:
        return Window.whole(frame_size)
    if len(boxes) < KNOWN_BOXES:
        return last
    return followed_window(last, boxes[-KNOWN_BOXES], context)


def coming(
    known: ObjectState | None,
    prompts: Sequence[Prompt | None],
    frame_size: tuple[int, int],
    context: float,
) -> Window:
    """Returns the window in which an object will most likely be looked for on the last of some
    frames, with these prompts on them, that follow the one answered for last. Only a correction or
    a click still to be answered makes it another one.
    """
    window: Window | None = None
    boxes: tuple[Box | None, ...] = ()
    if known is not None:
        window, boxes = known.window, known.boxes
        if known.answered is not None:
            boxes = (*boxes, known.answered.box(SPARE))
    for prompt in prompts:
        last = following(window, boxes[-KNOWN_BOXES:], frame_size, context)
        if prompt is None:
            window = last
        elif prompt.outlines:
            window = prompted_window(prompt, frame_size, context)
        else:
            window = last if last.shows(prompt.points) else Window.whole(frame_size)
        boxes = (*boxes, None)  # its own box is not known yet, and is not read
    return window or Window.whole(frame_size)
