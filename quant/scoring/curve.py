"""The curve of a training run: J&F on the dev split against steps, from `curve.csv` in its folder.

Columns: step (of the whole run, rising), stage (its name), jf (per cent).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from hw.spec.errors import SpecError
from hw.spec.sizes import ceil_div

FILE = "curve.csv"
COLUMNS = ("step", "stage", "jf")
MOST_POINTS = 24  # labels that an axis has room for


@dataclass(frozen=True)
class Point:
    """A point of the curve: J&F in per cent after so many steps."""

    step: int
    stage: str
    jf: float


def read_curve(run: Path) -> list[Point]:
    """Points of a run's curve, none where the folder holds no file. Raises SpecError for a file
    that is none.
    """
    path = run / FILE
    if not path.is_file():
        return []
    points: list[Point] = []
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines)
        if tuple(rows.fieldnames or ()) != COLUMNS:
            raise SpecError(
                f"{path} begins with {','.join(rows.fieldnames or ()) or 'nothing'}",
                f"its first line must be {','.join(COLUMNS)}",
            )
        for number, row in enumerate(rows, start=2):
            try:
                point = Point(int(row["step"]), row["stage"], float(row["jf"]))
            except (TypeError, ValueError) as error:
                raise SpecError(f"line {number} of {path}: {error}", "give numbers") from error
            if not 0 <= point.jf <= 100 or (points and point.step < points[-1].step):
                raise SpecError(
                    f"line {number} of {path}: step {point.step}, J&F {point.jf:g}",
                    "steps rise over the whole run, and J&F is in per cent",
                )
            points.append(point)
    return points


def curve_section(points: list[Point]) -> list[str]:
    """Lines of Markdown: the curve as a chart that GitHub draws, and where each stage ended."""
    if not points:
        return []
    every = ceil_div(len(points), MOST_POINTS)
    # Counted from the end, so that the last point always shows.
    shown = points[::-1][::every][::-1]
    stages = []
    for stage, group in groupby(points, key=lambda point: point.stage):
        held = list(group)
        best = max(held, key=lambda point: point.jf)
        stages.append(f"| {stage} | {held[-1].step} | {held[-1].jf:.1f} | {best.jf:.1f} |")
    return [
        "## Curve",
        "J&F on dev with the mask prompt against training steps.",
        "",
        "```mermaid",
        "xychart-beta",
        f'  x-axis "steps" [{", ".join(str(point.step) for point in shown)}]',
        '  y-axis "J&F, %"',
        f"  line [{', '.join(f'{point.jf:.1f}' for point in shown)}]",
        "```",
        "",
        "| stage | steps so far | J&F at its end | best |",
        "|---|---|---|---|",
        *stages,
        "",
    ]
