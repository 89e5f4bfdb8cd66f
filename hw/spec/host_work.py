"""Frames a second of a board as a whole: its fabric, its processor's cores, and both overlapped.

What the processor does for a frame is measured beside (`host.rates.measure`) and kept in a bundle's
`host.json`. A core's speed for it is taken from 7-Zip's LZMA benchmark with one thread and a
dictionary of 4 MB (`7z b -mmt1 -md22`): integer work with branches, on memory of the size of
caches, which a host's Python and small arrays are too. The rating of the machine that was measured,
over that of the core, is the factor.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hw.spec.errors import BundleError
from hw.spec.files import atomic_path

NAME = "host.json"
BESIDE = ("prepare", "masks")
"""Parts that need no device and no other part of their frame: they can run on another core while
the device works on the frame before or after, as they do under `serve`.
"""


@dataclass(frozen=True)
class HostWork:
    """The milliseconds of one thread a frame, by part, median. "masks" is the object's mask at the
    frame's size, "device calls" what the driver copies and checks.
    """

    width: int
    height: int
    parts_ms: dict[str, float] = field(default_factory=dict)

    @property
    def beside_ms(self) -> float:
        """Returns the time of what can run beside the device."""
        return sum(ms for name, ms in self.parts_ms.items() if name in BESIDE)

    @property
    def serial_ms(self) -> float:
        """Returns the time of what the device waits for."""
        return self.total_ms - self.beside_ms

    @property
    def total_ms(self) -> float:
        """Returns the time of all parts."""
        return sum(self.parts_ms.values())


@dataclass(frozen=True)
class Core:
    """A core of a board's processor. mips: 7-Zip's rating at its clock."""

    name: str
    mips: float
    source: str


CORES = {
    "xcup": Core(
        "Cortex-A53 at 1.3 GHz",
        973,
        "a Rock64, whose Cortex-A53 runs at 1294 MHz: 758 and 1188 "
        "(sbc-bench, results/1iH4.txt, single core)",
    ),
    "xc7": Core(
        "Cortex-A9 at 650 MHz",
        488,
        "a Clearfog Pro, whose Cortex-A9 runs at 1598 MHz: 953 and 1447, by the clock "
        "(sbc-bench, results/1iFa.txt, single core)",
    ),
}
"""By family of the board: KV260, ZCU104 and Ultra96 have the first, PYNQ-Z2 the second."""


@dataclass(frozen=True)
class SystemRate:
    """The milliseconds a frame with one object, and the frames a second that they make.

    beside: of the processor's work, what overlaps the device's; the rest comes between its runs.
    """

    fabric_ms: float
    serial_ms: float
    beside_ms: float

    @property
    def processor_ms(self) -> float:
        """The processor works for this many milliseconds of a frame."""
        return self.serial_ms + self.beside_ms

    @property
    def in_turn_ms(self) -> float:
        """A frame takes this many milliseconds with fabric and processor one after the other."""
        return self.fabric_ms + self.processor_ms

    @property
    def overlapped_ms(self) -> float:
        """Returns the same with a second core for what runs beside the device."""
        return max(self.fabric_ms + self.serial_ms, self.beside_ms)


def rate(work: HostWork, factor: float, fabric_ms: float) -> SystemRate:
    """Returns the rate of a board whose core takes `factor` times as long as the one measured."""
    return SystemRate(fabric_ms, factor * work.serial_ms, factor * work.beside_ms)


@dataclass(frozen=True)
class Measured:
    """What `host.json` holds. rating: 7-Zip's, of the machine; None where it was not installed."""

    machine: str
    rating: float | None
    works: list[HostWork]

    def factor(self, core: Core) -> float | None:
        """How many times as long a core takes; None where that is not known."""
        return None if self.rating is None else self.rating / core.mips

    def save(self, folder: Path) -> None:
        """Writes what was measured to host.json of a bundle."""
        plain = {
            "machine": self.machine,
            "rating": self.rating,
            "works": [asdict(work) for work in self.works],
        }
        with atomic_path(folder / NAME) as part:
            part.write_text(json.dumps(plain, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Measured:
        """Reads what `save` wrote. Raises BundleError where there is none or it is damaged."""
        path = folder / NAME
        try:
            plain = json.loads(path.read_text("utf-8"))
            works = [HostWork(**work) for work in plain["works"]]
            return cls(str(plain["machine"]), plain["rating"], works)
        except (OSError, ValueError, OverflowError, KeyError, TypeError) as error:
            raise BundleError(
                f"{path} cannot be read ({error})", "run make hardware again"
            ) from error


def comparison(measured: Measured, core: Core, fabric_ms: float) -> list[list[str]]:
    """Rows of a table: frame, fabric, processor, one after the other, overlapped; frames a second,
    with milliseconds. Empty where the core cannot be compared.
    """
    factor = measured.factor(core)
    if factor is None:
        return []
    rows = []
    for work in measured.works:
        one = rate(work, factor, fabric_ms)
        cells = [one.fabric_ms, one.processor_ms, one.in_turn_ms, one.overlapped_ms]
        rows.append(
            [f"{work.width}x{work.height}", *(f"{1e3 / ms:.1f} ({ms:.1f} ms)" for ms in cells)]
        )
    return rows


COLUMNS = ("frame", "fabric", "processor", "one after the other", "overlapped")
