"""Frames that must be kept whole: where, and once.

Where a branch of a fork cannot begin before all of another has passed (the queries of an attention
over the same map, a sum behind it, pixels that wait for what all tokens say), a FIFO holds the
frame. `hw.fold.depths` puts it right before the layer that waits. Anywhere on that branch does, as
long as the branch shares nothing else on the way: it is moved upstream to where the stream is
thinnest, and frames of one tensor that several branches keep are kept once, before they part.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from hw.fold.block import Folding, Style
from hw.fold.blocks import block
from hw.fold.depths import depths
from hw.fold.layers import Conv, Dataflow, Join, Keep, Layer, Tensor, Upsample

LARGE = 1 << 16
"""Bits of a frame worth the trouble."""
End = tuple[str, int]
"""An end is (layer, input)."""


def thinned(dataflow: Dataflow, apart: Collection[str] = ()) -> Dataflow:
    """The same dataflow with a `Keep` for each large frame that is kept. apart: see `depths`."""
    blocks = {x.name: block(x, Folding(), Style()) for x in dataflow.layers}
    layers = {x.name: x for x in dataflow.layers}
    places: dict[str, set[End]] = {}
    for (name, i), held in depths(dataflow, blocks, apart).items():
        tensor = layers[name].inputs[i]
        if 2 * held >= tensor.vectors and _bits(tensor) >= LARGE:
            end = _thinnest(dataflow, (name, i), apart)
            places.setdefault(layers[end[0]].inputs[end[1]].name, set()).add(end)
    made: list[Layer] = []
    kept: dict[End, Tensor] = {}

    def keep(tensor: Tensor, name: str) -> None:
        ends = places.get(tensor.name)
        if ends:
            out = replace(tensor, name=f"{tensor.name}.kept")
            made.append(Keep(f"{name}.kept", (tensor,), out, {}))
            kept.update(dict.fromkeys(ends, out))

    for port, tensor in dataflow.inputs.items():
        keep(tensor, port)
    for layer in dataflow.layers:
        inputs = tuple(kept.get((layer.name, i), t) for i, t in enumerate(layer.inputs))
        moved = any(a is not b for a, b in zip(inputs, layer.inputs, strict=True))
        made.append(replace(layer, inputs=inputs) if moved else layer)
        keep(layer.output, layer.name)
    return replace(dataflow, layers=tuple(made))


def _thinnest(dataflow: Dataflow, end: End, apart: Collection[str]) -> End:
    """The end on the way to this one, its own or one before, where a frame has the fewest bits; of
    several the first, where others may keep it too.
    """
    makers = {x.output.name: x for x in dataflow.layers}
    layers = {x.name: x for x in dataflow.layers}
    out = {t.name for t in dataflow.outputs.values()}

    def forked(tensor: Tensor) -> bool:
        return len(dataflow.readers(tensor)) > 1 and tensor.name not in apart

    def tied(tensor: Tensor) -> bool:
        """Does any branch of a fork lead here?"""
        maker = makers.get(tensor.name)
        return forked(tensor) or (maker is not None and any(map(tied, maker.inputs)))

    best, now = end, end
    while True:
        tensor = layers[now[0]].inputs[now[1]]
        if _bits(tensor) <= _bits(layers[best[0]].inputs[best[1]]):
            best = now
        maker = makers.get(tensor.name)
        if forked(tensor) or tensor.name in out or not isinstance(maker, Conv | Join | Upsample):
            return best
        ways = [i for i, t in enumerate(maker.inputs) if tied(t)]
        if len(ways) != 1:
            return best
        now = maker.name, ways[0]


def _bits(tensor: Tensor) -> int:
    return tensor.codes * tensor.dtype.bits
