"""Max-plus recurrences against loops that say the same."""

import numpy as np
import pytest

from hw.fold import pace
from hw.fold.pace import Times

RNG = np.random.default_rng(7)


def arrivals(count, codes):
    first = np.cumsum(RNG.integers(1, 40, count))
    return Times(first, first + RNG.integers(codes - 1, 3 * codes, count))


def test_paced_is_its_recurrence():
    ready = RNG.integers(0, 1000, 200)
    done, before = [], -(10**9)
    for at in ready:
        before = max(at, before + 7)
        done.append(before)
    np.testing.assert_array_equal(pace.paced(ready, 7), done)


@pytest.mark.parametrize("passes", [1, 3])
def test_products_read_in_their_first_pass(passes):
    x, beats, latency = arrivals(50, 5), 5, 4
    found, read = pace.gathered(x, beats, passes, latency)
    before = -(10**9)
    for i in range(50):
        whole = max(x.first[i] + beats, x.last[i] + 1, before + beats)
        before = whole + (passes - 1) * beats
        assert (read[i], found.first[i], found.last[i]) == (whole, whole + 4, before + 4)


def test_zeros_of_a_padding_wait_for_no_data():
    x = pace.source(12, 2)
    passed = pace.padded(x, (3, 4), (1, 1, 1, 1), 2)
    assert passed.shape == (5, 6) and passed[0, 5] == 10
    assert (np.diff(passed.ravel()) >= 2).all()
    assert (passed[1:4, 1:5].ravel() > x.last).all()


def test_windows_wait_for_their_last_pixel():
    passed = np.arange(30).reshape(5, 6) * 10
    found = pace.windows(passed, (3, 4), 3, 1, 9)
    assert found.last[0] == passed[2, 2] + 10 and found.last[-1] >= passed[4, 5] + 10
    assert (np.diff(found.last) >= 9).all()


def test_who_waits_for_the_other_sets_the_pace():
    late = Times(np.arange(1000, 1010), np.arange(1000, 1010))
    slow = Times(np.arange(0, 500, 50), np.arange(0, 500, 50), held=50)
    assert pace.joined(late, slow, 1).end == 1001 + 9 * 50
    kept = Times(slow.first, slow.last)
    assert pace.joined(late, kept, 1).end == 1010
