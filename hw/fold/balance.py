"""Which of its foldings each accelerator takes, where all of them share one device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from functools import reduce
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from hw.fold.block import Style
from hw.fold.folding import Plan
from hw.fold.target import Target
from hw.spec.kernel import Cost

AT_ONCE = 3
"""Accelerators whose choices are looked at together."""


@dataclass(frozen=True, eq=False)
class Choice:
    """One folding of one accelerator, its style of memories, and what it costs, glue included."""

    plan: Plan
    style: Style
    cost: Cost

    @property
    def cycles(self) -> int:
        """Of a frame."""
        return self.plan.cycles


def use(cost: Cost, budget: Cost) -> float:
    """Greatest share of any one resource."""
    return float(_shares(np.array(astuple(cost)), budget))


def unbeaten(choices: Sequence[Choice]) -> list[Choice]:
    """Without those that another one beats or equals in time and in every resource."""
    figures = np.array([(c.cycles, *astuple(c.cost)) for c in choices])
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

    All choices of a few graphs at a time are tried against what the others have, until nothing
    gets better.
    """
    costs = {g: np.array([astuple(c.cost) for c in found]) for g, found in lists.items()}
    cycles = {g: np.array([c.cycles for c in found]) for g, found in lists.items()}
    picked = {g: int(np.argmin(_shares(costs[g], budget))) for g in lists}
    best: tuple[float, ...] | None = None
    groups = list(combinations(lists, min(AT_ONCE, len(lists))))
    while True:
        before = best
        for group in groups:
            rest = sum((lists[g][n].cost for g, n in picked.items() if g not in group), shell)
            total, took = np.array(astuple(rest)), dict[str, NDArray[np.int64]]()
            for g in lists:
                if g in group:
                    along = [1] * len(group)
                    along[group.index(g)] = -1
                    total = total + costs[g].reshape(*along, costs[g].shape[1])
                    took[g] = cycles[g].reshape(along)
                else:
                    took[g] = cycles[g][picked[g]]
            shares = _parts(total, budget)
            full = shares.max(-1)
            over = np.maximum(shares - 1, 0).sum(-1)
            slow = np.broadcast_to(reduce(np.maximum, target.ratios(took)), full.shape)
            ranks = [r.ravel() for r in (full, np.maximum(slow, 1), over)]
            first = int(np.lexsort(ranks)[0])
            rank = tuple(float(r[first]) for r in reversed(ranks))
            if best is None or rank < best:
                best = rank
                picked |= dict(
                    zip(group, map(int, np.unravel_index(first, full.shape)), strict=True)
                )
        if best == before:
            return {g: lists[g][n] for g, n in picked.items()}


def _shares(costs: NDArray, budget: Cost) -> NDArray:
    """Greatest share of any one resource; costs (..., resources)."""
    return _parts(costs, budget).max(-1)


def _parts(costs: NDArray, budget: Cost) -> NDArray:
    """Share of each resource. What there is none of counts 2 where it is used."""
    have = np.array([getattr(budget, f.name) for f in fields(Cost)], float)
    return np.where(have > 0, costs / np.maximum(have, 1), 2.0 * (costs > 0))
