"""Vector-vector unit: depthwise convolution of the windows that a sliding window unit gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hw.kernels.common.bases import Layered
from hw.kernels.common.costs import MULTIPLIERS, RAM_STYLES, ram_cost, rom_cost
from hw.ops.integers import bounds
from hw.spec.dtypes import Arrays, IntType
from hw.spec.errors import SpecError
from hw.spec.hls import HlsCall, HlsLoop, rom
from hw.spec.kernel import Cost, RomImage
from hw.spec.sizes import index_bits
from hw.spec.stream import Stream

DSP_PRODUCT = 9  # bits of a product from which Yosys takes a DSP for it
ADDER = 1.1  # LUTs a bit of an adder among several: fitted


@dataclass(frozen=True, eq=False, kw_only=True)
class Vvu(Layered):
    """A product of windows and filters, channel by channel: y[p][c] = sum over t of
    weights[set][c][t] * x[p][c][t].

    NumChannels, TAPS of a window. PE, SIMD: channels and taps a beat. *_WIDTH: bits; weights and
    sums are signed. SETS: of weights, chosen frame by frame over s_axis_layer. RAM_STYLE: memory of
    the weights; "ultra" is loaded once over s_axis_weights. RES: multipliers of DSPs or of LUTs.
    PACK: channels a multiplier. Two save half of the DSPs; where the accumulators are not in the
    DSPs (Yosys on UltraScale+) a pair takes 3 * ACCU_WIDTH + 2 LUTs instead of 2 * ACCU_WIDTH. With
    144 channels of 3 x 3, PE = 4, 4-bit codes: 56 LUT + 4 DSP; packed 83 + 2; of LUTs 136 + 0. On
    xc7, whose DSPs take the accumulators, 8 + 4 and packed 8 + 2. From products of fewer than 9
    bits Yosys makes no DSP: signed codes of 4 bits take LUTs with PACK = 1, unsigned ones a DSP.
    weights: (SETS, NumChannels, TAPS) codes, None for random ones. pixels: of a frame in tests.

    Raises SpecError for parameters that do not fit each other, weights of another shape or type,
    and sums that ACCU_WIDTH does not hold.
    """

    name = "vvu"
    parts = ("ram", "rom")
    example_values = {
        "NumChannels": 16,
        "TAPS": 9,
        "PE": 1,
        "ACTIVATION_WIDTH": 4,
        "WEIGHT_WIDTH": 4,
        "ACCU_WIDTH": 12,
    }

    NumChannels: int
    TAPS: int
    PE: int
    SIMD: int = 1
    ACTIVATION_WIDTH: int
    SIGNED_ACTIVATIONS: bool = False
    WEIGHT_WIDTH: int
    ACCU_WIDTH: int
    SETS: int = 1
    RAM_STYLE: str = "block"
    PACK: int = 1
    RES: str = "dsp"
    weights: NDArray[Any] | None = None
    pixels: int = 6

    def validate(self) -> None:
        least = 2 if self.SIGNED_ACTIVATIONS else 1
        self.need(self.NumChannels >= 1, "NumChannels", "at least 1")
        self.need(self.TAPS >= 1, "TAPS", "at least 1")
        self.need(self.PE >= 1 and self.NumChannels % self.PE == 0, "PE", "divides NumChannels")
        self.need(self.SIMD >= 1 and self.TAPS % self.SIMD == 0, "SIMD", "divides TAPS")
        self.need(
            least <= self.ACTIVATION_WIDTH <= 16, "ACTIVATION_WIDTH", "1..16, signed ones 2..16"
        )
        self.need(2 <= self.WEIGHT_WIDTH <= 16, "WEIGHT_WIDTH", "2..16")
        enough = "at most 32, at least that of the factors, and enough for the sums"
        factor = max(self.WEIGHT_WIDTH, self.ACTIVATION_WIDTH)
        self.need(factor <= self.ACCU_WIDTH <= 32, "ACCU_WIDTH", enough)
        self.need(1 <= self.SETS <= 256, "SETS", "1..256")
        self.need_one_of("RAM_STYLE", RAM_STYLES)
        self.need_one_of("RES", MULTIPLIERS)
        sides = sorted(self._shift + 1 + n for n in (self.ACTIVATION_WIDTH, self.WEIGHT_WIDTH))
        fits = self.PE % 2 == 0 and self.RES == "dsp" and sides[0] <= 18 and sides[1] <= 25
        rule = "1, or 2 where PE is even and operands of both channels fit a 25 x 18 DSP"
        self.need(self.PACK == 1 or (self.PACK == 2 and fits), "PACK", rule)
        codes = self._codes()
        shape = (self.SETS, self.NumChannels, self.TAPS)
        if codes.shape != shape:
            raise SpecError(f"vvu: weights of shape {codes.shape}", f"{shape} is needed")
        IntType(self.WEIGHT_WIDTH).check(codes, "vvu: weights")
        low, high = bounds(codes.reshape(-1, self.TAPS), self._activation.min, self._activation.max)
        half = 1 << (self.ACCU_WIDTH - 1)
        self.need(bool(low.min() >= -half and high.max() < half), "ACCU_WIDTH", enough)

    @property
    def _activation(self) -> IntType:
        return IntType(self.ACTIVATION_WIDTH, self.SIGNED_ACTIVATIONS)

    @property
    def _shift(self) -> int:
        """Bits of a field of a packed product."""
        return self.ACCU_WIDTH + 1

    @property
    def _steps(self) -> int:
        return self.TAPS // self.SIMD

    @property
    def _words(self) -> int:
        """Words of one set."""
        return self.NumChannels // self.PE * self._steps

    @property
    def _depth(self) -> int:
        return self._words << index_bits(self.SETS)

    @property
    def _word_bits(self) -> int:
        lanes, bits = self.PE * self.SIMD, self.WEIGHT_WIDTH
        factors = lanes // 2 * (2 * bits + 1) if self.PACK == 2 else lanes * bits
        return factors + (self._steps > 1)

    def _codes(self) -> NDArray[np.int64]:
        if self.weights is not None:
            return np.asarray(self.weights).astype(np.int64)
        kind = IntType(self.WEIGHT_WIDTH)
        rng = np.random.default_rng(self.NumChannels * 1000 + self.TAPS)
        shape = (self.SETS, self.NumChannels, self.TAPS)
        codes = rng.integers(kind.min, kind.max, shape, np.int64, endpoint=True)
        codes[0, 0], codes[-1, -1] = kind.min, kind.max
        # Others than the default ones may ask for less than the widest sums.
        half, top = 1 << (self.ACCU_WIDTH - 1), max(-self._activation.min, self._activation.max)
        least = (half - 1) // (top * self.TAPS)
        return codes if least >= -kind.min else np.clip(codes, -least, least)

    def words(self) -> list[int]:
        """The memory's words in order of address: offset in the set, then set. The greatest bit
        marks a channel's last taps, where it has more than SIMD.

        A pair of channels that shares a multiplier is stored as the high weight, less one where the
        low one is negative, and the low one.
        """
        groups, steps, width = self.NumChannels // self.PE, self._steps, self.WEIGHT_WIDTH
        codes = self._codes().reshape(self.SETS, groups, self.PE, steps, self.SIMD)
        lanes = codes.transpose(1, 3, 0, 4, 2).reshape(self._words, self.SETS, -1)
        if self.PACK == 2:
            low, high = lanes[..., ::2], lanes[..., 1::2]
            mask = (1 << (width + 1)) - 1
            fields = (((high - (low < 0)) & mask) << width) | (low & ((1 << width) - 1))
            bits = 2 * width + 1
        else:
            fields, bits = lanes & ((1 << width) - 1), width
        each = self._depth // self._words
        words = [0] * self._depth
        for offset in range(self._words):
            mark = int(steps > 1 and offset % steps == steps - 1) << (self._word_bits - 1)
            for chosen in range(self.SETS):
                row = fields[offset, chosen].tolist()
                word = sum(field << (bits * i) for i, field in enumerate(row))
                words[offset * each + chosen] = word | mark
        return words

    def memories(self) -> dict[str, RomImage]:
        if self.RAM_STYLE == "ultra":
            return {}
        return {"INIT_FILE": RomImage(tuple(self.words()), self._word_bits)}

    def setup(self) -> Arrays:
        """RAM_STYLE "ultra": the memory's words, bit by bit."""
        if self.RAM_STYLE != "ultra":
            return {}
        bits = [[(word >> i) & 1 for i in range(self._word_bits)] for word in self.words()]
        return {"s_axis_weights": np.array(bits, np.int64)}

    def inputs(self) -> dict[str, Stream]:
        shape = (self.pixels, self.NumChannels // self.PE, self._steps, self.SIMD, self.PE)
        streams = {"s_axis": Stream(shape, self._activation, self.PE * self.SIMD)}
        streams |= self.layer_stream()
        if self.RAM_STYLE == "ultra":
            words = (self._depth, self._word_bits)
            streams["s_axis_weights"] = Stream(words, IntType(1, False), words[1], last=False)
        return streams

    def outputs(self) -> dict[str, Stream]:
        return {
            "m_axis": Stream((self.pixels, self.NumChannels), IntType(self.ACCU_WIDTH), self.PE)
        }

    def spacing(self, port: str) -> int:
        return self.TAPS // self.SIMD if port == "m_axis" else 1

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        chosen = self.layer(inputs)
        windows = inputs["s_axis"].permute(0, 1, 4, 2, 3).reshape(-1, self.NumChannels, self.TAPS)
        weight = torch.from_numpy(self._codes()[chosen].astype(np.int64))
        return {"m_axis": (windows * weight).sum(-1)}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        load = self._depth if self.RAM_STYLE == "ultra" else 0
        return max(load, int(self.SETS > 1)) + frames * self.ideal_cycles() + 3

    def ideal_cycles(self, **settings: int) -> int:
        return self.pixels * self._words

    def hls(self) -> HlsCall:
        names: tuple[str, ...] = (
            "NumChannels",
            "TAPS",
            "PE",
            "SIMD",
            "ACTIVATION_WIDTH",
            "SIGNED_ACTIVATIONS",
        )
        names += ("WEIGHT_WIDTH", "ACCU_WIDTH", "SETS")
        template = self.template(*names, PIXELS=self.pixels)
        if self.RAM_STYLE == "ultra":
            return HlsCall("vvau", "vvau_loaded", template | {"PACK": self.PACK}, instanced=True)
        shape = (self.SETS, self.NumChannels // self.PE, self.PE, self._steps, self.SIMD)
        words = self._codes().reshape(shape).transpose(0, 1, 3, 4, 2)
        words = words.reshape(-1, self.SIMD, self.PE)
        return HlsCall("vvau", "vvau", template, {"weights": rom(words, self.WEIGHT_WIDTH, True)})

    def hls_loops(self, **settings: int) -> tuple[HlsLoop, ...]:
        stages = 5 + index_bits(self.SIMD)
        return (HlsLoop("vvau_set", self.ideal_cycles(), stages=stages),)

    def cost(self) -> Cost:
        """Accumulators and what adds several taps are nearly all of it; counters are carry chains
        without LUTs, and the multiplexer of an accumulator shares the adder's LUTs.
        """
        n, steps = self.SIMD, self._steps > 1
        act, weight = self.ACTIVATION_WIDTH, self.WEIGHT_WIDTH
        operand = act + (not self.SIGNED_ACTIVATIONS)
        lut, dsp = 7.0 if steps else 3.0, 0
        depth = index_bits(n)
        if self.PACK == 2:
            pairs, accu = self.PE // 2, 3 * self.ACCU_WIDTH + 2
            dsp = pairs * n
            product = act + weight + 2 * (self._shift + 1)
            lut += pairs * (accu if steps else accu - self.ACCU_WIDTH)
            # Products overlap in few bits, so their sums are cheap at first.
            lut += pairs * (n - 1) * ADDER * (product + max(depth - 1, 0))
            lut += dsp * (act + 1 if self.SIGNED_ACTIVATIONS else 0)
            ff = pairs * (n * (2 * act + 1) + min(product + depth, accu) + accu)
            ff -= 0 if self.SIGNED_ACTIVATIONS else dsp
        else:
            product = min(operand + weight, self.ACCU_WIDTH)
            lut += self.PE * self.ACCU_WIDTH if steps else 0
            if self.RES == "dsp" and product >= DSP_PRODUCT:
                dsp = self.PE * n
                lut += self.PE * (n - 1) * ADDER * (product + max(depth - 1, 0))
            else:
                lut += self.PE * n * act * weight * (1.25 if n == 1 else 2.5)
            ff = self.PE * (n * act + min(product + depth, self.ACCU_WIDTH) + self.ACCU_WIDTH)
        bits = index_bits(self._words)
        ff += bits + 5
        lut += 3 if self.SETS > 1 else 0
        ff += index_bits(self.SETS) + 1 if self.SETS > 1 else 0
        total = Cost(lut, ff, dsp)
        if self.RAM_STYLE == "ultra":
            total += Cost(5, index_bits(self._depth) + 1)
            return total + ram_cost(self._depth, self._word_bits, "ultra")
        if self._depth == 1:  # a constant
            return total
        return total + rom_cost(self._depth, self._word_bits, self.RAM_STYLE)
