"""Search of the requantizer's integers: m, b, n per channel that follow the trained quantizer on
every reachable sum.

The trained quantizer, code = clip(round((acc * scale + bias) / out)), halves to even, is a
staircase in the integer acc, so it is wholly described by its step positions T_i = the smallest
acc whose code is at least i. y = (acc * m + b) >> n is a staircase too, and both agree everywhere
if and only if, for each i, y(T_i) >= i and y(T_i - 1) < i: two inequalities, linear in b. For
given m and n they leave an interval of b, possibly empty. Steps outside the reachable sums
constrain only the range's ends.

The trained quantizer is taken in exact arithmetic on its float32 parameters. A float32
convolution sums in an order of its own and may round to the other side of a step that lies within
about 1e-6 of a sum's value; no integer rule could follow that.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from hw.spec.dtypes import IntType

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# One DSP slice multiplies 25 x 18 bits signed and adds 48 (Xilinx UG479, DSP48E1; the DSP48E2 of
# UltraScale+ has 27 x 18, UG579). Two in cascade, the upper one shifted by 17, make a multiplier
# of 35 bits and add 65.
NARROW_PORT, WIDE_PORT, CASCADE_PORT = 18, 25, 35
SUM_BITS, CASCADE_SUM_BITS = 48, 62  # 62: what int64 holds with room
_FAR = np.int64(1) << 40  # beyond any sum
_SHIFTS = 10  # shifts tried below the greatest that keeps m within its port
_OFFSETS = (0, 1, -1, 2, -2, 3, -3)  # neighbours of the nearest m


@dataclass(frozen=True)
class Requant:
    """Result of the search, one entry per channel: DSPs a lane (1 or 2; 0 = none works, m = b = n
    = 0: use thresholds).
    """

    m: Ints
    b: Ints
    n: Ints
    dsps: Ints


def trained_steps(scale: Floats, bias: Floats, out: float, dtype: IntType, relu: bool) -> Ints:
    """(O, codes - 1): step positions of the trained quantizer; far outside every range where
    there is none.

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


def search(steps: Ints, slope: Floats, low: Ints, high: Ints, dtype: IntType) -> Requant:
    """Integers m, b, n for staircases `steps` (O, levels) over the sums low..high (O,); slope =
    codes per unit of the sum.

    One DSP a lane where that works, else two.
    """
    shape = len(steps)
    result = Requant(*(np.zeros(shape, np.int64) for _ in range(4)))
    after, must, before, must_not = intervals(steps, low, high)
    # Past the last step a staircase is flat, so hardware may saturate the sum there before it
    # multiplies: same code, narrower port.
    least_sum = np.where(must_not, before, 0).min(initial=0)
    greatest_sum = np.where(must, after, 0).max(initial=0)
    sum_bits = int(max(-least_sum, greatest_sum + 1)).bit_length() + 1
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
