"""QONNX graph -> integer program -> bundle; and FINN's streamlining of the same graph as a cross-
check.
"""
