"""The search on the smallest graphs: choices, balance, what it does when nothing fits."""

import re
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest

from hw.fold.block import Style
from hw.fold.folding import FoldingError
from hw.search import search as searching
from hw.search.balance import Choice, balance, unbeaten, use
from hw.search.search import Folder, over, search
from hw.search.target import Target, at_once
from hw.spec.kernel import Cost
from tests.fold.tiny_model import BUDGET, dataflow

SHELL = Cost(lut=100)


@pytest.fixture(scope="module")
def folder():
    return Folder(dataflow("memory_encoder"), Style(), BUDGET)


@pytest.fixture(scope="module")
def choices(folder):
    return folder.choices([1000, 4000, 16_000], lambda _: None)


def test_no_choice_is_beaten_by_another(choices):
    assert len(choices) > 1
    for a, b in zip(choices, choices[1:], strict=False):
        assert a.cycles < b.cycles and a.cost.lut > b.cost.lut


def test_paces_that_give_the_same_end_nothing():
    """An attention's lanes are powers of two, so that paces between give the same lanes."""
    folder = Folder(dataflow("memory_encoder"), Style(), BUDGET)
    said: list[str] = []
    found = folder.choices([4000, 4001, 16_000], said.append)
    assert len(said) == 3 and found[-1].cost.lut < 0.9 * found[0].cost.lut
    faster, slower = folder.near(found[-1], 2)
    assert (faster, slower) == (8000, 32_000)
    assert len(folder.choices([faster], said.append)) >= len(found) and len(said) == 4


def test_rates_become_cycles():
    target = Target.of_rates(200, 50, 20, 10, 40)
    assert (target.one, target.four, target.eight, target.looking) == (4e6, 1e7, 2e7, 5e6)
    cycles = {"mask_decoder": 2_000_000, "memory_encoder": 2_000_000}
    assert target.met(cycles, {}) and target.excess(cycles, {}) == 1.0
    assert not target.met(cycles | {"memory_attention": 100_000}, {})


def test_balance_takes_the_smallest_that_is_fast_enough(choices):
    fast, *_, slow = choices
    lists = {"mask_decoder": [slow], "memory_encoder": choices}
    tight = Target(slow.cycles + fast.cycles, 10**9, 10**9)
    assert balance(lists, tight, BUDGET, SHELL)["memory_encoder"] is fast
    loose = Target(10**9, 10**9, 10**9)
    assert balance(lists, loose, BUDGET, SHELL)["memory_encoder"] is slow


def test_what_does_not_fit_is_made_as_small_as_it_goes(choices):
    lists = {"image_encoder": choices, "memory_encoder": choices}
    tiny = Cost(lut=1000, ff=1000, dsp=10, bram18=10)
    picked = balance(lists, Target(1, 1, 1), tiny, SHELL)
    assert picked["memory_encoder"] is choices[-1]


def test_shares_of_the_scarcest():
    budget = Cost(lut=100, ff=100, dsp=10, bram18=10)
    assert use(Cost(lut=50, dsp=8), budget) == 0.8
    assert use(Cost(uram=1), budget) == 2.0


def test_looks_of_the_detector_are_shared_out_among_frames():
    target = Target(100, 400, 800, 120, every=4)
    cycles = {"image_encoder": 60, "mask_decoder": 40, "detector": 400}
    intervals = {"image_encoder": 60, "mask_decoder": 40, "detector": 300}
    assert target.excess(cycles, intervals) == 1.0  # a quarter of its cycles, beside the others
    assert target.excess(cycles | {"detector": 480}, intervals) == 1.2
    assert target.share("mask_decoder") == 200 and target.share("detector") == 400


def test_memories_at_other_prices(folder, choices):
    found = folder.priced(choices[-1])
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
        target = Target(3 * choices[1].cycles, 10**9, 10**9)
        picked = balance(lists, target, budget, SHELL)

        def rank(combination, budget=budget, target=target):
            full = use(sum((c.cost for c in combination), SHELL), budget)
            cycles = {g: c.cycles for g, c in zip(names, combination, strict=True)}
            intervals = {g: c.interval for g, c in zip(names, combination, strict=True)}
            slow = target.excess(cycles, intervals)
            return max(full - 1, 0), max(slow, 1), full

        best = min(map(rank, product(choices, repeat=4)))
        assert rank(picked.values()) == pytest.approx(best)


