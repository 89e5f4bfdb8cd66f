"""When a source offers and a sink accepts: patterns of idle cycles and back-pressure.

Each pattern is a function of a seeded generator that returns one gate per stream; a gate is called
once a cycle with whether the other side is waiting (a sink's gate: is a beat on offer; a source's:
was the last one taken) and says whether to go.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

Gate = Callable[[bool], bool]
Pattern = Callable[[Random], Gate]


def always(_: Random) -> Gate:
    """Lets a beat pass in every cycle, without a single idle one."""
    return lambda waiting: True


def coin(rng: Random) -> Gate:
    """Lets beats pass by independent draws, with a probability drawn once a stream."""
    chance = rng.choice((0.15, 0.5, 0.85))
    return lambda waiting: rng.random() < chance


def bursts(rng: Random) -> Gate:
    """Runs of going and of standing still, each up to some dozens of cycles."""
    state = [rng.random() < 0.5, rng.randint(1, 30)]

    def gate(waiting: bool) -> bool:
        if state[1] == 0:
            state[:] = [not state[0], rng.randint(1, 30)]
        state[1] -= 1
        return bool(state[0])

    return gate


def shy(rng: Random) -> Gate:
    """Goes for one cycle, and only after the other side has waited some: never offers first."""
    limit, waited = rng.randint(1, 4), [0]

    def gate(waiting: bool) -> bool:
        waited[0] = waited[0] + 1 if waiting else 0
        if waited[0] > limit:
            waited[0] = 0
            return True
        return False

    return gate


def fickle(rng: Random) -> Gate:
    """Eager while nobody waits; turns away as soon as somebody does, for a few cycles."""
    away = [0]

    def gate(waiting: bool) -> bool:
        if away[0]:
            away[0] -= 1
            return away[0] == 0
        if waiting and rng.random() < 0.7:
            away[0] = rng.randint(2, 6)
            return False
        return True

    return gate


def sparse(rng: Random) -> Gate:
    """One cycle in seven, at a phase of its own: neighbours never go together."""
    clock = [rng.randint(0, 6)]

    def gate(waiting: bool) -> bool:
        clock[0] = (clock[0] + 1) % 7
        return clock[0] == 0

    return gate


PATTERNS: dict[str, tuple[Pattern, Pattern]] = {
    "none": (always, always),
    "random": (coin, coin),
    "slow source": (sparse, always),
    "slow sink": (always, sparse),
    "bursts": (bursts, bursts),
    "shy sink": (always, shy),
    "fickle sink": (coin, fickle),
    "opposed": (bursts, shy),
}
"""The pairs of patterns that a case may use, by name: that of the sources, then that of the sinks.
All after `random` are adversarial.
"""

ADVERSARIAL = tuple(PATTERNS)[2:]
