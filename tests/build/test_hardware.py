"""Bundles with hardware: what they hold, and what is refused."""

import argparse
import json
import re
import shutil
from dataclasses import replace

import pytest
from matplotlib.colors import to_rgba

from hw import board as boards
from hw.build import folded as folded_module
from hw.build import hardware, pictures, report, resources
from hw.build.folded import CHAINS, FOLDINGS, fold, refold
from hw.build.markdown import WIDTH
from hw.build.progress import counted
from hw.build.rates import asked
from hw.fold.folding import FoldingError
from hw.search import store
from hw.search.search import NoFitError
from hw.search.target import Target, at_once
from hw.spec.errors import BundleError
from hw.spec.hardware import Hardware, newest
from hw.spec.host_work import HostWork, Measured
from hw.spec.kernel import Cost
from hw.spec.manifest import MANIFEST, load_manifest
from hw.stitch.cuts import is_cut
from sim.lint import bundle_findings
from tests.fold.tiny_model import SOURCE

BOARD = boards.find("KV260")
EASY = Target(1e9, 1e9, 1e9)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("bundles")


@pytest.fixture(scope="module")
def bundle(out):
    return hardware.build(SOURCE, BOARD, EASY, out)


def test_a_bundle_is_whole(bundle):
    manifest, described = load_manifest(bundle), Hardware.load(bundle)
    assert set(described.sources) <= set(manifest.hashes) and FOLDINGS in manifest.hashes
    assert [g.name for g in described.graphs] == [g.name for g in manifest.graphs]
    assert described.clock_mhz == BOARD.target_mhz and described.identity > 0
    assert described.address == 0xA000_0000 and described.word_bytes == 16
    assert (described.reads, described.writes) == (21, 13)


def test_the_same_model_is_the_same_bundle(bundle, out):
    assert hardware.build(SOURCE, BOARD, EASY, out) == bundle
    assert newest("tiny", "kv260", out) == bundle


def test_a_board_without_foldings_borrows_those_that_do(out):
    made = hardware.build(SOURCE, boards.find("Ultra96-V2"), EASY, out, detector=False)
    kept = store.load(store.place("tiny", "KV260"), store.Stored())
    mine = store.load(made / FOLDINGS, store.Stored())
    assert mine.foldings == kept.foldings
    assert mine.style.luts_per_uram == 0 and not mine.styles
    assert Hardware.load(made).board == "Ultra96-V2"


def test_its_sources_are_clean(bundle):
    said = bundle_findings(bundle)
    assert {"samfabric.sv", "image_encoder.sv", "mvu.sv"} <= said.keys()
    assert not any(said.values()), said


def test_a_fault_in_its_sources_is_found(bundle, out):
    copy = shutil.copytree(bundle, out / "faulty")
    path = copy / "rtl" / "mask_decoder.sv"
    path.write_text(path.read_text(encoding="utf-8").replace("clk", "clock", 1), encoding="utf-8")
    said = bundle_findings(copy)
    assert "clk" in said["samfabric.sv"]


def test_a_folding_file_goes_first(bundle, out, tmp_path):
    (tmp_path / "mine.toml").write_text('[image_encoder]\n"neck.skip4" = { PE = 8 }\n')
    made = hardware.build(SOURCE, BOARD, EASY, out, override=tmp_path / "mine.toml")
    assert made != bundle
    folded = refold(made, load_manifest(made), BOARD)
    assert folded.plans["image_encoder"].blocks["neck.skip4"].folding.PE == 8


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[image_encoder]\n"neck.skip5" = { PE = 8 }\n', "neck.skip5"),
        ('[image_encoder]\n"neck.skip4" = { PE = 5 }\n', "neck.skip4"),
    ],
)
def test_a_wrong_folding_is_named(out, tmp_path, text, said):
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(FoldingError, match=said):
        hardware.build(SOURCE, BOARD, EASY, out, override=tmp_path / "mine.toml")


def test_too_high_a_rate_is_refused_with_what_can_be_had(out):
    before = sorted(out.iterdir())
    rates = r"FPS=[\d.]+ FPS_FOUR=[\d.]+ FPS_EIGHT=[\d.]+"
    told = rf"KV260 cannot keep the rate.*ask for \d+% of it: {rates}"
    with pytest.raises(FoldingError, match=told):
        hardware.build(SOURCE, BOARD, Target.of_rates(200, 1e6, 1e6, 1e6), out)
    assert sorted(out.iterdir()) == before


def test_too_small_a_board_is_refused_with_what_is_missing(bundle, tmp_path):
    plain = (boards.FOLDER / "kv260.toml").read_text(encoding="utf-8")
    small = tmp_path / "kv260.toml"
    small.write_text(plain.replace("lut = 117120", "lut = 12000"))
    with pytest.raises(FoldingError, match=r"does not fit KV260: lut .* most is taken by"):
        hardware.build(SOURCE, boards.load(small), EASY, tmp_path)


