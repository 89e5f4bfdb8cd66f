"""Sizes in bits and bytes."""

import pytest

from hw.spec.dtypes import IntType
from hw.spec.sizes import ceil_div, index_bits, signed_bits, whole_bytes


def test_quotients_are_rounded_up():
    assert [ceil_div(n, 4) for n in (0, 1, 4, 5, -1)] == [0, 1, 1, 2, 0]
    assert [whole_bytes(n) for n in (1, 8, 9, 24)] == [8, 8, 16, 24]


@pytest.mark.parametrize("bits", range(2, 20))
def test_signed_bits_are_those_of_the_narrowest_type(bits):
    kind = IntType(bits)
    assert signed_bits(kind.min, kind.max) == bits
    assert signed_bits(kind.min, 0) == signed_bits(0, kind.max) == bits
    assert signed_bits(kind.min - 1, 0) == signed_bits(0, kind.max + 1) == bits + 1


def test_a_range_of_one_code_takes_the_least_signed_type():
    assert signed_bits(0, 0) == signed_bits(-1, -1) == signed_bits(1, 1) == 2


def test_index_bits_tell_places_apart():
    assert [index_bits(n) for n in (1, 2, 3, 4, 5, 1024, 1025)] == [0, 1, 2, 2, 3, 10, 11]
