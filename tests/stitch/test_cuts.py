"""Registers by rule: no chain of readies is longer than allowed, codes, readers and rate stay the
same.
"""

from itertools import combinations

import pytest
import torch

from hw.kernels.duplicate import Duplicate
from hw.kernels.dwc import Dwc
from hw.kernels.fifo import Fifo
from hw.kernels.join_add import JoinAdd
from hw.kernels.mvu import Mvu
from hw.kernels.pipe import Pipe
from hw.kernels.skid import Skid
from hw.kernels.swg import Swg
from hw.spec.kernel import Kernel
from hw.stitch import ready
from hw.stitch.cuts import MOST, Wires, _Chains, cut, is_cut, joined, longest
from hw.stitch.netlist import Netlist
from hw.stitch.ready import Ready
from sim.bench.check import check, plan, simulate
from tests.kernels.blocks import nano_block

BYTE = Pipe(STREAM_WIDTH=8)
SKID = ready.ready(Skid(STREAM_WIDTH=8, REGISTER_FORWARD=False))
BYTES = BYTE.inputs()["s_axis"]


def chain(*kernels: Kernel) -> tuple[dict[str, Kernel], Wires]:
    parts = {f"part{i}": kernel for i, kernel in enumerate(kernels)}
    names = list(parts)
    wires = [("s_axis", f"{names[0]}.s_axis"), (f"{names[-1]}.m_axis", "m_axis")]
    wires += [(f"{a}.m_axis", f"{b}.s_axis") for a, b in zip(names, names[1:], strict=False)]
    return parts, tuple(wires)


def cuts(parts):
    return [name for name, kernel in parts.items() if is_cut(name, kernel)]


