"""Conversations by SAM 2's names: prompts on any frame of a video, propagation both ways, and one
picture.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from host.compat.image_predictor import SAM2ImagePredictor
from host.compat.video_predictor import SAM2VideoPredictor
from host.device import Device
from host.devices.registry import open_device
from tests.fuzz.conversation import (
    BOXES,
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
from tests.host.scenes import HEIGHT, WIDTH, both_frame

COUNT = 4
PLACES = st.integers(0, COUNT - 1)
NAMES = st.sampled_from([1, 2, "cat"])


class Sam2VideoTalk(Conversation):
    """ids: in the order in which they must be."""

    def device(self) -> Device:
        return FakeDevice()

    def __init__(self) -> None:
        super().__init__()
        self.predictor = SAM2VideoPredictor(self.device())
        self.video = self.predictor.init_state([both_frame(i) for i in range(COUNT)])
        self.ids: list[Any] = []

    def state(self) -> Any:
        told = []
        for name, record in self.video.objects.items():
            digest = hashlib.sha256()
            for frame in sorted(record.answers):
                digest.update(record.answers[frame].logits.tobytes())
                digest.update(record.memories[frame].keys.tobytes())
            frames = sorted(record.answers), sorted(record.prompts), sorted(record.tracked)
            told.append((name, frames, sorted(record.steps.items()), digest.hexdigest()))
        return told

    def right(self, output: Any, frame: int) -> None:
        index, ids, logits = output
        assert index == frame and ids == self.ids
        assert tuple(logits.shape) == (len(ids), 1, HEIGHT, WIDTH)
        assert np.isfinite(np.asarray(logits)).all()

    @rule(
        frame=PLACES,
        name=NAMES,
        given=LEGAL
        | LEGAL
        | arguments(
            points=POINTS,
            labels=LABELS,
            box=BOXES,
            clear_old_points=st.booleans(),
            normalize_coords=st.booleans(),
        ),
    )
    def prompt(self, frame: int, name: Any, given: dict[str, Any]) -> None:
        output, error = self.ask(
            lambda: self.predictor.add_new_points_or_box(self.video, frame, name, **given)
        )
        if error is None:
            self.ids += [name] if name not in self.ids else []
            self.right(output, frame)

    @rule(frame=ODD, name=ODD)
    def prompt_somewhere(self, frame: Any, name: Any) -> None:
        try:
            hash(name)
        except TypeError:
            pass
        else:
            if name == name and not (type(frame) is int and 0 <= frame < COUNT):  # NaN is no id
                output, error = self.ask(
                    lambda: self.predictor.add_new_points_or_box(
                        self.video, frame, name, points=[(20, 30)], labels=[1]
                    )
                )
                if error is None:  # True is a 1
                    self.ids += [name] if name not in self.ids else []
                    self.right(output, int(frame))
            return
        assert self.ask(lambda: self.predictor.add_new_mask(self.video, 0, name, [[1]]))[1]

    @rule(frame=PLACES, name=NAMES, mask=MASKS | ODD)
    def draw(self, frame: int, name: Any, mask: Any) -> None:
        output, error = self.ask(lambda: self.predictor.add_new_mask(self.video, frame, name, mask))
        if error is None:
            self.ids += [name] if name not in self.ids else []
            self.right(output, frame)

    @rule(
        start=PLACES | st.none() | ODD,
        count=st.integers(0, 9) | st.none() | ODD,
        back=st.booleans(),
    )
    def propagate(self, start: Any, count: Any, back: bool) -> None:
        def whole() -> list[Any]:
            return list(self.predictor.propagate_in_video(self.video, start, count, back))

        outputs, error = self.ask(whole)
        if error is None:
            frames = [output[0] for output in outputs]
            step = -1 if back else 1
            assert frames == list(range(frames[0], frames[0] + step * len(frames), step))
            for output in outputs:
                self.right(output, output[0])

    @rule(frame=PLACES | ODD, name=NAMES | ODD)
    def clear(self, frame: Any, name: Any) -> None:
        self.ask(lambda: self.predictor.clear_all_prompts_in_frame(self.video, frame, name))

    @rule(name=NAMES | ODD, strict=st.booleans())
    def remove(self, name: Any, strict: bool) -> None:
        answer, error = self.ask(lambda: self.predictor.remove_object(self.video, name, strict))
        if error is None:
            left, updated = answer
            if not isinstance(name, (list, dict, np.ndarray)) and name in self.ids:
                self.ids.remove(name)
            assert left == self.ids
            for _, logits in updated:
                assert len(logits) == len(self.ids)

    @rule()
    def reset(self) -> None:
        self.ask(lambda: self.predictor.reset_state(self.video))
        self.ids = []

    @invariant()
    def ids_are_kept(self) -> None:
        assert self.video.obj_ids == self.ids
        for record in self.video.objects.values():
            assert record.prompts or not record.answers
            assert record.answers.keys() == record.memories.keys()


def _by_sam2(given: dict[str, Any]) -> dict[str, Any]:
    names = {"points": "point_coords", "labels": "point_labels"}
    return {names.get(name, name): value for name, value in given.items()}


class Sam2ImageTalk(Conversation):
    """One picture, then prompts of any shape."""

    def device(self) -> Device:
        return FakeDevice()

    def __init__(self) -> None:
        super().__init__()
        self.predictor = SAM2ImagePredictor(self.device())
        self.size: tuple[int, ...] | None = None

    @initialize(index=st.integers(0, 5))
    def begin(self, index: int) -> None:
        self.set_image(both_frame(index))

    def state(self) -> Any:
        image = self.predictor._image
        if image is None:
            return None
        return image.frame.tobytes(), {k: v.tobytes() for k, v in image.whole.items()}

    @rule(image=st.integers(0, 5).map(both_frame) | MASKS | ODD)
    def set_image(self, image: Any) -> None:
        _, error = self.ask(lambda: self.predictor.set_image(image))
        if error is None:
            assert self.predictor._image is not None
            self.size = self.predictor._image.size

    @rule(
        given=LEGAL.map(_by_sam2)
        | arguments(
            point_coords=POINTS | st.lists(POINTS, min_size=2, max_size=2),
            point_labels=LABELS | st.lists(LABELS, min_size=2, max_size=2),
            box=BOXES | st.lists(BOXES, min_size=1, max_size=2),
            mask_input=st.sampled_from([np.zeros((1, 16, 16), np.float32)]),
            multimask_output=st.booleans(),
        )
    )
    def predict(self, given: dict[str, Any]) -> None:
        answer, error = self.ask(lambda: self.predictor.predict(**given))
        if error is None:
            masks, scores, logits = answer
            assert masks.shape[-2:] == self.size and masks.shape[:-2] == scores.shape
            assert scores.shape == logits.shape[:-2] and np.isfinite(scores).all()
            assert set(np.unique(masks)) <= {0.0, 1.0}


class GoldenSam2VideoTalk(Sam2VideoTalk):
    """The same on the integer model of `tiny`."""

    def device(self) -> Device:
        return open_device("golden", tiny())
