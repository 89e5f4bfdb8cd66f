"""What the simulator needs of the system beside Python packages: a C++ compiler, make, perl, and
Python's shared library. The tests need a Tcl too, which stands in for Vivado's.

    python -m sim.toolchain [--install]

Exit code 0 when all is there, 2 with the names of the packages when something is missing.
--install tries apt-get first, which needs root.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence

PROGRAMS = {"g++": "g++", "make": "make", "perl": "perl", "tclsh": "tcl"}
"""Program -> the Debian package that brings it."""
TIMEOUT_S = 600


def missing() -> dict[str, str]:
    """Finds the programs that are missing, each with the Debian package that has it."""
    found = {name: package for name, package in PROGRAMS.items() if shutil.which(name) is None}
    from find_libpython import find_libpython

    if find_libpython() is None:
        short = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        found[f"the shared library of {short}"] = f"lib{short}"
    return found


def install(packages: Sequence[str]) -> bool:
    """Tries apt-get; False where there is none or it fails."""
    if shutil.which("apt-get") is None:
        return False
    for words in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", "-qq", *words], timeout=TIMEOUT_S, check=False, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            return False
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sim.toolchain", description=__doc__)
    parser.add_argument("--install", action="store_true", help="try apt-get for what is missing")
    given = parser.parse_args(arguments)
    lacking = missing()
    if lacking and given.install and install(sorted(set(lacking.values()))):
        lacking = missing()
    if not lacking:
        return 0
    packages = " ".join(sorted(set(lacking.values())))
    print(
        f"Simulator and tests need {', '.join(lacking)}."
        f" Install it (Debian, Ubuntu: sudo apt install {packages}) and try again.",
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    sys.exit(main())
