"""Foldings that are kept fit their boards, skids included, and keep the rates asked for."""

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
        id=store.place(model, board, detects).stem,
        marks=[pytest.mark.slow] * (model == "nano"),
    )
    for model in MODELS
    for board in boards.names()
    for detects in (False, True)
    if store.place(model, board, detects).is_file()
]


@cache
def source(model):
    return next(SOURCE.parent.glob(f"{model}_emulated_*"))


def test_every_file_is_one_of_them():
    assert len(KEPT) == len(list(store.FOUND.glob("*.toml")))


@pytest.mark.parametrize(("model", "board", "detects"), KEPT)
def test_it_fits_its_board_and_keeps_its_rates(model, board, detects):
    target, manifest = boards.find(board), load_manifest(source(model))
    if not detects:
        manifest = manifest.without_detector()
    assert (DETECTOR in dataflows(source(model), manifest)) == detects
    rates = asked(target, manifest)
    folded = fold(source(model), manifest, target, rates, say=pytest.fail)
    folded.check(rates)
    skids = [n for a in folded.accelerators.values() for n, k in a.netlist.instances.items()
             if is_cut(n, k)]  # fmt: skip
    fits = not over(folded.cost, target.budget())
    assert bool(skids) == fits
    assert fits or (model, board) == ("tiny", "PYNQ-Z2")  # with its detector as small as it goes
