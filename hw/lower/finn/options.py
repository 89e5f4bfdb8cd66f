"""What the command lines of this package share."""

from __future__ import annotations

import argparse

from hw.spec.command_line import any_case, given_path
from hw.spec.manifest import DETECTOR, GRAPHS


def command_line(program: str, about: str) -> argparse.ArgumentParser:
    """A parser with --export, --graph and --debug."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=about)
    parser.add_argument("--export", type=given_path, required=True)
    graphs = (*GRAPHS, DETECTOR)
    parser.add_argument(
        "--graph", type=any_case(graphs), choices=graphs, action="append", help="default: all"
    )
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    return parser
