"""The times of a run are summed up by stage, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from hw.spec.files import atomic_path


class FrameTimes:
    """The milliseconds of every frame are kept by stage."""

    def __init__(self) -> None:
        self._stages: dict[str, list[float]] = {}
        self.totals: list[float] = []

    def add(self, stages: Mapping[str, float], total: float) -> None:
        """Takes the stages of one frame and its whole time."""
        for name, ms in stages.items():
            self._stages.setdefault(name, []).append(ms)
        self.totals.append(total)

    def summary(self) -> dict[str, dict[str, float]]:
        """Returns mean, median and p95 (ms a frame) and the number of frames, of each stage and of
        the total.

        Only frames on which a stage ran count for it.
        """
        return {
            name: _summary(values)
            for name, values in [*self._stages.items(), ("total", self.totals)]
            if values
        }

    def table(self, title: str) -> Table:
        """Returns the summary as a table for a terminal."""
        table = Table(title=title, title_justify="left")
        table.add_column("stage")
        for column in ("mean ms", "median ms", "p95 ms", "frames"):
            table.add_column(column, justify="right")
        for name, row in self.summary().items():
            if name == "total":
                table.add_section()
            table.add_row(
                name,
                *(f"{row[key]:.2f}" for key in ("mean", "median", "p95")),
                f"{row['frames']:g}",
            )
        return table


def _summary(values: Sequence[float]) -> dict[str, float]:
    array = np.asarray(values)
    return {
        "mean": round(float(array.mean()), 4),
        "median": round(float(np.median(array)), 4),
        "p95": round(float(np.percentile(array, 95)), 4),
        "frames": len(array),
    }


def write_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Writes a JSON file that is whole or absent."""
    with atomic_path(path) as part:
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
