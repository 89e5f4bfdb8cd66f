"""Foldings: for each layer the cheapest lanes that keep a pace, and for each accelerator what a
choice of paces costs and how long a frame then takes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from hw.fold import pace
from hw.fold.block import Block, Folding, Style, converting
from hw.fold.blocks import block
from hw.fold.layers import (
    Conv,
    Dataflow,
    Keep,
    Layer,
    MaskProduct,
    SoftmaxAttention,
    Tensor,
    Upsample,
)
from hw.fold.pace import Times
from hw.spec.errors import SamFabricError, SpecError
from hw.spec.kernel import Cost

Readers = Mapping[str, Sequence[tuple[Layer, int]]]
End = tuple[str, int]
"""An end is (layer, input)."""
HELD = 2
"""Vectors that a block takes in before it holds up who gives them."""
AROUND = 20
"""These cycles pass from room in a block to the next vector of the one before, where neither works
ahead. A block with a skid in it or before it does: its next vector is under way meanwhile.
"""
AHEAD = 2.5
"""Pieces of a vector that a block finishes while nobody takes any: the registers on their way hold
that many.
"""
INSIDE = -1
"""The end (layer, INSIDE) stands for the wires between a block's own kernels."""
TRIED = 6
"""Foldings of a layer that are built to compare their costs."""
MOST_SIMD = 32
"""An attention has no more SIMD: its queries come a code a beat, and wide words waste block RAM."""
MOST_KEYS = {True: 4, False: 2}
"""An attention over a memory (True), whose length varies, and one within a frame have no more PE:
the greatest of that many scores is found in one cycle, which at 200 MHz is too short for more.
Twice the SIMD is as fast in cycles.
"""


class FoldingError(SamFabricError):
    """No folding keeps the pace, or what was asked for does not fit the board."""


def share(cost: Cost, budget: Cost) -> float:
    """Sum of the shares of a budget that a cost takes: what scarce resources cost most of. Each
    piece of a resource that the board lacks counts as a share of 1.
    """
    parts = ((getattr(cost, f.name), getattr(budget, f.name)) for f in fields(Cost))
    return sum(used / (have or 1) for used, have in parts)


