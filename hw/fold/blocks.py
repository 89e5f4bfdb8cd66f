"""Blocks: a layer with its lanes, as a chain of kernels with the trained integers inside, and how
it moves through time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hw.fold import pace
from hw.fold.layers import Conv, Cut, Join, Layer, MaskProduct, SoftmaxAttention, Upsample
from hw.fold.pace import Cycles, Times
from hw.kernels.attention import Attention
from hw.kernels.costs import ram_cost, rom_cost
from hw.kernels.dwc import Dwc
from hw.kernels.fifo import Fifo
from hw.kernels.fmpad import Fmpad
from hw.kernels.join_add import JoinAdd
from hw.kernels.matmul import Matmul
from hw.kernels.pipe import Pipe
from hw.kernels.requant import Requant
from hw.kernels.split import Split
from hw.kernels.swg import Swg
from hw.kernels.upsample_nearest import UpsampleNearest
from hw.lower import kernels as lowered
from hw.lower.products import product_bits, scalar_requantizer, softmax_attention
from hw.spec.kernel import Cost, Kernel

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
    """How a board likes its multipliers and memories.

    luts_per_block: LUTs that one block RAM is worth; a smaller memory goes to LUTs. RES: dsp or
    lut. uram: are there any? small: products at once up to which a layer multiplies in LUTs.
    """

    luts_per_block: float = 350
    uram: bool = True
    small: int = 0

    def rom(self, depth: int, width: int) -> str:
        """Of a ROM."""
        blocks = rom_cost(depth, width, "block").bram18
        lut = rom_cost(depth, width, "distributed").lut
        return "distributed" if lut <= self.luts_per_block * blocks else "block"

    def ram(self, depth: int, width: int) -> str:
        """Of a memory that is written: LUTs up to 64 words a block's worth."""
        blocks = ram_cost(depth, width, "block").bram18
        lut = ram_cost(depth, width, "distributed").lut
        return "distributed" if lut <= self.luts_per_block * blocks else "block"


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
        """Kernels by name."""

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
        """Ends whose beats nobody wants."""
        return []

    @property
    def multipliers(self) -> int:
        """DSPs."""
        return sum(k.cost().dsp for k in self.kernels.values())

    @cached_property
    def cost(self) -> Cost:
        """Of all kernels."""
        return sum((k.cost() for k in self.kernels.values()), Cost())

    @property
    @abstractmethod
    def interval(self) -> int:
        """Cycles of a frame that its slowest kernel asks for."""

    @abstractmethod
    def run(self, inputs: Sequence[Times]) -> tuple[Times, list[Cycles]]:
        """Times of the output, and when each input's vectors have been read."""

    def needs(self, position: int) -> Cycles:
        """For each output vector the last vector of an input that it needs, by index."""
        return np.arange(self.layer.output.vectors)

    def waits(self, position: int) -> list[int]:
        """Inputs without which a vector of the input at `position` is not read."""
        return []


def block(layer: Layer, folding: Folding, style: Style) -> Block:
    """The block of a layer. Raises SpecError for a folding that does not divide."""
    if isinstance(layer, Conv):
        kind: type[Block] = DepthwiseBlock if layer.depthwise else DenseBlock
        return kind(layer, folding, style)
    return BLOCKS[type(layer)](layer, folding, style)


_SEARCHED: dict[int, tuple[Conv, Requant]] = {}


def _requant(layer: Conv) -> Requant:
    """A layer's requantizer of one lane; its integers are searched once."""
    if id(layer) not in _SEARCHED:
        conv, node, dtype = layer.nodes["conv"], layer.nodes["requant"], layer.inputs[0].dtype
        found = lowered.requantizer(conv, node, dtype, pixels=layer.output.vectors)
        _SEARCHED[id(layer)] = layer, found
    return _SEARCHED[id(layer)][1]