@pytest.mark.parametrize("length", [1, 3, 9, 40])
@pytest.mark.parametrize("most", [2.5, MOST, 7.0])
@pytest.mark.parametrize("ports", [{}, {"s_axis": BYTES, "m_axis": BYTES}])
def test_no_chain_is_longer_than_allowed(length, most, ports):
    parts, wires = cut(*chain(*[BYTE] * length), ports, most)
    assert longest(parts, wires) <= most
    # Before a register, behind one, and each pipe between.
    way = ready.ready(BYTE)
    reached = 1 + int((most - SKID.ahead - max(way.behind, SKID.behind)) / way.through)
    assert len(cuts(parts)) - len(ports) <= -(-length // (reached - 1))


def widths(*bytes_):
    """Pipes of these widths, converters between them."""
    kernels: list[Kernel] = []
    for a, b in zip(bytes_, (*bytes_[1:], bytes_[-1]), strict=True):
        kernels.append(Pipe(STREAM_WIDTH=8 * a, beats=120 // a))
        if a != b:
            kernels.append(Dwc(IN_LANES=a, OUT_LANES=b, ELEM_WIDTH=8, groups=120 // max(a, b)))
    return chain(*kernels)


@pytest.mark.parametrize(
    "made",
    [widths(4, 4, 1, 1, 3, 3, 2, 2), widths(1, 2, 2, 3, 1, 4), widths(3, 3, 3, 2, 2, 3, 3)],
)
@pytest.mark.parametrize("most", [3.2, MOST])
def test_what_is_cut_costs_little_more_than_the_least(made, most):
    parts, wires = made
    sources = [tuple(a.split(".")) for a, b in wires if "." in a and "." in b]

    def cost(chosen):
        chains = _Chains(parts, wires, {})
        chains.cuts = set(chosen)
        return sum(map(chains._worth, chosen)) if not chains._too_long(most) else float("inf")

    least = min(cost(c) for n in range(6) for c in combinations(sources, n))
    chains = _Chains(parts, wires, {})
    chains.shorten(most)
    assert 0.999 * least <= cost(chains.cuts) <= 1.25 * least


def test_ways_inside_kernels_count(monkeypatch):
    window = Swg.example()
    stream = window.outputs()["m_axis"]
    pipe = Pipe(STREAM_WIDTH=stream.width, beats=stream.beats)
    way = ready.ready(pipe)
    room = int((MOST - ready.ready(window).behind - SKID.ahead) / way.through)
    assert room >= 1
    assert cuts(cut(*chain(window, *[pipe] * room), {})[0]) == []
    parts, wires = cut(*chain(window, *[pipe] * (1 + room)), {})
    assert len(cuts(parts)) == 1 and longest(parts, wires) <= MOST
    fifo, pipes = Fifo(DEPTH=4, STREAM_WIDTH=8), [BYTE] * 2
    assert cuts(cut(*chain(*pipes, fifo), {})[0]) == []
    monkeypatch.setitem(ready.RULES, "fifo", Ready(2.0, 0.0, MOST - ready.ready(BYTE).behind))
    assert len(cuts(cut(*chain(*pipes, fifo), {})[0])) == 1


def test_what_no_register_makes_shorter_is_left(monkeypatch):
    monkeypatch.setitem(ready.RULES, "fifo", Ready(2.0, 0.0, MOST + 1))
    fifo = Fifo(DEPTH=4, STREAM_WIDTH=8)
    assert cuts(cut(*chain(fifo), {})[0]) == []
    parts, wires = cut(*chain(BYTE, BYTE, fifo, BYTE), {})
    assert cuts(parts) == ["part1_m_cut"] and ("part1_m_cut.m_axis", "part2.s_axis") in wires


def test_ports_are_cut_on_both_sides():
    parts, wires = cut(*chain(BYTE), {"s_axis": BYTES, "m_axis": BYTES})
    assert list(parts) == ["part0_s_cut", "part0", "part0_m_cut"]
    assert ("s_axis", "part0_s_cut.s_axis") in wires and ("part0_m_cut.m_axis", "m_axis") in wires


def test_what_cuts_by_itself_begins_a_chain_anew():
    few = [BYTE] * 5
    assert cuts(cut(*chain(*few, Fifo(DEPTH=4, STREAM_WIDTH=8), *few), {})[0]) == []
    assert cuts(cut(*chain(*few, Pipe(STREAM_WIDTH=8, HALF_RATE=True), *few), {})[0]) == []
    assert cuts(cut(*chain(*few, BYTE, *few), {})[0]) != []


def test_ports_get_skids_of_both_directions_and_wires_the_cheapest():
    product = Mvu(MW=8, MH=8, PE=4, SIMD=2, ACTIVATION_WIDTH=4, WEIGHT_WIDTH=4, ACCU_WIDTH=16)
    sums = product.outputs()["m_axis"]
    pipe = Pipe(STREAM_WIDTH=sums.width, beats=sums.beats)
    ports = {"s_axis": product.inputs()["s_axis"], "m_axis": sums}
    parts, _ = cut(*chain(product, *[pipe] * 12), ports)
    for name in ("part0_s_cut", "part12_m_cut"):
        port = parts[name]
        assert isinstance(port, Skid) and port.REGISTER_FORWARD
    inner = [parts[name] for name in cuts(parts)[1:-1]]
    assert inner and not any(isinstance(k, Skid) and k.REGISTER_FORWARD for k in inner)
    # The sums come every fourth cycle, but only the wire at the product tells.
    parts, _ = cut(*chain(product, *[pipe] * 4), {}, 4.0)
    assert [parts[name].parameters() for name in cuts(parts)] == [
        {"STREAM_WIDTH": 64, "HALF_RATE": 1}
    ]


def test_what_is_loaded_once_comes_at_half_the_rate():
    port = "s_axis_weights"
    parts, wires = chain(*[BYTE] * 12)
    wires = ((port, wires[0][1]), *wires[1:])
    made, _ = cut(parts, wires, {port: BYTES, "m_axis": BYTES})
    kinds = [made[name] for name in cuts(made)]
    assert len(kinds) > 2 and all(isinstance(k, Pipe) and k.HALF_RATE for k in kinds)


@pytest.mark.parametrize("most", [MOST, 3.0])
def test_no_rate_is_lost_and_codes_are_golden(most, tmp_path):
    """A trained block, with as many registers as it takes: under all stalls, and cycles without."""
    whole = nano_block(4)
    ends = {**whole.inputs(), **whole.outputs()}
    parts, wires = cut(whole.instances, whole.wires, ends, most)
    made = Netlist("registered", parts, wires)
    kinds = {(k.name, k.parameters().get("REGISTER_FORWARD")) for n, k in parts.items()
             if is_cut(n, k)}  # fmt: skip
    assert {("skid", 1), ("skid", 0), ("pipe", None)} >= kinds
    assert most > 3 or len(kinds) == 3
    assert check(made, made.design(tmp_path), frames=1).faults == []
    frame = [case for case in plan(whole) if case.name.startswith("3 frames")]
    cycles = []
    for netlist in (whole, made):
        (tmp_path / netlist.title).mkdir()
        (outcome,) = simulate(netlist.design(tmp_path / netlist.title), frame)
        assert outcome.faults == []
        cycles.append(outcome.cycles)
    assert cycles[1] <= cycles[0] + len(cuts(parts))


def forked() -> tuple[dict[str, Kernel], Wires]:
    """A stream forked, one branch longer than the other, and added up."""
    fork = Duplicate(STREAM_WIDTH=8, beats=16)
    add = JoinAdd.example(PE=1, IN_WIDTH_A=8, IN_WIDTH_B=8, OUT_WIDTH=8)
    parts: dict[str, Kernel] = {"fork": fork, **{f"long{i}": BYTE for i in range(9)}, "add": add}
    wires = [("s_axis", "fork.s_axis"), ("fork.m_axis_0", "long0.s_axis")]
    wires += [(f"long{i}.m_axis", f"long{i + 1}.s_axis") for i in range(8)]
    wires += [("long8.m_axis", "add.s_axis_a"), ("fork.m_axis_1", "add.s_axis_b")]
    return parts, (*wires, ("add.m_axis", "m_axis"))


def test_forks_are_cut_on_each_branch_that_is_too_long():
    parts, wires = cut(*forked(), {})
    assert cuts(parts) != [] and longest(parts, wires) <= MOST
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
    named: dict[str, Kernel] = {"some_cut": BYTE, "other": BYTE}  # no skid, whatever its name
    between = ("s_axis", "some_cut.s_axis"), ("some_cut.m_axis", "other.s_axis")
    for made in (forked(), chain(*[BYTE] * 20), (named, (*between, ("other.m_axis", "m_axis")))):
        parts, wires = cut(*made, {"s_axis": BYTES, "m_axis": BYTES})
        assert cuts(parts) != []
        back, joins = joined(parts, wires)
        assert list(back) == list(made[0]) and set(joins) == set(made[1])
