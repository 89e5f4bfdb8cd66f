"""Skids by rule: no chain of readies is longer than allowed, codes and readers stay the same."""

import pytest
import torch

from hw.kernels.duplicate import Duplicate
from hw.kernels.dwc import Dwc
from hw.kernels.fifo import Fifo
from hw.kernels.join_add import JoinAdd
from hw.kernels.pipe import Pipe
from hw.kernels.skid import Skid
from hw.kernels.swg import Swg
from hw.stitch.cuts import AHEAD, INSIDE, MOST, cut, depths, joined
from hw.stitch.netlist import Netlist

BYTE = Pipe(STREAM_WIDTH=8)
BYTES = BYTE.inputs()["s_axis"]


def chain(*kernels):
    parts = {f"part{i}": kernel for i, kernel in enumerate(kernels)}
    names = list(parts)
    wires = [("s_axis", f"{names[0]}.s_axis"), (f"{names[-1]}.m_axis", "m_axis")]
    wires += [(f"{a}.m_axis", f"{b}.s_axis") for a, b in zip(names, names[1:], strict=False)]
    return parts, tuple(wires)


def skids(parts):
    return [name for name, kernel in parts.items() if isinstance(kernel, Skid)]


@pytest.mark.parametrize("length", [1, 3, 4, 9, 40])
@pytest.mark.parametrize("most", [2, 3, 5])
@pytest.mark.parametrize("ports", [{}, {"s_axis": BYTES, "m_axis": BYTES}])
def test_no_chain_is_longer_than_allowed(length, most, ports):
    parts, wires = cut(*chain(*[BYTE] * length), ports, most)
    assert max(depths(parts, wires).values()) <= most
    inner = len(skids(parts)) - len(ports)
    assert inner in (-(-length // most) - 1, (length - 1) // most)  # no more than that takes


def test_what_is_inside_a_kernel_counts(monkeypatch):
    window = Swg.example()
    stream = window.outputs()["m_axis"]
    pipes = [Pipe(STREAM_WIDTH=stream.width, beats=stream.beats)] * MOST
    parts, wires = cut(*chain(window, *pipes), {})
    assert INSIDE["swg"] > 0 and skids(parts) != []
    assert max(depths(parts, wires).values()) <= MOST
    assert skids(cut(*chain(window, *pipes[INSIDE["swg"] :]), {})[0]) == []
    fifo = Fifo(DEPTH=4, STREAM_WIDTH=8)
    assert skids(cut(*chain(*[BYTE] * MOST, fifo), {})[0]) == []
    monkeypatch.setitem(AHEAD, "fifo", 2)
    assert skids(cut(*chain(*[BYTE] * (MOST - 2), fifo), {})[0]) == []
    assert skids(cut(*chain(*[BYTE] * (MOST - 1), fifo), {})[0]) != []


def test_a_tready_that_comes_late_itself_is_cut_where_it_comes_from(monkeypatch):
    fifo = Fifo(DEPTH=4, STREAM_WIDTH=8)
    monkeypatch.setitem(AHEAD, "fifo", MOST + 1)
    assert skids(cut(*chain(fifo), {})[0]) == []
    parts, wires = cut(*chain(BYTE, BYTE, fifo, BYTE), {})
    assert skids(parts) == ["part1_m_cut"] and ("part1_m_cut.m_axis", "part2.s_axis") in wires


def test_ports_are_cut_on_both_sides():
    parts, wires = cut(*chain(BYTE), {"s_axis": BYTES, "m_axis": BYTES})
    assert list(parts) == ["part0_s_cut", "part0", "part0_m_cut"]
    assert ("s_axis", "part0_s_cut.s_axis") in wires and ("part0_m_cut.m_axis", "m_axis") in wires


def test_what_cuts_by_itself_begins_a_chain_anew():
    before, after = [BYTE] * MOST, [BYTE] * MOST
    parts, _ = cut(*chain(*before, Fifo(DEPTH=4, STREAM_WIDTH=8), *after), {})
    assert skids(parts) == []


def test_the_narrowest_wire_is_cut():
    wide = Dwc(IN_LANES=1, OUT_LANES=4, ELEM_WIDTH=8)
    held = Pipe(STREAM_WIDTH=32, beats=wide.outputs()["m_axis"].beats)
    narrow = Dwc(IN_LANES=4, OUT_LANES=1, ELEM_WIDTH=8)
    ends = [Pipe(STREAM_WIDTH=8, beats=wide.inputs()["s_axis"].beats)]
    parts, wires = cut(*chain(*ends, *ends, wide, held, held, narrow), {}, 4)
    (name,) = skids(parts)
    assert parts[name].STREAM_WIDTH == 8
    Netlist("whole", parts, wires)  # every end fits


def forked():
    """A stream forked, one branch longer than the other, and added up."""
    fork = Duplicate(STREAM_WIDTH=8, beats=16)
    add = JoinAdd.example(PE=1, IN_WIDTH_A=8, IN_WIDTH_B=8, OUT_WIDTH=8)
    parts = {"fork": fork, **{f"long{i}": BYTE for i in range(9)}, "add": add}
    wires = [("s_axis", "fork.s_axis"), ("fork.m_axis_0", "long0.s_axis")]
    wires += [(f"long{i}.m_axis", f"long{i + 1}.s_axis") for i in range(8)]
    wires += [("long8.m_axis", "add.s_axis_a"), ("fork.m_axis_1", "add.s_axis_b")]
    return parts, (*wires, ("add.m_axis", "m_axis"))


def test_forks_are_cut_on_each_branch_that_is_too_long():
    parts, wires = cut(*forked(), {})
    assert max(depths(parts, wires).values()) <= MOST
    order = list(parts)
    assert all(order.index(a.split(".")[0]) < order.index(b.split(".")[0])
               for a, b in wires if "." in a and "." in b)  # fmt: skip


def test_codes_are_the_same():
    parts, wires = chain(*[BYTE] * 9)
    before = Netlist("before", parts, wires)
    after = Netlist("after", *cut(parts, wires, {"s_axis": BYTES, "m_axis": BYTES}))
    codes = {"s_axis": torch.arange(16)[:, None] % 251}
    assert torch.equal(before.golden(codes)["m_axis"], after.golden(codes)["m_axis"])
    assert after.inputs() == before.inputs() and after.outputs() == before.outputs()


def test_joined_takes_back_what_was_cut():
    named = {"some_cut": BYTE, "other": BYTE}  # no skid, whatever its name
    wires = ("s_axis", "some_cut.s_axis"), ("some_cut.m_axis", "other.s_axis")
    for made in (forked(), chain(*[BYTE] * 20), (named, (*wires, ("other.m_axis", "m_axis")))):
        parts, wires = cut(*made, {"s_axis": BYTES, "m_axis": BYTES})
        assert skids(parts) != []
        back, joins = joined(parts, wires)
        assert list(back) == list(made[0]) and set(joins) == set(made[1])
