"""The exact choice of rows against every combination."""

from itertools import product
from math import inf

import numpy as np
import pytest

from hw.search import combine
from hw.search.combine import least

FULL, SLOW = slice(0, 3), slice(3, 5)
"""Columns of resources and of times."""


def tables(seed, sizes=(7, 6, 8, 5)):
    """What is quick costs much."""
    rng = np.random.default_rng(seed)
    made = []
    for n in sizes:
        time = rng.uniform(0.05, 0.6, (n, 1))
        costs = 0.05 / time * rng.dirichlet(np.ones(3), n)
        made.append(np.hstack([costs, time, time * rng.uniform(0.8, 1.2)]))
    return made


def by_all(parts, base, caps, judged):
    sums = (base + sum(rows) for rows in product(*parts))
    return min((s[judged].max() for s in sums if (s <= caps).all()), default=None)


def total_of(parts, rows):
    assert rows is not None
    return np.sum([t[n] for t, n in zip(parts, rows, strict=True)], 0)


@pytest.mark.parametrize("at_once", [1, 50, 10_000])
@pytest.mark.parametrize("seed", range(8))
def test_it_is_the_least_of_all(seed, at_once, monkeypatch):
    monkeypatch.setattr(combine, "AT_ONCE", at_once)
    parts, base = tables(seed), np.array([0.1, 0, 0.05, 0, 0])
    none = np.full(5, inf)
    fullest = by_all(parts, base, none, FULL)
    for judged, room in ((FULL, inf), (SLOW, 1.05 * fullest), (SLOW, 2 * fullest)):
        caps = none.copy()
        caps[FULL] = room
        total = base + total_of(parts, least(parts, base, caps, judged, 0))
        assert (total <= caps * (1 + 1e-9)).all()
        assert total[judged].max() == pytest.approx(by_all(parts, base, caps, judged), rel=2e-3)


def test_nothing_keeps_the_caps(monkeypatch):
    monkeypatch.setattr(combine, "AT_ONCE", 1)
    parts, base = tables(0), np.zeros(5)
    caps = np.full(5, inf)
    caps[FULL] = by_all(parts, base, caps, FULL) * 0.999
    assert least(parts, base, caps, SLOW, 0) is None


@pytest.mark.parametrize("seed", range(4))
def test_what_is_just_enough_is_found(seed, monkeypatch):
    monkeypatch.setattr(combine, "AT_ONCE", 1)
    parts, base, caps = tables(seed), np.zeros(5), np.full(5, inf)
    caps[FULL] = 1.2 * by_all(parts, base, caps, FULL)
    enough = by_all(parts, base, caps, SLOW) * (1 + 1e-9)
    rows = least(parts, base, caps, SLOW, enough)
    assert total_of(parts, rows)[SLOW].max() <= enough


def test_a_hundred_million_combinations():
    parts = tables(3, (40,) * 5)
    caps = np.full(5, inf)
    caps[FULL] = 0.4
    rows = least(parts, np.zeros(5), caps, SLOW, 0)
    assert rows is not None
    total = total_of(parts, rows)
    assert (total <= caps * (1 + 1e-9)).all()
    for n, part in zip(rows, parts, strict=True):  # no change of one row is better
        others = total - part[n] + part
        fit = (others <= caps).all(1)
        assert others[fit][:, SLOW].max(1).min() >= total[SLOW].max() * 0.998
