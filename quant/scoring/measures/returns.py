"""Measures whether an object is found again after it was hidden or out of the frame."""

from __future__ import annotations

from quant.scoring.measures.trace import Count, Trace

FOUND = 0.5  # IoU
WITHIN = 10  # frames after the one on which the object is back


def returns(trace: Trace) -> list[int]:
    """Positions in the trace at which the object is annotated again after an absent frame."""
    truth = trace.truth
    return [i for i in range(1, len(truth)) if truth[i] and not truth[i - 1]]


def found_again(trace: Trace) -> Count:
    """Returns after which the mask has an IoU of FOUND or more on a frame at most WITHIN frames
    later, of all returns. Frames on which the object is away once more do not count.
    """
    starts = returns(trace)
    hits = 0
    for start in starts:
        last = trace.frames[start] + WITHIN
        hits += any(
            t and j >= FOUND
            for frame, t, j in zip(
                trace.frames[start:], trace.truth[start:], trace.j[start:], strict=True
            )
            if frame <= last
        )
    return Count(hits, len(starts))
