"""Pictures of a report: what of the board is used, and when each layer works."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from hw.board import Board
from hw.build.folded import SHELL
from hw.build.resources import ByLayer
from hw.fold.folding import Plan
from hw.spec.files import atomic_path
from hw.spec.kernel import Cost

if TYPE_CHECKING:  # drawing is loaded where something is drawn
    from matplotlib.figure import Figure

RESOURCES = ("lut", "ff", "dsp", "bram18", "uram")


def utilisation(path: Path, board: Board, costs: ByLayer) -> None:
    """Stacked bars: shares of the device by accelerator, and the budget of each resource."""
    plt = _pyplot()
    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    names = [r for r in RESOURCES if getattr(board.resources, r)]
    left = [0.0] * len(names)
    parts = {"shell": SHELL, **{g: sum(v.values(), Cost()) for g, v in costs.items()}}
    for label, cost in parts.items():
        shares = [100 * getattr(cost, r) / getattr(board.resources, r) for r in names]
        axes.barh(names, shares, left=left, label=label)
        left = [a + b for a, b in zip(left, shares, strict=True)]
    for row, name in enumerate(names):
        most = 100 * getattr(board.budget(), name) / getattr(board.resources, name)
        axes.plot([most, most], [row - 0.4, row + 0.4], color="black")
    axes.set_xlabel(f"% of {board.name}; the line is the budget")
    axes.set_xlim(0, 100)
    axes.invert_yaxis()
    axes.legend(fontsize=7, loc="lower right")
    _save(figure, path)


def time(path: Path, plans: Mapping[str, Plan]) -> None:
    """From each layer's first code out to its last, a panel an accelerator."""
    plt = _pyplot()
    heights = [max(len(p.blocks), 6) for p in plans.values()]
    figure, panels = plt.subplots(
        len(plans),
        figsize=(8, 0.11 * sum(heights) + 2),
        height_ratios=heights,
        layout="constrained",
    )
    for axes, (graph, plan) in zip(panels, plans.items(), strict=True):
        for row, block in enumerate(plan.blocks.values()):
            times = plan.times[block.layer.output.name]
            begin, end = int(times.first[0]), times.end
            axes.barh(row, end - begin, left=begin, height=0.8, color="C0")
        axes.set_yticks(range(len(plan.blocks)), list(plan.blocks), fontsize=4)
        axes.set_title(f"{graph}: {plan.cycles:,} cycles", fontsize=8, loc="left")
        axes.tick_params(axis="x", labelsize=6)
        axes.invert_yaxis()
    _save(figure, path)


def _pyplot() -> ModuleType:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _save(figure: Figure, path: Path) -> None:
    with atomic_path(path) as part:
        figure.savefig(part, format="png", dpi=110)
    _pyplot().close(figure)