def test_no_bundle_to_start_from(tmp_path):
    with pytest.raises(BundleError, match=r"make bundle CONFIG=huge"):
        hardware.newest_source("huge", tmp_path)
    with pytest.raises(BundleError, match=r"make hardware CONFIG=tiny BOARD=PYNQ-Z2"):
        newest("tiny", "PYNQ-Z2", tmp_path)


def test_the_command_line_says_what_is_wrong(capsys):
    assert hardware.main(["--config", "tiny", "--board", "DE10"]) == 2
    assert "KV260" in capsys.readouterr().err


def test_a_report_without_synthesis(bundle, out):
    copy = shutil.copytree(bundle, out / "copy")
    runs = [
        {"graph": g.name, "frame": 1, "codes": 100, "differing": 0, "cycles": g.cycles, "length": 0}
        for g in Hardware.load(copy).graphs
    ]
    (copy / report.SIMULATED).write_text(json.dumps(runs))
    Measured("here", 4000.0, [HostWork(640, 480, {"prepare": 1.0, "bank": 0.5})]).save(copy)
    assert report.write(copy, synthesis=False) == []
    text = (copy / report.NAME).read_text(encoding="utf-8")
    assert max(len(line) for line in text.splitlines() if not line.startswith("|")) <= WIDTH
    text = re.sub(r"(?<=[^|\n])\n(?=[^|\n])", " ", text)  # sentences, wherever they were wrapped
    assert "A Cortex-A53 at 1.3 GHz is taken to need 4.1 times as long" in text
    assert re.search(r"\| 640x480 \| [\d.]+ \([\d.]+ ms\) \| 162\.2 \(6\.2 ms\) \|", text)
    assert "cost models (not synthesised)" in text and "Not synthesised: the figures" in text
    assert "From simulated cycles" in text and "0 of 100" in text and "missed" not in text
    folded = refold(copy, load_manifest(copy), BOARD)
    for objects, every, looks in ((1, 0, "none"), (8, 0, "none"), (4, 8, "every 8 frames")):
        total = at_once(folded.cycles, folded.intervals, objects, every)
        assert f"| {objects} | {looks} | {total:,} | {200e6 / total:.2f} | " in text
    assert text.count("| frames/s |") == 1
    assert "A model, not a simulation" in text and "in windows" not in text
    for part in folded.shell.parts:
        assert f"| {part.name} | {part.cost.lut:,.0f} | " in text and part.source in text
    for name in ("utilisation.png", "time.png"):
        assert name in text and (copy / name).stat().st_size > 10_000
    for layers in store.load(copy / FOLDINGS, store.Stored()).foldings.values():
        assert all(f"| {layer} |" in text for layer in layers)


def test_a_report_of_a_model_that_looks_in_windows(bundle, out):
    copy = shutil.copytree(bundle, out / "windows")
    manifest = json.loads((copy / MANIFEST).read_text())
    manifest["bank"]["window"] = 1.1
    (copy / MANIFEST).write_text(json.dumps(manifest))
    report.write(copy, synthesis=False)
    text = (copy / report.NAME).read_text(encoding="utf-8")
    folded = refold(copy, load_manifest(copy), BOARD)
    for objects in (4, 8):
        total = at_once(folded.cycles, folded.intervals, objects, views=objects)
        assert f"| {objects}, in windows | none | {total:,} | {200e6 / total:.2f} |  |" in text
        assert total >= objects * folded.intervals["image_encoder"]
    assert "`--whole-frame`" in text


def test_a_report_is_published_with_its_pictures(bundle, tmp_path):
    report.write(bundle, synthesis=False, target=EASY)
    made = report.publish(bundle, tmp_path / "docs")
    assert made.name == "tiny_kv260_detector.md"  # five graphs
    linked = re.findall(r"\]\((\S+)\)", made.read_text(encoding="utf-8"))
    assert linked == [f"{made.stem}_utilisation.png", f"{made.stem}_time.png"]
    assert all((made.parent / name).stat().st_size for name in linked)


def test_a_report_says_what_binds_where_the_rate_is_missed(bundle):
    (missed,) = report.write(bundle, synthesis=False, target=Target.of_rates(200, 1e4, 1, 1))
    assert "times the cycles" in missed
    text = (bundle / report.NAME).read_text(encoding="utf-8")
    assert re.search(r"With 1 object, the rate is missed by .*%: `\w+` binds, in it `\S+` \(", text)
    assert "With 4 objects, `" in text


