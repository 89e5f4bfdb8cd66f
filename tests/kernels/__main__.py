"""`python -m tests.kernels [KERNEL ...]`: prints the test files of kernels, for `make sim`.

A kernel is named in upper or lower case; `all` stands for every one. Without a name, and for one
that does not exist, the kernels are listed and the exit code is 2.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hw import library
from hw.spec.command_line import meant

FOLDER = Path(__file__).resolve().parent
ALL = "all"


def names() -> list[str]:
    """Kernels that have a test."""
    return [name for name in library.names() if (FOLDER / f"test_{name}.py").is_file()]


def main(arguments: list[str]) -> int:
    """Command line."""
    known = names()
    asked = [meant(name, (*known, ALL)) for name in arguments]
    unknown = [name for name in asked if name not in (*known, ALL)]
    if unknown or not asked:
        said = f"no kernel {', '.join(unknown)}" if unknown else "no kernel is named"
        print(f"{said}: give K= one or more of {', '.join(known)}, or {ALL}", file=sys.stderr)
        return 2
    for name in known if ALL in asked else dict.fromkeys(asked):
        print(f"tests/kernels/test_{name}.py")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
