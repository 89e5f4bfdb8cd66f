"""`make bitstream` with a stand-in for Vivado: none, too old, failing, too slow, and a whole run in
which the project's script goes through the recording stubs.
"""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hw import board
from hw.build import bitstream, utilization, vivado
from hw.build.overlay import located
from hw.spec.errors import BundleError
from hw.spec.hardware import FILE, Hardware
from hw.spec.kernel import Cost
from hw.spec.manifest import load_manifest, write_manifest
from sim.board import hwh
from tests.build.test_vivado_tcl import KV260, STUBS, bundle_of, tcl
from tests.host.fake_device import write_bundle

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def bundle(tmp_path):
    """With the handoff that Vivado would leave, for the stubs to hand out."""
    hardware = bundle_of(tmp_path / "bundle", KV260)
    (tmp_path / "bundle" / "vivado").mkdir()
    hwh.write(tmp_path / "bundle" / "vivado" / "given.hwh", located(hardware, KV260), KV260)
    return tmp_path / "bundle"


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Puts a `vivado` on the PATH that says a version and otherwise runs a shell line."""

    def make(version="2023.2", line=None):
        line = line or f'exec {tcl()} {STUBS} build.tcl record "" 0.2 none'
        path = tmp_path / "bin" / "vivado"
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            "#!/bin/sh\n"
            f'[ "$1" = -version ] && {{ echo "vivado v{version} (64-bit)"; exit 0; }}\n{line}\n',
            encoding="utf-8",
        )
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")
        return str(path)

    return make


def command(bundle, *more):
    return bitstream.main(["--bundle", str(bundle), *more])


def test_a_whole_run_ends_in_the_bundle(bundle, fake, capsys):
    fake()
    assert command(bundle) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == str(bundle / "samfabric.bit") and "  synthesis" in said
    for name in ("samfabric.bit", "samfabric.hwh", "samfabric.xsa", "reports/vivado_timing.rpt"):
        assert (bundle / name).stat().st_size
    saved = Hardware.load(bundle)
    assert saved.clock_mhz == 199.998 and "clock 199.998 MHz" in said  # what was really made
    assert saved.overlay == "samfabric.bit" and saved.address == 0xA000_0000
    assert "STEP done" in (bundle / "vivado" / "build.log").read_text(encoding="utf-8")


def test_a_bundle_with_its_bitstream_still_opens(bundle, fake):
    """hardware.json has changed, and the manifest knows."""
    write_bundle(bundle)
    manifest = load_manifest(bundle)
    write_manifest(bundle, manifest, extra=(*manifest.hashes, FILE))
    fake()
    assert command(bundle) == 0
    hashed = load_manifest(bundle).hashes
    assert {FILE, "samfabric.bit", "samfabric.hwh"} <= hashed.keys()
    (bundle / "samfabric.bit").write_text("torn", encoding="utf-8")
    with pytest.raises(BundleError, match="samfabric.bit has SHA-256"):
        load_manifest(bundle)


def test_an_overlay_unlike_hardware_json_is_no_result(bundle, fake, capsys):
    fake()
    given = bundle / "vivado" / "given.hwh"
    text = given.read_text(encoding="utf-8")
    given.write_text(text.replace("0xA0000000", "0xA00F0000"), encoding="utf-8")
    assert command(bundle) == 2
    assert "the registers are at 0xa00f0000" in capsys.readouterr().err
    assert not (bundle / "samfabric.bit").exists() and Hardware.load(bundle).overlay is None


REPORT = """
+---------------------+-----------+------------+------------+---------+------+--------+--------+
|       Instance      |   Module  | Total LUTs | Logic LUTs | LUTRAMs | SRLs | FFs    | RAMB36 |
+---------------------+-----------+------------+------------+---------+------+--------+--------+
| overlay_wrapper     |     (top) |      61234 |      50000 |    1234 |    0 |  70011 |     70 |
|   overlay_i         |   overlay |      61234 |      50000 |    1234 |    0 |  70011 |     70 |
|     memory_net      |       net |       1100 |       1000 |     100 |    0 |   1500 |      2 |
|     system          |    system |      47000 |      40000 |    1000 |    0 |  52000 |     60 |
+---------------------+-----------+------------+------------+---------+------+--------+--------+
"""


def test_the_shell_is_what_the_design_has_beyond_the_system(tmp_path):
    path = tmp_path / "vivado_utilization.rpt"
    path.write_text(REPORT, encoding="utf-8")
    assert utilization.shell(path, Cost(lut=8000, ff=11_000, bram18=24)) == (
        "shell around the system (interconnects, reset): LUT 14,234 (expected 8,000), "
        "FF 18,011 (expected 11,000), BRAM18 20 (expected 24)"
    )
    path.write_text("report", encoding="utf-8")
    with pytest.raises(utilization.ReportError, match="no table of instances"):
        utilization.shell(path, Cost())


def test_without_vivado_the_way_on_is_told(bundle, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    assert command(bundle) == bitstream.NO_VIVADO == 3
    said = capsys.readouterr().err
    assert "No vivado on the PATH" in said and str(bundle / "vivado") in said
    assert "vivado -mode batch" in said and "-source build.tcl" in said
    for name in ("build.tcl", "settings.tcl", "samfabric_board.v"):
        assert (bundle / "vivado" / name).is_file()
    assert Hardware.load(bundle).overlay is None


def test_a_look_says_at_once_what_is_missing(fake, monkeypatch, capsys):
    """No bundle, no model and no board are needed for it."""
    monkeypatch.setenv("PATH", "")
    assert bitstream.main(["--look"]) == bitstream.NO_VIVADO == 3
    said = capsys.readouterr().err
    assert "No vivado on the PATH" in said and "2022.1 or newer" in said and "PROJECT=1" in said
    assert bitstream.main(["--look", "--project-only"]) == 0
    fake("2021.2", "true")
    assert bitstream.main(["--look"]) == 2
    assert "Vivado 2021.2" in capsys.readouterr().err
    fake("2022.1", "true")
    assert bitstream.main(["--look"]) == 0


def test_the_project_alone_wants_no_vivado(bundle, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    assert command(bundle, "--project-only") == 0
    said = capsys.readouterr().out
    assert f"project: {bundle / 'vivado'}" in said and "-source build.tcl" in said
    assert (bundle / "vivado" / "build.tcl").is_file()


@pytest.mark.parametrize("version", ["2021.2", "2019.1"])
def test_an_old_one_is_refused_before_it_starts(version, bundle, fake, capsys):
    fake(version, "touch started")
    assert command(bundle) == 2
    assert f"Vivado {version} (use 2022.1 or newer)" in capsys.readouterr().err
    assert not (bundle / "vivado" / "started").exists()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Vivado v2022.1 (64-bit)", (2022, 1)),
        ("vivado v2024.2.1 (64-bit)\nTool Version Limit: 2024.11", (2024, 2)),
        ("Vivado 2023.1", (2023, 1)),
    ],
)
def test_versions_are_read(text, wanted, tmp_path):
    program = tmp_path / "v"
    program.write_text(f"#!/bin/sh\ncat <<END\n{text}\nEND\n", encoding="utf-8")
    program.chmod(0o755)
    assert vivado.version(str(program)) == wanted


def test_what_tells_no_version_is_refused(tmp_path):
    with pytest.raises(vivado.VivadoError, match="says 'hello'"):
        program = tmp_path / "v"
        program.write_text("#!/bin/sh\necho hello\n", encoding="utf-8")
        program.chmod(0o755)
        vivado.version(str(program))
    with pytest.raises(vivado.VivadoError, match="No such file"):
        vivado.version(str(tmp_path / "none"))


def test_failing_midway_names_step_and_log(bundle, fake):
    program = fake(line=f'exec {tcl()} {STUBS} build.tcl record "" 0.2 synth_1')
    vivado.write_project(bundle, Hardware.load(bundle), KV260)
    with pytest.raises(vivado.VivadoError, match=r"step synthesis .*see .*build\.log") as error:
        vivado.build(bundle, program)
    log = re.search(r"see (\S+build\.log)", str(error.value))
    assert log and "Something failed" in Path(log[1]).read_text(encoding="utf-8")
    assert not (bundle / "samfabric.bit").exists()


def test_a_result_that_is_not_there_is_no_success(bundle, fake):
    program = fake(line='echo "STEP done"')
    vivado.write_project(bundle, Hardware.load(bundle), KV260)
    with pytest.raises(vivado.VivadoError, match=r"left no .*samfabric\.bit"):
        vivado.build(bundle, program)
    program = fake(line='echo "STEP cells"')  # as after an exit that was not meant
    with pytest.raises(vivado.VivadoError, match="step cells"):
        vivado.build(bundle, program)


def test_timing_that_is_not_met_is_told_with_its_slack(bundle, fake):
    program = fake(line=f'exec {tcl()} {STUBS} build.tcl record "" -0.31 none')
    vivado.write_project(bundle, Hardware.load(bundle), KV260)
    with pytest.raises(vivado.TimingError, match=r"-0\.31, -0\.31 ns at 200 MHz"):
        vivado.build(bundle, program)
    assert not (bundle / "samfabric.bit").exists()
    assert Hardware.load(bundle).overlay is None


def test_a_run_without_end_is_ended(bundle, fake):
    program = fake(line='echo "STEP synthesis"; sleep 60')
    vivado.write_project(bundle, Hardware.load(bundle), KV260)
    with pytest.raises(vivado.VivadoError, match=r"no end of step synthesis within 0\.5 s"):
        vivado.build(bundle, program, timeout_s=0.5)


def test_a_folder_that_is_no_bundle(tmp_path, capsys):
    assert command(tmp_path) == 2
    assert "run make hardware" in capsys.readouterr().err
    bundle_of(tmp_path / "b", KV260)
    with pytest.raises(BundleError, match="has no settings.tcl"):
        vivado.build(tmp_path / "b", sys.executable)


def test_hardware_json_keeps_the_registers_address(tmp_path):
    hardware = bundle_of(tmp_path / "b", board.find("PYNQ-Z2"))
    vivado.write_project(tmp_path / "b", hardware, board.find("PYNQ-Z2"))
    saved = Hardware.load(tmp_path / "b")
    assert saved.address == 0x4000_0000 and saved == replace(hardware, address=saved.address)


@pytest.mark.parametrize(
    ("words", "last"),
    [
        (["bitstream"], "-m hw.build.bitstream --config nano --board kv260"),
        (["bitstream", "BACKEND=finn"], "echo \"FINN's build folders are under build/finn"),
        (["demo", "DEVICE=rtl"], "-m host demo --config nano --device rtl"),
    ],
)
def test_the_verbs_run_what_they_say(words, last):
    said = subprocess.run(
        ["make", "--no-print-directory", "-n", *words], cwd=ROOT, capture_output=True, text=True
    )
    lines = [line for line in said.stdout.strip().splitlines() if "next: " not in line]
    assert said.returncode == 0 and last in lines[-1]
    assert lines[-1].startswith((".venv/bin/python -m", "echo"))
    if "DEVICE=rtl" in words:  # what it runs on is made first
        assert "-m hw.build.hardware --config nano --board kv260 --any" in lines[-2]
