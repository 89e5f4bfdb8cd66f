"""All surfaces and conversations, by one name each."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fuzz import bundle_surfaces, data_surfaces, media_surfaces
from tests.fuzz.conversation import Conversation, talk
from tests.fuzz.guard import Guard
from tests.fuzz.run import Tally, fuzz
from tests.fuzz.sam2_talks import GoldenSam2VideoTalk, Sam2ImageTalk, Sam2VideoTalk
from tests.fuzz.sam3_talks import GoldenSam3Talk, Sam3Talk
from tests.fuzz.session_talks import GoldenSessionTalk, SessionTalk
from tests.fuzz.surface import Surface


@dataclass(frozen=True)
class Talk:
    """A conversation. share: of all inputs, counted in calls."""

    name: str
    machine: type[Conversation]
    share: float = 1.0


SURFACES: tuple[Surface, ...] = (
    *bundle_surfaces.SURFACES,
    *media_surfaces.SURFACES,
    *data_surfaces.SURFACES,
)
TALKS = (
    Talk("session", SessionTalk),
    Talk("session, golden", GoldenSessionTalk, 0.05),
    Talk("SAM 2 video", Sam2VideoTalk),
    Talk("SAM 2 golden", GoldenSam2VideoTalk, 0.05),
    Talk("SAM 2 picture", Sam2ImageTalk),
    Talk("SAM 3", Sam3Talk, 0.5),
    Talk("SAM 3 golden", GoldenSam3Talk, 0.02),
)
EVERYTHING: tuple[Surface | Talk, ...] = (*SURFACES, *TALKS)


def tried(one: Surface | Talk, inputs: int, seed: int, guard: Guard) -> Tally:
    """Tries that many inputs, or calls, on a surface."""
    if isinstance(one, Surface):
        return fuzz(one, inputs, seed, guard)
    tally = talk(one.machine, inputs, seed, guard)
    tally.name = one.name
    return tally
