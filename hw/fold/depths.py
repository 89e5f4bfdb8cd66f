"""Depths of the FIFOs where streams from one origin meet again.

Parts of a dataflow wait for data and for room, never for a clock, so that whether they come to a
halt for good does not depend on when beats arrive (Kahn 1974; Lee and Messerschmitt 1987): a depth
that holds what must be held for some order of events holds for every pattern of stalls. What must
be held follows from which vectors need which: where input A of a block is read together with
input B, and both come from a stream S, as many vectors of A as S has yielded when B's next one is
possible.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from hw.fold.blocks import Block
from hw.fold.layers import Dataflow, Layer, Tensor
from hw.fold.pace import Cycles

SLACK = 2
"""Vectors that each layer of the longer way may have under its hands, and keeps its pace with."""


def depths(dataflow: Dataflow, blocks: Mapping[str, Block]) -> dict[tuple[str, int], int]:
    """Vectors to be held before a block's input, by (layer, input); none where nothing can lock."""
    found = {}
    maker = {layer.output.name: layer for layer in dataflow.layers}

    @cache
    def needs(target: str, origin: str) -> tuple[Cycles, int] | None:
        """Last vector of `origin` that each vector of `target` needs, and layers in between."""
        if target == origin:
            size = next(t.vectors for t in _tensors(dataflow) if t.name == origin)
            return np.arange(size), 0
        layer = maker.get(target)
        if layer is None:
            return None
        parts = []
        for i, tensor in enumerate(layer.inputs):
            inner = needs(tensor.name, origin)
            if inner is not None:
                parts.append((inner[0][blocks[layer.name].needs(i)], inner[1]))
        if not parts:
            return None
        whole = np.maximum.accumulate(np.max([p for p, _ in parts], axis=0))
        return whole, 1 + max(n for _, n in parts)

    origins = [t for t in _tensors(dataflow) if len(dataflow.readers(t)) > 1]
    for layer in dataflow.layers:
        for i, tensor in enumerate(layer.inputs):
            held = 0
            for j in blocks[layer.name].waits(i):
                for origin in origins:
                    held = max(held, _held(needs, layer, i, j, origin))
            if held:
                found[(layer.name, i)] = min(held, tensor.vectors)
    return found


def _held(needs, layer: Layer, i: int, j: int, origin: Tensor) -> int:
    """Vectors of input i that stand there when input j lets the next one be read."""
    mine, other = (needs(layer.inputs[n].name, origin.name) for n in (i, j))
    if mine is None or other is None or (mine[1] == 0 and other[1] == 0):
        return 0
    count = len(mine[0])
    # An input that is taken whole (keys) lets the first vector be read when it is complete.
    wanted = other[0] if len(other[0]) == count else np.full(count, other[0][-1])
    made = np.searchsorted(mine[0], wanted, side="right")
    waiting = int((made - np.arange(count)).max(initial=0))
    return (
        waiting + SLACK * (1 + other[1]) if other[1] > mine[1] or waiting > 1 else waiting + SLACK
    )


def _tensors(dataflow: Dataflow) -> list[Tensor]:
    return [*dataflow.inputs.values(), *(x.output for x in dataflow.layers)]
