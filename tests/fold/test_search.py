"""The search on the smallest graphs: choices, balance, what it does when nothing fits."""

import pytest

from hw.fold.block import Style
from hw.fold.search import Choice, Folder, Target, balance, mended, search, use
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
    assert mended(Cost(lut=120, bram18=6), budget) == pytest.approx(0.9)


def test_a_search_is_reproducible():
    flows = {"image_encoder": dataflow("memory_encoder")}
    target, styles = Target(6000, 24_000), [Style(100), Style(200)]
    found = [search(flows, target, BUDGET, SHELL, styles) for _ in range(2)]
    (style, first), (again, second) = found
    assert style == again
    a, b = (choice["image_encoder"] for choice in (first, second))
    assert isinstance(a, Choice) and a.cycles == b.cycles <= 6000 and a.cost == b.cost
