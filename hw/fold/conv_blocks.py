"""Blocks of convolutions: windows, products, requantizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TypeVar

import numpy as np

from hw.fold import kernels as lowered
from hw.fold import pace
from hw.fold.block import Block, buffer, converting, narrowed
from hw.fold.layers import Conv
from hw.fold.pace import Cycles, Times
from hw.kernels.fmpad import Fmpad
from hw.kernels.mvu import Mvu
from hw.kernels.swg import Swg
from hw.kernels.vvu import Vvu
from hw.spec.kernel import Kernel

Products = TypeVar("Products", Mvu, Vvu)


class _Requantized(Block):
    """Products whose sums pass `lanes` requantizers."""

    layer: Conv

    def _tail(self, sums: int, bits: int, lanes: int) -> dict[str, Kernel]:
        """From `lanes` sums a beat through the requantizer; sums: of a frame."""
        channels, out = self.layer.output.channels, self.folding.lanes
        nodes, dtype = self.layer.nodes, self.layer.inputs[0].dtype
        pixels = self.layer.output.vectors
        kernel = lowered.requantizer(nodes["conv"], nodes["requant"], dtype, out, pixels=pixels)
        memory = next(iter(kernel.memories().values()))
        style = self.style.rom(channels // out, memory.width)
        kernel = replace(kernel, RAM_STYLE=style)
        return narrowed(lanes, out, bits, sums) | {"requant": kernel}

    def _given(self, lanes: int) -> int:
        """A frame's sums, `lanes` a beat, become codes of the output in so many cycles."""
        codes, out = self.layer.output.codes, self.folding.lanes
        return max(converting(lanes, out, codes), codes // out)

    def _requantized(self, x: Times, lanes: int) -> Times:
        channels, out = self.layer.output.channels, self.folding.lanes
        if lanes != out:
            x = pace.through(x, converting(lanes, out, channels), 2)
        return pace.through(x, channels // out, 4)

    def _cheaper(self, products: Products) -> Products:
        """With multipliers of DSPs or of LUTs, whichever is worth less."""
        kinds = (products, replace(products, RES="lut", PACK=1))
        return min(kinds, key=lambda kind: self.style.worth(kind.cost()))

    def needs(self, position: int) -> Cycles:
        a, out, layer = self.layer.inputs[0], self.layer.output, self.layer
        y, x = (
            np.minimum(np.arange(n) * layer.stride + layer.kernel - 1 - layer.padding, most - 1)
            for n, most in ((out.height, a.height), (out.width, a.width))
        )
        return (y[:, None] * a.width + x).ravel()

    def _pads(self) -> tuple[int, int, int, int]:
        """Top, bottom, left, right; of the far sides only what a window reaches."""
        a, out, k = self.layer.inputs[0], self.layer.output, self.layer.kernel
        near, step = self.layer.padding, self.layer.stride
        low = max(0, (out.height - 1) * step + k - near - a.height)
        right = max(0, (out.width - 1) * step + k - near - a.width)
        return near, low, near, right

    def _windows(self, lanes: int, depthwise: bool) -> dict[str, Kernel]:
        """Padding and windows of `lanes` codes a beat."""
        a, layer = self.layer.inputs[0], self.layer
        top, bottom, left, right = self._pads()
        pad = Fmpad(
            IFM_H=a.height,
            IFM_W=a.width,
            NumChannels=a.channels,
            SIMD=lanes,
            ELEM_WIDTH=a.dtype.bits,
            PAD_TOP=top,
            PAD_BOTTOM=bottom,
            PAD_LEFT=left,
            PAD_RIGHT=right,
        )
        high, wide, _ = pad.padded
        window = Swg(
            IFM_H=high,
            IFM_W=wide,
            NumChannels=a.channels,
            KERNEL=layer.kernel,
            STRIDE=layer.stride,
            SIMD=lanes,
            DEPTHWISE=depthwise,
            ELEM_WIDTH=a.dtype.bits,
        )
        style = self.style.ram(window.depth, lanes * a.dtype.bits)
        window = replace(window, RAM_STYLE=style)
        padding = {"pad": pad} if any(self._pads()) else {}
        return {**padding, "window": window}

    def _sliding(self, x: Times, lanes: int) -> Times:
        a, out, k = self.layer.inputs[0], self.layer.output, self.layer.kernel
        cycles = a.channels // lanes
        passed = pace.padded(x, (a.height, a.width), self._pads(), cycles)
        return pace.windows(passed, (out.height, out.width), k, self.layer.stride, k * k * cycles)


class DenseBlock(_Requantized):
    """A dense convolution is mvu and requant, behind padding and windows where they are larger
    than 1x1.
    """

    @cached_property
    def kernels(self) -> dict[str, Kernel]:
        layer, f = self.layer, self.folding
        node, a = layer.nodes["conv"], layer.inputs[0]
        pack = next(n for n in self._packs(a.dtype.bits) if f.PE % n == 0)
        vectors = layer.output.vectors
        mvu = self._cheaper(lowered.dense(node, a.dtype, f.PE, f.SIMD, PACK=pack, vectors=vectors))
        memory = next(iter(mvu.memories().values()))
        style = self.style.rom(len(memory.words), memory.width, loadable=True)
        mvu = replace(mvu, RAM_STYLE=style)
        head: dict[str, Kernel] = {}
        if layer.kernel > 1 or layer.stride > 1:
            head = self._windows(f.SIMD, False)
        elif self.passes > 1 and self.beats > 1:
            # The product reads in its first pass only: meanwhile the next vector gathers here.
            head = {"gather": buffer(self.beats, f.SIMD * a.dtype.bits, self._read, self.style)}
        sums = layer.output.codes
        return {**head, "mvu": mvu, **self._tail(sums, mvu.ACCU_WIDTH, f.PE)}

    def _packs(self, bits: int) -> tuple[int, ...]:
        weight = self.layer.nodes["conv"].params["weight"]
        wide = lowered.weight_bits(weight)
        return (4, 2, 1) if wide <= 4 and bits <= 4 else (2, 1)

    @property
    def beats(self) -> int:
        """A window is read in this many beats."""
        return self.layer.kernel**2 * self.layer.inputs[0].channels // self.folding.SIMD

    @property
    def passes(self) -> int:
        """A window is read this many times, once for every PE output channels."""
        return self.layer.output.channels // self.folding.PE

    @property
    def pieces(self) -> int:
        return self.passes

    @property
    def _read(self) -> int:
        return self.layer.inputs[0].codes // self.folding.SIMD

    @property
    def entries(self) -> tuple[int, ...]:
        return (self.folding.SIMD,)

    @property
    def interval(self) -> int:
        out = self.layer.output
        padded = 0
        if self.layer.kernel > 1:
            a, (top, bottom, left, right) = self.layer.inputs[0], self._pads()
            padded = (a.height + top + bottom) * (a.width + left + right)
            padded *= a.channels // self.folding.SIMD
        products = out.vectors * self.beats * self.passes
        return max(products, self._given(self.folding.PE), padded, self._read)

    def run(self, inputs: Sequence[Times]) -> Times:
        (x,) = inputs
        if self.layer.kernel > 1 or self.layer.stride > 1:
            x = self._sliding(x, self.folding.SIMD)
        else:
            x = x.later(2)
        y, _ = pace.gathered(x, self.beats, self.passes, 5)
        return self._requantized(y, self.folding.PE)


class DepthwiseBlock(_Requantized):
    """A depthwise convolution is padding, windows, vvu and requant."""

    @cached_property
    def kernels(self) -> dict[str, Kernel]:
        layer, f = self.layer, self.folding
        node, a = layer.nodes["conv"], layer.inputs[0]
        pack, pixels = 2 if f.PE % 2 == 0 else 1, layer.output.vectors
        vvu = self._cheaper(lowered.depthwise(node, a.dtype, f.PE, PACK=pack, pixels=pixels))
        memory = next(iter(vvu.memories().values()))
        vvu = replace(vvu, RAM_STYLE=self.style.rom(len(memory.words), memory.width))
        tail = self._tail(layer.output.codes, vvu.ACCU_WIDTH, f.PE)
        return {**self._windows(f.PE, True), "vvu": vvu, **tail}

    @property
    def entries(self) -> tuple[int, ...]:
        return (self.folding.PE,)

    @property
    def interval(self) -> int:
        a, out, f = self.layer.inputs[0], self.layer.output, self.folding
        top, bottom, left, right = self._pads()
        padded = (a.height + top + bottom) * (a.width + left + right) * a.channels // f.PE
        products = out.codes * self.layer.kernel**2 // f.PE
        return max(products, padded, self._given(f.PE))

    def run(self, inputs: Sequence[Times]) -> Times:
        (x,), pe = inputs, self.folding.PE
        x = self._sliding(x, pe)
        cycles = self.layer.kernel**2 * self.layer.output.channels // pe
        return self._requantized(pace.through(x, cycles, 5), pe)
