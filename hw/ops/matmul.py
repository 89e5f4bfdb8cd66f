"""Product of two matrices of codes: exact integer sums."""

from __future__ import annotations

import torch
from torch import Tensor

from hw.ops.integers import EXACT


def matmul(a: Tensor, b: Tensor, term: int) -> Tensor:
    """Multiplies codes a (...,M,K) and b (...,K,N) to sums (...,M,N).

    term: greatest |a * b| of one product. Floating operands keep their type while K * term stays
    below EXACT; beyond it the sum is taken in blocks that do and comes back in float64.
    """
    if not a.is_floating_point():
        return torch.matmul(a.double(), b.double()).to(torch.int64)
    depth = a.shape[-1]
    block = max(1, (EXACT - 1) // max(term, 1))
    if a.dtype == torch.float64 or depth <= block:
        return torch.matmul(a, b)
    if a.shape[:-2].numel() == 1:  # plain matrices: batched products copy slices of their operands
        flat = _blocks(a.flatten(0, -2), b.flatten(0, -2), block)
        return flat.reshape(*a.shape[:-1], b.shape[-1])
    return _blocks(a, b, block)


def _blocks(a: Tensor, b: Tensor, block: int) -> Tensor:
    total = torch.matmul(a[..., :block], b[..., :block, :]).double()
    for start in range(block, a.shape[-1], block):
        end = start + block
        total += torch.matmul(a[..., start:end], b[..., start:end, :])
    return total
