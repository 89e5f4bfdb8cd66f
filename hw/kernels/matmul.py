"""The kernel that multiplies two matrices of activations as they stream in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw.kernels.common import mac_array
from hw.kernels.common.costs import MULTIPLIERS, RAM_STYLES, ram_cost
from hw.ops.matmul import matmul
from hw.spec.dtypes import Arrays, IntType
from hw.spec.hls import HlsCall, HlsLoop
from hw.spec.kernel import Cost, Kernel, draw
from hw.spec.sizes import index_bits
from hw.spec.stream import Stream

STORED_ROW = 64
"""Beats of A's row from which block RAM keeps it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Matmul(Kernel):
    """Product of two activation streams, B buffered, A passing by: C = A B.

    TRANSPOSED = 1: B arrives as its transpose, (L, DIM), and A as (M, DIM); out (M, L). Scores of
    queries A and keys B. TRANSPOSED = 0: B is (L, DIM) and A (M, L); out (M, DIM). Context of
    weights A and values B. The mask product, hyper-network vectors (T, C) times a pixel embedding
    (H W, C), is TRANSPOSED with the T vectors as B and the pixels as A: the T masks run fastest
    (LENGTH = T, DIM = C, PE up to T, one pass a pixel if PE = T).

    LENGTH: greatest L. PE: sums at once. SIMD: terms at once. A_WIDTH, A_SIGNED, B_WIDTH (signed),
    ACCU_WIDTH: bits. PACK: products a multiplier. RES: "dsp" or "lut". RAM_STYLE: of B's buffer.
    DOUBLE: B's next frame loads while this one is multiplied. RAGGED: L comes in s_axis_length, one
    beat a frame, a multiple of PE if TRANSPOSED, else of SIMD, which then is a power of two.
    rows: M of a frame in tests.
    """

    name = "matmul"
    parts = ("ram", "mac_array")
    example_values = {
        "LENGTH": 16,
        "DIM": 8,
        "PE": 2,
        "SIMD": 2,
        "A_WIDTH": 8,
        "B_WIDTH": 8,
        "ACCU_WIDTH": 19,
    }

    TRANSPOSED: bool = True
    LENGTH: int
    DIM: int
    PE: int
    SIMD: int
    A_WIDTH: int
    A_SIGNED: bool = True
    B_WIDTH: int
    ACCU_WIDTH: int
    PACK: int = 1
    RES: str = "dsp"
    RAM_STYLE: str = "block"
    DOUBLE: bool = True
    RAGGED: bool = False
    rows: int = 4

    @property
    def lanes(self) -> int:
        """A word has this many rows of B side by side."""
        return self.PE if self.TRANSPOSED else self.SIMD

    @property
    def wide(self) -> int:
        """A beat of B has this many codes."""
        return self.SIMD if self.TRANSPOSED else self.PE

    @property
    def a(self) -> IntType:
        """The codes of A have this type."""
        return IntType(self.A_WIDTH, self.A_SIGNED)

    @property
    def b(self) -> IntType:
        """The codes of B have this type."""
        return IntType(self.B_WIDTH)

    @property
    def term(self) -> int:
        """A product of two codes is at most this, whatever its sign."""
        return max(-self.a.min, self.a.max) * -self.b.min

    def validate(self) -> None:
        along = ("PE", "SIMD") if self.TRANSPOSED else ("SIMD", "PE")
        self.need(self.PE >= 1, "PE", "at least 1")
        self.need(self.SIMD >= 1, "SIMD", "at least 1")
        two = not self.RAGGED or self.lanes & (self.lanes - 1) == 0
        self.need(two, along[0], "a power of two if RAGGED")
        for name, divisor in zip(("LENGTH", "DIM"), along, strict=True):
            value, step = getattr(self, name), getattr(self, divisor)
            self.need(
                1 <= value <= 1 << 16 and value % step == 0, name, f"up to 65536, {divisor} divides"
            )
        least = 2 if self.A_SIGNED else 1
        self.need(least <= self.A_WIDTH <= 16, "A_WIDTH", f"{least}..16 bits")
        self.need(2 <= self.B_WIDTH <= 16, "B_WIDTH", "2..16 bits")
        terms = self.DIM if self.TRANSPOSED else self.LENGTH
        least = terms * min(self.a.min * self.b.max, self.a.max * self.b.min)
        most = terms * max(self.a.min * self.b.min, self.a.max * self.b.max)
        sums = IntType(self.ACCU_WIDTH) if 2 <= self.ACCU_WIDTH <= 32 else None
        holds = sums is not None and sums.min <= least and most <= sums.max
        self.need(holds, "ACCU_WIDTH", f"up to 32 bits that hold {least}..{most}")
        wide = {2: self.A_WIDTH + 2 * self.B_WIDTH <= 24, 4: max(self.A_WIDTH, self.B_WIDTH) <= 4}
        packs = wide.get(self.PACK, False) and self.RES == "dsp" and self.PE % self.PACK == 0
        rule = "1; for DSPs a divisor of PE: 2 if A_WIDTH + 2 B_WIDTH <= 24, 4 of 4-bit codes"
        self.need(self.PACK == 1 or packs, "PACK", rule)
        self.need_one_of("RES", MULTIPLIERS)
        self.need_one_of("RAM_STYLE", RAM_STYLES)

    def _streams(self, length: int) -> dict[str, Stream]:
        depth = self.DIM if self.TRANSPOSED else length
        counter = IntType(self.LENGTH.bit_length(), False)
        ragged = {"s_axis_length": Stream((1,), counter, last=False)} if self.RAGGED else {}
        return {
            **ragged,
            "s_axis_b": Stream((length, self.DIM), self.b, self.wide, last=False),
            "s_axis_a": Stream((self.rows, depth), self.a, self.SIMD),
        }

    def inputs(self) -> dict[str, Stream]:
        return self._streams(self.LENGTH)

    def outputs(self) -> dict[str, Stream]:
        columns = self.LENGTH if self.TRANSPOSED else self.DIM
        return {"m_axis": Stream((self.rows, columns), IntType(self.ACCU_WIDTH), self.PE)}

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        a, b = inputs["s_axis_a"], inputs["s_axis_b"]
        return {"m_axis": matmul(a, b.mT if self.TRANSPOSED else b, self.term)}

    def settings(self) -> list[dict[str, int]]:
        if not self.RAGGED:
            return [{}]
        middle = (self.LENGTH // self.lanes // 2 | 1) * self.lanes
        lengths = {self.LENGTH, self.lanes, min(middle, self.LENGTH)}
        return [{"length": length} for length in sorted(lengths, reverse=True)]

    def stimulus(self, rng: np.random.Generator, kind: str, **settings: int) -> Arrays:
        length = settings.get("length", self.LENGTH)
        frame = {k: draw(s, rng, kind) for k, s in self._streams(length).items()}
        if self.RAGGED:
            frame["s_axis_length"] = np.array([length])
        return frame

    def ideal_cycles(self, **settings: int) -> int:
        return self._multiplying(settings.get("length", self.LENGTH))

    def _multiplying(self, length: int) -> int:
        return self.rows * length * self.DIM // (self.PE * self.SIMD)

    def cycles(self, frames: int = 1, **settings: int) -> int:
        length = settings.get("length", self.LENGTH)
        loading, multiplying = length * self.DIM // self.wide, self._multiplying(length)
        loaded, done = loading, 0
        ends: list[int] = []
        for _ in range(frames):
            start = max(loaded + 1, done)
            done = start + multiplying
            ends.append(done)
            loaded = self.loaded((start if self.DOUBLE else done) + 1, loading, ends)
        return done + self.latency

    def loaded(self, first: int, beats: int, ends: Sequence[int]) -> int:
        """In which cycle the last of so many beats of B is taken, where the first may be in `first`
        and multiplications of frames ended in `ends`: while a frame's last word is read none is.
        """
        last = first + beats - 1
        if self.keeps_row:
            for end in ends[-2:]:
                last += first <= end + 1 <= last
        return last

    @property
    def latency(self) -> int:
        """This many cycles pass from the last terms of a sum, read or taken, to the sum."""
        array = mac_array.latency(self.PE, self.SIMD, self.PACK, self.RES)
        return 1 + self.keeps_row + array

    @property
    def keeps_row(self) -> bool:
        """Tells whether a row of A is kept for more than one pass."""
        inner, groups = self.DIM // self.wide, self.LENGTH // self.lanes
        return inner > 1 and groups > 1

    def hls(self) -> HlsCall:
        names = ("TRANSPOSED", "LENGTH", "DIM", "PE", "SIMD", "A_WIDTH", "A_SIGNED", "B_WIDTH")
        template = self.template(*names, "ACCU_WIDTH", ROWS=self.rows)
        return HlsCall("matmul", "matmul", template)

    def hls_loops(self, **settings: int) -> tuple[HlsLoop, ...]:
        """Bounds that the length decides keep the nest of the multiplication apart: its rows where
        they are passes, its passes too where they are steps.
        """
        length = settings.get("length", self.LENGTH)
        entries = 1
        if self.RAGGED:
            entries = self.rows * (1 if self.TRANSPOSED else self.DIM // self.wide)
        loading = length * self.DIM // self.wide
        stages = 5 + index_bits(self.SIMD)
        return (
            HlsLoop("matmul_load", loading, stages=3),
            HlsLoop("matmul_multiply", self._multiplying(length), entries, stages, loading),
        )

    def cost(self) -> Cost:
        inner, groups = self.DIM // self.wide, self.LENGTH // self.lanes
        steps = inner if self.TRANSPOSED else groups
        widths = (self.A_WIDTH, self.B_WIDTH, self.ACCU_WIDTH)
        array = mac_array.cost(self.PE, self.SIMD, *widths, self.PACK, self.RES, steps=steps)
        padded = 1 << index_bits(inner)
        depth = ((groups - 1) * padded + inner) << self.DOUBLE
        buffer = ram_cost(depth, self.wide * self.B_WIDTH, self.RAM_STYLE) * self.lanes
        row = Cost(ff=self.SIMD * self.A_WIDTH)
        if self.keeps_row:
            style = "block" if steps > STORED_ROW else "distributed"
            row = ram_cost(steps, self.SIMD * self.A_WIDTH, style)
        return array + buffer + row + self._control()

    def _control(self) -> Cost:
        """Two counters of beats in a row and two of groups, their ends, one enable a lane. The
        ragged end is compared with the length, while loading and while multiplying.
        """
        inner = index_bits(self.DIM // self.wide)
        groups = index_bits(self.LENGTH // self.lanes)
        ragged = groups if self.RAGGED else 0
        lut = 18 + 1.5 * self.lanes + 1.5 * inner + 2.2 * groups + 2.5 * ragged
        counters = (3 if self.keeps_row else 2) * (inner + groups)
        return Cost(lut=lut, ff=counters + ragged + self.lanes + (13 if self.keeps_row else 9))
