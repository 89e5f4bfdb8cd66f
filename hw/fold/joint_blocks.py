"""Blocks of everything else: sums, upsampling, cuts, attention, the product of the masks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from hw.fold import pace
from hw.fold.block import Block, Folding, Style, buffer
from hw.fold.layers import Layer
from hw.fold.pace import Cycles, Times
from hw.fold.products import product_bits, scalar_requantizer, softmax_attention
from hw.kernels.attention import Attention
from hw.kernels.join_add import JoinAdd
from hw.kernels.matmul import Matmul
from hw.kernels.split import Split
from hw.kernels.upsample_nearest import UpsampleNearest
from hw.spec.kernel import Kernel
from hw.spec.sizes import ceil_div


class _Streaming(Block):
    """A streaming block takes every input and gives its output at `lanes` codes a beat, one beat a
    cycle.
    """

    @property
    def entries(self) -> tuple[int, ...]:
        return (self.folding.lanes,) * len(self.layer.inputs)

    @property
    def interval(self) -> int:
        return self.layer.output.codes // self.folding.lanes


class JoinBlock(_Streaming):
    """A sum of two maps is one kernel join_add."""

    @cached_property
    def kernels(self) -> dict[str, Kernel]:
        a, b, out, lanes = *self.layer.inputs, self.layer.output, self.folding.lanes
        return {
            "add": JoinAdd(
                PE=lanes,
                IN_WIDTH_A=a.dtype.bits,
                IN_SIGNED_A=a.dtype.signed,
                IN_WIDTH_B=b.dtype.bits,
                IN_SIGNED_B=b.dtype.signed,
                OUT_WIDTH=out.dtype.bits,
                OUT_SIGNED=out.dtype.signed,
                beats=out.codes // lanes,
            )
        }

    @property
    def takes(self) -> list[str]:
        return ["add.s_axis_a", "add.s_axis_b"]

    def waits(self, position: int) -> list[int]:
        return [1 - position]

    def run(self, inputs: Sequence[Times]) -> Times:
        first, second = inputs
        return pace.joined(first, second, self.layer.output.channels // self.folding.lanes)


class UpsampleBlock(_Streaming):
    """An upsampling of a map is one kernel upsample_nearest."""

    @cached_property
    def kernels(self) -> dict[str, Kernel]:
        a, lanes = self.layer.inputs[0], self.folding.lanes
        style = self.style.ram(a.width * a.channels // lanes, lanes * a.dtype.bits)
        double = UpsampleNearest(
            IFM_H=a.height,
            IFM_W=a.width,
            NumChannels=a.channels,
            SIMD=lanes,
            ELEM_WIDTH=a.dtype.bits,
            RAM_STYLE=style,
            signed=a.dtype.signed,
        )
        return {"double": double}

    def needs(self, position: int) -> Cycles:
        a = self.layer.inputs[0]
        y, x = (np.arange(2 * n) // 2 for n in (a.height, a.width))
        return (y[:, None] * a.width + x).ravel()

    def run(self, inputs: Sequence[Times]) -> Times:
        (x,), a = inputs, self.layer.inputs[0]
        return pace.doubled(x, (a.height, a.width), a.channels // self.folding.lanes)


class CutBlock(Block):
    """A cut is a split whose second stream is dropped."""

    @cached_property
    def kernels(self) -> dict[str, Kernel]:
        a, out = self.layer.inputs[0], self.layer.output
        return {
            "cut": Split(
                N=1,
                NumChannels0=out.codes,
                NumChannels1=a.codes - out.codes,
                PE=1,
                ELEM_WIDTH=a.dtype.bits,
            )
        }

    @property
    def gives(self) -> str:
        return "cut.m_axis_0"

    @property
    def drops(self) -> list[str]:
        return ["cut.m_axis_1"]

    @property
    def entries(self) -> tuple[int, ...]:
        return (1,)

    @property
    def interval(self) -> int:
        return self.layer.inputs[0].codes

    def run(self, inputs: Sequence[Times]) -> Times:
        (x,), kept = inputs, self.layer.output.vectors
        return Times(x.first[:kept] + 1, x.last[:kept] + 1)


class KeepBlock(_Streaming):
    """A kept tensor is a FIFO that holds a frame."""

    @cached_property
    def kernels(self) -> dict[str, Kernel]:
        a, lanes = self.layer.inputs[0], self.folding.lanes
        beats = a.codes // lanes
        return {"frame": buffer(beats, lanes * a.dtype.bits, beats, self.style)}

    def run(self, inputs: Sequence[Times]) -> Times:
        return pace.through(inputs[0], self.layer.output.channels // self.folding.lanes, 2)


class AttentionBlock(Block):
    """An attention is one kernel behind a buffer that gathers a query."""

    @cached_property
    def kernels(self) -> dict[str, Kernel]:
        head = attention(self.layer, self.folding, self.style)
        q, beats = self.layer.inputs[0], self.layer.inputs[0].codes // self.folding.SIMD
        # A query is read in a burst, which its projection could not keep up with.
        gather = buffer(beats // q.vectors, self.folding.SIMD * q.dtype.bits, beats, self.style)
        return {"gather": gather, "attention": head}

    @property
    def wires(self) -> list[tuple[str, str]]:
        return [("gather.m_axis", "attention.s_axis_q")]

    @property
    def takes(self) -> list[str]:
        return ["gather.s_axis", "attention.s_axis_k", "attention.s_axis_v"]

    def needs(self, position: int) -> Cycles:
        if position == 0:
            return super().needs(0)
        return np.full(self.layer.output.vectors, self.layer.inputs[position].vectors - 1)

    def waits(self, position: int) -> list[int]:
        """Queries wait for all keys, and for all values as soon as scores pile up."""
        return [1, 2] if position == 0 else []

    @property
    def _row(self) -> int:
        keys = self.layer.inputs[1]
        return ceil_div(keys.vectors, self.folding.PE) * keys.channels // self.folding.SIMD

    @property
    def _multiplied(self) -> int:
        """The queries of a frame are multiplied with all keys in so many cycles."""
        return self.layer.inputs[0].vectors * self._row

    @property
    def entries(self) -> tuple[int, ...]:
        return (self.folding.SIMD,) * 3

    @property
    def interval(self) -> int:
        return self.layer.inputs[1].codes // self.folding.SIMD + self._multiplied

    def between(self, sources: Sequence[int], ahead: Sequence[int]) -> int:
        # Keys and values are loaded once the frame before has been multiplied: there is one buffer.
        return max(self.interval, self._multiplied + max(sources[1:]))

    def run(self, inputs: Sequence[Times]) -> Times:
        q, k, v = inputs
        kernel = self.kernels["attention"]
        assert isinstance(kernel, Attention)
        beats = self.layer.inputs[1].channels // self.folding.SIMD
        loaded = [pace.through(x, beats, 1) for x in (k, v)]
        start = max(x.end for x in loaded) + 1
        # A row of scores is whole when its product with the values begins.
        row = max(self._row, q.held)
        first = pace.paced(np.maximum(q.first, loaded[0].end + 1) + self._row, row)
        lag = kernel.scores.latency + 8
        second = pace.paced(np.maximum(first + lag, start) + self._row, self._row)
        out = kernel.context.latency + kernel.OUT_WIDTH + 1
        # A sum is divided as it comes; a row gives all of them in its passes over the values.
        beats = self.layer.output.channels // self.folding.SIMD
        done = pace.paced(second + out, max(self._row, beats * kernel.DIVIDE_CYCLES))
        return Times(done - self._row + self._row // beats, done)


class MaskBlock(Block):
    """A product of masks is a matmul of few buffered vectors with every pixel, and a requant."""

    @cached_property
    def kernels(self) -> dict[str, Kernel]:
        return mask_product(self.layer, self.folding, self.style)

    @property
    def takes(self) -> list[str]:
        return ["product.s_axis_b", "product.s_axis_a"]

    def needs(self, position: int) -> Cycles:
        if position == 1:
            return super().needs(1)
        return np.full(self.layer.output.vectors, self.layer.inputs[0].vectors - 1)

    def waits(self, position: int) -> list[int]:
        return [0] if position == 1 else []

    @property
    def _cycles(self) -> int:
        f = self.folding
        return self.layer.inputs[0].codes // (f.PE * f.SIMD)

    @property
    def entries(self) -> tuple[int, ...]:
        return (self.folding.SIMD,) * 2

    @property
    def interval(self) -> int:
        return self.layer.output.vectors * self._cycles

    def between(self, sources: Sequence[int], ahead: Sequence[int]) -> int:
        pixels = self.layer.output.vectors
        return pixels * self._pace(sources[1] // pixels, ahead[1])

    def _pace(self, held: int, ahead: int) -> int:
        """Cycles a pixel. It is read as it comes, in the first pass over the vectors; whoever makes
        the next one waits meanwhile for the others to end.
        """
        if not held:
            return self._cycles
        others = self._cycles - self.layer.inputs[1].channels // self.folding.SIMD
        return max(self._cycles, held + max(0, others - ahead))

    def run(self, inputs: Sequence[Times]) -> Times:
        vectors, pixels = inputs
        ready = np.maximum(pixels.last, vectors.end + 1)
        done = pace.paced(ready + self._cycles, self._pace(pixels.held, pixels.ahead))
        read = done - self._cycles + self.layer.inputs[1].channels // self.folding.SIMD
        y = pace.through(
            Times(read + 5, done + 5), self.layer.output.channels // self.folding.PE, 4
        )
        return y


def attention(layer: Layer, folding: Folding, style: Style) -> Attention:
    """Returns the fused attention head of a layer, as `hw.fold.products.softmax_attention` makes
    it.
    """
    q, k, _ = layer.inputs
    length = ceil_div(k.vectors, folding.PE) * folding.PE if k.ragged else k.vectors
    depth = k.codes // (folding.PE * folding.SIMD)
    memory = style.ram(depth, folding.SIMD * k.dtype.bits)
    row = style.ram(2 * ceil_div(k.vectors, folding.PE), folding.PE * 8)
    return softmax_attention(
        layer.nodes,
        (q.dtype, k.dtype, layer.inputs[2].dtype, layer.output.dtype),
        length,
        k.channels,
        folding.PE,
        folding.SIMD,
        RAGGED=k.ragged,
        RAM_STYLE=memory,
        ROW_STYLE=row,
        DOUBLE=False,
        queries=q.vectors,
    )


def mask_product(layer: Layer, folding: Folding, style: Style) -> dict[str, Kernel]:
    """Returns the matmul and the requant that make the masks' logits."""
    vectors, pixels = layer.inputs
    depth = vectors.codes // (folding.PE * folding.SIMD)
    product = Matmul(
        TRANSPOSED=True,
        LENGTH=vectors.vectors,
        DIM=vectors.channels,
        PE=folding.PE,
        SIMD=folding.SIMD,
        A_WIDTH=pixels.dtype.bits,
        B_WIDTH=vectors.dtype.bits,
        ACCU_WIDTH=product_bits(vectors.channels, pixels.dtype, vectors.dtype),
        PACK=2 if folding.PE % 2 == 0 else 1,
        RAM_STYLE=style.ram(depth, folding.SIMD * vectors.dtype.bits),
        DOUBLE=False,
        rows=pixels.vectors,
    )
    scale = scalar_requantizer(
        layer.nodes["requant"],
        vectors.channels,
        pixels.dtype,
        vectors.dtype,
        folding.PE,
        pixels=layer.output.codes // folding.PE,
    )
    return {"product": product, "requant": scale}
