"""Timing graphs, the table of delays and mapped cells, on netlists worked out by hand."""

import pytest

from hw.timing import delays
from hw.timing.cells import mapped
from hw.timing.delays import TimingError
from hw.timing.graph import Arc, End, Graph, Place, Start, worst
from hw.timing.model import Model, of_module

XC7 = delays.load("xc7")


def diamond():
    graph = Graph()
    graph.start("a", Start(0.5, Place("a_q")))
    graph.arc("b", Arc("a", 1.0, 1, "slow"))
    graph.arc("c", Arc("a", 0.25, 1, "fast"))
    graph.arc("d", Arc("b", 1.0, 1, "slow"))
    graph.arc("d", Arc("c", 1.5, 2, "fast"))
    graph.ends.append(End("d", 0.125, Place("d_q")))
    return graph


def test_the_longest_of_two_ways_is_found():
    (path,) = diamond().paths()
    assert path.delay == pytest.approx(0.5 + 1.0 + 1.0 + 0.125)
    assert (path.levels, path.through, path.start.name, path.end.name) == (
        2,
        ("slow",),
        "a_q",
        "d_q",
    )


def test_tails_are_the_ways_to_the_end():
    tails = diamond().tails()
    assert (tails["b"], tails["c"]) == (pytest.approx(1.125), pytest.approx(1.625))


def test_a_loop_without_a_register_is_refused():
    graph = diamond()
    graph.arc("b", Arc("d", 1.0))
    with pytest.raises(TimingError, match="stand in a loop: b"):
        graph.paths()


def test_bits_of_one_register_are_one_path():
    graph = diamond()
    for bit in range(3):
        graph.ends.append(End("d", 0.1 * bit, Place(f"wide_q[{bit}]")))
    assert [p.end.name for p in worst(graph.paths(), 9)] == ["wide_q[2]", "d_q"]


def cell(kind, directions, **pins):
    sides = {p: "output" if p in directions else "input" for p in pins}
    return {
        "type": kind,
        "port_directions": sides,
        "connections": {p: [b] for p, b in pins.items()},
        "parameters": {},
        "attributes": {"src": f"{kind}.sv:1"},
    }


def register_lut_register():
    """q -> LUT -> two registers; a second reader of q."""
    flip = {"C": 2, "CE": "1", "R": 3}
    return {
        "ports": {
            "clk": {"direction": "input", "bits": [2]},
            "rst": {"direction": "input", "bits": [3]},
            "s_tready": {"direction": "output", "bits": [5]},
            "m_tready": {"direction": "input", "bits": [8]},
        },
        "netnames": {n: {"bits": [b]} for n, b in (("q", 4), ("x", 5), ("one", 6), ("two", 7))},
        "cells": {
            "a": cell("FDRE", "Q", D=7, Q=4, **flip),
            "l": cell("LUT2", "O", I0=4, I1=8, O=5),
            "b": cell("FDRE", "Q", D=5, Q=6, **flip),
            "c": cell("FDRE", "Q", D=5, Q=7, **flip),
        },
    }


def test_a_path_counts_cells_nets_and_setup():
    found = mapped(register_lut_register(), XC7)
    path = found.graph.paths()[0]
    # q has one load, the LUT; its output two: a flip-flop that shares the LUT's slice has it alone.
    want = XC7.cell["ff"] + XC7.net(1) + XC7.cell["lut"] + XC7.net(2) + XC7.setup["ff"]
    assert path.delay == pytest.approx(want)
    assert (path.levels, path.start.name, path.start.source) == (1, "q", "FDRE.sv:1")
    assert found.control_sets == 1


def test_a_model_has_the_arcs_of_the_ready_chain():
    model = of_module(register_lut_register(), XC7)
    (arc,) = model.arcs
    assert (arc.source, arc.sink, arc.levels) == ("m_tready", "s_tready", 1)
    assert arc.delay == pytest.approx(XC7.cell["lut"])  # the net before is who drives it's to count
    assert model.captures["m_tready"].delay == pytest.approx(
        XC7.cell["lut"] + XC7.net(2) + XC7.setup["ff"]
    )
    assert model.launches["s_tready"].delay == pytest.approx(
        XC7.cell["ff"] + XC7.net(1) + XC7.cell["lut"]
    )
    assert model.captures["rst"].place.kind == "FDRE.R"
    assert Model.from_json(model.to_json()) == model


def test_an_unknown_cell_is_not_passed_over():
    module = register_lut_register()
    module["cells"]["x"] = cell("LDCE", "Q", D=5, Q=9)
    with pytest.raises(TimingError, match="x: no delays of cell LDCE"):
        mapped(module, XC7)


@pytest.mark.parametrize("kind", ["$print", "$check", "$assert", "$scopeinfo"])
def test_what_is_for_simulation_alone_is_no_load(kind):
    module = register_lut_register()
    module["cells"]["x"] = cell(kind, "", EN=4, ARGS=5)
    assert mapped(module, XC7).loads == mapped(register_lut_register(), XC7).loads


def test_every_family_has_every_delay_and_a_source():
    other = delays.load("xcup")
    assert XC7.cell.keys() == other.cell.keys() and XC7.setup.keys() == other.setup.keys()
    assert all(len(text) > 10 for table in (XC7, other) for text in table.source.values())
    assert XC7.slack(8.0, 100) == pytest.approx(10 - XC7.margin - 8.0)
    assert XC7.mhz(8.0) == pytest.approx(1000 / (8.0 + XC7.margin))


def test_a_table_that_lacks_a_number_is_refused(tmp_path):
    bad = tmp_path / "delays.toml"
    bad.write_text('[xc7]\ngrade = "-1"\n[xc7.net]\nbase = "much"\n')
    with pytest.raises(TimingError, match="net.base = 'much' is no delay"):
        delays.load("xc7", bad)
    with pytest.raises(TimingError, match="no family 'xc9'"):
        delays.load("xc9")
