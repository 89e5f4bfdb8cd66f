"""Tries broken inputs on one surface and counts what becomes of them."""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from hw.spec.errors import SamFabricError
from tests.fuzz.guard import SECONDS, Escape, Guard, Hang
from tests.fuzz.surface import Surface

WARM = 3
"""Inputs that go before, so that imports and caches are nobody's memory."""
ROUNDS, NEXT = 100, 1000
"""Hypothesis gives up early where many draws are discarded: it is asked again, with a seed that far
from the one before, at most so often."""


@dataclass
class Tally:
    """What became of the inputs of a surface. errors: typed refusals by class. faults: what went
    wrong, by the place where it was raised, with the first input that did it. longest_s: seconds
    that an input took most. cpu_s: that the processor worked for all.
    """

    name: str
    tried: int = 0
    accepted: int = 0
    refused: int = 0
    crashes: int = 0
    hangs: int = 0
    written_outside: int = 0
    worst_megabytes: float = 0.0
    longest_s: float = 0.0
    cpu_s: float = 0.0
    errors: Counter[str] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether nothing went wrong."""
        return not (self.crashes or self.hangs or self.written_outside)

    def plain(self) -> dict[str, Any]:
        """What JSON holds of it, whatever Python: `asdict` of 3.11 breaks counters."""
        return vars(self) | {"errors": dict(self.errors)}


def fuzz(surface: Surface, inputs: int, start: int = 0, guard: Guard | None = None) -> Tally:
    """Tries that many inputs, the same ones for the same `start`."""
    tally, watch = Tally(surface.name), guard or Guard()
    with tempfile.TemporaryDirectory(prefix="samfabric-fuzz-") as name:
        folder = Path(name, "inside")
        folder.mkdir()
        surface.prepare(folder)
        if WARM:
            warm = Tally("")
            _round(surface, WARM, start + 1, lambda case: _try(surface, case, folder, watch, warm))
        watch.settle()
        for again in range(ROUNDS):
            left = inputs - tally.tried
            if left <= 0:
                break
            seeded = start + again * NEXT
            _round(surface, left, seeded, lambda case: _try(surface, case, folder, watch, tally))
        found = sorted(path.name for path in Path(name).iterdir())
        if found != ["inside"]:
            tally.written_outside += 1
            tally.faults.setdefault(f"written beside the folder: {found}", "")
    tally.worst_megabytes, tally.longest_s = max(0.0, watch.worst), watch.longest_s
    return tally


def _round(surface: Surface, inputs: int, start: int, attempt) -> None:
    @seed(start)
    @settings(
        max_examples=inputs,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(surface.inputs())
    def run(case: object) -> None:
        attempt(case)

    run()


def _try(surface: Surface, case: object, folder: Path, guard: Guard, tally: Tally) -> None:
    tally.tried += 1
    try:
        with guard.watching(folder, SECONDS):
            surface.attempt(case, folder)
        tally.accepted += 1
    except SamFabricError as error:
        tally.refused += 1
        tally.errors[type(error).__name__] += 1
    except Hang:
        tally.hangs += 1
        _note(tally, case)
    except Escape:
        tally.written_outside += 1
        _note(tally, case)
    except Exception:
        tally.crashes += 1
        _note(tally, case)


def _note(tally: Tally, case: object) -> None:
    kind, error, trace = sys.exc_info()
    frames = [f for f in traceback.extract_tb(trace) if "/tests/fuzz/" not in f.filename]
    ours = [f for f in frames if ".venv" not in f.filename and "/lib/python" not in f.filename]
    where = "".join(f"{Path(f.filename).name}:{f.lineno}" for f in (ours or frames)[-1:])
    key = f"{getattr(kind, '__name__', kind)} at {where}: {str(error)[:160]}"
    short = f"{getattr(kind, '__name__', kind)} at {where}"
    if not any(known.startswith(short) for known in tally.faults):
        said = "".join(traceback.format_exception(error)[-6:])
        tally.faults[key] = f"{repr(case)[:1500]}\n{said}"
