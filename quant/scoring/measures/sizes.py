"""Objects by size: the mean share of the frame that one covers where it is to be seen."""

from __future__ import annotations

import math

from quant.scoring.measures.trace import Trace

SMALL, MEDIUM, LARGE = "small", "medium", "large"
BANDS = (SMALL, MEDIUM, LARGE)
LEAST = {SMALL: 0.0, MEDIUM: 0.01, LARGE: 0.05}
"""Each band of sizes begins at this share of the frame: small is below 1 %, medium below 5 %."""


def mean_share(trace: Trace) -> float:
    """Mean share of the frame in 0..1 over the frames that show the object; NaN without any."""
    seen = [share for share in trace.truth if share]
    return sum(seen) / len(seen) if seen else math.nan


def band(trace: Trace) -> str:
    """Returns the band of an object, one of BANDS."""
    share = mean_share(trace)
    return max((name for name in BANDS if share >= LEAST[name]), key=LEAST.__getitem__)