def made(cycles=1, interval=1, **cost):
    plan: Any = SimpleNamespace(cycles=cycles, interval=interval)
    return Choice(plan, Style(), Cost(**cost))


def test_what_fits_is_found_behind_what_does_not():
    """Each graph fills the room that another one's change makes: only all changes at once fit."""
    names = ("image_encoder", "memory_attention", "mask_decoder", "memory_encoder")
    ring = ("lut", "ff", "dsp", "bram18")
    lists = {
        g: [made(**{ring[i]: 25}), made(uram=25, **{ring[(i + 1) % 4]: 24})]
        for i, g in enumerate(names)
    }
    hundred = Cost(lut=100, ff=100, dsp=100, bram18=100, uram=100)
    shell = Cost(lut=76, ff=76, dsp=76, bram18=76)
    picked = balance(lists, Target(10**9, 10**9, 10**9), hundred, shell)
    assert sum((c.cost for c in picked.values()), shell) == hundred


def test_the_fastest_that_fits_where_none_is_fast_enough():
    lists = {
        "mask_decoder": [made(80, lut=90), made(160, lut=50), made(400, lut=40)],
        "detector": [made(1000, lut=70), made(1200, lut=45), made(1400, lut=44)],
    }
    picked = balance(lists, Target(100, 400, 800, 100), Cost(lut=100), Cost())
    assert [c.cycles for c in picked.values()] == [160, 1200]


NANO = {  # simulated cycles and planned intervals of an early folding on KV260
    "image_encoder": (1_275_640, 786_432),
    "memory_attention": (691_475, 534_560),
    "mask_decoder": (812_155, 442_368),
    "memory_encoder": (174_361, 147_456),
}


def test_accelerators_at_once_are_bound_by_an_object_or_by_an_interval():
    cycles, intervals = ({g: pair[i] for g, pair in NANO.items()} for i in (0, 1))
    rates = [200e6 / at_once(cycles, intervals, n, drained=False) for n in (1, 4, 8)]
    assert [int(rate) for rate in rates] == [119, 93, 46]
    rates = [200e6 / at_once(cycles, intervals, n) for n in (1, 4, 8)]
    assert [int(rate) for rate in rates] == [119, 60, 36]  # each frame waits for the one before
    slow = intervals | {"image_encoder": 2_000_000}
    assert at_once(cycles, slow, 1) == 2_000_000  # it runs once a frame, however many objects
    assert at_once(cycles, slow, 8, drained=False) == 8 * 534_560
    # But once an object in windows, of which the first is encoded a frame ahead.
    assert at_once(cycles, slow, 8, drained=False, views=8) == 8 * 2_000_000
    chain = 691_475 + 812_155 + 174_361
    assert at_once(cycles, intervals, 4, views=4) == 1_275_640 + 2 * 786_432 + chain
    looking = cycles | {"detector": 16_000_001}
    with_detector = intervals | {"detector": 5_000_000}
    assert at_once(looking, with_detector, 1) == 691_475 + 812_155 + 174_361
    assert at_once(looking, with_detector, 1, every=8) == 2_000_001


def test_objects_of_a_frame_follow_each_other_as_simulated():
    """`tiny` on KV260 at the mover, memory answering after 20 to 120 cycles: simulated cycles of a
    frame with one object, four and eight (docs/decisions.md).
    """
    cycles = {"image_encoder": 33_161, "memory_attention": 52_581}  # the whole way, memory included
    intervals = {"image_encoder": 18_432, "memory_attention": 13_824}  # the decoder's
    assert at_once(cycles, intervals, 4) == 94_053
    assert at_once(cycles, intervals, 8) == pytest.approx(149_380, rel=1e-3)


def test_an_image_is_given_a_frame_ahead_as_simulated():
    """`pico` on PYNQ-Z2, whose encoder takes longer than an object's way."""
    cycles = {
        "image_encoder": 1_897_149,
        "memory_attention": 529_175,
        "mask_decoder": 544_621,
        "memory_encoder": 213_349,
    }
    intervals = dict(zip(cycles, (884_736, 411_840, 294_912, 165_888), strict=True))
    assert at_once(cycles, intervals, 1) == pytest.approx(1_694_579, rel=0.07)
    assert at_once(cycles, intervals, 4) == pytest.approx(2_638_823, rel=0.05)
    assert at_once(cycles, intervals, 1, drained=False) == 529_175 + 544_621 + 213_349


