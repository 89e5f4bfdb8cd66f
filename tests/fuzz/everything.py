"""All surfaces and conversations, by one name each."""

from __future__ import annotations

from tests.fuzz import bundle_surfaces, data_surfaces, media_surfaces
from tests.fuzz.guard import Guard
from tests.fuzz.run import Tally, fuzz
from tests.fuzz.surface import Surface

SURFACES: tuple[Surface, ...] = (
    *bundle_surfaces.SURFACES,
    *media_surfaces.SURFACES,
    *data_surfaces.SURFACES,
)
EVERYTHING = SURFACES


def tried(one: Surface, inputs: int, seed: int, guard: Guard) -> Tally:
    """Tries that many inputs, or calls, on a surface."""
    return fuzz(one, inputs, seed, guard)
