"""Netlists: wiring rules, and a wired module against the goldens of its parts."""

import pytest

from hw.kernels.skid import Skid
from hw.spec.errors import SpecError
from hw.stitch.netlist import Netlist
from sim.bench.check import check

PARTS = {"first": Skid(STREAM_WIDTH=16), "second": Skid(STREAM_WIDTH=16)}
WIRES = (("s_axis", "first.s_axis"), ("first.m_axis", "second.s_axis"), ("second.m_axis", "m_axis"))


def test_a_chain_passes_what_its_parts_pass(tmp_path):
    chain = Netlist("chain", PARTS, WIRES)
    report = check(chain, chain.design(tmp_path))
    assert report.faults == [] and report.compared >= 500


@pytest.mark.parametrize(
    ("parts", "wires", "message"),
    [
        (PARTS, WIRES[:2], "second.m_axis is not wired"),
        (PARTS, (*WIRES, ("first.m_axis", "other")), "first.m_axis is wired twice"),
        (PARTS, (*WIRES[:2], ("third.m_axis", "m_axis")), "no instance 'third'"),
        (PARTS, (*WIRES[:2], ("second.out", "m_axis")), "second has no out"),
        ({**PARTS, "second": Skid(STREAM_WIDTH=8)}, WIRES, "first.m_axis is 32 UINT8 by 2"),
    ],
)
def test_wrong_wiring_is_refused(parts, wires, message):
    with pytest.raises(SpecError, match=message):
        netlist = Netlist("chain", parts, wires)
        netlist.inputs(), netlist.outputs()
