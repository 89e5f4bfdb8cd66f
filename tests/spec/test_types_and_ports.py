"""Integer types and ports: ranges, rounding, checks, names."""

import numpy as np
import pytest

from hw.spec.dtypes import IntType
from hw.spec.errors import SamFabricError, SpecError
from hw.spec.port import Port


@pytest.mark.parametrize(
    ("bits", "signed", "low", "high", "storage", "name"),
    [
        (4, True, -8, 7, np.int8, "INT4"),
        (8, True, -128, 127, np.int8, "INT8"),
        (4, False, 0, 15, np.uint8, "UINT4"),
        (9, False, 0, 511, np.uint16, "UINT9"),
        (32, True, -(2**31), 2**31 - 1, np.int32, "INT32"),
    ],
)
def test_ranges_and_names(bits, signed, low, high, storage, name):
    kind = IntType(bits, signed)
    assert (kind.min, kind.max, kind.numpy, kind.name) == (low, high, storage, name)
    assert IntType.parse(name) == kind


@pytest.mark.parametrize("bits", [0, 1, 33])
def test_impossible_widths_are_refused(bits):
    with pytest.raises(SpecError, match=str(bits)):
        IntType(bits)


@pytest.mark.parametrize("name", ["FLOAT32", "INT", "XINT8", "INT8x"])
def test_other_names_are_refused(name):
    with pytest.raises(SpecError, match=name):
        IntType.parse(name)


def test_check_names_the_range_found():
    IntType(4).check(np.array([-8, 7]))
    with pytest.raises(SpecError, match="-9 to 3.*-8..7"):
        IntType(4).check(np.array([-9, 3]))
    with pytest.raises(SpecError, match="float64"):
        IntType(4).check(np.array([0.5]))


def test_encode_rounds_half_to_even_and_clips():
    port = Port("x", (7,), IntType(4), 0.5)
    codes = port.encode([0.25, 0.75, 1.25, -0.25, -0.75, 99, -99])
    assert codes.dtype == np.int8
    assert codes.tolist() == [0, 2, 2, 0, -2, 7, -8]
    assert port.decode(codes).tolist() == [0, 1, 1, 0, -1, 3.5, -4]


def test_encode_reaches_the_ends_of_a_wide_type():
    port = Port("x", (2,), IntType(32), 1.0)
    assert port.encode([1e12, -1e12]).tolist() == [2**31 - 1, -(2**31)]


def test_every_code_survives_the_round_trip():
    port = Port("x", (256,), IntType(8), 1 / 8)
    codes = np.arange(-128, 128, dtype=np.int8)
    assert (port.encode(port.decode(codes)) == codes).all()


def test_a_float_port_passes_values_through():
    port = Port("x", (3,))
    values = np.array([0.1, -3.7, 1e6], np.float32)
    assert (port.encode(values) == values).all() and (port.decode(values) == values).all()
    assert port.storage == np.float32


def test_check_knows_ragged_shapes_and_types():
    port = Port("memory_keys", (1, 1, None, 4), IntType(8), 0.1)
    port.check(np.zeros((1, 1, 9, 4), np.int8))
    with pytest.raises(SpecError, match="memory_keys.*9, 5"):
        port.check(np.zeros((1, 1, 9, 5), np.int8))
    with pytest.raises(SpecError, match="memory_keys"):
        port.check(np.zeros((1, 9, 4), np.int8))
    with pytest.raises(SpecError, match="float32.*int8"):
        port.check(np.zeros((1, 1, 9, 4), np.float32))


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_bad_scales_are_refused(scale):
    with pytest.raises(SpecError, match="scale"):
        Port("x", (1,), IntType(8), scale)


@pytest.mark.parametrize("dtype", [None, IntType(8), IntType(4, signed=False)])
def test_json_round_trip(dtype):
    port = Port("x", (1, None, 3), dtype, 0.1)
    assert Port.from_json(port.to_json()) == port


def test_errors_show_the_remedy():
    assert str(SamFabricError("too big: 9", "use at most 8")) == "too big: 9 (use at most 8)"
    assert str(SamFabricError("too big: 9")) == "too big: 9"
