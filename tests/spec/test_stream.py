"""The one packer: codes to beats and back."""

import numpy as np
import pytest

from hw.spec.dtypes import IntType
from hw.spec.errors import SpecError
from hw.spec.stream import Stream


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 7, 8, 11, 16, 27, 32])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("lanes", [1, 3, 4])
def test_codes_come_back(bits, signed, lanes):
    if signed and bits == 1:
        pytest.skip("no signed code has one bit")
    dtype = IntType(bits, signed)
    stream = Stream((5, 12), dtype, lanes)
    codes = np.random.default_rng(bits).integers(dtype.min, dtype.max, (5, 12), endpoint=True)
    codes[0, 0], codes[-1, -1] = dtype.min, dtype.max
    beats = stream.pack(codes)
    assert beats.shape == (60 // lanes, stream.width // 8)
    np.testing.assert_array_equal(stream.unpack(beats), codes.ravel())
    np.testing.assert_array_equal(stream.codes(stream.words(codes)), codes.ravel())


def test_the_first_lane_is_lowest_and_the_rest_of_a_byte_is_zero():
    stream = Stream((3,), IntType(3), 3)
    assert stream.words(np.array([1, -1, 2])) == [1 | 7 << 3 | 2 << 6]
    assert (stream.bits, stream.width, stream.beats) == (9, 16, 1)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.array([0, 1, 8, 0]), "codes run from 0 to 8"),
        (np.array([0, 1, 2]), "3 codes"),
        (np.array([0.0, 1.0]), "float64"),
    ],
)
def test_what_does_not_fit_is_refused(codes, message):
    with pytest.raises(SpecError, match=message):
        Stream((4,), IntType(4), 2).pack(codes)


def test_lanes_divide_a_frame():
    with pytest.raises(SpecError, match="4 lanes"):
        Stream((3, 2), IntType(4), 4)
    with pytest.raises(SpecError, match="at least 1"):
        Stream((0,), IntType(4))
