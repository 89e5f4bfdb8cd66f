"""threshold against its golden model."""

import numpy as np

from hw.kernels.threshold import Threshold
from tests.kernels.suite import Bad, suite

EVERY = np.arange(-128, 127).reshape(1, 1, 255)  # one step at each sum but the least
GRID = [
    Threshold.example(NumChannels=6, PE=2, pixels=20),
    Threshold.example(NumChannels=3, SETS=3, OUT_WIDTH=3, OUT_SIGNED=True, RAM_STYLE="distributed"),
    Threshold(NumChannels=4, PE=4, ACCU_WIDTH=9, ACCU_SIGNED=False, OUT_WIDTH=1),
    Threshold.example(NumChannels=24, OUT_WIDTH=8, OUT_SIGNED=True, ACCU_WIDTH=13, pixels=9),
    Threshold.example(NumChannels=144, OUT_WIDTH=4, pixels=3),
    Threshold.example(NumChannels=1, OUT_WIDTH=8, ACCU_WIDTH=8, pixels=600, thresholds=EVERY),
    Threshold.example(NumChannels=1, pixels=1, OUT_WIDTH=2, ACCU_WIDTH=2),
    Threshold.example(NumChannels=5, OUT_WIDTH=5, ACCU_WIDTH=7, RAM_STYLE="distributed", pixels=50),
    Threshold(NumChannels=12, PE=3, OUT_WIDTH=6, ACCU_WIDTH=20, OUT_SIGNED=True),
    Threshold(NumChannels=8, PE=8, OUT_WIDTH=7, ACCU_WIDTH=10),
    Threshold(NumChannels=32, PE=2, OUT_WIDTH=2, ACCU_WIDTH=32),
    Threshold(NumChannels=16, PE=4, OUT_WIDTH=3, ACCU_WIDTH=17, SETS=2, RAM_STYLE="distributed"),
    Threshold(NumChannels=7, PE=1, OUT_WIDTH=4, ACCU_WIDTH=6, ACCU_SIGNED=False, SETS=5),
    Threshold(NumChannels=10, PE=10, OUT_WIDTH=4, ACCU_WIDTH=12, SETS=3),
    Threshold(NumChannels=64, PE=4, OUT_WIDTH=4, ACCU_WIDTH=11, pixels=4),
    Threshold(
        NumChannels=20, PE=5, OUT_WIDTH=8, ACCU_WIDTH=14, OUT_SIGNED=True, RAM_STYLE="distributed"
    ),
    Threshold.example(NumChannels=9, OUT_WIDTH=1, ACCU_WIDTH=24, RAM_STYLE="distributed"),
    Threshold(NumChannels=96, PE=1, OUT_WIDTH=4, ACCU_WIDTH=15, RAM_STYLE="distributed", pixels=2),
    Threshold(NumChannels=2, PE=1, OUT_WIDTH=6, ACCU_WIDTH=16, ACCU_SIGNED=False, pixels=100),
    Threshold(NumChannels=48, PE=8, OUT_WIDTH=2, OUT_SIGNED=True, ACCU_WIDTH=8),
    Threshold(NumChannels=36, PE=2, OUT_WIDTH=5, ACCU_WIDTH=19, pixels=5),
]
BAD: Bad = [
    ({"NumChannels": 0}, "NumChannels"),
    ({"PE": 4}, "PE"),
    ({"PE": 0}, "PE"),
    ({"ACCU_WIDTH": 1}, "ACCU_WIDTH"),
    ({"ACCU_WIDTH": 33}, "ACCU_WIDTH"),
    ({"OUT_WIDTH": 0}, "OUT_WIDTH"),
    ({"OUT_WIDTH": 9}, "OUT_WIDTH"),
    ({"OUT_WIDTH": 1, "OUT_SIGNED": True}, "OUT_WIDTH"),
    ({"SETS": 0}, "SETS"),
    ({"RAM_STYLE": "ultra"}, "RAM_STYLE"),
]
FAULT = ("acc_q >= word", "acc_q > word")
RATE = [
    Threshold.example(NumChannels=48, PE=4, pixels=100),
    Threshold.example(NumChannels=24, OUT_WIDTH=8, SETS=2, pixels=40),
]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
