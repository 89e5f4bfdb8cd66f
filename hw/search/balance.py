"""Which of its foldings each accelerator takes, where all of them share one device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from math import inf

import numpy as np
from numpy.typing import NDArray

from hw.fold.block import Style
from hw.fold.folding import Plan
from hw.search.combine import least
from hw.search.target import Target
from hw.spec.kernel import Cost

RESOURCES = len(fields(Cost))


@dataclass(frozen=True, eq=False)
class Choice:
    """One folding of one accelerator, its style of memories, and what it costs, glue included."""

    plan: Plan
    style: Style
    cost: Cost

    @property
    def cycles(self) -> int:
        """A frame takes this many cycles."""
        return self.plan.cycles

    @property
    def interval(self) -> int:
        """Between frames that follow each other closely."""
        return self.plan.interval


def use(cost: Cost, budget: Cost) -> float:
    """Returns the greatest share of any one resource that is taken."""
    return float(_shares(np.array(astuple(cost)), budget).max())


def unbeaten(choices: Sequence[Choice]) -> list[Choice]:
    """Leaves out those that another one beats or equals in times and in every resource."""
    figures = np.array([(c.cycles, c.interval, *astuple(c.cost)) for c in choices])
    kept: list[int] = []
    for i in np.lexsort(figures.T[::-1]):
        if not any((figures[j] <= figures[i]).all() for j in kept):
            kept.append(int(i))
    return [choices[i] for i in sorted(kept)]


def balance(
    lists: Mapping[str, Sequence[Choice]], target: Target, budget: Cost, shell: Cost
) -> dict[str, Choice]:
    """The choice of each graph that together meet the target and use the scarcest resource least;
    where none meet it, those that come closest while they fit; where none fit, the smallest.
    """
    # Shares of resources, then of times: both add up over the graphs.
    idle = dict.fromkeys(lists, 0)
    tables = []
    for graph, choices in lists.items():
        shares = _shares(np.array([astuple(c.cost) for c in choices]), budget)
        cycles = np.array([c.cycles for c in choices])
        intervals = np.array([c.interval for c in choices])
        ratios = target.ratios({**idle, graph: cycles}, {**idle, graph: intervals})
        times = [np.broadcast_to(r, cycles.shape) for r in ratios]
        tables.append(np.column_stack([shares, *times]))
    base = np.zeros(tables[0].shape[1])
    base[:RESOURCES] = _shares(np.array(astuple(shell)), budget)
    caps = np.full(len(base), inf)
    full, slow = slice(0, RESOURCES), slice(RESOURCES, None)
    rows: list[int] = []
    for judged, enough in ((full, 1.0), (slow, 1.0), (full, 0.0)):
        rows = least(tables, base, caps, judged, enough) or rows
        total = base + sum(t[n] for t, n in zip(tables, rows, strict=True))
        caps[judged] = max(enough, total[judged].max())
    return {g: lists[g][n] for g, n in zip(lists, rows, strict=True)}


def _shares(costs: NDArray, budget: Cost) -> NDArray:
    """Returns the share of each resource that costs (..., resources) take. Each piece of a resource
    that the board lacks counts as a share of 2.
    """
    have = np.array(astuple(budget), float)
    return np.where(have > 0, costs / np.maximum(have, 1), 2.0 * costs)
