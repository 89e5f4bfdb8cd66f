"""Boards: one TOML file each in `hw/boards`. A new board is a new file and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from hw.spec.errors import SamFabricError
from hw.spec.kernel import Cost
from hw.spec.plain import read_toml, whole

FOLDER = Path(__file__).resolve().parent / "boards"
FAMILIES = ("xc7", "xcup")
Value = TypeVar("Value", str, int, float)
"""What a key of a board file holds."""
# Share of a device that still places and routes at speed: FINN's closing guideline.
SHARES = {"lut": 0.70, "ff": 0.50, "dsp": 0.80, "bram18": 0.80, "uram": 0.80}

LARGEST = 1e9
"""No number of a board file but its resources is larger."""


class BoardError(SamFabricError):
    """An unknown board, or a board file that lacks or misspells something."""


@dataclass(frozen=True)
class Board:
    """A board, as `boards/` describes it. name; part and vivado_board as Vivado spells them; family
    as Yosys does; resources of the device; target_mhz: clock that its accelerators aim at;
    hp_bits of a port to memory, which moves ddr_gb_s; sources: where each group of numbers stands.
    preset: parameters of the processor for a Vivado without this board's files, by name; empty
    where nobody has listed them.
    """

    name: str
    part: str
    vivado_board: str
    family: str
    resources: Cost
    target_mhz: float
    hp_bits: int
    ddr_gb_s: float
    sources: dict[str, str]
    preset: dict[str, str | int | float] = field(default_factory=dict)

    def budget(self) -> Cost:
        """Returns the resources of the board that a design may use."""
        shares = {f.name: SHARES[f.name] * getattr(self.resources, f.name) for f in fields(Cost)}
        return Cost(**{k: int(v) for k, v in shares.items()})


def names(folder: Path = FOLDER) -> list[str]:
    """Boards that there are files for, as the files name them."""
    return [load(path).name for path in sorted(folder.glob("*.toml"))]


def find(name: str, folder: Path = FOLDER) -> Board:
    """Board of a name, upper or lower case, dashes or underscores.

    Raises BoardError, listing the boards, for an unknown one.
    """
    path = folder / f"{name.lower().replace('-', '_')}.toml"
    if not path.is_file():
        known = ", ".join(names(folder))
        raise BoardError(f"board {name!r}", f"use one of {known}, or add hw/boards/{path.name}")
    return load(path)


def load(path: Path) -> Board:
    """Reads a board file. Raises BoardError naming the file and what is wrong in it."""
    try:
        plain = read_toml(path)
        board = Board(
            _typed(plain, "name", str),
            _typed(plain, "part", str),
            _typed(plain, "vivado_board", str),
            _typed(plain, "family", str),
            _resources(plain["resources"]),
            _typed(plain["clock"], "target_mhz", float),
            _typed(plain["ports"], "hp_bits", int),
            _typed(plain["ports"], "ddr_gb_s", float),
            {str(k): str(v) for k, v in plain["source"].items()},
            _preset(plain.get("preset", {})),
        )
    except (OSError, ValueError, OverflowError, KeyError, TypeError, AttributeError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise BoardError(f"{path.name}: {detail}", "compare with hw/boards/kv260.toml") from error
    if board.family not in FAMILIES:
        raise BoardError(f"{path.name}: family {board.family!r}", f"use {' or '.join(FAMILIES)}")
    return board


def _typed(plain: dict[str, Any], key: str, kind: type[Value]) -> Value:
    value = plain[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{key} = {value!r} is no {kind.__name__}")
    if not isinstance(value, str) and not 0 < value < LARGEST:
        raise TypeError(f"{key} is not positive, or beyond all boards")
    return value


def _resources(plain: dict[str, Any]) -> Cost:
    wanted = {"lut", "ff", "bram36", "uram", "dsp"}
    if set(plain) != wanted:
        raise TypeError(f"resources are {', '.join(sorted(wanted))}")
    for name, number in plain.items():
        whole(number, name)
    return Cost(plain["lut"], plain["ff"], plain["dsp"], 2 * plain["bram36"], plain["uram"])


def _preset(plain: dict[str, Any]) -> dict[str, str | int | float]:
    for key, value in plain.items():
        if not isinstance(value, (str, int, float)) or isinstance(value, bool):
            raise TypeError(f"{key} = {value!r} is no parameter of a processor")
    return dict(plain)