def test_what_is_asked_of_accelerators_at_once():
    cycles, intervals = ({g: pair[i] for g, pair in NANO.items()} for i in (0, 1))
    for counts in ((119, 50, 25), (10, 93, 25), (10, 50, 46)):
        assert Target.of_rates(200, *counts).met(cycles, intervals)
    for counts in ((120, 50, 25), (10, 94, 25), (10, 50, 47), (255, 1, 1)):
        assert not Target.of_rates(200, *counts).met(cycles, intervals)
    looking = cycles | {"detector": 16_000_000}, intervals | {"detector": 5_000_000}
    assert Target.of_rates(200, 50, 50, 25, 100).met(*looking)
    assert not Target.of_rates(200, 50, 50, 25, 101).met(*looking)
    assert not Target.of_rates(200, 50, 50, 25, 119, every=9).options.keys() - {
        "FPS", "FPS_FOUR", "FPS_EIGHT", "FPS_LOOKING"
    }  # fmt: skip


def test_what_runs_once_a_frame_is_slowed():
    """Of the encoder only the interval counts, of the decoder the cycles too."""
    lists = {
        "image_encoder": [made(100, 60, lut=90), made(300, 90, lut=30)],
        "mask_decoder": [made(80, 40, lut=60), made(160, 80, lut=20)],
    }
    room = Cost(lut=110)
    picked = balance(lists, Target(200, 170, 400), room, Cost())
    assert [c.cycles for c in picked.values()] == [300, 80]


@pytest.fixture
def short(monkeypatch):
    """Few paces and prices."""
    monkeypatch.setattr(searching, "PACES", 3)
    monkeypatch.setattr(searching, "GROWTH", 3)
    monkeypatch.setattr(searching, "FINER", 0)
    monkeypatch.setattr(searching, "BLOCK_WORTH", (80, 320))
    return {"memory_encoder": dataflow("memory_encoder")}


def test_nothing_fits(short):
    small = Cost(lut=1000, ff=10**6, dsp=10**3, bram18=10**3)
    with pytest.raises(FoldingError, match=r"lut [\d,]+ of 1,000 \([\d,]+ over\)") as caught:
        search(short, Target(6000, 24_000, 48_000), small, SHELL, Style(100))
    assert "ff" not in caught.value.message and "smaller CONFIG" in caught.value.remedy


def test_luts_may_be_over_by_what_the_models_err(short):
    def found(lut):
        room = Cost(int(lut), 10**6, 10**3, 10**3)
        made = search(short, Target(6000, 24_000, 48_000), room, SHELL, Style(100))[
            "memory_encoder"
        ]
        return made.cost + SHELL, room

    with pytest.raises(FoldingError) as caught:
        found(1000)
    said = re.search(r"lut ([\d,]+) of", caught.value.message)
    assert said
    least = int(said[1].replace(",", ""))
    cost, room = found(least / 1.05)
    assert over(cost, room) and not over(cost, room, 1.1)
    with pytest.raises(FoldingError):
        found(least / 1.25)


def test_paces_between_follow_where_none_does(short, monkeypatch):
    monkeypatch.setattr(searching, "FINER", 2)
    said: list[str] = []
    room = Cost(lut=5000, ff=10**6, dsp=10**3, bram18=10**3)
    found = search(short, Target(600, 2400, 4800), room, SHELL, Style(100), said.append)
    first, *_, last = [float(s.split()[-5]) for s in said if "of the time" in s]
    assert last <= 1 < first and not over(found["memory_encoder"].cost + SHELL, room)


def test_a_search_for_accelerators_at_once(short):
    """The one that runs once a frame may take all of it, the other an eighth of eight objects'."""
    flows = {g: dataflow("memory_encoder") for g in ("image_encoder", "memory_encoder")}
    target = Target(40_000, 80_000, 80_000)
    found = search(flows, target, BUDGET, SHELL, Style(100))
    once, often = found["image_encoder"], found["memory_encoder"]
    assert often.interval <= 10_000 < once.interval <= 40_000
    assert once.cost.lut < often.cost.lut


def test_a_search_is_reproducible():
    flows = {"memory_encoder": dataflow("memory_encoder")}
    found = [
        search(flows, Target(6000, 24_000, 48_000), BUDGET, SHELL, Style(100)) for _ in range(2)
    ]
    a, b = (choice["memory_encoder"] for choice in found)
    assert isinstance(a, Choice) and a.cycles == b.cycles <= 6000
    assert a.cost == b.cost and a.style == b.style
