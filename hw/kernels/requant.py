"""Requantizer: sums -> codes, y = clip((acc * m + b) >> n) with integers m, b, n per channel (one
DSP a lane).

A channel for which no such integers follow the trained quantizer falls back on thresholds, y =
low + sum_i [acc >= T_i].
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from hw.kernels.common.bases import Layered
from hw.kernels.common.costs import ROM_STYLES, rom_cost
from hw.ops.requant import requant
from hw.spec.dtypes import Arrays, IntType
from hw.spec.hls import HlsCall, HlsLoop, Rom, rom
from hw.spec.kernel import Cost, RomImage
from hw.spec.sizes import ceil_div, index_bits
from hw.spec.stream import Stream


class Constants(NamedTuple):
    """The integers m, b and n of a kernel, (SETS, NumChannels) each."""

    m: NDArray[np.int64]
    b: NDArray[np.int64]
    n: NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Requant(Layered):
    """The kernel `requant` with its parameters chosen. NumChannels: channels. PE: lanes.
    ACCU_WIDTH, PORT_WIDTH: bits of a sum, and of it at the multiplier; what lies beyond gives the
    end of the range. OUT_WIDTH, OUT_SIGNED: of codes. M_WIDTH: of m, unsigned. B_WIDTH: of b above
    its B_SHIFT zeros. SHIFT, SHIFTS, SHIFT_STEP: n is SHIFT + i * SHIFT_STEP, i < SHIFTS. SETS: of
    parameters. RAM_STYLE: of their ROM.

    m, b, n: (SETS, NumChannels), or (NumChannels,) for one set, as `hw.lower.requant.search_shared`
    finds them; None draws some. pixels: of a frame in tests; a frame of 2^ACCU_WIDTH has every sum
    in every channel.
    """

    name = "requant"
    parts = ("fold_index", "rom")
    example_values = {
        "NumChannels": 16,
        "PE": 1,
        "ACCU_WIDTH": 15,
        "PORT_WIDTH": 15,
        "OUT_WIDTH": 4,
        "M_WIDTH": 18,
        "B_WIDTH": 16,
        "B_SHIFT": 11,
        "SHIFT": 22,
    }

    NumChannels: int
    PE: int
    ACCU_WIDTH: int
    PORT_WIDTH: int
    OUT_WIDTH: int
    OUT_SIGNED: bool = False
    M_WIDTH: int
    B_WIDTH: int
    B_SHIFT: int
    SHIFT: int
    SHIFTS: int = 1
    SHIFT_STEP: int = 1
    SETS: int = 1
    RAM_STYLE: str = "block"
    m: NDArray[np.int64] | None = None
    b: NDArray[np.int64] | None = None
    n: NDArray[np.int64] | None = None
    pixels: int = 16

    def validate(self) -> None:
        self.need(self.NumChannels >= 1, "NumChannels", "at least 1")
        self.need(self.PE >= 1 and self.NumChannels % self.PE == 0, "PE", "divides NumChannels")
        self.need(2 <= self.ACCU_WIDTH <= 32, "ACCU_WIDTH", "2..32")
        port = 2 <= self.PORT_WIDTH <= min(25, self.ACCU_WIDTH)
        self.need(port, "PORT_WIDTH", "2..25, at most ACCU_WIDTH")
        least = 2 if self.OUT_SIGNED else 1
        self.need(least <= self.OUT_WIDTH <= 16, "OUT_WIDTH", "1..16, 2..16 if OUT_SIGNED")
        self.need(2 <= self.M_WIDTH <= 34, "M_WIDTH", "2..34")
        offset = self.B_WIDTH >= 2 and self.B_WIDTH + self.B_SHIFT <= 47
        self.need(offset, "B_WIDTH", "at least 2, with B_SHIFT at most 47")
        self.need(0 <= self.B_SHIFT <= self.SHIFT, "B_SHIFT", "at most SHIFT")
        self.need(self.SHIFTS in (1, 2, 4), "SHIFTS", "1, 2 or 4")
        step = self.SHIFTS == 1 or self.SHIFT_STEP >= 1
        self.need(step, "SHIFT_STEP", "at least 1 if SHIFTS > 1")
        self.need(max(self._shifts()) <= 46, "SHIFT", "the greatest shift is at most 46")
        self.need(1 <= self.SETS <= 256, "SETS", "1..256")
        self.need_one_of("RAM_STYLE", ROM_STYLES)
        m, b, n = self.constants
        shape = (self.SETS, self.NumChannels)
        self.need(
            m.shape == b.shape == n.shape == shape, "NumChannels", "m, b, n are (SETS, NumChannels)"
        )
        self.need(m.min() >= 0 and m.max() < 1 << self.M_WIDTH, "M_WIDTH", "holds every m")
        stored = b >> self.B_SHIFT
        self.need(
            bool((stored << self.B_SHIFT == b).all()), "B_SHIFT", "zeros at the end of each b"
        )
        kept = bool((np.abs(2 * stored + 1) < 1 << self.B_WIDTH).all())
        self.need(kept, "B_WIDTH", "holds every b above its B_SHIFT zeros")
        self.need(bool(np.isin(n, self._shifts()).all()), "SHIFT", "every n is a shift offered")

    def _shifts(self) -> list[int]:
        return [self.SHIFT + i * self.SHIFT_STEP for i in range(self.SHIFTS)]

    @cached_property
    def constants(self) -> Constants:
        """The integers m, b and n, drawn where they are not given."""
        if self.m is None or self.b is None or self.n is None:
            return self._drawn()
        return Constants(*(np.atleast_2d(v).astype(np.int64) for v in (self.m, self.b, self.n)))

    def _drawn(self) -> Constants:
        """Factors of 5 octaves, as trained layers have, and offsets that put code of sum 0 within
        the range; the first channels have the extremes of m and b.
        """
        rng = np.random.default_rng(self.NumChannels * 100 + self.M_WIDTH)
        shape = (self.SETS, self.NumChannels)
        n = rng.choice(self._shifts(), shape).astype(np.int64)
        top = (1 << self.M_WIDTH) - 1
        m = np.maximum(top * 2.0 ** -rng.uniform(0, 5, shape), 1).astype(np.int64)
        centre = rng.uniform(self.out_type.min, self.out_type.max + 1, shape)
        least = -1 << (self.B_WIDTH - 1)
        stored = np.floor(centre * 2.0 ** (n - self.B_SHIFT)).astype(np.int64)
        stored = np.clip(stored, least, -1 - least)
        if self.NumChannels > 4:
            m[0, :3], stored[0, :3] = [top, top, 0], [least, -1 - least, least]
        return Constants(m, stored << self.B_SHIFT, n)

    @property
    def out_type(self) -> IntType:
        """The codes that it gives have this type."""
        return IntType(self.OUT_WIDTH, bool(self.OUT_SIGNED))

    def memories(self) -> dict[str, RomImage]:
        fold = self.NumChannels // self.PE
        pad = 0 if self.SETS == 1 else (1 << index_bits(fold)) - fold
        m, b, n = (v.reshape(self.SETS, fold, self.PE).tolist() for v in self.constants)
        words = []
        for i in range(self.SETS):
            words += [self._word(*lanes) for lanes in zip(m[i], b[i], n[i], strict=True)]
            words += [0] * pad
        return {"INIT_FILE": RomImage(tuple(words), self.PE * self._lane_width)}

    @property
    def _lane_width(self) -> int:
        return index_bits(self.SHIFTS) + self.B_WIDTH + self.M_WIDTH

    def _word(self, m: list[int], b: list[int], n: list[int]) -> int:
        word = 0
        for lane in range(self.PE):
            select = self._shifts().index(n[lane])
            offset = (b[lane] >> self.B_SHIFT) % (1 << self.B_WIDTH)
            value = (((select << self.B_WIDTH) | offset) << self.M_WIDTH) | m[lane]
            word |= value << (lane * self._lane_width)
        return word

    def inputs(self) -> dict[str, Stream]:
        sums = Stream((self.pixels, self.NumChannels), IntType(self.ACCU_WIDTH), self.PE)
        return {**self.layer_stream(), "s_axis": sums}

    def outputs(self) -> dict[str, Stream]:
        return {"m_axis": Stream((self.pixels, self.NumChannels), self.out_type, self.PE)}

    def stimulus(self, rng: np.random.Generator, kind: str, **settings: int) -> Arrays:
        frame, accu = super().stimulus(rng, kind, **settings), IntType(self.ACCU_WIDTH)
        sums = frame["s_axis"]
        if kind == "random" and self.pixels == 1 << self.ACCU_WIDTH:
            every = np.arange(accu.min, accu.max + 1)
            sums = np.stack([rng.permutation(every) for _ in range(self.NumChannels)], 1)
        elif kind == "random":  # every other one next to a step
            m, b, n = (v[self.layer(frame)] for v in self.constants)
            code = rng.integers(self.out_type.min, self.out_type.max + 1, sums.shape)
            near = -((b - (code << n)) // np.maximum(m, 1)) - rng.integers(0, 2, sums.shape)
            near = np.clip(near, accu.min, accu.max)
            sums = np.where(rng.integers(0, 2, sums.shape) == 1, sums, near)
        return {**frame, "s_axis": sums}

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        m, b, n = (torch.from_numpy(v[self.layer(inputs)]) for v in self.constants)
        acc = inputs["s_axis"].T[None]
        low, high = self.out_type.min, self.out_type.max
        codes = requant(acc, m, b, n, low, high)
        port = IntType(self.PORT_WIDTH)
        codes = codes.masked_fill(acc > port.max, high).masked_fill(acc < port.min, low)
        return {"m_axis": codes[0].T.contiguous()}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        return frames * self.ideal_cycles() + 4

    def ideal_cycles(self, **settings: int) -> int:
        return self.pixels * self.NumChannels // self.PE

    @property
    def _depth(self) -> int:
        fold = self.NumChannels // self.PE
        return fold if self.SETS == 1 else self.SETS << index_bits(fold)

    def hls(self) -> HlsCall:
        names: tuple[str, ...] = (
            "NumChannels",
            "PE",
            "ACCU_WIDTH",
            "PORT_WIDTH",
            "OUT_WIDTH",
            "OUT_SIGNED",
            "M_WIDTH",
        )
        names += ("B_WIDTH", "B_SHIFT", "SHIFT", "SHIFTS", "SHIFT_STEP", "SETS")
        template = self.template(*names, PIXELS=self.pixels)
        return HlsCall("requant", "requant", template, self.hls_roms(self.PE))

    def hls_loops(self, **settings: int) -> tuple[HlsLoop, ...]:
        return (HlsLoop("requant_set", self.ideal_cycles(), stages=8),)

    def hls_roms(self, lanes: int) -> dict[str, Rom]:
        """The constants are m, b above its B_SHIFT zeros, and the number of n's shift: a word a
        group of lanes.
        """
        m, b, n = (v.reshape(-1, lanes) for v in self.constants)
        number = np.searchsorted(self._shifts(), n)
        return {
            "m": rom(m, self.M_WIDTH, False),
            "b": rom(b >> self.B_SHIFT, self.B_WIDTH, True),
            "n": rom(number, 8, False),
        }

    def cost(self) -> Cost:
        depth, width = self._depth, self.PE * self._lane_width
        varying = round(width * (1 - 2.0 ** (1 - depth)))  # the other columns are constant
        rom = rom_cost(depth, varying, self.RAM_STYLE) if depth > 1 else Cost()
        if rom.lut and depth <= 4:  # columns repeat
            rom = Cost(lut=min(varying, (1 << depth) - 2 * depth), ff=rom.ff)
        fold, sets = index_bits(self.NumChannels // self.PE), index_bits(self.SETS)
        counter = ceil_div(fold, 2) if fold else 0
        control = Cost(lut=counter + (sets + 2 if sets else 0), ff=4 + fold + sets)
        return rom + control + self._lane() * self.PE

    def _lane(self) -> Cost:
        product = self.PORT_WIDTH + self.M_WIDTH
        total = 1 + max(product, self.B_WIDTH + self.B_SHIFT)
        adder = total - 1 - self.B_SHIFT if self._depth > 1 else 0
        # A DSP48E2 takes 27 by 18 bits, two's complement; longer ones come in parts.
        sides = sorted((self.PORT_WIDTH - 1, self.M_WIDTH))
        dsps = ceil_div(sides[1], 26) * ceil_div(sides[0], 17)
        adder += (product - 17) * (dsps - 1 if dsps <= 2 else 2)
        guard = max(total - self.SHIFT - self.OUT_WIDTH, 1)
        clip = self.OUT_WIDTH + ceil_div(guard, 6)
        if self.SHIFTS > 1 and self._depth > 1:
            clip += self.OUT_WIDTH if self.SHIFTS == 4 else self.OUT_WIDTH // 2
        beyond = self.ACCU_WIDTH - self.PORT_WIDTH
        port = 3 + ceil_div(beyond, 5) if beyond else 0
        kept = product - self.B_SHIFT + total - self.SHIFT
        ff = self.PORT_WIDTH + self.B_WIDTH + kept + self.OUT_WIDTH
        return Cost(lut=adder + clip + port, ff=ff, dsp=dsps)
