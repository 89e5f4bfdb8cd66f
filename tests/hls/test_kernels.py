"""Every kernel's HLS form against its golden model, on the parameter sets of the RTL's proof."""

import pytest

from hw.hls.source import INCLUDE
from hw.spec.errors import SpecError
from sim.csim.check import check_all
from sim.csim.library import CsimError
from tests.hls.csim import chosen, main
from tests.kernels.grids import grid, names

PLANTED = {
    "add": ("first * MA + second * MB", "first * MA - second * MB"),
    "attention": ("QUERIES * (filled / PE)", "QUERIES * (filled / PE) - 1"),
    "channels": ("beat < NumChannels0 / PE ? s_axis_0.read() : s_axis_1.read()", "s_axis_0.read()"),
    "crc": ("sum >>= 1", "sum >>= 2"),
    "divide": ("rest >= part", "rest > part"),
    "fmpadding": ("y < PAD_TOP + IFM_H &&", "y <= PAD_TOP + IFM_H &&"),
    "lut": ("lane<IN_WIDTH, false>(x, p)", "lane<IN_WIDTH, false>(x, 0)"),
    "matmul": ("pass * S::INNER + step : step", "pass * S::INNER : step"),
    "maxpool": ("a > b ? a : b", "a < b ? a : b"),
    "mvau": ("sum += a * w", "sum -= a * w"),
    "requant": ("acc > port", "acc >= port"),
    "rowexp": ("score > highest", "score < highest"),
    "softmax": ("<< OUT_WIDTH;", "<< (OUT_WIDTH - 1);"),
    "stream": ("value > R::high", "value >= R::high - 1"),
    "swg": ("(ox * STRIDE + kx) * FOLD", "(ox + kx) * FOLD"),
    "thresholding": ("acc >= step", "acc > step"),
    "upsample": ("across + 8", "across + 7"),
    "vvau": ("t * PE + p", "p * SIMD + t"),
}
"""Header -> (text, what is put in its place); the proof must notice it."""


def test_the_first_set_of_every_kernel_equals_golden(record_property):
    kernels = [grid(name)[0] for name in names()]
    reports = check_all(kernels)
    assert [fault for r in reports for fault in r.faults] == []
    assert all(r.compared for r in reports)
    record_property("outputs compared", sum(r.compared for r in reports))


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_every_set_equals_golden(name, record_property):
    reports = check_all(grid(name))
    assert [fault for r in reports for fault in r.faults] == []
    record_property("outputs compared", sum(r.compared for r in reports))


def test_every_header_has_a_planted_fault():
    # Those of `ends` and `axis`, which are no kernels: test_accelerator.py, test_hls_project.py.
    assert set(PLANTED) | {"ends", "axis"} == {path.stem for path in INCLUDE.glob("*.hpp")}


@pytest.mark.slow
@pytest.mark.parametrize("header", PLANTED)
def test_a_planted_fault_is_noticed(header, tmp_path):
    old, new = PLANTED[header]
    for path in INCLUDE.glob("*.hpp"):
        text = path.read_text(encoding="utf-8")
        if path.stem == header:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    kernels = [k for name in chosen([] if header == "stream" else [header]) for k in grid(name)]
    assert any(r.faults for r in check_all(kernels[:40], tmp_path))


def test_a_source_that_does_not_compile_is_told_with_the_compilers_words(tmp_path):
    (tmp_path / "stream.hpp").write_text("#error planted\n")
    (tmp_path / "lut.hpp").write_text("#pragma once\n")
    with pytest.raises(CsimError, match="planted"):
        check_all(grid("lut")[:1], tmp_path)


def test_names_of_kernels_and_headers_are_understood():
    assert chosen(["mvau"]) == ["mvu"] == chosen(["MVU"])
    assert {"concat", "dwc", "transpose"} <= set(chosen(["channels"]))
    with pytest.raises(SpecError, match="no HLS kernel 'mvuu'.*mvau"):
        chosen(["mvuu"])
    assert main(["nothing"]) == 2
