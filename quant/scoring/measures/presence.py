"""Measures whether a mask is there when its object is, and only then; the prompted frame does not
count.
"""

from __future__ import annotations

from quant.scoring.measures.trace import Count, Trace


def false_masks(trace: Trace) -> Count:
    """Frames that predict a mask, of those on which the object is annotated absent."""
    absent = [p for t, p in zip(trace.truth[1:], trace.pred[1:], strict=True) if not t]
    return Count(sum(p > 0 for p in absent), len(absent))


def missing_masks(trace: Trace) -> Count:
    """Frames that predict no mask, of those on which the object is annotated.

    The other side of `false_masks`: a tracker that never answers makes no false masks.
    """
    seen = [p for t, p in zip(trace.truth[1:], trace.pred[1:], strict=True) if t]
    return Count(sum(p == 0 for p in seen), len(seen))
