"""Simulation: integer programs on the golden functions, and kernels in Verilator under cocotb."""
