"""skid against its golden model."""

from hw.kernels.skid import Skid
from tests.kernels.suite import suite

GRID = [
    Skid(STREAM_WIDTH=8),
    Skid(STREAM_WIDTH=72, beats=300),
    Skid(STREAM_WIDTH=40, REGISTER_FORWARD=False, beats=200),
    Skid(STREAM_WIDTH=32, beats=1),
    Skid(STREAM_WIDTH=256, beats=64),
    Skid(STREAM_WIDTH=16, beats=7),
    Skid(STREAM_WIDTH=24, beats=1000),
    Skid(STREAM_WIDTH=512, beats=9),
    Skid(STREAM_WIDTH=40, beats=128),
    Skid(STREAM_WIDTH=8, REGISTER_FORWARD=False),
    Skid(STREAM_WIDTH=256, REGISTER_FORWARD=False, beats=1),
]
BAD = [({"STREAM_WIDTH": 0}, "STREAM_WIDTH"), ({"STREAM_WIDTH": 12}, "STREAM_WIDTH")]
FAULT = ("room_q ? {s_axis", "!room_q ? {s_axis")
RATE = [
    Skid(STREAM_WIDTH=64, beats=2000),
    Skid(STREAM_WIDTH=64, REGISTER_FORWARD=False, beats=2000),
]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
