"""The data mover against a memory that hesitates and fails, and faults planted in it."""

import pytest

from hw.mover.mover import FOLDER, PAGE, PARTS, Mover
from hw.spec.errors import SpecError
from hw.spec.registers import Bank, Fault, Register
from hw.synth import measure
from sim.bench.patterns import ADVERSARIAL
from sim.lint import verible
from sim.verilate import lint
from tests.mover.simulate import figures, simulate

SMALL = Mover(4, 4)
WIDE = Mover(12, 9, 2, WORD_BYTES=16)
"""As many ends as the graphs of `nano` have together, at a port of 128 bits."""
ODD = Mover(3, 1, 1, QUEUE=2, WORD_BYTES=4, BURST_BYTES=512, FIFO_BYTES=516, OUTSTANDING=2)


@pytest.mark.parametrize("pattern", ["none", "random"])
def test_random_jobs_on_all_ends(pattern, tmp_path):
    failure, log = simulate(SMALL, "traffic", tmp_path, pattern=pattern, bad=pattern != "none")
    assert failure == ""
    assert figures(log)["beats"] >= 20_000


@pytest.mark.parametrize("name", ["registers", "frames", "abandoned"])
def test_what_is_not_plain_traffic(name, tmp_path):
    assert simulate(SMALL, name, tmp_path)[0] == ""


def test_rate_and_latency_are_those_documented(tmp_path):
    assert simulate(SMALL, "rates", tmp_path, pattern="none")[0] == ""


@pytest.mark.slow
@pytest.mark.parametrize("mover", [WIDE, ODD], ids=["wide", "odd"])
@pytest.mark.parametrize("name", ["traffic", "registers", "frames", "abandoned"])
def test_other_shapes(mover, name, tmp_path):
    assert simulate(mover, name, tmp_path, bad=name == "traffic")[0] == ""


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ADVERSARIAL)
def test_adversarial_patterns(pattern, tmp_path):
    assert simulate(SMALL, "traffic", tmp_path, pattern=pattern, bad=True)[0] == ""


@pytest.mark.slow
def test_a_million_beats_with_errors_and_back_pressure(tmp_path):
    failure, log = simulate(SMALL, "traffic", tmp_path, beats=1_000_000, pattern="bursts", bad=True)
    assert failure == ""
    found = figures(log)
    print(found)
    assert found["beats"] >= 1_000_000


PLANTS = [
    ("traffic", ("mover_bursts", "= words <= WORDS_BITS", "= words < WORDS_BITS")),
    ("traffic", ("mover_bursts", "words - WORDS_BITS'(room) - 1'b1", "words - WORDS_BITS'(room)")),
    ("traffic", ("mover_reader", "job_last && ends_q", "ends_q")),
    ("traffic", ("mover_reader", "valid_q && resp_q[1]", "valid_q && &resp_q")),
    ("traffic", ("mover_read_end", "last ? tag[LANE_BITS-1:0] : '1", "tag[LANE_BITS-1:0]")),
    ("traffic", ("mover_read_end", "credit_q >= CREDIT_BITS'(BURST_WORDS)", "credit_q != '0")),
    ("traffic", ("mover_writer", "!job_word || LANE_BITS'(b) <= tail_q", "1'b1")),
    ("traffic", ("mover_writer", "answered_q && job_done", "answered_q")),
    ("frames", ("mover_write_end", "take ? whole : full_q && !room", "take && whole")),
    ("traffic", ("mover_tally", "counted_q[i_done_end] ? counts", "1'b1 ? counts")),
    ("registers", ("mover_registers", "address_q[LANE_BITS-1:0] == '0 && ", "")),
    ("registers", ("mover_tally", "o_pending[e] && !i_clear[e]", "o_pending[e]")),
    ("traffic", ("mover_crc", "i_take[e] && i_tlast[e]", "i_tlast[e]")),
    ("traffic", ("mover_crc", "(i_tdata[e])", "(i_tdata[0])")),
    ("frames", ("mover_writer", "put && job_word && !word_last", "1'b0")),
    ("frames", ("mover_writer", "o_drop || put", "put")),
    ("abandoned", ("mover", "abandoning_q && still && clearing_q", "abandoning_q && clearing_q")),
]


