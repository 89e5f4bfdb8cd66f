"""Conversations of random calls: a short run of `make fuzz`, always the same calls; and that the
model notices what it is there for.
"""

import pytest
from hypothesis.stateful import rule

from host.errors import FrameError
from tests.fuzz.conversation import Conversation, talk
from tests.fuzz.everything import TALKS
from tests.fuzz.guard import Guard
from tests.fuzz.session_talks import SessionTalk

CALLS = 150
GOLDEN = 15


@pytest.fixture(scope="module")
def guard():
    return Guard()


@pytest.mark.parametrize("one", TALKS, ids=lambda one: one.name)
def test_a_conversation_keeps_what_must_hold(one, guard):
    tally = talk(one.machine, GOLDEN if "olden" in one.name else CALLS, 1, guard)
    assert tally.good, "\n".join(f"{place}\n{case}" for place, case in tally.faults.items())
    assert tally.tried == tally.refused + tally.accepted > 0


class Forgetful(SessionTalk):
    """A session that loses an object."""

    @rule()
    def lose(self):
        self.session.state.objects.clear()


class HalfDone(SessionTalk):
    """An error that leaves something changed."""

    @rule()
    def count_and_fail(self):
        def call():
            self.session.overlapping = not self.session.overlapping
            raise FrameError("no")

        self.ask(call)


class Untyped(Conversation):
    """An error of no type of ours."""

    def state(self):
        return None

    @rule()
    def fail(self):
        self.ask(lambda: dict[str, int]()["x"])


@pytest.mark.parametrize("machine", [Forgetful, HalfDone, Untyped])
def test_a_planted_fault_is_found(machine):
    tally = talk(machine, 200)
    assert tally.crashes == 1 and not tally.good and tally.faults
