"""Long and wide use keeps its size, its pace and its answers; `make load` runs the long version."""

import numpy as np
import pytest

from host.concepts.phrases import MOST_KEPT, Phrases
from host.detector_spec import EMBEDDING
from host.devices.registry import default_bundle, open_device
from tests.load import MEMORY_LIMIT, alone, drift, in_turn, long_session, many_objects


@pytest.fixture(scope="module")
def device():
    opened = open_device("golden", default_bundle("tiny"))
    yield opened
    opened.close()


def test_memory_and_time_stay_flat_over_a_session(device):
    """A few hundred frames on a shared machine say little of the time: its limit is a wide one."""
    readings = list(long_session(device, 800, every=200))
    assert [r.frame for r in readings] == [200, 400, 600, 800]
    memory, spent = drift(readings[1:])
    assert abs(memory) < MEMORY_LIMIT, readings
    assert abs(spent) < 0.5 and all(r.milliseconds > 0 for r in readings), readings


def test_sixty_four_objects_are_tracked_in_bounded_memory(device):
    """Their banks are full after 9 frames; from there on a frame may leave next to nothing."""
    many_objects(device, 64, 12)
    assert many_objects(device, 64, 16) < 16 * 2**20


def test_eight_sessions_in_turn_equal_eight_alone(device):
    frames = 12
    shared = in_turn(device, 8, frames)
    for phase, logits in enumerate(shared):
        np.testing.assert_array_equal(logits, alone(device, phase, frames))
    # The scenes differ, so equality says something.
    assert len({logits[-1].tobytes() for logits in shared}) == 8


def test_a_days_phrases_are_kept_up_to_a_bound():
    asked = []

    def encoder(phrases):
        asked.extend(phrases)
        rows = [np.random.default_rng(hash(p) % 2**32).normal(size=EMBEDDING) for p in phrases]
        return np.array(rows, np.float32)

    table = Phrases((), np.zeros((0, EMBEDDING), np.float32), encoder)
    first = table.embed("thing 0")
    for number in range(10 * MOST_KEPT):
        table.embed(f"thing {number}")
        np.testing.assert_array_equal(table.embed("thing 0"), first)  # asked often: it stays
    assert asked.count("thing 0") == 1
    assert len(asked) == 10 * MOST_KEPT and len(table._encoded) == MOST_KEPT
    table.embed("thing 1")  # the longest unasked had to go
    assert asked.count("thing 1") == 2
