"""Depths of the FIFOs where streams from one origin meet again.

Parts of a dataflow wait for data and for room, never for a clock, so that whether they come to a
halt for good does not depend on when beats arrive (Kahn 1974; Lee and Messerschmitt 1987): a depth
that holds what must be held for some order of events holds for every pattern of stalls. What must
be held follows from which vectors need which: where input A of a block is read together with
input B and both come from a stream S, the vectors of A that the way from S to A cannot keep back
while S yields what B's next vector needs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache

import numpy as np

from hw.fold.block import Block
from hw.fold.layers import Dataflow, Keep, Tensor
from hw.fold.pace import Cycles

Way = tuple[Cycles, int, bool]
"""Last vector of an origin that each vector of a tensor needs; layers in between; whether a frame
is kept on every way between them."""
Needs = Callable[[str, str], Way | None]
SLACK = 2
"""Each layer of the longer way may hold this many vectors at once to keep its pace."""


def depths(
    dataflow: Dataflow, blocks: Mapping[str, Block], apart: Collection[str] = ()
) -> dict[tuple[str, int], int]:
    """Vectors to be held before a block's input, by (layer, input); none where nothing can lock.

    apart: inputs of the graph that each reader takes in on its own: they tie no branches together.
    """
    found = {}
    maker = {layer.output.name: layer for layer in dataflow.layers}
    tensors = dataflow.tensors

    @cache
    def needs(target: str, origin: str) -> Way | None:
        """The ways from `origin` to `target`."""
        if target == origin:
            return np.arange(tensors[origin].vectors), 0, False
        layer = maker.get(target)
        if layer is None:
            return None
        parts = []
        for i, tensor in enumerate(layer.inputs):
            inner = needs(tensor.name, origin)
            if inner is not None:
                parts.append((inner[0][blocks[layer.name].needs(i)], *inner[1:]))
        if not parts:
            return None
        whole = np.maximum.accumulate(np.max([p for p, _, _ in parts], axis=0))
        kept = isinstance(layer, Keep) or all(k for _, _, k in parts)
        return whole, 1 + max(n for _, n, _ in parts), kept

    origins = [t for t in tensors.values() if len(dataflow.readers(t)) > 1 and t.name not in apart]
    for layer in dataflow.layers:
        block = blocks[layer.name]
        for i, tensor in enumerate(layer.inputs):
            pairs = [(j, origin) for j in block.waits(i) for origin in origins]
            held = max((_held(needs, block, i, j, o) for j, o in pairs), default=0)
            if held > 0:
                found[(layer.name, i)] = min(held, tensor.vectors)
    return found


def _held(needs: Needs, block: Block, i: int, j: int, origin: Tensor) -> int:
    """Vectors of input i that must have left its way when input j lets vector n be read: those
    that need less of the origin than j's next one does. What its way takes in besides, it keeps.
    """
    mine, other = (needs(block.layer.inputs[n].name, origin.name) for n in (i, j))
    if mine is None or other is None or mine[2]:
        return 0
    wanted = other[0][block.needs(j)]
    left = np.searchsorted(mine[0], wanted, side="left")
    waiting = int((left - np.arange(len(wanted))).max())
    if mine[1] >= other[1]:
        return waiting + 1 if waiting > 0 else 0
    # A layer gives nothing before it has a whole vector.
    return max(waiting, 0) + 1 + SLACK * (other[1] - mine[1])
