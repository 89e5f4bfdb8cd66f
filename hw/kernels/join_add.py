"""Residual join: two streams of codes become one, clip((a * MA + b * MB + BIAS) >> SHIFT)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hw.ops.join import join_add, saturate
from hw.spec.dtypes import IntType
from hw.spec.hls import HlsCall
from hw.spec.kernel import Cost, Kernel
from hw.spec.sizes import signed_bits
from hw.spec.stream import Stream


@dataclass(frozen=True, eq=False, kw_only=True)
class JoinAdd(Kernel):
    """The kernel `join_add` with its parameters chosen. PE: lanes. IN_WIDTH_A, IN_SIGNED_A,
    IN_WIDTH_B, IN_SIGNED_B, OUT_WIDTH, OUT_SIGNED: of codes. MA, MB, BIAS, SHIFT: constants of the
    tensor; left alone they make the sum of codes of one scale. beats: of a frame in tests.
    """

    name = "join_add"
    example_values = {"PE": 1, "IN_WIDTH_A": 8, "IN_WIDTH_B": 8, "OUT_WIDTH": 8}

    PE: int
    IN_WIDTH_A: int
    IN_SIGNED_A: bool = True
    IN_WIDTH_B: int
    IN_SIGNED_B: bool = True
    OUT_WIDTH: int
    OUT_SIGNED: bool = True
    MA: int = 1
    MB: int = 1
    BIAS: int = 0
    SHIFT: int = 0
    beats: int = 16

    def validate(self) -> None:
        self.need(self.PE >= 1, "PE", "at least 1")
        for end in ("IN_WIDTH_A", "IN_WIDTH_B", "OUT_WIDTH"):
            signed = end.replace("WIDTH", "SIGNED")
            least = 2 if getattr(self, signed) else 1
            rule = f"1..16, 2..16 if {signed}"
            self.need(least <= getattr(self, end) <= 16, end, rule)
        self.need(abs(self.MA) < 65536, "MA", "-65535..65535")
        self.need(abs(self.MB) < 65536, "MB", "-65535..65535")
        self.need(abs(self.BIAS) < 1 << 30, "BIAS", "below 2^30 each way")
        self.need(0 <= self.SHIFT <= 31, "SHIFT", "at most 31")

    def inputs(self) -> dict[str, Stream]:
        shape = (self.beats, self.PE)
        a = IntType(self.IN_WIDTH_A, bool(self.IN_SIGNED_A))
        b = IntType(self.IN_WIDTH_B, bool(self.IN_SIGNED_B))
        return {"s_axis_a": Stream(shape, a, self.PE), "s_axis_b": Stream(shape, b, self.PE)}

    def outputs(self) -> dict[str, Stream]:
        return {"m_axis": Stream((self.beats, self.PE), self._out(), self.PE)}

    def _out(self) -> IntType:
        return IntType(self.OUT_WIDTH, bool(self.OUT_SIGNED))

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        a, b, out = inputs["s_axis_a"], inputs["s_axis_b"], self._out()
        if (self.MA, self.MB, self.BIAS, self.SHIFT) == (1, 1, 0, 0):
            return {"m_axis": join_add(a, b, out.min, out.max)}
        total = (a * self.MA + b * self.MB + self.BIAS) >> self.SHIFT
        return {"m_axis": saturate(total, out.min, out.max)}

    def _multiplies(self) -> list[bool]:
        """Whether a, and b, have a factor that is no power of two."""
        return [bin(abs(factor)).count("1") > 1 for factor in (self.MA, self.MB)]

    def cycles(self, frames: int = 1, **settings: int) -> int:
        return frames * self.beats + (3 if any(self._multiplies()) else 1)

    def ideal_cycles(self, **settings: int) -> int:
        return self.beats

    def hls(self) -> HlsCall:
        names: tuple[str, ...] = (
            "PE",
            "IN_WIDTH_A",
            "IN_SIGNED_A",
            "IN_WIDTH_B",
            "IN_SIGNED_B",
            "OUT_WIDTH",
        )
        names += ("OUT_SIGNED", "MA", "MB", "BIAS", "SHIFT")
        return HlsCall("add", "join_add", self.template(*names, BEATS=self.beats))

    def cost(self) -> Cost:
        factors, codes = (self.MA, self.MB), [s.dtype for s in self.inputs().values()]
        multiplies = self._multiplies()
        terms = [sorted((m * t.min, m * t.max)) for m, t in zip(factors, codes, strict=True)]
        low = sum(t[0] for t in terms) + self.BIAS
        high = sum(t[1] for t in terms) + self.BIAS
        total = signed_bits(low, high)
        out = self._out()
        clips = low >> self.SHIFT < out.min or high >> self.SHIFT > out.max
        clip = out.bits + (total - self.SHIFT - out.bits > 3) if clips else 0
        zeros = 0  # low bits that only one of the terms has
        if not any(multiplies):
            zeros = max((abs(m) & -abs(m)).bit_length() - 1 for m in factors if m) if low else 0
        both = self.MA != 0 and self.MB != 0
        adder = total - zeros - 1 if both else 0
        if not any(multiplies) and (self.BIAS not in (0, 1) or (self.MA < 0 and self.MB < 0)):
            adder += total - zeros  # a third operand
        dsp, products = 0, 0
        for m, t, multiply in zip(factors, codes, multiplies, strict=True):
            wide = t.bits + (not t.signed)
            if multiply and wide + signed_bits(m, m) >= 9:  # Yosys' least multiplier
                dsp += 1
            elif multiply:
                products += wide
        ff = min(out.bits, total - self.SHIFT) + (3 * total if any(multiplies) else 0)
        stages = 3 if any(multiplies) else 1
        lane = Cost(lut=adder + clip + products, ff=ff, dsp=dsp)
        return Cost(lut=3, ff=2 * stages) + lane * self.PE
