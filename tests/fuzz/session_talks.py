"""Conversations with a session: frames, prompts, corrections, files, and what must hold of them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from host.device import Device
from host.devices.registry import open_device
from host.errors import FrameError, UnknownObjectError
from host.prompts import Prompt
from host.session import Session, StepResult
from hw.spec.errors import SamFabricError
from tests.fuzz.conversation import (
    BOXES,
    FRAMES,
    IDS,
    LABELS,
    LEGAL,
    MASKS,
    ODD,
    POINTS,
    Conversation,
    arguments,
)
from tests.fuzz.surface import tiny
from tests.host.fake_device import FakeDevice
from tests.host.scenes import HEIGHT, WIDTH, both_frame, corner, square_mask

PROMPTS = st.dictionaries(
    IDS,
    LEGAL
    | LEGAL
    | st.sampled_from(
        [{"mask": square_mask(*corner(0))}, {"mask": np.zeros((HEIGHT, WIDTH), bool)}]
    )
    | arguments(points=POINTS, labels=LABELS, box=BOXES)
    | arguments(mask=MASKS),
    max_size=2,
)


class SessionTalk(Conversation):
    """ids: in the order in which they must be. twin: what a file of the session gave, which must
    answer like the session from then on.
    """

    def device(self) -> Device:
        return FakeDevice()

    def __init__(self) -> None:
        super().__init__()
        self.session = Session(self.device())
        self.twin: Session | None = None
        self.ids: list[int] = []
        self.frames = 0

    def state(self) -> Any:
        path = self.folder / "state.npz"
        self.session.save(path)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def prompts(self, wanted: dict[int, dict[str, Any]]) -> dict[Any, Any]:
        """Prompts, made of the arguments; where none can be made of them, the arguments."""
        made: dict[Any, Any] = {}
        for number, given in wanted.items():
            try:
                made[number] = Prompt.from_pixels(HEIGHT, WIDTH, **given)
            except SamFabricError:
                made[number] = given
        return made

    def same(self, answer: StepResult, call: Any) -> None:
        """The twin's answer is the session's, to the bit."""
        if self.twin is None:
            return
        other = call(self.twin)
        assert list(other.objects) == list(answer.objects)
        for number, one in answer.objects.items():
            assert (one.video_logits() == other.objects[number].video_logits()).all()
            assert (one.score, one.iou) == (other.objects[number].score, other.objects[number].iou)

    def known(self, prompts: dict[Any, Any]) -> None:
        self.ids += [int(number) for number in prompts if number not in self.ids]

    @rule(frame=FRAMES, wanted=PROMPTS)
    def step(self, frame: Any, wanted: dict[int, dict[str, Any]]) -> None:
        prompts = self.prompts(wanted)
        size = self.session.state.frame_size
        answer, error = self.ask(lambda: self.session.step(frame, prompts))
        if error is None:
            assert size is None or frame.shape[:2] == size
            self.frames += 1
            self.known(prompts)
            self.right(answer)
            self.same(answer, lambda twin: twin.step(frame, prompts))

    @initialize(index=st.integers(0, 12), number=IDS, given=LEGAL, size=st.integers(0, 3))
    def begin(self, index: int, number: int, given: dict[str, Any], size: int) -> None:
        if size:  # else the first frame may be of any size
            self.step(both_frame(index), {number: given})

    @rule(frame=ODD, wanted=PROMPTS)
    def step_on_what_is_no_frame(self, frame: Any, wanted: dict[int, dict[str, Any]]) -> None:
        _, error = self.ask(lambda: self.session.step(frame, self.prompts(wanted)))
        assert isinstance(error, FrameError)

    @rule(frame=FRAMES, number=ODD)
    def step_with_an_id_that_is_none(self, frame: Any, number: Any) -> None:
        if isinstance(number, (int, list, dict, np.ndarray)):
            return
        prompt = Prompt.from_pixels(HEIGHT, WIDTH, points=[(20, 30)], labels=[1])
        assert self.ask(lambda: self.session.step(frame, {number: prompt}))[1] is not None

    @rule(wanted=PROMPTS)
    def refine(self, wanted: dict[int, dict[str, Any]]) -> None:
        prompts = self.prompts(wanted)
        answer, error = self.ask(lambda: self.session.refine(prompts))
        if error is None:
            assert self.frames
            self.known(prompts)
            self.right(answer)
            self.same(answer, lambda twin: twin.refine(prompts))

    @rule(number=IDS | ODD)
    def remove(self, number: Any) -> None:
        if isinstance(number, (list, dict, np.ndarray)):
            return
        known = number in self.ids
        _, error = self.ask(lambda: self.session.remove_object(number))
        assert known == (error is None) and isinstance(error, (UnknownObjectError, type(None)))
        if known:
            self.ids.remove(number)
            if self.twin is not None:
                self.twin.remove_object(number)

    @rule()
    def reset(self) -> None:
        self.ask(self.session.reset)
        self.ids, self.frames, self.twin = [], 0, None

    @rule()
    def save_and_load(self) -> None:
        path = self.folder / "s.npz"
        _, error = self.ask(lambda: self.session.save(path))
        assert error is None
        self.twin = Session.load(path, self.device())
        assert self.twin.object_ids == self.session.object_ids

    def right(self, answer: StepResult) -> None:
        """Of an answer: objects, shapes, masks that do not overlap."""
        assert list(answer.objects) == self.ids
        cover = np.zeros(self.session.state.frame_size or (0, 0), int)
        for one in answer.objects.values():
            assert np.isfinite(one.logits).all() and np.isfinite([one.score, one.iou]).all()
            assert one.mask().shape == cover.shape and (one.present or not one.mask().any())
            cover += one.mask()
        assert cover.max(initial=0) <= 1

    @invariant()
    def ids_are_kept(self) -> None:
        assert self.session.object_ids == self.ids
        assert self.session.state.frame_index == self.frames - 1

    @invariant()
    def memory_is_bounded(self) -> None:
        policy = self.session.device.spec.policy
        for known in self.session.state.objects.values():
            assert len(known.bank) <= policy.slots


class GoldenSessionTalk(SessionTalk):
    """The same on the integer model of `tiny`."""

    _opened: Device | None = None

    def device(self) -> Device:
        # A device serves one session at a time: a twin needs its own.
        return open_device("golden", tiny())
