"""Planted faults between driver and data mover are noticed or harmless, and what runs after them is
right.
"""

import pytest

from host.devices.mover_driver import MoverDriver
from host.devices.rtl_mover import RtlMoverTransport
from hw.spec.hardware import Hardware
from sim.rtl.bundle import open_concurrent
from tests.faults.mover_faults import KINDS, FaultyMover, campaign
from tests.host.small_hardware import PORTS, write_hardware


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("faults") / "small"
    write_hardware(path, concurrent=True)
    return path


@pytest.fixture
def driven(folder):
    hardware = Hardware.load(folder)
    system = open_concurrent(folder, hardware, lambda done, count: None)
    faulty = FaultyMover(RtlMoverTransport(system))
    yield MoverDriver(faulty, hardware, PORTS, folder), faulty
    system.close()


@pytest.mark.parametrize(
    ("seeds", "faults"),
    [(range(1), 70), pytest.param(range(1, 9), 140, marks=pytest.mark.slow)],
    ids=["some", "many"],
)
def test_every_planted_fault_is_noticed_or_harmless(driven, seeds, faults):
    for seed in seeds:
        found = campaign(*driven, faults, seed)
        assert not found.missed and not found.unrecovered, found
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
