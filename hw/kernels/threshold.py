"""Thresholds: sums -> codes by binary search among the steps of each channel, y = low + sum_i
[acc >= T_i]; the golden function is in `requant.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hw.kernels.common.bases import Layered
from hw.kernels.common.costs import ROM_STYLES, rom_cost
from hw.ops.requant import threshold
from hw.spec.dtypes import Arrays, IntType
from hw.spec.hls import HlsCall, HlsLoop, rom
from hw.spec.kernel import Cost, RomImage
from hw.spec.sizes import ceil_div, index_bits
from hw.spec.stream import Stream

SMALL = 64
"""Words of a stage that stay in LUTs in any case."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Threshold(Layered):
    """The kernel `threshold` with its parameters chosen. NumChannels: channels. PE: lanes.
    ACCU_WIDTH, ACCU_SIGNED: of sums and thresholds. OUT_WIDTH, OUT_SIGNED: of codes. SETS: of
    thresholds. RAM_STYLE: of their ROMs.

    thresholds: (SETS, NumChannels, 2^OUT_WIDTH - 1), ascending, in the sums' type; None draws some.
    pixels: of a frame in tests.
    """

    name = "threshold"
    parts = ("fold_index", "rom")
    example_values = {"NumChannels": 16, "PE": 1, "ACCU_WIDTH": 15, "OUT_WIDTH": 4}

    NumChannels: int
    PE: int
    ACCU_WIDTH: int
    ACCU_SIGNED: bool = True
    OUT_WIDTH: int
    OUT_SIGNED: bool = False
    SETS: int = 1
    RAM_STYLE: str = "block"
    thresholds: NDArray[np.int64] | None = None
    pixels: int = 16

    def validate(self) -> None:
        self.need(self.NumChannels >= 1, "NumChannels", "at least 1")
        self.need(self.PE >= 1 and self.NumChannels % self.PE == 0, "PE", "divides NumChannels")
        self.need(2 <= self.ACCU_WIDTH <= 32, "ACCU_WIDTH", "2..32")
        least = 2 if self.OUT_SIGNED else 1
        self.need(least <= self.OUT_WIDTH <= 8, "OUT_WIDTH", "1..8, 2..8 if OUT_SIGNED")
        self.need(1 <= self.SETS <= 256, "SETS", "1..256")
        self.need_one_of("RAM_STYLE", ROM_STYLES)
        steps, accu = self.steps, self._accu()
        shape = (self.SETS, self.NumChannels, (1 << self.OUT_WIDTH) - 1)
        self.need(steps.shape == shape, "NumChannels", f"the thresholds are {shape}")
        held = accu.min <= steps.min() and steps.max() <= accu.max
        self.need(bool(held), "ACCU_WIDTH", "holds every threshold")
        self.need(bool((np.diff(steps) >= 0).all()), "OUT_WIDTH", "its thresholds ascend")

    @cached_property
    def steps(self) -> NDArray[np.int64]:
        """The thresholds, drawn where they are not given: all over the range, some of them twice,
        in the first channel both ends.
        """
        levels, accu = (1 << self.OUT_WIDTH) - 1, self._accu()
        if self.thresholds is not None:
            return self.thresholds.astype(np.int64).reshape(self.SETS, -1, levels)
        rng = np.random.default_rng(self.NumChannels * 100 + self.ACCU_WIDTH)
        shape = (self.SETS, self.NumChannels, levels)
        steps = np.sort(rng.integers(accu.min, accu.max + 1, shape), axis=2)
        steps[:, :, 1:] = np.where(
            rng.random(shape)[:, :, 1:] < 0.1, steps[:, :, :-1], steps[:, :, 1:]
        )
        if self.NumChannels > 1:
            steps[0, 0, : levels // 2], steps[0, 0, levels // 2 :] = accu.min, accu.max
        return np.sort(steps, axis=2)

    def _accu(self) -> IntType:
        return IntType(self.ACCU_WIDTH, bool(self.ACCU_SIGNED))

    def _out(self) -> IntType:
        return IntType(self.OUT_WIDTH, bool(self.OUT_SIGNED))

    def memories(self) -> dict[str, RomImage]:
        fold, accu = self.NumChannels // self.PE, self._accu()
        words = 1 << index_bits(fold) if self.SETS > 1 else fold
        codes = np.zeros((self.SETS, words, self.PE, self.steps.shape[2]), np.int64)
        codes[:, :fold] = (self.steps - accu.min).reshape(self.SETS, fold, self.PE, -1)
        found = {}
        for stage in range(self.OUT_WIDTH):
            half = 1 << (self.OUT_WIDTH - 1 - stage)  # the middle of each part still in question
            middle = codes[..., half - 1 :: 2 * half].transpose(0, 1, 3, 2).reshape(-1, self.PE)
            packed = [
                sum(value << (lane * self.ACCU_WIDTH) for lane, value in enumerate(word))
                for word in middle.tolist()
            ]
            found[f"INIT_FILE_{stage}"] = RomImage(tuple(packed), self.PE * self.ACCU_WIDTH)
        return found

    def inputs(self) -> dict[str, Stream]:
        sums = Stream((self.pixels, self.NumChannels), self._accu(), self.PE)
        return {**self.layer_stream(), "s_axis": sums}

    def outputs(self) -> dict[str, Stream]:
        return {"m_axis": Stream((self.pixels, self.NumChannels), self._out(), self.PE)}

    def stimulus(self, rng: np.random.Generator, kind: str, **settings: int) -> Arrays:
        frame, accu = super().stimulus(rng, kind, **settings), self._accu()
        sums = frame["s_axis"]
        if kind == "random":  # every other one next to a step
            which = rng.integers(0, self.steps.shape[2], sums.shape)
            near = self.steps[self.layer(frame), np.arange(self.NumChannels)[None], which]
            near = np.clip(near - rng.integers(0, 2, sums.shape), accu.min, accu.max)
            sums = np.where(rng.integers(0, 2, sums.shape) == 1, sums, near)
        return {**frame, "s_axis": sums}

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        steps = torch.from_numpy(self.steps[self.layer(inputs)])
        codes = threshold(inputs["s_axis"].T[None], steps, self._out().min)
        return {"m_axis": codes[0].T.contiguous()}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        return frames * self.ideal_cycles() + self.OUT_WIDTH + 1

    def ideal_cycles(self, **settings: int) -> int:
        return self.pixels * self.NumChannels // self.PE

    def hls(self) -> HlsCall:
        names = (
            "NumChannels",
            "PE",
            "ACCU_WIDTH",
            "ACCU_SIGNED",
            "OUT_WIDTH",
            "OUT_SIGNED",
            "SETS",
        )
        words = self.steps.reshape(-1, self.PE, self.steps.shape[2])
        steps = rom(words, self.ACCU_WIDTH, bool(self.ACCU_SIGNED))
        template = self.template(*names, PIXELS=self.pixels)
        return HlsCall("thresholding", "thresholding", template, {"steps": steps})

    def hls_loops(self, **settings: int) -> tuple[HlsLoop, ...]:
        stages = 4 + self.OUT_WIDTH  # a comparison a bit
        return (HlsLoop("thresholding_set", self.ideal_cycles(), stages=stages),)

    def cost(self) -> Cost:
        fold, sets = index_bits(self.NumChannels // self.PE), index_bits(self.SETS)
        depth = self.NumChannels // self.PE if self.SETS == 1 else self.SETS << fold
        lane = Cost(ff=self.OUT_WIDTH)
        for stage in range(self.OUT_WIDTH):
            compare = ceil_div(self.ACCU_WIDTH, 2) + 1
            lane += Cost(lut=compare, ff=self.ACCU_WIDTH + stage) + self._rom(depth << stage)
        control = 3 + ceil_div(fold, 2) + (sets + 2 if sets else 0)
        index = index_bits(depth) * (self.OUT_WIDTH - 1)
        return Cost(lut=control, ff=self.OUT_WIDTH + 3 + fold + index) + lane * self.PE

    def _rom(self, words: int) -> Cost:
        """One lane's thresholds of a stage."""
        width = self.ACCU_WIDTH
        if self.RAM_STYLE == "block" and words > SMALL:
            return rom_cost(words, width, "block")
        if words <= 4:  # few words have few different columns
            return Cost(lut=min(width, 10) if words > 2 else 0, ff=width)
        pieces = ceil_div(words, 64)
        return Cost(lut=width * (pieces + ceil_div(pieces - 1, 3)), ff=width)
