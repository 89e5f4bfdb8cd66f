"""The command `samfabric`, also `python -m samfabric`, runs the command line of `host.cli.main`."""

from __future__ import annotations

import sys

from host.cli.main import main as run


def main() -> int:
    """Runs the command line under its installed name and returns the exit status."""
    return run(prog="samfabric")


if __name__ == "__main__":
    sys.exit(main())
