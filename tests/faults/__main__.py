"""`python -m tests.faults`, `make test-faults`: faults planted at random times in runs of a system,
through the driver that a board uses and the simulated RTL, and what became of each.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from tests.faults.campaign import campaign, on_board, on_rtl
from tests.host.small_hardware import write_hardware


def main(argv: list[str] | None = None) -> int:
    """Runs the command line and returns the exit code, 1 where a fault was missed, a run hung or a
    recovery failed.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=1000, help="for each transport (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    parser.add_argument("--no-crc", action="store_true", help="see what is missed without CRCs")
    args = parser.parse_args(argv)
    clean = True
    with tempfile.TemporaryDirectory(prefix="samfabric-faults-") as name:
        folder = Path(name) / "small"
        write_hardware(folder)
        for title, connect in (("rtl", on_rtl(folder)), ("board", on_board(folder))):
            began = time.monotonic()
            tally = campaign(
                connect,
                args.faults,
                args.seed,
                lambda text: print(text, flush=True),
                not args.no_crc,
            )
            print(f"{title}, {time.monotonic() - began:.0f} s:", *tally.lines(), sep="\n")
            for told in (*tally.missed, *tally.hung, *tally.unrecovered)[:20]:
                print("  " + told)
            clean &= tally.clean
    return 0 if clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
