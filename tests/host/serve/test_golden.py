"""The show on the shipped integer models: a click on the clip's turtle, and a name."""

import pytest

from host.devices.registry import default_bundle, open_device
from host.media.demo_clip import FISH, TURTLE, boxes_of, render_demo_clip
from host.serve.commands import Box, Phrase, Point
from host.serve.tracking import Reply
from tests.host.scenes import overlap
from tests.host.serve.shows import Hand, show, until, write_clip

pytest.importorskip("torch", reason="the golden device executes on torch")


@pytest.fixture(scope="module")
def clip():
    return render_demo_clip(6)


def around(ids, number):
    x0, y0, x1, y1 = boxes_of(ids)[number]
    height, width = ids.shape
    return x0 / width, y0 / height, (x1 + 1) / width, (y1 + 1) / height


def test_nano_follows_the_turtle_and_finds_the_fish(clip):
    frames, ids = clip
    hand = Hand(open_device("golden", default_bundle("nano", detector=True)))
    hand.frame(frames[0])
    tracked = hand.ask(Box(around(ids[0], TURTLE)))
    size = ids[0].shape
    assert overlap(tracked.objects[1].mask(*size), ids[0] == TURTLE) > 0.5
    tracked = hand.ask(Phrase("fish"))
    said = hand.replies[-1].said
    assert said is not None and said.startswith("fish: found")
    masks = {i: one.mask(*size) for i, one in tracked.objects.items()}
    best = max(masks, key=lambda i: overlap(masks[i], ids[0] == FISH))
    assert best > 1 and overlap(masks[best], ids[0] == FISH) > 0.5
    assert next(one for one in tracked.listed if one.object_id == best).found_by == "fish"
    for index in range(1, 3):
        tracked = hand.frame(frames[index])
    assert overlap(tracked.objects[1].mask(*size), ids[2] == TURTLE) > 0.5
    hand.ask(Phrase("fish"))
    assert hand.tracking.looking.phrases == ["fish"]
    hand.ask(Phrase("fish", False))
    assert hand.tracking.looking.phrases == []


def test_tiny_shows_a_clip(tmp_path):
    replies: list[Reply] = []
    device = open_device("golden", default_bundle("tiny", detector=True))
    with show(write_clip(tmp_path / "clip.mp4"), tmp_path, device) as live:
        until(lambda: live.tracking.tracked.get()[1])
        live.ask(Point(0.2, 0.3), replies.append)
        head = until(lambda: (p := live.drawing.pictures.get()[1]) and p.head["objects"])
        assert head[0]["id"] == 1 and replies[0].started == 1
        assert live.about()["finds"] and "fish" in live.tracking.looking.vocabulary()
        first = live.tracking.tracked.get()[1].number
        until(lambda: live.tracking.tracked.get()[1].number > first + 10)
        assert live.notices.lines() == []
