"""Yosys' figures: cells become resources, parameters are parsed, the promised DSP counts hold."""

import pytest

from hw import synth
from hw.design import Design
from hw.kernels.mvu import Mvu
from hw.kernels.skid import Skid
from hw.spec.errors import SpecError
from hw.synth import SynthesisError, count, main, measure, parse


def test_cells_become_resources():
    cells = {"LUT6": 3, "LUT2": 1, "RAM64M8": 2, "SRL16E": 1, "FDRE": 7, "CARRY4": 5, "RAMB36E2": 1}
    found = count(cells, "k")
    assert (found.lut, found.ff, found.bram18, found.dsp) == (3 + 1 + 16 + 1, 7, 2, 0)


def test_a_cell_of_unknown_cost_is_not_passed_over():
    with pytest.raises(SynthesisError, match="LDCE"):
        count({"LDCE": 1}, "k")  # a latch


def test_a_skid_buffer_costs_its_two_registers():
    found = measure(Design.of(Skid(STREAM_WIDTH=32)))
    assert found.ff == 2 * 32 + 4 and found.dsp == 0


def test_parameters_are_read_and_refused():
    assert parse("skid", ["STREAM_WIDTH=16", "beats=3"]).parameters() == {
        "STREAM_WIDTH": 16,
        "REGISTER_FORWARD": 1,
    }
    for words in (["DEPTH=1"], ["STREAM_WIDTH"]):
        with pytest.raises(
            SpecError, match="NAME=VALUE with a name of STREAM_WIDTH, REGISTER_FORWARD, beats"
        ):
            parse("skid", words)
    with pytest.raises(SpecError, match="STREAM_WIDTH = x"):
        parse("skid", ["STREAM_WIDTH=x"])
    with pytest.raises(SpecError, match="kernel 'nosuch'.*skid"):
        parse("nosuch", [])


def test_the_command_ends_in_one_line_on_bad_input(capsys):
    assert main(["skid", "STREAM_WIDTH=12"]) == 2
    said = capsys.readouterr().err
    assert "skid: STREAM_WIDTH = 12" in said and said.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("family", ["xcup", "xc7"])
@pytest.mark.parametrize(("bits", "pack", "most"), [(4, 4, 16), (8, 2, 32)])
def test_packed_products_share_multipliers(family, bits, pack, most):
    kernel = Mvu(
        MW=64,
        MH=64,
        PE=8,
        SIMD=8,
        ACTIVATION_WIDTH=bits,
        WEIGHT_WIDTH=bits,
        ACCU_WIDTH=24,
        PACK=pack,
    )
    found = measure(Design.of(kernel), family)
    assert found.dsp <= most
    assert found.dsp == kernel.cost().dsp


def test_a_run_that_takes_too_long_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(synth, "TIMEOUT_S", 0.01)
    with pytest.raises(SynthesisError, match="it: Yosys took longer than 0.01 s"):
        synth.run_yosys("help\n", tmp_path, "it")
