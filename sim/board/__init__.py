"""A board in simulation: AXI DMAs, memory that is not coherent and clock registers around the
compiled RTL, and the real `pynq` package on top of them.
"""
