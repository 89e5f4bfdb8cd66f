"""What `common/mac_array.sv` takes: cycles of latency, resources."""

from __future__ import annotations

from hw.spec.kernel import Cost


def latency(pe: int, simd: int, pack: int, res: str) -> int:
    """Enabled cycles from the last terms of a sum to the sum."""
    return 1


def cost(
    pe: int,
    simd: int,
    activation_width: int,
    weight_width: int,
    accu_width: int,
    pack: int,
    res: str,
) -> Cost:
    """Resources of the array alone."""
    return Cost()
