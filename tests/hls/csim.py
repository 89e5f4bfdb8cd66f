"""`python -m tests.hls.csim`: prove HLS kernels beside their golden models by g++.

    python -m tests.hls.csim               every kernel
    python -m tests.hls.csim mvau swg      some, by kernel (mvu) or header (mvau)
    python -m tests.hls.csim --config tiny --board KV260 --frames 3
                                           every graph of a shipped model, folded for the board
Exit code 0 when no code differs, 1 when one does, 2 for bad input or a missing compiler.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from hw.library import kernel_class, names
from hw.spec.errors import SamFabricError, SpecError
from sim.csim.check import CsimReport, check_all
from tests.hls.whole_frames import whole_frames
from tests.kernels.grids import grid


def chosen(wanted: Sequence[str]) -> list[str]:
    """Kernels of the given names or headers, all where none is given. Raises SpecError."""
    headers = {name: kernel_class(name).example().hls().header for name in names()}
    if not wanted:
        return names()
    found: dict[str, None] = {}
    for word in wanted:
        match = [name for name in names() if word.lower() in (name, headers[name])]
        if not match:
            every = sorted({*headers, *headers.values()})
            raise SpecError(f"no HLS kernel {word!r}", f"choose among {', '.join(every)}")
        found |= dict.fromkeys(match)
    return list(found)


def prove(kernels: Sequence[str]) -> bool:
    """Prints a line a kernel; True where no code differs."""
    table = Table("kernel", "header", "sets", "codes compared", "differ", title="HLS beside golden")
    right, total = True, 0
    with Console(stderr=True).status("") as status:
        for name in kernels:
            status.update(f"{name}: compiling and running")
            sets = grid(name)
            reports: list[CsimReport] = check_all(sets)
            compared, wrong = sum(r.compared for r in reports), sum(r.wrong for r in reports)
            faults = [fault for r in reports for fault in r.faults]
            right, total = right and not faults, total + compared
            row = (name, sets[0].hls().header, str(len(sets)), f"{compared:,}", str(wrong))
            table.add_row(*row)
            for fault in faults:
                print(fault, file=sys.stderr)
    table.add_section()
    table.add_row("all", "", "", f"{total:,}", "0" if right else "some")
    Console().print(table)
    return right


def prove_frames(config: str, board: str, frames: int) -> bool:
    """Prints a line a graph; True where no code differs."""
    table = Table(
        "graph", "frames", "codes compared", "differ", title=f"HLS of {config} on {board}"
    )
    right, total = True, 0
    with Console(stderr=True).status(f"{config}: compiling and running"):
        for o in whole_frames(config, board, frames):
            table.add_row(o.graph, str(o.frames), f"{o.compared:,}", str(o.wrong))
            right, total = right and not o.wrong, total + o.compared
    table.add_section()
    table.add_row("all", "", f"{total:,}", "0" if right else "some")
    Console().print(table)
    return right


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.hls.csim",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kernels", nargs="*", help="kernels or headers (all)")
    parser.add_argument("--config", help="whole frames of this model instead of kernels")
    parser.add_argument("--board", default="KV260", help="whose folding (%(default)s)")
    parser.add_argument("--frames", type=int, default=1, help="a frame of each graph (%(default)s)")
    given = parser.parse_args(arguments)
    try:
        if given.frames < 1:
            raise SpecError(f"{given.frames} frames", "ask for 1 or more")
        if given.config:
            return 0 if prove_frames(given.config, given.board, given.frames) else 1
        return 0 if prove(chosen(given.kernels)) else 1
    except SamFabricError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
