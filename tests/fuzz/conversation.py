"""Conversations: random legal and illegal calls, one after another, beside a model of what must
hold. Hypothesis' rule-based state machines.

Whatever is said, an answer is right by the model or an error of the SamFabricError family, and an
error leaves everything as it was.
"""

from __future__ import annotations

import shutil
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from hypothesis.strategies import DrawFn

from hw.spec.errors import SamFabricError
from tests.fuzz import mutations as m
from tests.fuzz.guard import Guard
from tests.fuzz.run import NEXT, ROUNDS, Tally
from tests.host.scenes import HEIGHT, WIDTH, both_frame, corner, red_frame, square_mask

STEPS = 15
"""Calls of a conversation at most."""
ODD = m.values() | st.sampled_from(
    [
        np.zeros((0, 2)),
        np.full((2, 2), np.nan),
        np.zeros((3, 3, 3)),
        np.array(["a"]),
        np.array([None]),
        b"x",
        1j,
        [[1, 2], [3]],
    ]
)
"""What no argument is meant to be, though some of it means something in some place."""
POINTS = st.lists(
    st.tuples(st.integers(-2, WIDTH + 1), st.integers(-2, HEIGHT + 1)), min_size=1, max_size=3
)
LABELS = st.lists(st.sampled_from([1, 1, 0, -1, 2]), min_size=1, max_size=3)
BOXES = st.tuples(*[st.integers(-5, WIDTH + 5)] * 4)
MASKS = st.sampled_from(
    [
        np.zeros((HEIGHT, WIDTH), bool),
        square_mask(*corner(0)),
        square_mask(*corner(0)).astype(np.float32),
        np.ones((HEIGHT, WIDTH), np.uint8) * 255,
        np.ones((HEIGHT, WIDTH + 1), bool),
        np.full((HEIGHT, WIDTH), np.nan),
    ]
)
FRAMES = st.one_of(
    st.integers(0, 12).map(both_frame),
    st.integers(0, 12).map(red_frame),
    st.sampled_from([np.zeros((HEIGHT, WIDTH, 3), np.uint8), np.ones((7, 5, 3), np.uint8)]),
)
IDS = st.integers(1, 4)
CLICKS = st.tuples(st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1)).map(
    lambda at: {"points": [at], "labels": [1]}
)
LEGAL = CLICKS | st.sampled_from([{"box": (*corner(0), 41, 47)}, {"box": (0, 0, 9, 9)}])
"""Arguments that are a prompt for sure; of random ones few are."""


@st.composite
def arguments(draw: DrawFn, **usual: st.SearchStrategy[Any]) -> dict[str, Any]:
    """Some of the arguments, mostly as they are meant to be."""
    given = {}
    for name, strategy in usual.items():
        kind = draw(st.integers(0, 9))
        if kind < 6:
            given[name] = draw(strategy)
        elif kind == 9:
            given[name] = draw(ODD)
    return given


class Conversation(RuleBasedStateMachine):
    """calls: of all conversations so far, by what became of them. Subclasses make a device."""

    guard: ClassVar[Guard | None] = None
    calls: ClassVar[dict[str, int]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="samfabric-fuzz-"))

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def state(self) -> Any:
        """All that an error must leave as it was, as what can be compared."""
        raise NotImplementedError

    def ask(self, call: Callable[[], Any]) -> tuple[Any, SamFabricError | None]:
        """(answer, None), or (None, the error), after which everything is as it was before."""
        before = self.state()
        counts, self.calls["tried"] = self.calls, self.calls.get("tried", 0) + 1
        try:
            if self.guard is None:
                answer = call()
            else:
                with self.guard.watching(self.folder):
                    answer = call()
        except SamFabricError as error:
            counts["refused"] = counts.get("refused", 0) + 1
            assert str(error)
            assert self.state() == before, f"changed by a call that was refused: {error}"
            return None, error
        counts["accepted"] = counts.get("accepted", 0) + 1
        return answer, None


def talk(
    machine: type[Conversation], calls: int, start: int = 0, guard: Guard | None = None
) -> Tally:
    """Conversations of about that many calls in all, the same ones for the same `start`."""
    tally = Tally(machine.__name__)
    machine.guard, machine.calls = guard, {}
    for again in range(ROUNDS):
        left = calls - machine.calls.get("tried", 0)
        if left <= 0 or not tally.good:
            break
        _converse(machine, max(1, left // STEPS), start + again * NEXT, tally)
    for name, count in machine.calls.items():
        setattr(tally, name, count)
    if guard is not None:
        tally.worst_megabytes, tally.longest_s = max(0.0, guard.worst), guard.longest_s
    return tally


def _converse(machine: type[Conversation], talks: int, start: int, tally: Tally) -> None:
    """So many conversations; the first that goes wrong ends them, and is noted."""
    try:
        run_state_machine_as_test(
            seed(start)(machine),
            settings=settings(
                max_examples=talks,
                stateful_step_count=STEPS,
                database=None,
                deadline=None,
                phases=(Phase.generate, Phase.shrink),
                suppress_health_check=list(HealthCheck),
                print_blob=False,
            ),
        )
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        kind = type(error).__name__
        field = {"Hang": "hangs", "Escape": "written_outside"}.get(kind, "crashes")
        setattr(tally, field, 1)
        said = "\n".join([*map(str, getattr(error, "__notes__", [])), f"{kind}: {error}"])
        said += "".join(traceback.format_exception(error)[-4:])
        tally.faults[f"{kind}: {str(error)[:160]}"] = said[:6000]