def test_tiny_with_its_detector_fits_a_pynq_z2():
    """By foldings that are kept, so nothing is searched."""
    board, manifest = boards.find("pynq-z2"), load_manifest(SOURCE)
    assert manifest.detector is not None
    target = asked(board, manifest)
    folded = fold(SOURCE, manifest, board, target, say=lambda text: pytest.fail(text))
    folded.check(target)
    assert folded.cost.dsp <= board.budget().dsp and "detector" in folded.plans


@pytest.mark.parametrize("fits", [True, False])
def test_what_does_not_fit_with_its_detector_names_the_command_that_does(fits, monkeypatch):
    """Before that, the search is made again with multipliers in LUTs, where DSPs are too few."""
    worth = []

    def fails(flows, target, budget, shell, style, say, most):
        worth.append(style.luts_per_dsp)
        raise NoFitError(["dsp 213 of 176 (37 over)"], ["dsp"], tracker_fits=fits)

    monkeypatch.setattr(folded_module, "search", fails)
    board, manifest = boards.find("pynq-z2"), load_manifest(SOURCE)
    command = "make hardware CONFIG=tiny BOARD=PYNQ-Z2 DETECTOR=0" if fits else "fewer frames"
    with pytest.raises(FoldingError, match=f"dsp 213 of 176.*{command}"):
        fold(SOURCE, manifest, board, EASY, again=True, say=lambda text: None)
    assert worth == [30, 60, 120]


def test_costs_are_told_in_words():
    assert Cost(12345.4, 8000, 10, 4).words() == "12,345 LUT, 8,000 FF, 10 DSP, 4 BRAM18"
    assert Cost().words() == "nothing"


def test_pictures_have_units_and_a_budget_that_is_seen(bundle, tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(pictures, "_save", lambda figure, path: figures.append(figure))
    folded = refold(bundle, load_manifest(bundle), BOARD)
    pictures.utilisation(tmp_path / "u.png", BOARD, resources.modelled(folded), folded.shell.cost)
    pictures.time(tmp_path / "t.png", folded.plans, 200.0)
    (used,), panels = figures[0].axes, figures[1].axes
    assert "%" in used.get_xlabel() and "KV260" in used.get_xlabel()
    assert [label.get_text() for label in used.get_yticklabels()][0] == "LUT\nof 117,120"
    bars = {patch.get_facecolor() for patch in used.patches}
    lines = [line for line in used.lines if line.get_color() == pictures.BUDGET]
    assert len(lines) == len(used.get_yticks()) and lines[0].get_linewidth() >= 2
    assert to_rgba(pictures.BUDGET) not in bars
    assert "budget" in [text.get_text() for text in figures[0].legends[0].get_texts()]
    for axes, plan in zip(panels, folded.plans.values(), strict=True):
        assert "clock cycles" in axes.get_xlabel() and axes.get_ylabel() == "layer"
        assert f"{plan.cycles:,} cycles, " in axes.get_title(loc="left")
        assert axes.get_title(loc="left").endswith("ms at 200 MHz")


def test_long_work_shows_how_much_is_done(capfd):
    """Where there is no terminal, too."""
    with counted("synthesis", "kernels") as say:
        say(0, 4)
        say(3, 4)
    said = capfd.readouterr().err
    assert "synthesis" in said and "3/4" in said and " kernels" in said


def test_rates_are_asked_for_by_family_and_detector(bundle):
    manifest, given = load_manifest(bundle), argparse.Namespace(every=4, fps=50.0, fps_eight=20.0)
    assert asked(BOARD, manifest, given) == Target.of_rates(200, 50, 30, 20, 60, every=4)
    alone = manifest.without_detector()
    assert asked(BOARD, alone) == Target.of_rates(200, 115, 60, 30)
    assert asked(boards.find("PYNQ-Z2"), alone) == Target.of_rates(100, 55, 30, 15)
    assert len({store.place("m", "B", d).name for d in (False, True)}) == 2


def test_skids_are_put_in_where_the_budget_has_room_for_them(bundle, monkeypatch):
    def skids(made):
        return [n for a in made.accelerators.values() for n, k in a.netlist.instances.items()
                if is_cut(n, k)]  # fmt: skip

    manifest = load_manifest(bundle)
    roomy = refold(bundle, manifest, BOARD)
    assert skids(roomy)
    counts = [len(skids(roomy))]
    cramped = roomy
    for _ in CHAINS:
        lut = cramped.cost.lut - 1  # one too few for all of them: longer chains, then none
        tight = replace(BOARD.budget(), lut=lut)
        monkeypatch.setattr(boards.Board, "budget", lambda board, tight=tight: tight)
        cramped = refold(bundle, manifest, BOARD)
        assert cramped.cost.lut < lut
        counts.append(len(skids(cramped)))
    assert counts == sorted(counts, reverse=True) and counts[-2] > counts[-1] == 0
    assert cramped.plans.keys() == roomy.plans.keys()
