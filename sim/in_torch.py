"""The operators in PyTorch, each giving the integers of its golden function, only faster.

Codes travel between nodes as float32 tensors that hold integers. What is not a golden function of
`hw.ops` is used only after a proof that it gives the same integers: `sim.staircase` for what
rounds, the whole table for an exponential.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hw.ops import operators
from hw.ops.join import join_add
from hw.ops.program import Node
from hw.ops.softmax import exp_rows
from sim.staircase import line_of

Unary = Callable[[Tensor], Tensor]


_lock = Lock()
_nnpack: list[bool] = []
"""What the switch of NNPACK was, once for each program that runs now."""


@contextmanager
def running() -> Iterator[None]:
    """What a program runs under, several at once in as many threads. NNPACK's 3 x 3 convolutions
    are Winograd's, whose sums are not exact; its switch is one for all threads, so it goes back
    with the last program that ends.
    """
    with _lock:
        (before,) = torch.backends.nnpack.set_flags(False)
        _nnpack.append(_nnpack[0] if _nnpack else before)
    try:
        with torch.inference_mode():
            yield
    finally:
        with _lock:
            before = _nnpack.pop()
            if not _nnpack:
                torch.backends.nnpack.set_flags(before)


def load(codes: NDArray) -> Tensor:
    """Codes as a float32 tensor; maps and tokens (B,C,H,W) run faster with channels last, memories
    (1,1,L,lanes) are rows already.
    """
    layout = torch.channels_last if codes.shape[1] != 1 else torch.contiguous_format
    tensor = torch.from_numpy(np.ascontiguousarray(codes))
    return tensor.to(torch.float32, memory_format=layout)


def store(tensor: Tensor, kind: np.dtype) -> NDArray:
    """The codes of a tensor as an array of that type, row after row."""
    return tensor.to(getattr(torch, kind.name)).contiguous().numpy()


def bind(node: Node) -> Callable[..., Tensor]:
    """The node as a function of its input tensors. Raises BundleError for an unknown operator."""
    if node.op == "conv":
        return _conv(node)
    if node.op == "requant":
        return _requant(node)
    if node.op == "exp_rows":
        return _exp_rows(node)
    if node.op == "join_add":
        low, high = node.attrs["low"], node.attrs["high"]
        return lambda a, b: join_add(a, b, low, high)
    return operators.bind(node)


def _conv(node: Node) -> Unary:
    weight = torch.from_numpy(node.params["weight"]).float()
    weight = weight.contiguous(memory_format=torch.channels_last)
    stride, padding, groups = (node.attrs[k] for k in ("stride", "padding", "groups"))
    convolve = torch.nn.functional.conv2d
    return lambda x: convolve(x, weight, None, stride, padding, 1, groups)


def _requant(node: Node) -> Unary:
    """Works in place on its argument; acc (B,O,...) float32 or float64 -> float32 codes."""
    line = line_of(node)
    if line is None:
        return operators.bind(node)
    low, high = int(node.attrs["low"]), int(node.attrs["high"])
    a = torch.from_numpy(line[0]).view(1, -1, 1, 1)
    kind = a.dtype
    if line[1] is None:
        return lambda acc: acc.to(kind).mul_(a).round_().clamp_(low, high)
    b = torch.from_numpy(line[1]).view(1, -1, 1, 1)

    def apply(acc: Tensor) -> Tensor:
        return acc.to(kind).mul_(a).add_(b).floor_().clamp_(low, high).float()

    return apply


def _exp_rows(node: Node) -> Unary:
    """The table as an exponential where a float32 one provably rounds to the same codes; else the
    table.
    """
    table = node.params["table"]
    high = float(table[0])
    # The table is high * exp(-d * rate): read the rate off its middle, in sixteenths, then prove
    # the whole.
    probe = max(int(np.count_nonzero(table)) // 4, 1)
    rate = float(np.rint(16 * np.log(high / max(table[probe], 1)) / probe) / 16)
    exact = high * np.exp(-np.arange(table.size) * rate)
    room = np.abs(exact - np.floor(exact) - 0.5).min()
    if not np.array_equal(np.rint(exact), table) or room < 1e-3:  # float32 errs by 1e-4 of 255
        codes = torch.from_numpy(table).float()
        return lambda s: exp_rows(s, codes)
    top = float(np.log(high))

    def apply(s: Tensor) -> Tensor:
        highest = s.amax(-1, keepdim=True).mul_(-rate).add_(top)
        return torch.add(highest, s, alpha=rate).exp_().round_()

    return apply
