"""Compares FINN with golden.

    python -m hw.lower.finn --export DIR [--graph image_encoder]

Says of each graph its hardware layers by type and the codes that differ from golden, the same with
attentions and products of streams compiled from their HLS headers (cppsim), then what FINN's
streamlining of the exported file makes of it and the codes that differ from Brevitas.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hw.lower.bundle import read_description
from hw.lower.finn.check import check_hardware
from hw.lower.finn.options import command_line
from hw.lower.finn.witness import cross_check
from hw.spec.command_line import any_case
from hw.spec.errors import SamFabricError
from hw.spec.manifest import graph_names

CHECKS = ("hardware", "cppsim", "streamlined")


def main(argv: list[str] | None = None) -> int:
    """Runs the command line and returns the exit code, 1 when a code differs, 2 on bad input."""
    parser = command_line("hw.lower.finn", __doc__.split("\n")[0])
    parser.add_argument(
        "--only",
        type=any_case(CHECKS),
        choices=CHECKS,
        help="default: all; streamlining takes minutes",
    )
    args = parser.parse_args(argv)
    checks = {"hardware": _hardware, "cppsim": _cppsim, "streamlined": _streamlined}
    wanted = [checks[c] for c in CHECKS if args.only in (None, c)]
    exact = True
    try:
        for check in wanted:
            for graph in args.graph or graph_names(read_description(args.export)["graphs"]):
                exact &= check(args.export, graph)
    except SamFabricError as error:
        if args.debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0 if exact else 1


def _cppsim(export: Path, graph: str) -> bool:
    return _hardware(export, graph, cppsim=True)


def _hardware(export: Path, graph: str, cppsim: bool = False) -> bool:
    r = check_hardware(export, graph, cppsim=cppsim)
    kinds = ", ".join(f"{n} {kind}" for kind, n in r.layers.items())
    print(
        f"{r.graph}: {r.differing} of {r.elements} codes differ from golden; hardware layers: "
        f"{kinds}; {r.lowering} s to lower, {r.execution} s to execute beside golden",
        flush=True,
    )
    return r.differing == 0


def _streamlined(export: Path, graph: str) -> bool:
    r = cross_check(export, graph)
    print(
        f"{r.graph}: streamlined, {r.differing} of {r.elements} codes differ from Brevitas (at "
        f"most by {r.worst}); {r.thresholds} threshold nodes of {r.nodes}, {r.scales} final "
        f"scales, float elsewhere: {r.floats or 'none'}; taken on to {sum(r.layers.values())} "
        f"hardware layers, of which {r.apart} codes differ from golden; {r.seconds} s",
        flush=True,
    )
    return r.differing == 0 and r.apart == 0


if __name__ == "__main__":
    sys.exit(main())
