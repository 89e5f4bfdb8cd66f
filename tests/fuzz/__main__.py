"""`make fuzz INPUTS=100000`: broken files and requests, and conversations of random calls, against
everything that takes input from outside.

    python -m tests.fuzz --inputs 100000 [--only NAME ...] [--seed 0] [--jobs 1]

Each surface runs in a process of its own, so that one that dies takes none along. Prints how many
inputs were tried, refused with a typed error and accepted, what went wrong (tracebacks, hangs,
memory, files written outside the input's folder), and the longest that one took. Exit code 1
where anything did.
"""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hw.spec.plain import read_json
from tests.fuzz.guard import MEGABYTES, SECONDS, Guard, limit_memory
from tests.fuzz.run import Tally

LIMIT_S = 6 * 3600.0
"""A surface may take in all."""
ADDRESSES = 8192
"""Megabytes of address space beyond what a process begins with."""
COLUMNS = ("tried", "refused", "accepted", "crashes", "hangs", "written_outside")
HEAD = (
    f"{'':<18}{''.join(f'  {name}' for name in COLUMNS)}"
    f"{'worst MB':>10}{'longest s':>11}{'cpu s':>8}{'s':>8}"
)


def names() -> dict[str, float]:
    """Surfaces and conversations, and the share of the inputs that each gets."""
    from tests.fuzz.everything import EVERYTHING

    return {one.name: one.share for one in EVERYTHING}


def child(name: str, inputs: int, seed: int, out: Path) -> int:
    """One surface, in this process. Writes its tally to `out`."""
    import json

    sys.dont_write_bytecode = True
    logging.disable(logging.CRITICAL)
    guard = Guard()
    from tests.fuzz.everything import EVERYTHING, tried

    limit_memory(ADDRESSES)
    (one,) = (one for one in EVERYTHING if one.name == name)
    tally = tried(one, inputs, seed, guard)
    tally.cpu_s = time.process_time()
    out.write_text(json.dumps(tally.plain()), encoding="utf-8")
    return 0


def parent(name: str, inputs: int, seed: int) -> tuple[Tally, float]:
    """The same in a process of its own, and the seconds that it took."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="samfabric-fuzz-") as folder:
        out, said = Path(folder, "tally.json"), Path(folder, "said.txt")
        command = [sys.executable, "-X", "faulthandler", "-m", "tests.fuzz", "--child", name]
        command += ["--inputs", str(inputs), "--seed", str(seed), "--out", str(out)]
        with open(said, "wb") as log:
            try:
                code = subprocess.run(
                    command, stdout=log, stderr=log, timeout=LIMIT_S, check=False
                ).returncode
            except subprocess.TimeoutExpired:
                code = None
        if code == 0 and out.is_file():
            plain: dict[str, Any] = read_json(out)
            return Tally(**plain), time.monotonic() - began
        tail = said.read_text(encoding="utf-8", errors="replace")[-4000:]
    dead = Tally(name, crashes=int(code is not None), hangs=int(code is None))
    dead.faults[f"the process ended with {code}"] = tail
    return dead, time.monotonic() - began


def row(tally: Tally, seconds: float) -> str:
    """A line of the table."""
    counts = "".join(f"{getattr(tally, name):>{len(name) + 2},}" for name in COLUMNS)
    most = f"{tally.worst_megabytes:>10,.0f}{tally.longest_s:>11.2f}"
    return f"{tally.name:<18}{counts}{most}{tally.cpu_s:>8,.0f}{seconds:>8,.0f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="in all (%(default)s)")
    parser.add_argument("--only", nargs="*", default=[], help="surfaces by name")
    parser.add_argument("--seed", type=int, default=0, help="other inputs with another (0)")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 1) // 2))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.child:
        return child(given.child, given.inputs, given.seed, given.out)
    known = names()
    unknown = [name for name in given.only if name not in known]
    if unknown or given.inputs < 1:
        print(f"no surface {unknown}; there is: {', '.join(known)}", file=sys.stderr)
        return 2
    chosen = {name: share for name, share in known.items() if name in (given.only or known)}
    whole = sum(chosen.values())
    counts = {name: -int(-given.inputs * share // whole) for name, share in chosen.items()}
    print(HEAD, flush=True)
    total, tallies, began = Tally("all"), list[Tally](), time.monotonic()
    with ThreadPoolExecutor(given.jobs) as pool:
        for tally, seconds in pool.map(lambda n: parent(n, counts[n], given.seed), counts):
            print(row(tally, seconds), flush=True)
            for place, case in tally.faults.items():
                print(f"\n{tally.name}: {place}\n{case}\n", flush=True)
            tallies.append(tally)
            for column in COLUMNS:
                setattr(total, column, getattr(total, column) + getattr(tally, column))
            total.worst_megabytes = max(total.worst_megabytes, tally.worst_megabytes)
            total.longest_s = max(total.longest_s, tally.longest_s)
            total.cpu_s += tally.cpu_s
    print(row(total, time.monotonic() - began))
    print(f"bounds: {SECONDS:g} s and {MEGABYTES} MB for one input")
    return 0 if all(tally.good for tally in tallies) else 1


if __name__ == "__main__":
    sys.exit(main())
