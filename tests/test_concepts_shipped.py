"""The shipped `nano` detector on the clip that the project renders: what it was trained for, by the
very bundle that users get.
"""

import numpy as np
import pytest

from host.concepts.session import ConceptSession
from host.devices.registry import default_bundle, open_device
from host.mask_overlap import mask_iou
from host.media.demo_clip import FISH, STARFISH, TURTLE, render_demo_clip

MOMENTS = (0, 20, 40)


@pytest.fixture(scope="module")
def session():
    return ConceptSession(open_device("golden", default_bundle("nano")))


@pytest.fixture(scope="module")
def clip():
    frames, ids = render_demo_clip(60)
    return [(frames[moment], ids[moment]) for moment in MOMENTS]


def test_animals_of_the_rendered_clip_are_found_where_they_are(session, clip):
    for number, (frame, ids) in enumerate(clip):
        session.set_image(frame)
        found = session.detect("animal")
        animals = (FISH, TURTLE, STARFISH) if number == 0 else (TURTLE,)  # others hide later on
        truth = np.stack([ids == animal for animal in animals])
        assert (mask_iou(truth, found.masks).max(1) > 0.5).all()
        assert found.presence > 0.9


def test_what_is_not_there_is_not_found(session, clip):
    for frame, _ in clip:
        session.set_image(frame)
        assert len(session.detect("person")) == len(session.detect("bus")) == 0
