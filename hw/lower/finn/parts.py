"""Cutting a hardware graph into what FINN can build: stretches of its own layers between this
project's ops, which are kernels of `hw/kernels` and stay outside.
"""

from __future__ import annotations

import copy
from typing import Any

from hw.lower.finn.runtime import OPS


def levels(model: Any) -> dict[str, int]:
    """Tells of every layer how many of this project's ops lie before it on the longest path. FINN's
    layers of one level make a part, and no path leaves a part and comes back.
    """
    found: dict[str, int] = {}
    makers = {name: n for n in model.graph.node for name in n.output}
    for node in model.graph.node:  # sorted
        before = [makers[n] for n in node.input if n in makers]
        found[node.name] = max((found[b.name] + (b.domain == OPS) for b in before), default=0)
    return found


def parts(model: Any) -> list[Any]:
    """ModelWrappers of FINN's layers, level by level; their ends are streams of the whole."""
    level = levels(model)
    count = 1 + max(level.values(), default=-1)
    cut = [
        _part(model, {n.name for n in model.graph.node if level[n.name] == i and n.domain != OPS})
        for i in range(count)
    ]
    return [p for p in cut if p.graph.node]


def _part(model: Any, names: set[str]) -> Any:
    part = copy.deepcopy(model)
    for node in [n for n in part.graph.node if n.name not in names]:
        part.graph.node.remove(node)
    made = {n for node in part.graph.node for n in node.output}
    constants = {i.name for i in part.graph.initializer}
    read = [n for node in part.graph.node for n in node.input]
    inputs = list(dict.fromkeys(n for n in read if n not in made | constants))
    outside = {n for node in model.graph.node if node.name not in names for n in node.input}
    outside |= {o.name for o in model.graph.output}
    order = [n for node in part.graph.node for n in node.output]
    outputs = [n for n in order if n in outside]
    infos = {n: copy.deepcopy(model.get_tensor_valueinfo(n)) for n in (*inputs, *outputs)}
    for ends, wanted in ((part.graph.input, inputs), (part.graph.output, outputs)):
        del ends[:]
        ends.extend(infos[n] for n in wanted)
    _drop_unused(part)
    return part


def _drop_unused(part: Any) -> None:
    """Constants and descriptions of tensors of other parts."""
    used = {n for node in part.graph.node for n in (*node.input, *node.output)}
    ends = {p.name for p in (*part.graph.input, *part.graph.output)}
    for field, wanted in (
        (part.graph.initializer, used),
        (part.graph.value_info, used - ends),
    ):
        for item in [x for x in field if x.name not in wanted]:
            field.remove(item)
    notes = part.graph.quantization_annotation
    for note in [x for x in notes if x.tensor_name not in used]:
        notes.remove(note)
