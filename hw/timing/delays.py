"""Delays of a family's cells and nets, from `delays.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from math import log2
from pathlib import Path

import tomllib

from hw.spec.errors import SamFabricError

FILE = Path(__file__).with_name("delays.toml")
PARTS = ("net", "cell", "setup", "rule")


class TimingError(SamFabricError):
    """A netlist that no timing can be found for, or delays that are missing."""


@dataclass(frozen=True)
class Delays:
    """Numbers in ns. cell: through a cell or from its clock; setup: before a clock edge; source:
    where each group of numbers stands.
    """

    family: str
    grade: str
    cell: Mapping[str, float]
    setup: Mapping[str, float]
    source: Mapping[str, str]
    base: float
    per_double: float
    crowded: float
    control_share: float
    margin: float

    def net(self, loads: float) -> float:
        """Returns the delay of a net with that many loads."""
        return self.crowded * (self.base + self.per_double * log2(max(1.0, loads)))

    def alone(self) -> Delays:
        """The same for a design that has the device to itself."""
        return replace(self, crowded=1.0)

    def mhz(self, delay: float) -> float:
        """Clock that a path of that delay, setup included, allows."""
        return 1000 / (delay + self.margin)

    def slack(self, delay: float, mhz: float) -> float:
        """What is left of a clock's period."""
        return 1000 / mhz - self.margin - delay


@cache
def load(family: str, path: Path = FILE) -> Delays:
    """The delays of a family. Raises TimingError, naming what is missing or is no number."""
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise TimingError(f"{path.name}: {error}", "compare with the repository's") from error
    if family not in plain:
        raise TimingError(f"{path.name} has no family {family!r}", f"use {', '.join(plain)}")
    table = plain[family]
    try:
        for part in PARTS:
            for name, value in table[part].items():
                if not isinstance(value, float) or value < 0:
                    raise TypeError(f"{part}.{name} = {value!r} is no delay")
        return Delays(
            family,
            table["grade"],
            table["cell"],
            table["setup"],
            table["source"],
            table["net"]["base"],
            table["net"]["per_double"],
            table["net"]["crowded"],
            table["rule"]["control_share"],
            table["rule"]["margin"],
        )
    except (KeyError, TypeError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise TimingError(f"{path.name}, {family}: {detail}", "give it in ns, as x.y") from error
