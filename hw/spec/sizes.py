"""Sizes in bits and bytes: widths of ports, sums and counters, computed in one place."""

from __future__ import annotations

from typing import SupportsInt


def ceil_div(a: int, b: int) -> int:
    """The quotient a / b of two integers, rounded up; b is positive."""
    return -(-a // b)


def whole_bytes(bits: int) -> int:
    """Bits filled up to whole bytes, as the tdata of an AXI4-Stream is."""
    return 8 * ceil_div(bits, 8)


def signed_bits(low: SupportsInt, high: SupportsInt) -> int:
    """The fewest bits, two's complement, that hold every integer of low..high: at least 2, the
    least of a signed type.
    """
    return max(-int(low) - 1, int(high), 1).bit_length() + 1


def index_bits(places: int) -> int:
    """The bits of an index that tells `places` places apart, as SystemVerilog's $clog2: 0 for
    one.
    """
    return (places - 1).bit_length()
