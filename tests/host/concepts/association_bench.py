"""Times association on one core: `OMP_NUM_THREADS=1 python -m
tests.host.concepts.association_bench`.

A frame of n detections against m tracks on the mask grid: duplicates among the detections, IoUs,
matches, hidden tracks and every counter, as `Tracks.update` does it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from host.concepts.association import Rules, Tracks
from host.mask_overlap import mask_iou, surest

BUDGET_MS = 5.0
"""What a frame may take with 100 detections and 50 tracks: a sixth of one at 30 frames a second."""


def discs(rng: np.random.Generator, count: int, grid: int) -> NDArray[np.bool_]:
    """Masks (count, grid, grid) of discs anywhere."""
    centres = rng.uniform(0, grid, (count, 2, 1, 1))
    radii = rng.uniform(0.03, 0.15, (count, 1, 1)) * grid
    rows, columns = np.mgrid[:grid, :grid]
    return (rows - centres[:, 0]) ** 2 + (columns - centres[:, 1]) ** 2 < radii**2


def run(detections: int, tracks: int, grid: int, frames: int, seed: int = 0) -> list[float]:
    """Milliseconds of each frame; every one begins with exactly that many tracks."""
    rng = np.random.default_rng(seed)
    spent = []
    for frame in range(frames):
        state = Tracks(Rules(delay=15, most=tracks + detections))
        state.adopt(frame, np.arange(1, tracks + 1))
        masks, found = discs(rng, tracks, grid), discs(rng, detections, grid)
        scores = np.sort(rng.uniform(0.5, 1, detections))[::-1]
        started = time.perf_counter()
        kept = surest(mask_iou(found, found), state.rules.duplicate_iou)
        # All detections go on, so that the next step too has its full size.
        state.update(frame + 1, masks, found, scores)
        spent.append((time.perf_counter() - started) * 1e3)
        assert len(kept) <= detections
    return spent


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line, which prints the median time, and how often it goes into the
    budget.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tests.host.concepts.association_bench",
        description=(__doc__ or "").split("\n\n")[0],
    )
    parser.add_argument("--detections", type=int, default=100, metavar="N", help="a frame (100)")
    parser.add_argument("--tracks", type=int, default=50, metavar="M", help="at once (50)")
    parser.add_argument("--grid", type=int, default=64, metavar="R", help="mask side (64, nano)")
    parser.add_argument("--frames", type=int, default=200, metavar="N", help="to time (200)")
    given = parser.parse_args(argv)
    spent = run(given.detections, given.tracks, given.grid, given.frames)
    median = statistics.median(spent)
    Console().print(
        f"{given.detections} detections x {given.tracks} tracks on {given.grid}x{given.grid}: "
        f"median {median:.2f} ms, worst {max(spent):.2f} ms, "
        f"{BUDGET_MS / median:.1f} times into the budget of {BUDGET_MS:g} ms",
        highlight=False,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
