"""`python -m tests.faults`, `make test-faults`: faults planted at random times in frames of a
system, through the driver that a board uses and the simulated RTL, and what became of each.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from sim.board.machine import KV260
from tests.board import prepare
from tests.faults.campaign import campaign, on_board, on_rtl


def main(argv: list[str] | None = None) -> int:
    """Runs the command line and returns the exit code, 1 where a fault was missed or a recovery
    failed.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=1000, help="for each transport (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    parser.add_argument("--no-crc", action="store_true", help="see what is missed without CRCs")
    args = parser.parse_args(argv)
    clean = True
    with tempfile.TemporaryDirectory(prefix="samfabric-faults-") as name:
        folder = Path(name) / "small"
        prepare.small(folder, KV260.name)
        for title, connect in (("rtl", on_rtl), ("board", on_board)):
            began = time.monotonic()
            driver, faulty = connect(folder)
            driver._crc = not args.no_crc
            found = campaign(driver, faulty, args.faults, args.seed)
            driver.shut()
            print(f"{title}, {time.monotonic() - began:.0f} s:", *found.lines(), sep="\n")
            for told in (*found.missed, *found.unrecovered)[:20]:
                print("  " + told)
            clean &= found.clean
    return 0 if clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
