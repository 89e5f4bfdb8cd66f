"""Planted faults are noticed or harmless, and what runs after them is right: a short campaign on
the registers and channels of the simulated system and behind modelled DMAs (`make test-faults` runs
long ones), and single faults whose words are checked.
"""

import numpy as np
import pytest

from host.devices.driver import RunError
from tests.faults.campaign import campaign, on_board, on_rtl, same
from tests.faults.faulty import KINDS, Plan
from tests.host.small_hardware import example, write_hardware

FAULTS = 110
CLOSE = {"rtl": on_rtl, "board": on_board}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("faults") / "small"
    write_hardware(path)
    return path


@pytest.mark.parametrize("transport", CLOSE)
def test_every_planted_fault_is_noticed_or_harmless(folder, transport):
    tally = campaign(CLOSE[transport](folder), FAULTS, seed=1)
    assert tally.clean, tally.lines() + tally.missed + tally.hung + tally.unrecovered
    assert tally.planted.total() == tally.noticed.total() + tally.harmless.total() == FAULTS
    assert set(tally.planted) == set(KINDS)
    # A frame of another length, a flipped bit of data, a device that is gone:
    # none of these can be harmless.
    for kind in ("short", "long", "flip sent", "flip taken", "vanish"):
        assert tally.noticed[kind] == tally.planted[kind], (kind, tally.lines())
    assert 0 < tally.longest < 100_000


def test_without_crcs_flipped_bits_are_missed(folder):
    """So the campaign can fail, and CRCs are what notices them."""
    tally = campaign(on_rtl(folder), FAULTS, seed=1, crc=False)
    assert tally.missed and all("flip" in told for told in tally.missed)
    assert not tally.hung


@pytest.fixture
def driven(folder):
    driver, faulty = on_rtl(folder)()
    yield driver, faulty
    driver.close()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("short", "ended early|tlast is"),
        ("long", "ended late|tlast is|no end within"),
        ("stop", "no end within"),
        ("reset", "was reset, or never began"),
        ("reset between", "0 frames since reset where there were 1.*used or reset the hardware"),
        ("flip sent", "s_axis_0 has CRC 0x[0-9a-f]{8}, memory 0x[0-9a-f]{8}"),
        ("flip taken", "m_axis_[01] has CRC 0x[0-9a-f]{8}, memory 0x[0-9a-f]{8}"),
    ],
)
def test_a_fault_is_named(driven, kind, words):
    driver, faulty = driven
    inputs, wanted = example("copy", np.random.default_rng(0))
    assert same(driver.run("copy", inputs)[0], wanted)
    faulty.arm(Plan(kind, 5, np.random.default_rng(3)))
    with pytest.raises(RunError, match=f"copy: .*({words})"):
        driver.run("copy", inputs)
    faulty.disarm()
    assert same(driver.run("copy", inputs)[0], wanted)


def test_a_device_that_is_away_is_looked_for_again(driven):
    """Each run says that it is lost, at once; the first one after its return is right."""
    driver, faulty = driven
    inputs, wanted = example("multiply", np.random.default_rng(0))
    assert same(driver.run("multiply", inputs)[0], wanted)
    faulty.arm(Plan("vanish", 0, np.random.default_rng(1)))
    for _ in range(3):
        with pytest.raises(RunError, match="looked for again at the next run"):
            driver.run("multiply", inputs)
    faulty.disarm()
    for _ in range(2):
        assert same(driver.run("multiply", inputs)[0], wanted)
