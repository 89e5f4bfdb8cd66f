"""The published reports of hardware are of what a build gives now."""

from pathlib import Path

import pytest

from hw.build import hardware

ROOT = Path(__file__).resolve().parents[2]
REPORTS = sorted((ROOT / "docs" / "hardware").glob("*.md"))


def test_there_are_reports():
    assert REPORTS


@pytest.mark.parametrize("report", REPORTS, ids=lambda path: path.stem)
def test_a_report_names_the_bundle_that_a_build_gives_now(report, tmp_path, capsys):
    """A bundle's name ends in the hash of all its files: weights, foldings and sources."""
    name = report.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    config, board, _ = name.split("_")
    source = next((ROOT / "bitstreams").glob(f"{config}_emulated_*"))
    arguments = ["--source", str(source), "--config", config, "--board", board]
    if not report.stem.endswith("_detector"):
        arguments.append("--no-detector")
    assert hardware.main([*arguments, "--out", str(tmp_path)]) == 0
    built = Path(capsys.readouterr().out.split()[-1]).name
    assert built == name, f"make it anew: python -m hw.build.report --publish {report.parent.name}"
