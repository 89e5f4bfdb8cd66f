"""crc against its golden model, and that against the check value that the standard's catalogue
gives.
"""

import torch

from hw.kernels.crc import Crc
from tests.kernels.suite import suite

GRID = [
    Crc(STREAM_WIDTH=8),
    Crc(STREAM_WIDTH=8, beats=1),
    Crc(STREAM_WIDTH=32, beats=65),
    Crc(STREAM_WIDTH=64, beats=9),
    Crc(STREAM_WIDTH=16, beats=300),
    Crc(STREAM_WIDTH=8, beats=4096),
    Crc(STREAM_WIDTH=24, beats=7),
]
BAD = [({"STREAM_WIDTH": 0}, "STREAM_WIDTH"), ({"STREAM_WIDTH": 12}, "STREAM_WIDTH")]
FAULT = ("s_axis_tlast ? '1 : sum", "s_axis_tlast ? '0 : sum")
RATE = [Crc(STREAM_WIDTH=8, beats=2000)]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)


def test_the_catalogues_check_value():
    """CRC-32/ISO-HDLC of the characters 1 to 9 is cbf43926 (Cook, catalogue of CRC algorithms)."""
    digits = torch.tensor(list(b"123456789"), dtype=torch.int64)
    found = Crc(STREAM_WIDTH=8, beats=9).golden({"s_axis": digits})["m_axis"]
    assert bytes(found.tolist()).hex() == "2639f4cb"
