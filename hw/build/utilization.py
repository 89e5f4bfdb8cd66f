"""Reads Vivado's hierarchical utilization report: what the whole design takes, what the system in
it, and so what the interconnects around it.
"""

from __future__ import annotations

from pathlib import Path

from hw.spec.errors import SamFabricError
from hw.spec.handoff import SYSTEM
from hw.spec.kernel import Cost

COLUMNS = {"lut": "Total LUTs", "ff": "FFs", "uram": "URAM"}


class ReportError(SamFabricError):
    """A report that is missing or of another form."""


def read(path: Path) -> dict[str, Cost]:
    """Resources by instance, the first of a name. Raises ReportError."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise ReportError(f"{path}: {error.strerror}", "run make bitstream again") from error
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in lines if line[:1] == "|"]
    header = next((row for row in rows if "Instance" in row and "Total LUTs" in row), None)
    if header is None:
        raise ReportError(f"{path} has no table of instances", "see the report")
    dsp = next((name for name in header if name.startswith("DSP")), "")
    found: dict[str, Cost] = {}
    for row in rows:
        cells = dict(zip(header, row, strict=False))
        if row is header or len(row) != len(header) or not cells["Total LUTs"].isdigit():
            continue
        count = {key: int(cells.get(name) or 0) for key, name in COLUMNS.items()}
        bram18 = 2 * int(cells.get("RAMB36") or 0) + int(cells.get("RAMB18") or 0)
        cost = Cost(count["lut"], count["ff"], int(cells.get(dsp) or 0), bram18, count["uram"])
        found.setdefault(cells["Instance"], cost)
    if not found:
        raise ReportError(f"{path} lists no instance", "see the report")
    return found


def shell(path: Path, expected: Cost) -> str:
    """One line: the shell as placed, beside what folding takes it to be. Raises ReportError."""
    found = read(path)
    if SYSTEM not in found:
        raise ReportError(f"{path} has no instance {SYSTEM}", "see the report")
    whole, own = next(iter(found.values())), found[SYSTEM]
    parts = [
        f"{name} {getattr(whole, key) - getattr(own, key):,} "
        f"(expected {getattr(expected, key):,.0f})"
        for key, name in (("lut", "LUT"), ("ff", "FF"), ("bram18", "BRAM18"))
    ]
    return f"shell around the system (interconnects, reset): {', '.join(parts)}"
