"""What `common/quotient.sv` and the rounding before it take: resources."""

from __future__ import annotations

from hw.spec.kernel import Cost


def quotient_cost(
    pe: int,
    n_width: int,
    d_width: int,
    offset_width: int,
    out_width: int,
    added: int,
    bounded: bool = False,
) -> Cost:
    """Parameters as in the module; added: bits in which both dividend and offset vary."""
    steps = out_width - 1
    width = max(n_width + 1, offset_width + 1, d_width + steps)
    if bounded:
        width = min(width, d_width + out_width + 1)
    # Stage k adds from bit k up. The last bit of all, the sign, follows from the carry.
    fits = [min(width - k - 1, d_width + 2) if bounded else width - k - 1 for k in range(steps)]
    # Low bits on their way to their stage and quotient bits from theirs, three registers or more,
    # become shift registers.
    chains = range(3, steps + 1)
    kept = [min(width, k + d_width + 2) if bounded else width for k in range(steps)]
    lane = Cost(
        lut=added + sum(fits) + 2 * len(chains),
        ff=n_width + width + sum(kept) + steps * (steps + 1) // 2 - 2 * sum(chains),
    )
    return lane * pe + Cost(lut=2, ff=offset_width + (d_width + 1) * (steps + 1))


def offset_cost(d_width: int, out_width: int, signed: bool, tie: int) -> Cost:
    """The offset for half a divisor and the tie, less half the range where that starts at 0."""
    return Cost(lut=max(d_width - tie + 1, 0) + (0 if signed else d_width))
