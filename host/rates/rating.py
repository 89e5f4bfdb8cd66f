"""How this machine compares with others: 7-Zip's benchmark on one core."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from pathlib import Path

PATIENCE_S = 300


def rating_here() -> float | None:
    """7-Zip's rating of one core of this machine; None where it is not installed."""
    program = next(filter(None, map(shutil.which, ("7zz", "7z", "7za"))), None)
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "b", "2", "-mmt1", "-md22"],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return rating_of(done.stdout)


def rating_of(said: str) -> float | None:
    """The rating in what 7-Zip prints: that per unit of processor time, mean of both directions."""
    found = re.search(r"^Avr:\s+(.*?)\|\s+(.*)$", said, re.MULTILINE)
    if found is None:
        return None
    sides = [re.findall(r"\d+", side) for side in found.groups()]
    if any(len(numbers) < 3 for numbers in sides):
        return None
    return sum(float(numbers[-2]) for numbers in sides) / 2


def processor_name() -> str:
    """What this machine's processor calls itself."""
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
