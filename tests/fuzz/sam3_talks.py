"""Conversations by SAM 3's names: requests about two videos, instances that keep their ids."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from host.compat.sam3_video import Sam3VideoPredictor
from host.device import Device
from host.devices.registry import open_device
from tests.fuzz.conversation import IDS, ODD, Conversation, arguments
from tests.fuzz.surface import tiny
from tests.host.fake_detector import FakeConceptDevice, make_phrases
from tests.host.scenes import both_frame

COUNT = 3
SESSIONS = st.sampled_from(["a", "a", "b"])
PLACES = st.integers(0, COUNT - 1)
SHARES = st.floats(-0.1, 1.1)
TEXTS = st.sampled_from(["red square", "blue square", "yellow square", "a dog", ""])
BOXES = st.lists(st.tuples(SHARES, SHARES, SHARES, SHARES), min_size=1, max_size=2)
LABELS = st.lists(st.sampled_from([1, 0]), min_size=1, max_size=2)
SQUARE = (0.06, 0.1, 0.2, 0.3)
POINTS = st.lists(st.tuples(SHARES, SHARES), min_size=1, max_size=2)


class Sam3Talk(Conversation):
    """open: sessions that there must be. removed: by session, ids that may not show."""

    def predictor_of(self) -> Sam3VideoPredictor:
        return Sam3VideoPredictor(FakeConceptDevice(), phrases=make_phrases())

    def __init__(self) -> None:
        super().__init__()
        self.predictor = self.predictor_of()
        self.frames = [both_frame(2 * i) for i in range(COUNT)]
        self.open: set[str] = set()
        self.removed: dict[str, set[int]] = {}

    @initialize()
    def begin(self) -> None:
        self.start("a")

    def state(self) -> Any:
        told = []
        for name, session in self.predictor._sessions.items():
            known = session.known
            seen = {f: {i: x.tobytes() for i, x in of.items()} for f, of in known.seen.items()}
            by_hand = {
                f: {i: x.answer.logits.tobytes() for i, x in of.items()}
                for f, of in known.corrected.items()
            }
            told.append(
                (name, session.prompt is None, session.prompt_frame, seen, by_hand)
                + ({i: set(x) for i, x in known.looked.items()}, dict(known.scores))
                + (set(known.removed), known.next_id)
            )
        return told

    def right(self, answer: Any, name: str) -> None:
        ids = [int(i) for i in answer["outputs"]["out_obj_ids"]]
        assert len(set(ids)) == len(ids) and not set(ids) & self.removed[name]
        for values in answer["outputs"].values():
            if hasattr(values, "__len__"):
                assert len(values) == len(ids) or values is answer["outputs"].get("frame_stats")

    @rule(name=SESSIONS)
    def start(self, name: str) -> None:
        request = {"type": "start_session", "resource_path": self.frames, "session_id": name}
        answer, error = self.ask(lambda: self.predictor.handle_request(request))
        assert error is None and answer == {"session_id": name}
        self.open.add(name)
        self.removed[name] = set()

    @rule(what=ODD)
    def start_with_what_is_no_video(self, what: Any) -> None:
        if isinstance(what, (str, int)) and not isinstance(what, bool):
            return  # a path or a camera
        request = {"type": "start_session", "resource_path": what, "session_id": "odd"}
        answer, error = self.ask(lambda: self.predictor.handle_request(request))
        if error is None:
            self.predictor.handle_request({"type": "close_session", "session_id": "odd"})

    @rule(
        name=SESSIONS,
        given=PLACES.map(lambda place: {"frame_index": place, "text": "red square"})
        | PLACES.map(
            lambda place: {"frame_index": place, "bounding_boxes": [(0.06, 0.1, 0.2, 0.3)]}
        )
        | arguments(
            frame_index=PLACES, text=TEXTS, bounding_boxes=BOXES, bounding_box_labels=LABELS
        ),
    )
    def look_for(self, name: str, given: dict[str, Any]) -> None:
        request = {"type": "add_prompt", "session_id": name, **given}
        answer, error = self.ask(lambda: self.predictor.handle_request(request))
        if error is None:
            assert name in self.open
            self.removed[name] = set()
            self.right(answer, name)

    @rule(
        name=SESSIONS,
        given=PLACES.map(
            lambda place: {"frame_index": place, "points": [(0.2, 0.3)], "point_labels": [1]}
        )
        | arguments(frame_index=PLACES, points=POINTS, point_labels=LABELS, obj_id=IDS),
    )
    def click(self, name: str, given: dict[str, Any]) -> None:
        request = {"type": "add_prompt", "session_id": name, "obj_id": 1, **given}
        answer, error = self.ask(lambda: self.predictor.handle_request(request))
        if error is None:
            assert name in self.open
            self.removed[name] -= {int(request["obj_id"])}  # a click brings it back
            self.right(answer, name)

    @rule(
        name=SESSIONS,
        given=arguments(
            propagation_direction=st.sampled_from(["both", "forward", "backward"]),
            start_frame_index=PLACES,
            max_frame_num_to_track=st.integers(0, 4),
        ),
    )
    def propagate(self, name: str, given: dict[str, Any]) -> None:
        request = {"type": "propagate_in_video", "session_id": name, **given}
        answers, error = self.ask(lambda: list(self.predictor.handle_stream_request(request)))
        if error is None:
            for answer in answers:
                self.right(answer, name)

    @rule(name=SESSIONS, number=IDS | ODD)
    def remove(self, name: str, number: Any) -> None:
        request = {"type": "remove_object", "session_id": name, "obj_id": number}
        _, error = self.ask(lambda: self.predictor.handle_request(request))
        if error is None:
            self.removed[name].add(int(number))

    @rule(name=SESSIONS)
    def reset(self, name: str) -> None:
        request = {"type": "reset_session", "session_id": name}
        _, error = self.ask(lambda: self.predictor.handle_request(request))
        assert (error is None) == (name in self.open)
        if error is None:
            self.removed[name] = set()

    @rule(name=SESSIONS)
    def close(self, name: str) -> None:
        request = {"type": "close_session", "session_id": name}
        _, error = self.ask(lambda: self.predictor.handle_request(request))
        assert error is None
        self.open.discard(name)

    @rule(request=ODD | st.dictionaries(st.sampled_from(["type", "session_id", "text"]), ODD))
    def say_something_else(self, request: Any) -> None:
        assert self.ask(lambda: self.predictor.handle_request(request))[1] is not None

    @invariant()
    def sessions_are_kept(self) -> None:
        assert set(self.predictor._sessions) == self.open


class GoldenSam3Talk(Sam3Talk):
    """The same on the integer model of `tiny`."""

    def predictor_of(self) -> Sam3VideoPredictor:
        device: Device = open_device("golden", tiny())
        return Sam3VideoPredictor(device)
