"""Foldings that are kept: those for accelerators at once fit their boards with their skids and keep
the rates that are asked for; those for AXI DMAs are within what the cost models may err by.
"""

from functools import cache

import pytest

from hw import board as boards
from hw.build.folded import dataflows, fold
from hw.build.rates import asked
from hw.search import store
from hw.search.search import over
from hw.spec.manifest import DETECTOR, load_manifest
from hw.stitch.cuts import is_cut
from tests.fold.tiny_model import SOURCE

MODELS = ("tiny", "pico", "nano")
KEPT = [
    pytest.param(
        model,
        board,
        detects,
        concurrent,
        id=store.place(model, board, detects, concurrent).stem,
        marks=[pytest.mark.slow] * (model == "nano"),
    )
    for model in MODELS
    for board in boards.names()
    for detects in (False, True)
    for concurrent in (False, True)
    if store.place(model, board, detects, concurrent).is_file()
]


@cache
def source(model):
    return next(SOURCE.parent.glob(f"{model}_emulated_*"))


def test_every_file_is_one_of_them():
    assert len(KEPT) == len(list(store.FOUND.glob("*.toml")))


def test_accelerators_at_once_take_what_is_kept_for_one_after_another():
    manifest, board = load_manifest(SOURCE), boards.find("KV260")
    assert not store.place("tiny", "KV260", True, True).is_file()
    rates = asked(board, manifest, concurrent=True)
    folded = fold(SOURCE, manifest, board, rates, say=pytest.fail, concurrent=True)
    assert folded.stored == store.load(store.place("tiny", "KV260", True), store.Stored())


@pytest.mark.parametrize(("model", "board", "detects", "concurrent"), KEPT)
def test_it_fits_its_board_and_keeps_its_rates(model, board, detects, concurrent):
    target, manifest = boards.find(board), load_manifest(source(model))
    if not detects:
        manifest = manifest.without_detector()
    assert (DETECTOR in dataflows(source(model), manifest)) == detects
    rates = asked(target, manifest, concurrent=concurrent)
    folded = fold(source(model), manifest, target, rates, say=pytest.fail, concurrent=concurrent)
    folded.check(rates)
    skids = [n for a in folded.accelerators.values() for n, k in a.netlist.instances.items()
             if is_cut(n, k)]  # fmt: skip
    fits = not over(folded.cost, target.budget())
    assert bool(skids) == fits
    if concurrent:
        assert fits
