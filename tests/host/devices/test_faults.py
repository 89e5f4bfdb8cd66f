"""Planted faults between driver and system are noticed or harmless, and what runs after them is
right: a short campaign on the registers and the memory of the simulated system and of a simulated
board (`make test-faults` runs long ones).
"""

import pytest

from sim.board.machine import KV260
from tests.board import prepare
from tests.faults.campaign import campaign, on_board, on_rtl
from tests.faults.faulty import KINDS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("faults") / "small"
    prepare.small(path, KV260.name)
    return path


@pytest.fixture(params=[on_rtl, on_board], ids=["rtl", "board"])
def driven(request, folder):
    driver, faulty = request.param(folder)
    yield driver, faulty
    driver.shut()


@pytest.mark.parametrize(
    ("seeds", "faults"),
    [(range(1), 70), pytest.param(range(1, 9), 140, marks=pytest.mark.slow)],
    ids=["some", "many"],
)
def test_every_planted_fault_is_noticed_or_harmless(driven, seeds, faults):
    driver, faulty = driven
    for seed in seeds:
        found = campaign(driver, faulty, faults, seed)
        assert found.clean, (*found.lines(), *found.missed, *found.unrecovered)
        assert found.noticed.keys() | found.harmless.keys() == set(KINDS)
        # A flipped bit of data, memory that is not there, a device that is gone.
        for kind in ("flip sent", "flip taken", "astray", "vanish"):
            assert found.harmless[kind] == 0, found


def test_without_crcs_flipped_bits_are_missed(driven):
    """So the campaign can fail, and CRCs are what notices them."""
    driver, faulty = driven
    driver._crc = False
    found = campaign(driver, faulty, 70, seed=1)
    assert found.missed and all("flip" in told for told in found.missed)
