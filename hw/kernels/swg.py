"""Sliding windows of a map, as a convolution reads them (FINN's ConvolutionInputGenerator)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hw.kernels.common.costs import BLOCKS, RAM_STYLES, ram_cost
from hw.spec.dtypes import IntType
from hw.spec.hls import HlsCall, HlsLoop
from hw.spec.kernel import Cost, Kernel
from hw.spec.sizes import ceil_div, index_bits
from hw.spec.stream import Stream


@dataclass(frozen=True, eq=False, kw_only=True)
class Swg(Kernel):
    """The kernel `swg` cuts a map into windows: (H, W, C) -> OH x OW windows of k x k pixels.

    IFM_H, IFM_W, NumChannels: lines, pixels of a line, channels of the map. KERNEL: k. STRIDE: 1 or
    2. SIMD: channels a beat. ELEM_WIDTH: bits of a code; signed: of no effect on them. RAM_STYLE:
    memory of the lines, distributed, block or ultra. Orders of the output:
      dense      (OH, OW, k, k, C), SIMD lanes
      DEPTHWISE  (OH, OW, C / SIMD, k * k, SIMD), SIMD lanes
      PARALLEL   the order of DEPTHWISE, whatever that is, k * k * SIMD lanes
    """

    name = "swg"
    parts = ("ram",)
    example_values = {
        "IFM_H": 8,
        "IFM_W": 8,
        "NumChannels": 4,
        "KERNEL": 3,
        "STRIDE": 1,
        "SIMD": 1,
        "ELEM_WIDTH": 8,
    }

    IFM_H: int
    IFM_W: int
    NumChannels: int
    KERNEL: int
    STRIDE: int
    SIMD: int
    DEPTHWISE: bool = False
    PARALLEL: bool = False
    ELEM_WIDTH: int
    RAM_STYLE: str = "block"
    signed: bool = False

    def validate(self) -> None:
        for parameter in ("IFM_H", "IFM_W", "NumChannels"):
            self.need(1 <= getattr(self, parameter) <= 4096, parameter, "1..4096")
        most = min(15, self.IFM_H, self.IFM_W)
        self.need(1 <= self.KERNEL <= most, "KERNEL", "1..15, at most IFM_H and IFM_W")
        self.need(self.STRIDE in (1, 2), "STRIDE", "1 or 2")
        self.need(
            self.SIMD >= 1 and self.NumChannels % self.SIMD == 0, "SIMD", "divides NumChannels"
        )
        self.need(1 <= self.ELEM_WIDTH <= 32, "ELEM_WIDTH", "1..32")
        self.need_one_of("RAM_STYLE", RAM_STYLES)

    @property
    def fold(self) -> int:
        """A pixel of the map comes in this many beats."""
        return self.NumChannels // self.SIMD

    @property
    def windows(self) -> tuple[int, int]:
        """The windows of a map stand in this many lines and columns."""
        k, s = self.KERNEL, self.STRIDE
        return (self.IFM_H - k) // s + 1, (self.IFM_W - k) // s + 1

    @property
    def span(self) -> int:
        """Words from a window's first to its last, both counted, as they come in."""
        return ((self.KERNEL - 1) * self.IFM_W + self.KERNEL) * self.fold

    @property
    def moves(self) -> tuple[int, int, int]:
        """Words from a window's first to the next one's: in a row, to the next row, frame."""
        (high, wide), line = self.windows, self.IFM_W * self.fold
        step = self.STRIDE * self.fold
        row = self.STRIDE * line - (wide - 1) * step
        return step, row, (self.IFM_H - (high - 1) * self.STRIDE) * line - (wide - 1) * step

    @property
    def ahead(self) -> int:
        """Words that may be written beyond the end of the window being read; see swg.sv."""
        (high, wide), (_, row, frame) = self.windows, self.moves
        pause = (self.IFM_H - high * self.STRIDE) * self.IFM_W
        wanted = frame if 100 * pause > high * wide * self.KERNEL**2 else row
        low = max(index_bits(wanted) - 3, 0)
        return ceil_div(wanted, 1 << low) << low

    @property
    def depth(self) -> int:
        """The ring of serial windows has this many words."""
        words = self.span + self.ahead
        low = max(index_bits(words) - 4, 0)
        return ceil_div(words, 1 << low) << low

    @property
    def cuts_ready(self) -> bool:
        return not self.PARALLEL

    def inputs(self) -> dict[str, Stream]:
        shape, dtype = (
            (self.IFM_H, self.IFM_W, self.NumChannels),
            IntType(self.ELEM_WIDTH, self.signed),
        )
        return {"s_axis": Stream(shape, dtype, self.SIMD, last=False)}

    def outputs(self) -> dict[str, Stream]:
        k, dtype = self.KERNEL, IntType(self.ELEM_WIDTH, self.signed)
        if self.DEPTHWISE or self.PARALLEL:
            shape: tuple[int, ...] = (*self.windows, self.fold, k * k, self.SIMD)
        else:
            shape = (*self.windows, k, k, self.NumChannels)
        return {"m_axis": Stream(shape, dtype, self.SIMD * (k * k if self.PARALLEL else 1))}

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        k, s = self.KERNEL, self.STRIDE
        windows = inputs["s_axis"].unfold(0, k, s).unfold(1, k, s)  # (OH, OW, C, k, k)
        if self.DEPTHWISE or self.PARALLEL:
            split = windows.unflatten(2, (self.fold, self.SIMD)).permute(0, 1, 2, 4, 5, 3)
            return {"m_axis": split.flatten(3, 4)}
        return {"m_axis": windows.permute(0, 1, 3, 4, 2)}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        high, wide = self.windows
        if self.PARALLEL:  # through the last beat of the last window, which leaves a cycle later
            y, x = ((n - 1) * self.STRIDE + self.KERNEL for n in (high, wide))
            lines = (frames - 1) * self.IFM_H + y - 1
            return (lines * self.IFM_W + x) * self.fold + 1
        # clock: of the next window, but for the wait; level: words there beyond its end.
        reads, (step, row, frame) = self.KERNEL**2 * self.fold, self.moves
        clock, wait, level = self.span + 1, 0, 0
        for y in range(1, frames * high + 1):
            for by, times in ((step, wide - 1), (frame if y % high == 0 else row, 1)):
                if times:  # the writer halts where it is `ahead`, the reader below level 0
                    clock += wait + times * reads
                    level = min(level + times * (reads - by), self.ahead - by)
                    wait, level = max(0, -level), max(0, level)
        return clock

    def ideal_cycles(self, **settings: int) -> int:
        return max(self.inputs()["s_axis"].beats, self.outputs()["m_axis"].beats)

    def hls(self) -> HlsCall:
        names = ("IFM_H", "IFM_W", "NumChannels", "KERNEL", "STRIDE", "SIMD", "ELEM_WIDTH")
        if self.PARALLEL:
            return HlsCall("swg", "swg_parallel", self.template(*names))
        return HlsCall("swg", "swg_serial", self.template(*names, "DEPTHWISE"))

    def hls_loops(self, **settings: int) -> tuple[HlsLoop, ...]:
        """A loop of the serial form gives a beat where it is here and takes one where there is
        room: a beat of a line of windows leaves in the iteration after the last that it waits for.
        """
        if self.PARALLEL:
            return (HlsLoop("swg_parallel", self.inputs()["s_axis"].beats),)
        line, total = self.IFM_W * self.fold, self.IFM_H * self.IFM_W * self.fold
        high, wide = ((n - self.KERNEL) // self.STRIDE + 1 for n in (self.IFM_H, self.IFM_W))
        taps, pixels, folds = np.arange(self.KERNEL), np.arange(wide), np.arange(self.fold)
        rows = taps[None, :, None, None] * line
        columns = pixels[:, None, None, None] * self.STRIDE + taps[None, None, :, None]
        needed = rows + columns * self.fold + folds + 1  # beats read, of the first line of windows
        order = (0, 3, 1, 2) if self.DEPTHWISE else (0, 1, 2, 3)
        beats = needed.transpose(order).ravel()
        left = np.arange(beats.size, 0, -1)
        trips = read = 0
        for top in range(0, high * self.STRIDE, self.STRIDE):
            late = np.maximum(beats + top * line - read, 0)
            took = int((late + left).max())
            room = min((top + self.KERNEL + self.STRIDE) * line, total)
            trips, read = trips + took, min(read + took, room)
        return (HlsLoop("swg_serial", trips + total - read),)

    def cost(self) -> Cost:
        return self._parallel_cost() if self.PARALLEL else self._serial_cost()

    def _serial_cost(self) -> Cost:
        fold, line, depth, home = self.fold, self.IFM_W * self.fold, self.depth, 1 - self.span
        address, level = index_bits(depth), max(*self.moves, self.ahead).bit_length() + 1
        inner = (self.KERNEL, fold) if self.DEPTHWISE else (self.KERNEL * fold, 1)
        loops = (inner[0], self.KERNEL, inner[1], *reversed(self.windows))
        back = ((self.KERNEL - 1) * self.IFM_W + self.KERNEL - 1) * fold
        across = (self.KERNEL - 1) * fold if self.DEPTHWISE else self.KERNEL * fold - 1
        strides = [fold if self.DEPTHWISE else 1, line - across, 1 - back]
        strides += [home + move for move in self.moves]
        # An adder's bit takes a LUT, with the choice of what is added, unless that is always 0.
        turns = [length > 1 for length in (*loops, 2)]
        read = _ever(strides, turns, depth)
        released = _ever([-move for move in self.moves], turns[3:], 1 << level)
        wraps = 0 if depth == 1 << address else min(address, 4)
        bits = sum(map(index_bits, loops))
        lut = 4.5 + 1.3 * read + 0.85 * released + 1.25 * (sum(turns) - 1)
        lut += 1.4 * bits + 1.45 * wraps
        # Each loop's end, a window's and whether there is room are known a cycle ahead.
        ff = 2 * address + level + bits + sum(turns) + 3
        return Cost(lut=lut, ff=ff) + _memory(depth, self.SIMD * self.ELEM_WIDTH, self.RAM_STYLE)

    def _parallel_cost(self) -> Cost:
        word, k = self.SIMD * self.ELEM_WIDTH, self.KERNEL
        pixels, folds = index_bits(self.IFM_W) + index_bits(self.IFM_H), index_bits(self.fold)
        cost = Cost(lut=6 + 1.1 * pixels + 2.2 * folds, ff=pixels + folds + word + 2)
        if k == 1:
            return cost
        line, left = self.IFM_W * self.fold, (k - 1) * k * word
        cost += Cost(ff=2 * index_bits(line)) + _memory(line, (k - 1) * word, self.RAM_STYLE)
        if self.fold <= 2:
            return cost + Cost(ff=self.fold * left)
        return cost + Cost(ff=folds) + ram_cost(self.fold, left, "distributed")


def _ever(values: list[int], used: list[bool], modulus: int) -> int:
    """Bits that are set in any of the values in use, taken modulo `modulus`."""
    bits = 0
    for value, counts in zip(values, used, strict=True):
        bits |= value % modulus if counts else 0
    return bits.bit_count()


def _memory(depth: int, width: int, style: str) -> Cost:
    """`memory/ram.sv`, with what joins block RAMs one above the other: Yosys pairs them to 36 Kb,
    and where their number is even that halves it.
    """
    cost = ram_cost(depth, width, style)
    if style != "block":
        return cost
    _, above = min((ceil_div(depth, d) * ceil_div(width, w), ceil_div(depth, d)) for d, w in BLOCKS)
    banks = above if above % 2 else above // 2
    if banks == 1:
        return cost
    return cost + Cost(lut=ceil_div(banks - 1, 3) * width + banks, ff=index_bits(banks))
