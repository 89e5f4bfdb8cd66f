"""Lower an export folder to a bundle: python -m hw.lower --export DIR --out bitstreams --board
emulated.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hw.lower.bundle import Bundle, write_bundle
from hw.spec.command_line import given_path, model_name
from hw.spec.errors import SamFabricError


def show(bundle: Bundle, console: Console) -> None:
    """Requantizers by graph, and every layer that needs more than one DSP a lane."""
    table = Table(title=f"requantizers of {bundle.folder.name} (channels)")
    for column in ("graph", "all", "one DSP", "more DSPs", "thresholds", "widest sum (bits)"):
        table.add_column(column, justify="left" if column == "graph" else "right")
    for name, rows in bundle.report.items():
        channels, double, fallback = (
            sum(getattr(r, k) for r in rows) for k in ("channels", "double", "fallback")
        )
        widest = max((r.sum_bits for r in rows), default=0)
        cells = (channels, channels - double - fallback, double, fallback, widest)
        table.add_row(name, *map(str, cells))
    console.print(table)
    for name, rows in bundle.report.items():
        for r in rows:
            if r.double or r.fallback:
                console.print(
                    f"  {name}.{r.layer}: {r.double} of {r.channels} channels take more DSPs "
                    f"than one, {r.fallback} thresholds ({r.sum_bits}-bit sums)"
                )


def main(argv: list[str] | None = None) -> int:
    """Runs the command line and returns the exit code, 2 on bad input."""
    parser = argparse.ArgumentParser(prog="python -m hw.lower", description=__doc__)
    parser.add_argument(
        "--config", type=model_name, default="nano", help="names the default export folder"
    )
    parser.add_argument(
        "--export", type=given_path, help="export folder; default: build/export/<config>"
    )
    parser.add_argument("--out", type=given_path, default=Path("bitstreams"))
    parser.add_argument("--board", default="emulated")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    args = parser.parse_args(argv)
    try:
        bundle = write_bundle(
            args.export or Path("build/export") / args.config, args.out, args.board
        )
    except SamFabricError as error:
        if args.debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        return 2
    show(bundle, Console())
    print(f"bundle {bundle.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
