"""Rates that a bundle's hardware is asked to keep, by board's family and command line."""

from __future__ import annotations

import argparse

from hw.board import Board
from hw.search.target import Asked, AtOnce, Target
from hw.spec.manifest import Manifest

RATES = {"xcup": (60.0, 25.0), "xc7": (30.0, 10.0)}
"""Frames a second of the tracker with one object and with four, by family, where nothing else is
asked for: real time for video on the larger boards, and what a PYNQ-Z2 class board can be asked
for."""
WITH_DETECTOR = {"xcup": (33.0, 12.0, 30.0), "xc7": (20.0, 7.0, 15.0)}
"""The same where the detector shares the board, and with one object while it is at work."""
AT_ONCE = {"xcup": (115.0, 60.0, 30.0, 0.0), "xc7": (55.0, 30.0, 15.0, 0.0)}
"""The rates with one object, four and eight, where accelerators work at once and there is no
detector.
"""
AT_ONCE_WITH_DETECTOR = {"xcup": (60.0, 30.0, 15.0, 60.0), "xc7": (30.0, 15.0, 7.0, 30.0)}
"""The same beside a detector, and with one object while it is at work."""
EVERY = 8
"""Frames between two looks for concepts."""


def add_rates(parser: argparse.ArgumentParser) -> None:
    """Adds the options that `asked` reads to a command's parser."""
    rate = "frames a second asked for with"
    parser.add_argument("--fps", type=float, help=f"{rate} one object")
    parser.add_argument("--fps-four", type=float, help=f"{rate} four")
    parser.add_argument("--fps-eight", type=float, help=f"{rate} eight, accelerators at once")
    parser.add_argument("--fps-looking", type=float, help=f"{rate} one and the detector at work")
    parser.add_argument(
        "--every", type=int, default=EVERY, help=f"frames between two looks of it ({EVERY})"
    )


def asked(
    board: Board,
    manifest: Manifest,
    given: argparse.Namespace | None = None,
    concurrent: bool = False,
) -> Asked:
    """Returns the cycles that a frame may take at the rates given, else at the family's.
    concurrent: accelerators work at the same time.
    """
    every = EVERY if given is None else given.every

    def rate(option: str, usual: float) -> float:
        return getattr(given, option, None) or usual

    if concurrent:
        detects = manifest.detector is not None
        usual = (AT_ONCE_WITH_DETECTOR if detects else AT_ONCE)[board.family]
        options = ("fps", "fps_four", "fps_eight", "fps_looking")
        one, four, eight, looking = (rate(o, n) for o, n in zip(options, usual, strict=True))
        return AtOnce.of_rates(board.target_mhz, one, four, eight, looking, every)
    if manifest.detector is None:
        one, four = RATES[board.family]
        rates = rate("fps", one), rate("fps_four", four), 0.0
    else:
        one, four, looking = WITH_DETECTOR[board.family]
        rates = rate("fps", one), rate("fps_four", four), rate("fps_looking", looking)
    return Target.of_rates(board.target_mhz, *rates, every)
