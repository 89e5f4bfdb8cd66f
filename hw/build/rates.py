"""Rates that a bundle's hardware is asked to keep, by board's family and command line."""

from __future__ import annotations

import argparse

from hw.board import Board
from hw.search.target import Target
from hw.spec.manifest import Manifest

RATES = {"xcup": (115.0, 60.0, 30.0, 0.0), "xc7": (55.0, 30.0, 15.0, 0.0)}
"""Frames a second of the tracker with one object, with four and with eight, by family, where
nothing else is asked for.
"""
WITH_DETECTOR = {"xcup": (60.0, 30.0, 15.0, 60.0), "xc7": (30.0, 15.0, 7.0, 30.0)}
"""The same where the detector shares the board, and with one object while it is at work."""
EVERY = 8
"""Frames between two looks for concepts."""


def add_rates(parser: argparse.ArgumentParser) -> None:
    """Adds the options that `asked` reads to a command's parser."""
    rate = "frames a second asked for with"
    parser.add_argument("--fps", type=float, help=f"{rate} one object")
    parser.add_argument("--fps-four", type=float, help=f"{rate} four")
    parser.add_argument("--fps-eight", type=float, help=f"{rate} eight")
    parser.add_argument("--fps-looking", type=float, help=f"{rate} one and the detector at work")
    parser.add_argument(
        "--every", type=int, default=EVERY, help=f"frames between two looks of it ({EVERY})"
    )


def asked(board: Board, manifest: Manifest, given: argparse.Namespace | None = None) -> Target:
    """Returns the cycles that a frame may take at the rates given, else at the family's."""
    usual = (RATES if manifest.detector is None else WITH_DETECTOR)[board.family]
    options = ("fps", "fps_four", "fps_eight", "fps_looking")
    one, four, eight, looking = (
        getattr(given, option, None) or n for option, n in zip(options, usual, strict=True)
    )
    every = EVERY if given is None else given.every
    return Target.of_rates(board.target_mhz, one, four, eight, looking, every)