def foldings(layer: Layer, cycles: int) -> Iterator[Folding]:
    """Foldings of a layer that may keep a pace of so many cycles a frame, fewest products first."""
    out = layer.output
    lanes = next((n for n in divisors(out.channels) if out.codes // n <= cycles), out.channels)
    if isinstance(layer, Conv) and layer.depthwise:
        for pe in divisors(out.channels):
            yield Folding(pe, 1, _dividing(lanes, pe, out.channels))
    elif isinstance(layer, Conv):
        pairs = [(p, s) for p in divisors(out.channels) for s in divisors(layer.inputs[0].channels)]
        for pe, simd in sorted(pairs, key=lambda n: (n[0] * n[1], n[1])):
            yield Folding(pe, simd, _dividing(lanes, pe, out.channels))
    elif isinstance(layer, SoftmaxAttention):
        keys = layer.inputs[1]
        powers = [n for n in divisors(MOST_KEYS[keys.ragged]) if keys.vectors % n == 0]
        pairs = [(p, s) for p in powers for s in divisors(keys.channels) if s <= MOST_SIMD]
        for pe, simd in sorted(pairs, key=lambda n: (n[0] * n[1], -min(n))):
            yield Folding(pe, simd, simd)
    elif isinstance(layer, MaskProduct):
        pairs = [(p, s) for p in divisors(out.channels) for s in divisors(layer.inputs[0].channels)]
        for pe, simd in sorted(pairs, key=lambda n: (n[0] * n[1], n[1])):
            yield Folding(pe, simd, pe)
    else:
        yield Folding(lanes=lanes)


def cheapest(layer: Layer, cycles: int, style: Style, budget: Cost) -> Block:
    """The block of least share of the budget whose kernels all keep a pace of `cycles` a frame.

    Raises FoldingError, naming the layer and the best that it can, where none does.
    """
    found: list[Block] = []
    best = 0
    for folding in foldings(layer, cycles):
        candidate = block(layer, folding, style)
        interval = candidate.interval
        best = min(best or interval, interval)
        if interval > cycles:
            continue
        try:
            candidate.cost  # noqa: B018 - builds the kernels, whose rules may refuse
        except SpecError:
            continue
        found.append(candidate)
        if len(found) == (2 * TRIED if isinstance(layer, SoftmaxAttention) else TRIED):
            break
    if not found:
        raise FoldingError(
            f"layer {layer.name} cannot keep {cycles:,} cycles a frame",
            f"it can keep {best:,}: ask for fewer frames a second",
        )
    return min(found, key=lambda b: share(b.cost, budget))


def divisors(n: int) -> list[int]:
    """Returns the divisors of n, ascending."""
    return [d for d in range(1, n + 1) if n % d == 0]


def _dividing(least: int, pe: int, channels: int) -> int:
    """At least so many lanes, in a whole ratio to PE."""
    fit = [n for n in divisors(channels) if n >= least and (n % pe == 0 or pe % n == 0)]
    return fit[0] if fit else channels


@dataclass(frozen=True, eq=False)
class Plan:
    """An accelerator folded: its blocks in order, and by tensor when its vectors come."""

    dataflow: Dataflow
    blocks: Mapping[str, Block]
    times: Mapping[str, Times]

    @property
    def cycles(self) -> int:
        """The cycles of a frame, from its first code in to its last code out."""
        return max(self.times[t.name].end for t in self.dataflow.outputs.values()) + 2

    @property
    def interval(self) -> int:
        """Between frames that follow each other closely. An input comes a code a cycle."""
        given = {t.name: t.codes for t in self.dataflow.inputs.values()}
        found = 0
        for layer in self.dataflow.layers:
            b = self.blocks[layer.name]
            ahead = [self.times[t.name].ahead for t in layer.inputs]
            found = max(found, b.between([given[t.name] for t in layer.inputs], ahead))
            given[layer.output.name] = max(b.interval, layer.output.codes // b.exit)
        return found


def schedule(
    dataflow: Dataflow,
    blocks: Mapping[str, Block],
    kept: Collection[End] = (),
    skids: Mapping[End, int] | None = None,
    apart: Collection[str] = (),
) -> Plan:
    """When everything happens. kept: inputs of layers that a FIFO keeps; what waits at the others
    holds up its maker. skids: how many stand on the way to an input, and inside a block. apart:
    inputs of the graph that each reader takes in on its own.
    """
    skids = skids or {}
    times = {t.name: pace.source(t.vectors, t.channels, start=3) for t in dataflow.inputs.values()}
    lanes: dict[str, int] = {t.name: 1 for t in dataflow.inputs.values()}
    readers = {name: dataflow.readers(t) for name, t in dataflow.tensors.items()}

    def forked(made: Times, tensor: Tensor) -> Times:
        """A tensor's times once all its readers have had it."""
        ends = readers[tensor.name]
        if len(ends) < 2 or tensor.name in apart:
            return made
        branches = [blocks[x.name] for x, i in ends if (x.name, i) not in kept]
        return _forked(made, [_chain(b, blocks, readers) for b in branches])

    times = {t.name: forked(times[t.name], t) for t in dataflow.inputs.values()}
    # By tensor the slowest blocks since a frame was kept, before, between and after upsampling:
    # what waits behind it starts afresh at that pace.
    since: dict[str, tuple[int, ...]] = {}
    # Tensors that no branch of a fork leads to: they wait without holding anybody up.
    alone = {t.name for t in dataflow.inputs.values() if len(readers[t.name]) == 1}
    for layer in dataflow.layers:
        b = blocks[layer.name]
        inputs = []
        for i, tensor in enumerate(layer.inputs):
            x, have = times[tensor.name], lanes[tensor.name]
            want = b.entries[i]
            if (layer.name, i) in kept:
                x = replace(x, held=0, ahead=0)
            if want != have:
                y = pace.through(x, converting(have, want, tensor.channels), 2)
                x = replace(x, first=y.first, last=y.last)
            inputs.append(x.later(skids.get((layer.name, i), 0)))
        out = layer.output
        behind = max((since[t.name] for t in layer.inputs if t.name in since), default=())
        if isinstance(layer, Keep):
            since[out.name] = (b.interval,)
        elif behind and all(t.name in since or t.name in alone for t in layer.inputs):
            last = (b.interval,) if isinstance(layer, Upsample) else (max(behind[-1], b.interval),)
            since[out.name] = behind + last if isinstance(layer, Upsample) else behind[:-1] + last
        if all(t.name in alone for t in layer.inputs) and len(readers[out.name]) == 1:
            alone.add(out.name)
        held = b.interval // out.vectors
        if out.name in since:
            early = any(skids.get((layer.name, i)) for i in (INSIDE, *range(len(inputs))))
            around = 0 if early else AROUND
            held = max(held, _afresh(since[out.name]) // out.vectors + around)
        ahead = int(AHEAD * b.interval / (out.vectors * b.pieces))
        made = replace(b.run(inputs), held=held, ahead=ahead)
        made = made.later(skids.get((layer.name, INSIDE), 0))
        times[out.name] = forked(made, out)
        lanes[out.name] = b.exit
    for tensor in dataflow.outputs.values():
        if lanes[tensor.name] != 1:
            cycles = converting(lanes[tensor.name], 1, tensor.channels)
            times[tensor.name] = pace.through(times[tensor.name], cycles, 2)
    return Plan(dataflow, blocks, times)


def _afresh(slowest: Sequence[int]) -> int:
    """Cycles a frame of blocks none of which works ahead. An upsampling gives each line twice, and
    takes nothing in while it does so again.
    """
    took = slowest[-1]
    for before in reversed(slowest[:-1]):
        took = max(before, took // 2) + took // 2
    return took


def _chain(b: Block, blocks: Mapping[str, Block], readers: Readers) -> list[int]:
    """Cycles a frame of a block and of those that alone read from each other behind it."""
    after = readers[b.layer.output.name]
    if isinstance(b.layer, Keep):
        return [b.interval]
    if len(after) != 1 or len(after[0][0].inputs) > 1:
        return [b.interval]
    return [b.interval, *_chain(blocks[after[0][0].name], blocks, readers)]


def _forked(made: Times, branches: Sequence[Sequence[int]]) -> Times:
    """A fork goes on when all its readers have taken a vector: the slowest block behind it sets its
    pace, once the blocks on the way there have their hands full.
    """
    last = made.last
    for chain in branches:
        for place, interval in enumerate(chain):
            taken = pace.paced(made.last + 1, max(1, interval // len(last)))
            full = HELD * (place + 1)
            last = np.concatenate([last[:full], np.maximum(last[full:], taken[:-full])])
    last = np.maximum.accumulate(last)
    return Times(np.minimum(np.maximum(made.first, last - (made.last - made.first)), last), last)
