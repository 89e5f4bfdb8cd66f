"""Golden arithmetic of every operator, in integer PyTorch: the only definition of what a kernel
computes.

Codes and accumulators are integers. They may be held in an integer tensor or, for speed, in a
floating one, where they are exact as long as no sum leaves the range that the type counts in
steps of one (`integers.EXACT` for float32).
"""
