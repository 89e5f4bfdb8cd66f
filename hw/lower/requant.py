"""Search of the requantizer's integers: m, b, n per channel that follow the trained quantizer on
every reachable sum. `solve` decides them for golden and hardware alike: with few shifts that all
channels share (`search_shared`), as hardware wants it, else with n free (`search`).

The trained quantizer, code = clip(round((acc * scale + bias) / out)), halves to even, is a
staircase in the integer acc, so it is wholly described by its step positions T_i = the smallest
acc whose code is at least i. y = (acc * m + b) >> n is a staircase too, and both agree everywhere
if and only if, for each i, y(T_i) >= i and y(T_i - 1) < i: two inequalities, linear in b. For
given m and n they leave an interval of b, possibly empty. Steps outside the reachable sums
constrain only the range's ends. For a given n, the width of the interval is a concave function of
m, so that all feasible m lie between two ends around its maximum; and (2m, 2b) at n + 1 repeats
(m, b) at n, so that what a shift can follow a greater one can too.

The trained quantizer is taken in exact arithmetic on its float32 parameters. A float32
convolution sums in an order of its own and may round to the other side of a step that lies within
about 1e-6 of a sum's value; no integer rule could follow that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from hw.spec.dtypes import IntType
from hw.spec.sizes import signed_bits

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# One DSP slice multiplies 25 x 18 bits signed and adds 48 (Xilinx UG479, DSP48E1; the DSP48E2 of
# UltraScale+ has 27 x 18, UG579). Two in cascade, the upper one shifted by 17, make a multiplier
# of 35 bits and add 65.
NARROW_PORT, WIDE_PORT, CASCADE_PORT = 18, 25, 35
SUM_BITS, CASCADE_SUM_BITS = 48, 62  # 62: what int64 holds with room
DSPS, SHIFTS = (1, 2, 4), (1, 2, 4)  # a lane; a layer
_FAR = np.int64(1) << 40  # beyond any sum
_SHIFTS = 10  # shifts tried below the greatest that keeps m within its port
_OFFSETS = (0, 1, -1, 2, -2, 3, -3)  # neighbours of the nearest m


@dataclass(frozen=True)
class Requant:
    """The integers of a requantizer, each (O,), and the DSPs a lane that a channel takes (1, 2 or
    4; 0 where none works, with m = b = n = 0: the channel needs thresholds). parameters: of the
    kernel `requant` by name, see `Shared`; empty where its few shifts cannot follow.
    """

    m: Ints
    b: Ints
    n: Ints
    dsps: Ints
    parameters: dict[str, int] = field(default_factory=dict)


def trained_steps(scale: Floats, bias: Floats, out: float, dtype: IntType, relu: bool) -> Ints:
    """Returns (O, codes - 1): step positions of the trained quantizer; far outside every range
    where there is none.

    scale: value of one unit of the sum, positive, (O,). bias (O,). relu: values below 0 count as 0.
    """
    codes = np.arange(dtype.min + 1, dtype.max + 1, dtype=np.float64)[None]
    wanted = (codes - 0.5) * out
    even = codes % 2 == 0  # a tie rounds to the even code: only then is the code reached at the tie
    base = np.ceil(np.clip((wanted - bias[:, None]) / scale[:, None], -_FAR, _FAR))
    steps = base + 2
    for back in (1, 0, -1):  # the quotient may be off by an ulp: settle on the products themselves
        value = (base + back) * scale[:, None] + bias[:, None]
        reached = np.where(even, value >= wanted, value > wanted)
        steps = np.where(reached, base + back, steps)
    result = steps.astype(np.int64)
    if relu:
        result[:, codes[0] <= 0] = -_FAR
    return result


def intervals(steps: Ints, low: Ints, high: Ints) -> tuple[Ints, NDArray, Ints, NDArray]:
    """Sums at which each step must have happened, and must not have: (points, relevant) twice,
    all (O, levels).
    """
    low, high = low[:, None], high[:, None]
    return np.maximum(steps, low), steps <= high, np.minimum(steps - 1, high), steps > low


def solve(steps: Ints, slope: Floats, low: Ints, high: Ints, dtype: IntType) -> Requant:
    """Integers of a layer's requantizer, the fewest DSPs a lane first, then the fewest shifts.
    Arguments as those of `search`, which serves where no shared shifts do.
    """
    for dsps, shifts in product(DSPS, SHIFTS if len(steps) > 1 else SHIFTS[:1]):
        found = search_shared(steps, low, high, dtype, shifts, dsps)
        if found is not None:
            return Requant(found.m, found.b, found.n, np.full(len(steps), dsps), found.parameters)
    return search(steps, slope, low, high, dtype)


def search(steps: Ints, slope: Floats, low: Ints, high: Ints, dtype: IntType) -> Requant:
    """Integers m, b, n for staircases `steps` (O, levels) over the sums low..high (O,); slope =
    codes per unit of the sum.

    One DSP a lane where that works, else two.
    """
    none = np.zeros(len(steps), np.int64)
    result = Requant(none, none.copy(), none.copy(), none.copy())
    after, must, before, must_not = intervals(steps, low, high)
    # Past the last step a staircase is flat, so hardware may saturate the sum there before it
    # multiplies: same code, narrower port.
    least_sum = np.where(must_not, before, 0).min(initial=0)
    greatest_sum = np.where(must, after, 0).max(initial=0)
    sum_bits = signed_bits(least_sum, greatest_sum)
    if sum_bits > WIDE_PORT:
        return result
    single = WIDE_PORT if sum_bits <= NARROW_PORT else NARROW_PORT  # the other port takes the sum
    codes = np.arange(dtype.min + 1, dtype.max + 1, dtype=np.int64)[None]
    for dsps, port, wide in ((1, single, SUM_BITS), (2, CASCADE_PORT, CASCADE_SUM_BITS)):
        top = (1 << (port - 1)) - 1
        greatest = np.floor(np.log2(top / np.maximum(slope, 1e-30))).astype(np.int64)
        for shift, offset in product(range(_SHIFTS), _OFFSETS):
            todo = np.flatnonzero(result.dsps == 0)
            if not todo.size:
                return result
            n = np.clip(
                greatest[todo] - shift, 0, wide - 14
            )  # 14: codes of 8 bits, times 2, and room
            m = np.rint(slope[todo] * np.exp2(n)).astype(np.int64) + offset
            target = codes << n[:, None]
            least = np.where(must[todo], target - after[todo] * m[:, None], -_BIG).max(1)
            most = np.where(must_not[todo], target - before[todo] * m[:, None] - 1, _BIG).min(1)
            b = np.where(least == -_BIG, most, np.where(most == _BIG, least, (least + most) >> 1))
            fits = (least <= most) & (m > 0) & (m <= top) & (np.abs(b) < 1 << (wide - 1))
            found = todo[fits]
            result.m[found], result.b[found], result.n[found] = m[fits], b[fits], n[fits]
            result.dsps[found] = dsps
    return result


_BIG = np.int64(1) << 62


@dataclass(frozen=True)
class Shared:
    """Integers of a layer whose channels share their shifts: m, b, n as (O,), and the parameters of
    the kernel `requant` by name.

    m has M_WIDTH bits, unsigned; b is a multiple of 2^B_SHIFT and has B_WIDTH bits, two's
    complement, above them; n is SHIFT + i * SHIFT_STEP with i < SHIFTS. A sum beyond PORT_WIDTH
    bits has reached the staircase's end in every channel.
    """

    m: Ints
    b: Ints
    n: Ints
    parameters: dict[str, int]


def search_shared(
    steps: Ints, low: Ints, high: Ints, dtype: IntType, shifts: int = 1, dsps: int = 1
) -> Shared | None:
    """Searches as `search` does, but with at most `shifts` (1, 2 or 4) different n, in equal
    distances, and as few bits of m and b as that takes; None where no such integers fit `dsps` (1,
    2 or 4) DSPs a lane. Fewer are tried first. Layers that share one requantizer are searched as
    one, end to end.

    Among equal numbers of parameter bits it prefers the narrower b: its adder is made of LUTs, the
    multiplier is not.
    """
    room = _Room(steps, low, high, dtype)
    least = np.zeros(len(steps), np.int64)
    most = np.full_like(least, _MAX_SHIFT)
    while (least < most).any():  # the smallest shift that can follow each channel
        middle = (least + most) >> 1
        fits = room.width(room.widest(middle, _TOP), middle) >= 0
        least, most = np.where(fits, least, middle + 1), np.where(fits, middle, most)
        least = np.minimum(least, most)
    needed = int(least.max())
    full, port = signed_bits(low.min(), high.max()), room.port()
    options = [(full, WIDE_PORT - 1 if full <= NARROW_PORT else NARROW_PORT - 1)]
    if port <= NARROW_PORT < full:
        options.append((port, WIDE_PORT - 1))
    if full > WIDE_PORT:
        options.pop(0)
    if dsps >= 2 and min(full, port) <= WIDE_PORT:
        options.append((min(full, port), WIDE_PORT - 1))
    if dsps == 4 and min(full, port) <= WIDE_PORT:
        options.append((min(full, port), CASCADE_PORT - 1))
    span = range(needed, min(needed + _SPAN, _MAX_SHIFT) + 1) if shifts == 1 else _EVERY
    small = {n: room.smallest(n) for n in span}
    for port_width, widest in options:
        best: Shared | None = None
        for m_width in range(2, widest + 1):
            n = _assign(small, m_width, shifts)
            if n is None:
                continue
            found = _narrowest_b(room, n, m_width, port_width)
            if best is None or _size(found) <= _size(best):
                best = found
        if best is not None:
            return best
    return None


_MAX_SHIFT = 40
_EVERY = range(_MAX_SHIFT + 1)
_SPAN = 14  # shifts tried beyond the smallest that works
_TOP = (1 << 33) - 1
_NONE = 1 << 60  # wider than any port
_SPREAD = 32  # values of m tried a channel when b is narrowed


class _Room:
    """What the steps leave of b for each m and n."""

    def __init__(self, steps: Ints, low: Ints, high: Ints, dtype: IntType) -> None:
        after, self.must, before, self.must_not = intervals(steps, low, high)
        self.after = np.where(self.must, after, 0)
        self.before = np.where(self.must_not, before, 0)
        self.codes = np.arange(dtype.min + 1, dtype.max + 1, dtype=np.int64)[None]
        self.steps, self.low, self.high = steps, low, high

    def interval(self, m: Ints, n: Ints) -> tuple[Ints, Ints]:
        """Least and greatest b, +-2^60 where nothing bounds it."""
        target = self.codes << n[:, None]
        least = np.where(self.must, target - self.after * m[:, None], -_FREE).max(1)
        most = np.where(self.must_not, target - self.before * m[:, None] - 1, _FREE).min(1)
        return least, most

    def width(self, m: Ints, n: Ints) -> Ints:
        """Greatest minus least b; negative where there is none. Concave in m."""
        least, most = self.interval(m, n)
        return most - least

    def widest(self, n: Ints, top: int) -> Ints:
        """m of 1..top with the widest interval."""
        least, most = np.ones_like(n), np.full_like(n, top)
        while (least < most).any():
            middle = (least + most) >> 1
            rises = self.width(middle + 1, n) > self.width(middle, n)
            least = np.where(rises & (least < most), middle + 1, least)
            most = np.where(rises, most, np.minimum(most, middle))
        return least

    def smallest(self, n: int) -> Ints:
        """The smallest m that works, `_NONE` where none does."""
        shift = np.full_like(self.low, n)
        most = self.widest(shift, _TOP)
        least = np.ones_like(most)
        works = self.width(most, shift) >= 0
        while (least < most).any():
            middle = (least + most) >> 1
            fits = self.width(middle, shift) >= 0
            least = np.where(fits, least, np.minimum(middle + 1, most))
            most = np.where(fits, middle, most)
        return np.where(works, least, _NONE)

    def port(self) -> int:
        """Bits of a sum beyond which every channel is at its first or its last code, or which it
        never reaches.
        """
        first, last = self.steps[:, 0], self.steps[:, -1]
        bottom = np.where(first > self.low, np.minimum(first - 1, self.high), self.low)
        top = np.where(last <= self.high, np.maximum(last, self.low) - 1, self.high)
        return signed_bits(bottom.min(), top.max())


def _assign(small: dict[int, Ints], m_width: int, shifts: int) -> Ints | None:
    """Shift of each channel such that m has at most m_width bits: great ones, which leave b the
    most freedom, in at most `shifts` equally distant values.
    """
    numbers = np.array(sorted(small))
    fits = np.stack([small[n] < 1 << m_width for n in numbers.tolist()])
    for first in range(len(numbers) - 1, -1, -1):
        for step in range(1, 2 if shifts == 1 else len(numbers)):
            offered = np.arange(first, min(first + step * shifts, len(numbers)), step)
            if fits[offered].any(0).all():
                last = len(offered) - 1 - fits[offered][::-1].argmax(0)
                chosen: Ints = numbers[offered[last]]
                return chosen
    return None


def _narrowest_b(room: _Room, n: Ints, m_width: int, port_width: int) -> Shared:
    """Integers at these shifts whose b has the most zeros at its low end."""
    top = (1 << m_width) - 1
    peak = room.widest(n, top)
    ends = []
    for goal in (1, top):  # by bisection between the peak, which works, and each end
        works, fails = peak.copy(), np.full_like(peak, goal)
        while (np.abs(works - fails) > 1).any():
            middle = (works + fails) >> 1
            fits = room.width(middle, n) >= 0
            works, fails = np.where(fits, middle, works), np.where(fits, fails, middle)
        ends.append(np.where(room.width(np.full_like(peak, goal), n) >= 0, goal, works))
    spread = np.linspace(0, 1, _SPREAD)
    tried = [
        peak,
        *(ends[0] + np.rint((ends[1] - ends[0]) * part).astype(np.int64) for part in spread),
    ]
    m = np.stack(tried, 1)
    bounds = [room.interval(column, n) for column in m.T]
    least, most = (np.stack(side, 1) for side in zip(*bounds, strict=True))
    for zeros in range(int(n.min()), -1, -1):
        floor, ceiling = -(-least >> zeros), most >> zeros
        usable = floor <= ceiling
        if usable.any(1).all():
            break
    b = np.where(usable, np.clip(0, floor, ceiling), _FREE)  # the one nearest to 0
    best = np.abs(b).argmin(1)
    rows = np.arange(len(n))
    m, b = m[rows, best], b[rows, best]
    values = np.unique(n)
    distance = int(np.gcd.reduce(np.diff(values))) if len(values) > 1 else 0
    count = 1 if not distance else int(values[-1] - values[0]) // distance + 1
    parameters = {
        "PORT_WIDTH": port_width,
        "M_WIDTH": max(int(m.max()).bit_length(), 2),
        "B_WIDTH": signed_bits(b.min(), b.max()),
        "B_SHIFT": zeros,
        "SHIFT": int(values[0]),
        "SHIFTS": next(c for c in (1, 2, 4) if c >= count),
        "SHIFT_STEP": distance,
    }
    return Shared(m, b << zeros, n, parameters)


def _size(found: Shared) -> int:
    return found.parameters["M_WIDTH"] + found.parameters["B_WIDTH"]


_FREE = np.int64(1) << 60
