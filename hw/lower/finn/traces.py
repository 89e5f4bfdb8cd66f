"""What chains of Reshape and Transpose do to a tensor, found by sending indices through them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.lower.errors import LoweringError
from hw.lower.finn.ops.stream import NCHW, ROWS

MOVES = ("Reshape", "Transpose")


def origin(model: Any, name: str, stop: str = "") -> tuple[str, NDArray[np.int64]]:
    """Returns (tensor before all moves, or `stop`; its flat index at each place of `name`)."""
    chain, at = [], name
    while at != stop:
        producer = model.find_producer(at)
        if producer is None or producer.op_type not in MOVES:
            break
        chain.append(producer)
        at = producer.input[0]
    shape = model.get_tensor_shape(at)
    indices = np.arange(int(np.prod(shape))).reshape(shape)
    for node in reversed(chain):
        if node.op_type == "Reshape":
            indices = indices.reshape(model.get_tensor_shape(node.output[0]))
        else:
            indices = indices.transpose(list(node.attribute[0].ints))
    return at, indices


def as_rows(model: Any, name: str, layer: str, columns: bool = False) -> tuple[str, str]:
    """Returns (source tensor, its layout) of a tensor that is the source's vectors as rows
    (1,1,N,C), or as columns (1,1,C,N).

    Raises LoweringError for any other arrangement, such as several heads.
    """
    source, indices = origin(model, name)
    rows = indices.swapaxes(2, 3) if columns and indices.ndim == 4 else indices
    shape = model.get_tensor_shape(source)
    every = np.arange(indices.size)
    if rows.ndim == 4 and len(shape) == 4:
        if list(rows.shape) == list(shape) and np.array_equal(rows.ravel(), every):
            return source, ROWS
        if np.array_equal(rows[0, 0], every.reshape(shape[1], -1).T):
            return source, NCHW
    raise LoweringError(
        layer,
        "product",
        f"{name} {list(indices.shape)} is neither rows nor columns of {source} {list(shape)}",
        "one head, batch 1, channels first",
    )


def only(nodes: list[Any] | None, layer: str, kind: str) -> Any:
    """The single reader. Raises LoweringError when it is another or there are several."""
    have = [n.op_type for n in nodes or []]
    if have != [kind]:
        raise LoweringError(layer, kind, f"is expected alone, found {have or 'nothing'}")
    assert nodes
    return nodes[0]


def through_moves(model: Any, name: str) -> str:
    """The tensor at the end of a chain of moves that are each other's only readers."""
    while True:
        readers = model.find_consumers(name) or []
        if len(readers) != 1 or readers[0].op_type not in MOVES:
            return name
        name = readers[0].output[0]


def drop_unread(model: Any) -> None:
    """Remove nodes whose results nobody reads."""
    ends = {o.name for o in model.graph.output}
    while True:
        read = {n for node in model.graph.node for n in node.input} | ends
        dead = [n for n in model.graph.node if not read & set(n.output)]
        if not dead:
            return
        for node in dead:
            model.graph.node.remove(node)


def rename(model: Any, old: str, new: str) -> None:
    """Give a tensor another name in all nodes; its description stays with the old one."""
    for node in model.graph.node:
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                if name == old:
                    names[i] = new
