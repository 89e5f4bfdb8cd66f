"""Matrix-vector unit: a stream of vectors times a matrix of constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hw.kernels.common import mac_array
from hw.kernels.common.bases import Layered
from hw.kernels.common.costs import MULTIPLIERS, RAM_STYLES, ram_cost, rom_cost
from hw.ops.conv import conv
from hw.ops.integers import bounds
from hw.spec.dtypes import Arrays, IntType
from hw.spec.errors import SpecError
from hw.spec.hls import HlsCall, HlsLoop, rom
from hw.spec.kernel import Cost, RomImage
from hw.spec.sizes import ceil_div, index_bits, signed_bits
from hw.spec.stream import Stream

LONGEST_IN_LUTS = 64
"""Beats of a vector that is kept in LUTRAM; a longer one takes block RAM."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Mvu(Layered):
    """A product of vectors and a matrix: y[v][o] = sum over i of weights[set][o][i] * x[v][i].

    MW, MH: columns and rows. PE, SIMD: rows and columns at work at once. *_WIDTH: bits; weights and
    sums are signed. SETS: of weights, chosen frame by frame over s_axis_layer. PACK: rows a
    multiplier, 1, 2, or 4 up to 4 bits. RES: multipliers of DSPs or of LUTs. RAM_STYLE: memory of
    the weights; "ultra" is loaded once over s_axis_weights. From products of fewer than 9 bits
    Yosys makes no DSP with PACK = 1.
    weights: (SETS, MH, MW) codes, None for random ones. vectors: of a frame in tests.

    Two more parameters of the module follow from the weights: SUM_WIDTH, the bits of their sums,
    and NARROW_WEIGHTS, that none is the least of its width. The memory then holds ready operands
    and saves the adders that packing takes, 2 to 4 LUTs a product.

    Raises SpecError for parameters that do not fit each other, weights of another shape or type,
    and sums that ACCU_WIDTH does not hold.
    """

    name = "mvu"
    parts = ("ram", "rom", "mac_array")
    example_values = {
        "MW": 16,
        "MH": 8,
        "PE": 4,
        "SIMD": 2,
        "ACTIVATION_WIDTH": 4,
        "WEIGHT_WIDTH": 4,
        "ACCU_WIDTH": 12,
    }

    MW: int
    MH: int
    PE: int
    SIMD: int
    ACTIVATION_WIDTH: int
    SIGNED_ACTIVATIONS: bool = False
    WEIGHT_WIDTH: int
    ACCU_WIDTH: int
    SETS: int = 1
    PACK: int = 1
    RES: str = "dsp"
    RAM_STYLE: str = "block"
    weights: NDArray[Any] | None = None
    vectors: int = 4

    def validate(self) -> None:
        least = 2 if self.SIGNED_ACTIVATIONS else 1
        act, width = self.ACTIVATION_WIDTH, self.WEIGHT_WIDTH
        self.need(1 <= self.MW <= 1 << 16, "MW", "1..65536")
        self.need(self.MH >= 1, "MH", "at least 1")
        self.need(self.PE >= 1 and self.MH % self.PE == 0, "PE", "divides MH")
        self.need(self.SIMD >= 1 and self.MW % self.SIMD == 0, "SIMD", "divides MW")
        self.need(least <= act <= 8, "ACTIVATION_WIDTH", "1..8, signed ones 2..8")
        self.need(2 <= width <= 8, "WEIGHT_WIDTH", "2..8")
        self.need(1 <= self.SETS <= 256, "SETS", "1..256")
        self.need_one_of("RES", MULTIPLIERS)
        self.need_one_of("RAM_STYLE", RAM_STYLES)
        packs = self.PACK == 2 or (self.PACK == 4 and width <= 4 and act <= 4)
        fits = packs and self.RES == "dsp" and self.PE % self.PACK == 0
        rule = "1, or with DSPs 2, or 4 up to 4 bits; divides PE"
        self.need(self.PACK == 1 or fits, "PACK", rule)
        codes, shape = self.matrix(), (self.SETS, self.MH, self.MW)
        if codes.shape != shape:
            raise SpecError(f"mvu: weights of shape {codes.shape}", f"{shape} is needed")
        IntType(width).check(codes, "mvu: weights")
        enough = self._sum_width <= self.ACCU_WIDTH <= 32
        self.need(enough, "ACCU_WIDTH", "enough for the sums, at most 32")

    def parameters(self) -> dict[str, int | str]:
        narrow = int(self._narrow)
        return super().parameters() | {"SUM_WIDTH": self._sum_width, "NARROW_WEIGHTS": narrow}

    def matrix(self) -> NDArray[np.int64]:
        """The weights (SETS, MH, MW) are the given ones or random ones with the extremes among
        them.
        """
        if self.weights is not None:
            return np.asarray(self.weights)
        kind = IntType(self.WEIGHT_WIDTH)
        rng = np.random.default_rng(self.MW * 1000 + self.MH)
        shape = (self.SETS, self.MH, self.MW)
        codes = rng.integers(kind.min, kind.max, shape, np.int64, endpoint=True)
        codes[0, 0], codes[-1, -1] = kind.min, kind.max
        return codes

    @property
    def _activation(self) -> IntType:
        return IntType(self.ACTIVATION_WIDTH, self.SIGNED_ACTIVATIONS)

    @property
    def _sum_width(self) -> int:
        """Bits, two's complement, that the sums need."""
        codes = self.matrix().reshape(-1, self.MW)
        low, high = bounds(codes, self._activation.min, self._activation.max)
        return signed_bits(low.min(), high.max())

    @property
    def _narrow(self) -> bool:
        return bool(self.matrix().min() > IntType(self.WEIGHT_WIDTH).min)

    @property
    def _beats(self) -> int:
        return self.MW // self.SIMD

    @property
    def _passes(self) -> int:
        return self.MH // self.PE

    @property
    def _depth(self) -> int:
        return self.SETS * self._passes * self._beats

    @property
    def _memory(self) -> Stream:
        """The weights' words: set, pass, beat; in a word rows, then columns of a row."""
        lanes = self.PE * self.SIMD
        return Stream((self._depth, lanes), IntType(self.WEIGHT_WIDTH), lanes, last=False)

    def _words(self) -> NDArray[np.int64]:
        """Codes of `_memory`."""
        shape = (self.SETS, self._passes, self.PE, self._beats, self.SIMD)
        codes = self.matrix().astype(np.int64).reshape(shape).transpose(0, 1, 3, 4, 2)
        if self._narrow:
            codes = mac_array.encode(codes, self.PACK)
        return codes.transpose(0, 1, 2, 4, 3).reshape(self._memory.shape)

    def memories(self) -> dict[str, RomImage]:
        if self.RAM_STYLE == "ultra":
            return {}
        words = self._memory.words(self._words())
        return {"INIT_FILE": RomImage(tuple(words), self._memory.bits)}

    def setup(self) -> Arrays:
        return {"s_axis_weights": self._words()} if self.RAM_STYLE == "ultra" else {}

    def inputs(self) -> dict[str, Stream]:
        streams = {"s_axis": Stream((self.vectors, self.MW), self._activation, self.SIMD)}
        streams |= self.layer_stream()
        if self.RAM_STYLE == "ultra":
            streams["s_axis_weights"] = self._memory
        return streams

    def outputs(self) -> dict[str, Stream]:
        return {"m_axis": Stream((self.vectors, self.MH), IntType(self.ACCU_WIDTH), self.PE)}

    def spacing(self, port: str) -> int:
        return self._beats if port == "m_axis" else 1

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        chosen = self.layer(inputs)
        weight = torch.from_numpy(self.matrix()[chosen].astype(np.int64))[:, :, None, None]
        # A vector is one pixel of a map.
        pixels = inputs["s_axis"].T[None, :, :, None]
        return {"m_axis": conv(pixels, weight, 1, 0, 1)[0, :, :, 0].T.contiguous()}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        load = self._depth if self.RAM_STYLE == "ultra" else 0
        latency = mac_array.latency(self.PE, self.SIMD, self.PACK, self.RES)
        return load + frames * self.ideal_cycles() + 2 + latency

    def ideal_cycles(self, **settings: int) -> int:
        return self.vectors * self._beats * self._passes

    def hls(self) -> HlsCall:
        names: tuple[str, ...] = (
            "MW",
            "MH",
            "PE",
            "SIMD",
            "ACTIVATION_WIDTH",
            "SIGNED_ACTIVATIONS",
        )
        names += ("WEIGHT_WIDTH", "ACCU_WIDTH", "SETS")
        template = self.template(*names, VECTORS=self.vectors)
        if self.RAM_STYLE == "ultra":
            template["ENCODED"] = self.PACK if self._narrow else 1
            return HlsCall("mvau", "mvau_loaded", template, instanced=True)
        shape = (self.SETS, self._passes, self.PE, self._beats, self.SIMD)
        words = self.matrix().reshape(shape).transpose(0, 1, 3, 2, 4)
        words = words.reshape(self._depth, self.PE, self.SIMD)
        return HlsCall("mvau", "mvau", template, {"weights": rom(words, self.WEIGHT_WIDTH, True)})

    def hls_loops(self, **settings: int) -> tuple[HlsLoop, ...]:
        stages = 5 + index_bits(self.SIMD)
        return (HlsLoop("mvau_set", self.ideal_cycles(), stages=stages),)

    def cost(self) -> Cost:
        """The array, the memory, the kept vector, and little control: counters are carry chains
        without LUTs, so that their ends are what counts.
        """
        beats, passes, encoded = self._beats, self._passes, self._narrow and self.PACK > 1
        array = mac_array.cost(
            self.PE,
            self.SIMD,
            self.ACTIVATION_WIDTH,
            self.WEIGHT_WIDTH,
            self.ACCU_WIDTH,
            self.PACK,
            self.RES,
            encoded,
            beats,
        )
        bits = [index_bits(n) for n in (beats, passes, self._depth)]
        lut = 9 + sum(5 + ceil_div(n, 6) for n in bits[:2] if n)
        lut += 5 + bits[2] if self.SETS > 1 else 0
        ff = sum(bits) + 9 + index_bits(self.SETS)
        total = array + Cost(lut, ff)
        word, codes = self._memory.bits, self.SIMD * self.ACTIVATION_WIDTH
        if beats > 1 and passes > 1:
            style = "block" if beats > LONGEST_IN_LUTS else "distributed"
            total += ram_cost(beats, codes, style) + Cost(ff=bits[0])
        else:
            total += Cost(ff=2 * codes)
        if self.RAM_STYLE == "ultra":
            return total + ram_cost(self._depth, word, "ultra") + Cost(4, bits[2] + 1)
        # One word is a constant.
        return total + rom_cost(self._depth, word, self.RAM_STYLE) if self._depth > 1 else total
