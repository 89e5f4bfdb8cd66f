"""Pictures of a report: what of the board is used, and when each layer works."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from hw.board import Board
from hw.build.resources import ByLayer
from hw.fold.folding import Plan
from hw.spec.files import atomic_path
from hw.spec.kernel import Cost

if TYPE_CHECKING:  # drawing is loaded where something is drawn
    from matplotlib.figure import Figure

RESOURCES = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram18": "BRAM18", "uram": "URAM"}
BUDGET = "crimson"
"""Colour of what is drawn of the budget: none of the bars has it."""


def utilisation(path: Path, board: Board, costs: ByLayer, shell: Cost) -> None:
    """Stacked bars: shares of the device by accelerator, and the budget of each resource."""
    plt = _pyplot()
    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    names = [r for r in RESOURCES if getattr(board.resources, r)]
    left = [0.0] * len(names)
    parts = {"shell": shell, **{g: sum(v.values(), Cost()) for g, v in costs.items()}}
    for label, cost in parts.items():
        shares = [100 * getattr(cost, r) / getattr(board.resources, r) for r in names]
        axes.barh(names, shares, left=left, label=label)
        left = [a + b for a, b in zip(left, shares, strict=True)]
    for row, name in enumerate(names):
        most = 100 * getattr(board.budget(), name) / getattr(board.resources, name)
        said = "budget" if not row else None
        ends = [row - 0.46, row + 0.46]
        axes.plot([most, most], ends, color="white", linewidth=4.5, solid_capstyle="butt")
        axes.plot([most, most], ends, color=BUDGET, linewidth=2.5, label=said)
    axes.set_yticks(
        range(len(names)),
        [f"{RESOURCES[name]}\nof {getattr(board.resources, name):,}" for name in names],
        fontsize=7,
    )
    axes.set_xlabel(f"% of what {board.name} has")
    axes.set_xlim(0, max(100, 1.05 * max(left)))
    axes.invert_yaxis()
    figure.legend(fontsize=7, loc="outside right center")
    _save(figure, path)


def time(path: Path, plans: Mapping[str, Plan], mhz: float) -> None:
    """From each layer's first code out to its last, a panel an accelerator. mhz: the clock that
    milliseconds are given at.
    """
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
        took = f"{plan.cycles:,} cycles, {plan.cycles / mhz / 1e3:.2f} ms at {mhz:.0f} MHz"
        axes.set_title(f"{graph}: {took}", fontsize=8, loc="left")
        axes.set_xlabel("clock cycles since the frame's first code", fontsize=7)
        axes.set_ylabel("layer", fontsize=7)
        axes.tick_params(axis="x", labelsize=6)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
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