@pytest.mark.slow
@pytest.mark.parametrize(("test", "plant"), PLANTS, ids=lambda p: p if isinstance(p, str) else p[2])
def test_a_planted_fault_is_noticed(test, plant, tmp_path):
    assert simulate(SMALL, test, tmp_path, bad=test == "traffic", plant=plant)[0] != ""


@pytest.mark.parametrize("mover", [SMALL, WIDE, ODD, Mover(1, 1)], ids=["4", "wide", "odd", "1"])
def test_verilator_has_nothing_to_say(mover, tmp_path):
    assert lint(mover.design(tmp_path)) == ""


def test_every_file_is_in_style_and_says_what_it_does():
    assert {path.stem for path in FOLDER.glob("*.sv")} == {*PARTS, "mover"}
    for path in FOLDER.glob("*.sv"):
        assert verible(path) == ""
        opening = path.read_text(encoding="utf-8").partition("`default_nettype")[0]
        for word in ("SPDX-License-Identifier", "Latency", "Golden"):
            assert word in opening, f"{path.name} does not open with its {word}"


@pytest.mark.slow
@pytest.mark.parametrize("mover", [SMALL, WIDE], ids=["4", "wide"])
def test_what_yosys_makes_of_it(mover, tmp_path):
    found, model = measure(mover.design(tmp_path), "xcup"), mover.cost()
    ends = mover.READS + mover.WRITES
    print(
        f"{found.lut} LUT, {found.ff} FF: {found.lut / ends:.0f} and {found.ff / ends:.0f} an end"
    )
    assert found.bram18 == found.uram == found.dsp == 0
    assert found.lut <= 400 * ends
    assert abs(found.lut / model.lut - 1) < 0.05 and abs(found.ff / model.ff - 1) < 0.05


def test_bursts_keep_to_pages_and_are_whole_where_the_length_allows():
    mover = Mover(1, 1)
    bursts = mover.bursts(PAGE - 264, 1000)
    assert [(b.address, b.beats) for b in bursts] == [
        (PAGE - 264, 1),
        (PAGE - 256, 32),
        (PAGE, 32),
        (PAGE + 256, 32),
        (PAGE + 512, 28),
    ]
    assert [b.last for b in bursts] == [False] * 4 + [True]
    for start in range(0, 2 * PAGE, 256):
        parts = mover.bursts(start, 2049)
        assert [b.beats for b in parts] == [32] * 8 + [1]
        assert all(b.address // PAGE == (b.address + 8 * b.beats - 1) // PAGE for b in parts)


@pytest.mark.parametrize(
    ("address", "length"), [(0, 0), (0, (1 << 24) + 1), (4, 8)], ids=["none", "many", "inside"]
)
def test_jobs_that_the_mover_refuses(address, length):
    with pytest.raises(SpecError, match="a job"):
        Mover(1, 1).bursts(address, length)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("READS", 0),
        ("WRITES", 33),
        ("SETTINGS", 0),
        ("QUEUE", 3),
        ("WORD_BYTES", 12),
        ("BURST_BYTES", 8192),
        ("BURST_BYTES", 8),
        ("FIFO_BYTES", 128),
        ("FIFO_BYTES", 513),
        ("OUTSTANDING", 1),
    ],
)
def test_parameters_that_do_not_fit(name, value):
    with pytest.raises(SpecError, match=f"mover: {name} = {value}"):
        Mover(**({"READS": 1, "WRITES": 1} | {name: value}))


def test_the_register_map_has_no_overlaps():
    assert len({int(r) for r in Register}) == len(Register)
    assert all(int(r) % 4 == 0 and int(r) < Bank.READS for r in Register)
    assert sorted(int(f) for f in Fault) == [1, 2, 4, 8, 16]