class _Requantized(Block):
    """Products whose sums pass `lanes` requantizers."""

    layer: Conv

    def _tail(self, sums: int, bits: int, lanes: int) -> dict[str, Kernel]:
        """From `lanes` sums a beat through the requantizer; sums: of a frame."""
        channels, out = self.layer.output.channels, self.folding.lanes
        kernel = replace(_requant(self.layer), PE=out)
        memory = next(iter(kernel.memories().values()))
        style = self.style.rom(channels // out, memory.width)
        kernel = replace(kernel, RAM_STYLE=style)
        return narrowed(lanes, out, bits, sums) | {"requant": kernel}

    def _requantized(self, x: Times, lanes: int) -> Times:
        channels, out = self.layer.output.channels, self.folding.lanes
        if lanes != out:
            x = pace.through(x, channels // min(lanes, out), 2)
        return pace.through(x, channels // out, 4)

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
        pad = Fmpad(a.height, a.width, a.channels, lanes, a.dtype.bits, top, bottom, left, right)
        high, wide, _ = pad.padded
        given = (high, wide, a.channels, layer.kernel, layer.stride, lanes, depthwise)
        window = Swg(*given, ELEM_WIDTH=a.dtype.bits)
        style = self.style.ram(window.depth, lanes * a.dtype.bits)
        window = Swg(*given, ELEM_WIDTH=a.dtype.bits, RAM_STYLE=style)
        padding = {"pad": pad} if any(self._pads()) else {}
        return {**padding, "window": window}

    def _sliding(self, x: Times, lanes: int) -> tuple[Times, Cycles]:
        a, out, k = self.layer.inputs[0], self.layer.output, self.layer.kernel
        cycles = a.channels // lanes
        passed = pace.padded(x, (a.height, a.width), self._pads(), cycles)
        top, _, left, _ = self._pads()
        read = passed[top : top + a.height, left : left + a.width].ravel()
        found = pace.windows(passed, (out.height, out.width), k, self.layer.stride, k * k * cycles)
        return found, read


class DenseBlock(_Requantized):
    """[pad, window,] mvu, requant."""

    @cached_property
    def kernels(self) -> dict[str, Kernel]:
        layer, f = self.layer, self.folding
        node, a = layer.nodes["conv"], layer.inputs[0]
        products = f.PE * f.SIMD
        pack = next(n for n in self._packs(a.dtype.bits, node) if f.PE % n == 0)
        more: dict[str, object] = {"PACK": pack, "vectors": layer.output.vectors}
        if products <= self.style.small:
            more |= {"RES": "lut", "PACK": 1}
        mvu = lowered.dense(node, a.dtype, f.PE, f.SIMD, RAM_STYLE="distributed", **more)
        memory = next(iter(mvu.memories().values()))
        if self.style.rom(len(memory.words), memory.width) == "block":
            mvu = lowered.dense(node, a.dtype, f.PE, f.SIMD, RAM_STYLE="block", **more)
        head: dict[str, Kernel] = {}
        if layer.kernel > 1 or layer.stride > 1:
            head = self._windows(f.SIMD, False)
        elif self.passes > 1 and self.beats > 1:
            # The product reads in its first pass only: meanwhile the next vector gathers here.
            head = {"gather": buffer(self.beats, f.SIMD * a.dtype.bits, self._read, self.style)}
        sums = layer.output.codes
        return {**head, "mvu": mvu, **self._tail(sums, mvu.ACCU_WIDTH, f.PE)}

    def _packs(self, bits: int, node: object) -> tuple[int, ...]:
        weight = self.layer.nodes["conv"].params["weight"]
        wide = lowered.weight_bits(weight)
        return (4, 2, 1) if wide <= 4 and bits <= 4 else (2, 1)

    @property
    def beats(self) -> int:
        """Of a window."""
        return self.layer.kernel**2 * self.layer.inputs[0].channels // self.folding.SIMD

    @property
    def passes(self) -> int:
        """Over a window."""
        return self.layer.output.channels // self.folding.PE

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
        return max(products, out.codes // self.folding.lanes, padded, self._read)

    def run(self, inputs: Sequence[Times]) -> tuple[Times, list[Cycles]]:
        (x,) = inputs
        if self.layer.kernel > 1 or self.layer.stride > 1:
            x, read = self._sliding(x, self.folding.SIMD)
            y, _ = pace.gathered(x, self.beats, self.passes, 5)
        else:
            y, read = pace.gathered(x.later(2), self.beats, self.passes, 5)
        return self._requantized(y, self.folding.PE), [read]


class DepthwiseBlock(_Requantized):
    """pad, window, vvu, requant."""

    @cached_property
    def kernels(self) -> dict[str, Kernel]:
        layer, f = self.layer, self.folding
        node, a = layer.nodes["conv"], layer.inputs[0]
        more: dict[str, object] = {
            "PACK": 2 if f.PE % 2 == 0 else 1,
            "pixels": layer.output.vectors,
        }
        if self.style.small >= f.PE * f.SIMD:
            more |= {"RES": "lut", "PACK": 1}
        vvu = lowered.depthwise(node, a.dtype, f.PE, RAM_STYLE="distributed", **more)
        memory = next(iter(vvu.memories().values()))
        if self.style.rom(len(memory.words), memory.width) == "block":
            vvu = lowered.depthwise(node, a.dtype, f.PE, RAM_STYLE="block", **more)
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
        return max(products, padded, out.codes // f.lanes)

    def run(self, inputs: Sequence[Times]) -> tuple[Times, list[Cycles]]:
        (x,), pe = inputs, self.folding.PE
        x, read = self._sliding(x, pe)
        cycles = self.layer.kernel**2 * self.layer.output.channels // pe
        return self._requantized(pace.through(x, cycles, 5), pe), [read]


class JoinBlock(Block):
    """join_add."""

    @cached_property
    def kernels(self) -> dict[str, Kernel]:
        a, b, out, lanes = *self.layer.inputs, self.layer.output, self.folding.lanes
        return {
            "add": JoinAdd(
                lanes,
                a.dtype.bits,
                a.dtype.signed,
                b.dtype.bits,
                b.dtype.signed,
                out.dtype.bits,
                out.dtype.signed,
                beats=out.codes // lanes,
            )
        }

    @property
    def takes(self) -> list[str]:
        return ["add.s_axis_a", "add.s_axis_b"]

    def waits(self, position: int) -> list[int]:
        return [1 - position]

    @property
    def entries(self) -> tuple[int, ...]:
        return (self.folding.lanes,) * 2

    @property
    def interval(self) -> int:
        return self.layer.output.codes // self.folding.lanes

    def run(self, inputs: Sequence[Times]) -> tuple[Times, list[Cycles]]:
        y = pace.joined(*inputs, self.layer.output.channels // self.folding.lanes)
        return y, [y.last, y.last]


class UpsampleBlock(Block):
    """upsample_nearest."""

    @cached_property
    def kernels(self) -> dict[str, Kernel]:
        a, lanes = self.layer.inputs[0], self.folding.lanes
        style = self.style.ram(a.width * a.channels // lanes, lanes * a.dtype.bits)
        shape = (a.height, a.width, a.channels, lanes, a.dtype.bits)
        return {"double": UpsampleNearest(*shape, style, a.dtype.signed)}

    @property
    def entries(self) -> tuple[int, ...]:
        return (self.folding.lanes,)

    @property
    def interval(self) -> int:
        return self.layer.output.codes // self.folding.lanes

    def needs(self, position: int) -> Cycles:
        a = self.layer.inputs[0]
        y, x = (np.arange(2 * n) // 2 for n in (a.height, a.width))
        return (y[:, None] * a.width + x).ravel()

    def run(self, inputs: Sequence[Times]) -> tuple[Times, list[Cycles]]:
        (x,), a = inputs, self.layer.inputs[0]
        y = pace.doubled(x, (a.height, a.width), a.channels // self.folding.lanes)
        return y, [x.last]


class CutBlock(Block):
    """split, whose second stream is dropped."""

    @cached_property
    def kernels(self) -> dict[str, Kernel]:
        a, out = self.layer.inputs[0], self.layer.output
        return {"cut": Split(1, out.codes, a.codes - out.codes, 1, a.dtype.bits)}

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

    def run(self, inputs: Sequence[Times]) -> tuple[Times, list[Cycles]]:
        (x,), kept = inputs, self.layer.output.vectors
        return Times(x.first[:kept] + 1, x.last[:kept] + 1), [x.last]


class AttentionBlock(Block):
    """attention."""

    @cached_property
    def kernels(self) -> dict[str, Kernel]:
        return {"attention": attention(self.layer, self.folding, self.style)}

    @property
    def takes(self) -> list[str]:
        return [f"attention.s_axis_{what}" for what in "qkv"]

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
        return -(-keys.vectors // self.folding.PE) * keys.channels // self.folding.SIMD

    @property
    def entries(self) -> tuple[int, ...]:
        return (self.folding.SIMD,) * 3

    @property
    def interval(self) -> int:
        loading = self.layer.inputs[1].codes // self.folding.SIMD
        return loading + self.layer.inputs[0].vectors * self._row

    def run(self, inputs: Sequence[Times]) -> tuple[Times, list[Cycles]]:
        q, k, v = inputs
        kernel = self.kernels["attention"]
        assert isinstance(kernel, Attention)
        beats = self.layer.inputs[1].channels // self.folding.SIMD
        loaded = [pace.through(x, beats, 1) for x in (k, v)]
        start = max(x.end for x in loaded) + 1
        # A row of scores is whole when its product with the values begins.
        first = pace.paced(np.maximum(q.first, loaded[0].end + 1) + self._row, self._row)
        lag = kernel.scores.latency + 8
        second = pace.paced(np.maximum(first + lag, start) + self._row, self._row)
        out = kernel.context.latency + kernel.OUT_WIDTH + 1
        spread = self.layer.output.channels // self.folding.SIMD * kernel.DIVIDE_CYCLES
        done = pace.paced(second + out + spread, max(spread, 1))
        y = Times(done - spread + 1, done)
        return y, [first, loaded[0].last, loaded[1].last]


class MaskBlock(Block):
    """matmul of few buffered vectors with every pixel, requant."""

    @cached_property
    def kernels(self) -> dict[str, Kernel]:
        return mask_product(self.layer, self.folding)

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

    def run(self, inputs: Sequence[Times]) -> tuple[Times, list[Cycles]]:
        vectors, pixels = inputs
        ready = np.maximum(pixels.last, vectors.end + 1)
        done = pace.paced(ready + self._cycles, self._cycles)
        read = done - self._cycles + self.layer.inputs[1].channels // self.folding.SIMD
        y = pace.through(
            Times(read + 5, done + 5), self.layer.output.channels // self.folding.PE, 4
        )
        return y, [vectors.last, read]


BLOCKS: dict[type[Layer], type[Block]] = {
    Join: JoinBlock,
    Upsample: UpsampleBlock,
    Cut: CutBlock,
    SoftmaxAttention: AttentionBlock,
    MaskProduct: MaskBlock,
}


def buffer(depth: int, bits: int, beats: int, style: Style) -> Fifo:
    """A FIFO of at least so many beats."""
    width = WORD * -(-bits // WORD)
    depth = max(2, depth)
    return Fifo(depth, width, style.ram(depth, width + 1), beats=beats)


def narrowed(lanes: int, out: int, bits: int, codes: int) -> dict[str, Kernel]:
    """From `lanes` codes a beat to `out`. A wide beat is held, so that its source goes on."""
    if lanes == out:
        return {}
    convert = Dwc(lanes, out, bits, groups=codes // max(lanes, out))
    if lanes < out:
        return {"widen": convert}
    return {"hold": Pipe(WORD * -(-lanes * bits // WORD), beats=codes // lanes), "narrow": convert}


def attention(layer: Layer, folding: Folding, style: Style) -> Attention:
    """The fused head, see `hw.lower.products.softmax_attention`."""
    q, k, _ = layer.inputs
    length = -(-k.vectors // folding.PE) * folding.PE if k.ragged else k.vectors
    depth = k.codes // (folding.PE * folding.SIMD)
    memory = style.ram(depth, folding.SIMD * k.dtype.bits)
    if style.uram and memory == "block" and depth * folding.SIMD * 8 * folding.PE > 500_000:
        memory = "ultra"
    row = style.ram(2 * -(-k.vectors // folding.PE), folding.PE * 8)
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


def mask_product(layer: Layer, folding: Folding) -> dict[str, Kernel]:
    """matmul and requant of the masks' logits."""
    vectors, pixels = layer.inputs
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
        RAM_STYLE="distributed",
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
