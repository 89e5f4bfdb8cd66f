"""A block: a layer with its lanes, as a chain of kernels with the trained integers inside, and how
it moves through time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import lcm

import numpy as np

from hw.fold.layers import Layer
from hw.fold.pace import Cycles, Times
from hw.kernels.common.costs import URAM_DEPTH, URAM_WIDTH, ram_cost, rom_cost
from hw.kernels.dwc import Dwc
from hw.kernels.fifo import Fifo
from hw.kernels.pipe import Pipe
from hw.spec.kernel import Cost, Kernel
from hw.spec.sizes import ceil_div, whole_bytes

LOADING = 60
"""LUTs of the way along which an UltraRAM's contents come."""
WORD = 8
"""Bits to which a beat is filled up."""


@dataclass(frozen=True)
class Folding:
    """PE, SIMD: of the products. lanes: codes a beat of what follows them, and of the output."""

    PE: int = 1
    SIMD: int = 1
    lanes: int = 1


@dataclass(frozen=True)
class Style:
    """A style says how a board likes its multipliers and memories.

    luts_per_block, luts_per_uram, luts_per_dsp: LUTs that a block RAM of 18 Kb, an UltraRAM and a
    DSP are worth: each memory and each array of multipliers takes what costs least. 0: there are no
    UltraRAMs, DSPs cost nothing. sparing: large frames are kept where they are thinnest, and
    UltraRAMs taken for narrow words too, several side by side.
    """

    luts_per_block: float = 150
    luts_per_uram: float = 0
    luts_per_dsp: float = 0
    sparing: bool = False

    def ram(self, depth: int, width: int) -> str:
        """Style of a memory that is written."""
        worth = {
            style: self.worth(ram_cost(depth, width, style)) for style in ("distributed", "block")
        }
        if self.luts_per_uram:
            worth["ultra"] = self.worth(self._ultra(depth, width))
        return min(worth, key=lambda style: worth[style])

    def rom(self, depth: int, width: int, loadable: bool = False) -> str:
        """Style of a memory of constants. No bitstream fills an UltraRAM: it must be loadable."""
        worth = {
            style: self.worth(rom_cost(depth, width, style)) for style in ("distributed", "block")
        }
        if loadable and self.luts_per_uram:
            worth["ultra"] = self.worth(self._ultra(depth, width)) + LOADING
        return min(worth, key=lambda style: worth[style])

    def _ultra(self, depth: int, width: int) -> Cost:
        if self.sparing:
            return ram_cost(depth, width, "ultra")
        return Cost(uram=ceil_div(depth, URAM_DEPTH) * ceil_div(width, URAM_WIDTH))

    def worth(self, cost: Cost) -> float:
        """Returns what a cost is worth in LUTs, by the exchange rates of this style."""
        memories = self.luts_per_block * cost.bram18 + self.luts_per_uram * cost.uram
        return cost.lut + memories + self.luts_per_dsp * cost.dsp


@dataclass(frozen=True, eq=False)
class Block(ABC):
    """A layer, its folding, the board's style. `kernels`: in the order of the data, by short
    name; each reads the one before, unless `wires` says otherwise.
    """

    layer: Layer
    folding: Folding
    style: Style

    @cached_property
    @abstractmethod
    def kernels(self) -> dict[str, Kernel]:
        """The block's kernels have short names and stand in the order of the data."""

    @property
    def wires(self) -> list[tuple[str, str]]:
        """Between the kernels, ends as (instance.port)."""
        names = list(self.kernels)
        return [(f"{a}.m_axis", f"{b}.s_axis") for a, b in zip(names, names[1:], strict=False)]

    @property
    def takes(self) -> list[str]:
        """The end that reads each input."""
        return [f"{next(iter(self.kernels))}.s_axis"]

    @property
    def gives(self) -> str:
        """The end that carries the output."""
        return f"{list(self.kernels)[-1]}.m_axis"

    @property
    @abstractmethod
    def entries(self) -> tuple[int, ...]:
        """Codes a beat that it reads, by input."""

    @property
    def exit(self) -> int:
        """Codes a beat that it gives."""
        return self.folding.lanes

    @property
    def drops(self) -> list[str]:
        """The beats of these ends of the block are wanted by nobody."""
        return []

    @cached_property
    def cost(self) -> Cost:
        """The block costs what all its kernels cost."""
        return sum((k.cost() for k in self.kernels.values()), Cost())

    @property
    @abstractmethod
    def interval(self) -> int:
        """The slowest kernel of the block asks for this many cycles a frame."""

    @property
    def pieces(self) -> int:
        """A vector of the output leaves in so many beats, spread over the time that it takes."""
        return self.layer.output.channels // self.exit

    def between(self, sources: Sequence[int], ahead: Sequence[int]) -> int:
        """Returns the cycles between frames that follow each other closely. sources: cycles in
        which each input can give one. ahead: see `Times`.
        """
        return self.interval

    @abstractmethod
    def run(self, inputs: Sequence[Times]) -> Times:
        """Returns when each vector of the output comes, given the times of the inputs."""

    def needs(self, position: int) -> Cycles:
        """For each output vector the last vector of an input that it needs, by index."""
        return np.arange(self.layer.output.vectors)

    def waits(self, position: int) -> list[int]:
        """Inputs without which a vector of the input at `position` is not read."""
        return []


def buffer(depth: int, bits: int, beats: int, style: Style) -> Fifo:
    """Returns a FIFO that holds at least so many beats."""
    width = whole_bytes(bits)
    depth = max(2, depth)
    return Fifo(DEPTH=depth, STREAM_WIDTH=width, RAM_STYLE=style.ram(depth, width + 1), beats=beats)


def converting(lanes: int, out: int, codes: int) -> int:
    """Returns the cycles in which so many codes go from `lanes` a beat to `out` by way of
    `narrowed`.
    """
    if lanes <= out or not _half_rate(lanes, out):
        return codes // min(lanes, out)
    # The hold is empty for a cycle between the beats that it passes on.
    return codes // lanes * (lanes // out + 1)


def _half_rate(lanes: int, out: int) -> bool:
    """A beat is wanted every other cycle at most."""
    return lanes // out > 1


def narrowed(lanes: int, out: int, bits: int, codes: int) -> dict[str, Kernel]:
    """From `lanes` codes a beat to `out`. A wide beat is held, so that its source goes on; where it
    is wanted every other cycle at most, tready ends there too.
    """
    if lanes == out:
        return {}
    convert = Dwc(IN_LANES=lanes, OUT_LANES=out, ELEM_WIDTH=bits, groups=codes // lcm(lanes, out))
    if lanes < out:
        return {"widen": convert}
    return {
        "hold": Pipe(
            STREAM_WIDTH=whole_bytes(lanes * bits),
            HALF_RATE=_half_rate(lanes, out),
            beats=codes // lanes,
        ),
        "narrow": convert,
    }
