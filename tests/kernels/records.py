"""What simulations of a parameter set came to, kept by the hash of all that went in: the tests
leave them, the datasheet reads them.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from pathlib import Path

from hw.design import Design
from hw.spec.files import atomic_path
from hw.spec.kernel import Kernel
from sim.bench.check import Report, check
from sim.verilate import simulator_hash

FOLDER = Path(__file__).resolve().parent.parent.parent / "build" / "records"


@dataclass(frozen=True)
class Record:
    """Cycles of one frame at the first of the kernel's settings, output codes compared, faults."""

    cycles: int
    compared: int
    faults: list[str]


def simulated(kernel: Kernel) -> Record:
    """The record of a parameter set: recalled, or made now."""
    path = _path(kernel)
    if path.exists():
        return Record(**json.loads(path.read_text(encoding="utf-8")))
    return keep(kernel, check(kernel))


def keep(kernel: Kernel, report: Report) -> Record:
    """Keeps what `check` reported."""
    found = Record(report.outcomes[0].cycles, report.compared, report.faults)
    with atomic_path(_path(kernel)) as part:
        part.write_text(json.dumps(found.__dict__), encoding="utf-8")
    return found


def _path(kernel: Kernel) -> Path:
    golden = Path(inspect.getfile(type(kernel))).read_text(encoding="utf-8")
    key = Design.of(kernel).digest(simulator_hash(), golden, repr(kernel))
    return FOLDER / f"{kernel.name}-{key}.json"
