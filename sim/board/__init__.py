"""A board in simulation: memory that is not coherent and clock registers around the compiled
RTL, and the real `pynq` package on top of them.
"""
