"""The best of all combinations of one row from each of several tables, where rows add up: exact,
by branch and bound.

Whatever the weights of the columns, a sum that keeps its limits keeps them weighted, and a weighted
sum is no less than the least weighted rows of all tables together (Lagrange). A row that breaks
this for any weights, the least of all other tables beside it, is in no combination that is wanted.
Weights that leave out many follow from putting more on the columns which the least rows overdraw
(multiplicative weights: Arora, Hazan and Kale 2012).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, prod

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Table = tuple[NDArray[np.int64], Numbers]
"""Numbers of the rows that are left, and the rows."""
AT_ONCE = 100_000
"""Combinations that are looked at together."""
ROUNDS = 40
"""Weights tried before a table is halved."""
STEP = 2.0
BETTER = 1e-3
"""Part by which a sum must be less to be looked for: telling apart what is nearer takes long."""
ROUNDING = 1e-12
"""Part that sums in another order differ by."""


def least(
    tables: Sequence[Numbers], base: Numbers, caps: Numbers, judged: slice, enough: float
) -> list[int] | None:
    """One row of each table, so that the sum with `base` exceeds no cap and the greatest number in
    its columns `judged` is least (to a part in a thousand), or no more than `enough` where that can
    be had. None where nothing keeps the caps.

    tables: (rows, columns) each; base, caps: (columns,). No number is negative; all of one column
    have one unit, those of the columns judged the same.
    """
    most = base + sum(t.max(0) for t in tables)
    search = _Search(base, np.minimum(caps, most), judged, enough)
    search.look([(np.arange(len(t)), t) for t in tables])
    return search.rows


class _Search:
    """rows: the best so far."""

    def __init__(self, base: Numbers, caps: Numbers, judged: slice, enough: float) -> None:
        self.base, self.judged, self.enough = base, judged, enough
        self.limits = np.maximum(caps, ROUNDING) * (1 + ROUNDING)
        self.best = inf
        self.rows: list[int] | None = None

    def look(self, tables: list[Table]) -> None:
        """For what is better, among all combinations of what is left of the tables."""
        if prod(len(rows) for _, rows in tables) > AT_ONCE:
            tables = self._reduced(tables)
        sizes = [len(rows) for _, rows in tables]
        if self.best <= self.enough or not all(sizes):
            return
        if prod(sizes) <= AT_ONCE:
            self._try(tables)
            return
        spread = [np.ptp(rows, axis=0) / self.limits for _, rows in tables]
        widest = int(np.argmax([s.max() for s in spread]))
        numbers, rows = tables[widest]
        # Halves that are unlike: bounds of each are closer than the whole table's.
        order = np.argsort(rows[:, int(np.argmax(spread[widest]))], kind="stable")
        for half in np.array_split(order, 2):
            part = (numbers[half], rows[half])
            self.look([part if t == widest else x for t, x in enumerate(tables)])

    def _try(self, tables: list[Table]) -> None:
        """Every combination."""
        total = self.base
        for _, rows in tables:
            total = total[..., None, :] + rows
        worth = total[..., self.judged].max(-1)
        worth = np.where((total <= self.limits).all(-1), worth, inf)
        first = int(np.argmin(worth))
        value = float(worth.flat[first])
        if value < self.best:
            at = np.unravel_index(first, worth.shape)
            self.best = value
            self.rows = [int(n[i]) for (n, _), i in zip(tables, at, strict=True)]
            wanted = max(self.enough * (1 + ROUNDING), value * (1 - BETTER))
            self.limits[self.judged] = np.minimum(self.limits[self.judged], wanted)

    def _reduced(self, tables: list[Table]) -> list[Table]:
        """Without rows that no combination can have which is better than the best."""
        heat = np.zeros(len(self.base))
        for _ in range(ROUNDS):
            weights = np.exp(heat - heat.max()) / self.limits
            weights /= (weights * self.limits).sum()
            worth = [rows @ weights for _, rows in tables]
            lowest = [int(np.argmin(w)) for w in worth]
            self._try([(n[[i]], rows[[i]]) for (n, rows), i in zip(tables, lowest, strict=True)])
            sums = [w[i] for w, i in zip(worth, lowest, strict=True)]
            spare = float(weights @ self.limits - weights @ self.base - sum(sums))
            keep = [w <= w[i] + spare for w, i in zip(worth, lowest, strict=True)]
            total = self.base + sum(rows[i] for (_, rows), i in zip(tables, lowest, strict=True))
            tables = [(n[k], rows[k]) for (n, rows), k in zip(tables, keep, strict=True)]
            if not all(len(rows) for _, rows in tables):
                break
            if prod(len(rows) for _, rows in tables) <= AT_ONCE:
                break
            heat += STEP * (total / self.limits - 1)
        return tables
