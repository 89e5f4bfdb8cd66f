"""The search on the smallest graphs: choices, balance, what it does when nothing fits."""

from itertools import product

import pytest

from hw.fold.balance import Choice, balance, unbeaten, use
from hw.fold.block import Style
from hw.fold.search import Folder, priced, search
from hw.fold.target import Target
from hw.spec.kernel import Cost
from tests.fold.tiny_model import BUDGET, dataflow

SHELL = Cost(lut=100)


@pytest.fixture(scope="module")
def choices():
    flow = dataflow("memory_encoder")
    return Folder(flow, Style(), BUDGET).choices([1000, 4000, 16_000], lambda _: None)


def test_no_choice_is_beaten_by_another(choices):
    assert len(choices) > 1
    for a, b in zip(choices, choices[1:], strict=False):
        assert a.cycles < b.cycles and a.cost.lut > b.cost.lut


def test_rates_become_cycles():
    target = Target.of_rates(200, 50, 20)
    assert (target.one, target.four) == (4e6, 1e7)
    cycles = {"image_encoder": 2_000_000, "mask_decoder": 2_000_000}
    assert target.met(cycles) and target.excess(cycles) == 1.0
    assert not target.met(cycles | {"memory_encoder": 100_000})


def test_balance_takes_the_smallest_that_is_fast_enough(choices):
    fast, *_, slow = choices
    lists = {"image_encoder": [slow], "memory_encoder": choices}
    tight = Target(slow.cycles + fast.cycles, 10**9)
    assert balance(lists, tight, BUDGET, SHELL)["memory_encoder"] is fast
    loose = Target(10**9, 10**9)
    assert balance(lists, loose, BUDGET, SHELL)["memory_encoder"] is slow


def test_what_does_not_fit_is_made_as_small_as_it_goes(choices):
    lists = {"image_encoder": choices, "memory_encoder": choices}
    tiny = Cost(lut=1000, ff=1000, dsp=10, bram18=10)
    picked = balance(lists, Target(1, 1), tiny, SHELL)
    assert picked["memory_encoder"] is choices[-1]


def test_shares_of_the_scarcest():
    budget = Cost(lut=100, ff=100, dsp=10, bram18=10)
    assert use(Cost(lut=50, dsp=8), budget) == 0.8
    assert use(Cost(uram=1), budget) == 2.0


def test_looks_of_the_detector_are_shared_out_among_frames():
    target = Target(100, 400, 120, every=4)
    cycles = {"image_encoder": 60, "mask_decoder": 40, "detector": 80}
    assert target.excess(cycles) == 1.0  # the detector has no part in the first two rates
    assert target.excess(cycles | {"detector": 160}) == pytest.approx(140 / 120)
    assert target.share("mask_decoder") == 100 and target.share("detector") == 80
    assert Target(100, 400, every=4).share("detector") == 400


def test_memories_at_other_prices(choices):
    found = priced(choices[-1])
    assert len(found) > 2 and {c.cycles for c in found} == {choices[-1].cycles}
    least = [min(found, key=lambda c: getattr(c.cost, r)) for r in ("lut", "bram18")]
    assert least[0].cost.bram18 > least[1].cost.bram18 and least[0].cost.lut < least[1].cost.lut
    kept = unbeaten([*found, *found])
    assert set(map(id, least)) <= set(map(id, kept)) and len(kept) <= len(found)


def test_balance_is_the_best_of_all(choices):
    """Four graphs, groups of three at a time: against every combination."""
    names = ("image_encoder", "memory_attention", "mask_decoder", "memory_encoder")
    lists = dict.fromkeys(names, choices)
    for budget in (BUDGET, Cost(lut=9000, ff=10**6, dsp=10**3, bram18=10**3, uram=10**3)):
        target = Target(4 * choices[1].cycles, 10**9)
        picked = balance(lists, target, budget, SHELL)

        def rank(combination, budget=budget, target=target):
            full = use(sum((c.cost for c in combination), SHELL), budget)
            slow = target.excess({g: c.cycles for g, c in zip(names, combination, strict=True)})
            return max(full - 1, 0), max(slow, 1), full

        best = min(map(rank, product(choices, repeat=4)))
        assert rank(picked.values()) == pytest.approx(best)


def test_a_search_is_reproducible():
    flows = {"image_encoder": dataflow("memory_encoder")}
    found = [search(flows, Target(6000, 24_000), BUDGET, SHELL, Style(100)) for _ in range(2)]
    a, b = (choice["image_encoder"] for choice in found)
    assert isinstance(a, Choice) and a.cycles == b.cycles <= 6000
    assert a.cost == b.cost and a.style == b.style
