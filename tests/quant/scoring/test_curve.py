"""The curve of a training run: read, thinned, drawn, and refused when it is none."""

import pytest

from hw.spec.errors import SpecError
from quant.scoring.curve import MOST_POINTS, Point, curve_section, read_curve


def write(folder, *lines):
    (folder / "curve.csv").write_text("\n".join(["step,stage,jf", *lines]) + "\n")


def test_a_curve_is_drawn_with_its_stages(tmp_path):
    write(tmp_path, "100,heads,40.25", "200,heads,50", "200,quantized,45.5", "300,quantized,44")
    points = read_curve(tmp_path)
    assert points[0] == Point(100, "heads", 40.25) and len(points) == 4
    drawn = curve_section(points)
    assert '  x-axis "steps" [100, 200, 200, 300]' in drawn
    assert "  line [40.2, 50.0, 45.5, 44.0]" in drawn
    assert "| heads | 200 | 50.0 | 50.0 |" in drawn
    assert "| quantized | 300 | 44.0 | 45.5 |" in drawn


def test_a_long_curve_is_thinned_and_keeps_its_end():
    drawn = curve_section([Point(i, "heads", i / 10) for i in range(1, 101)])
    (axis,) = [line for line in drawn if "x-axis" in line]
    steps = [int(v) for v in axis.split("[")[1].rstrip("]").split(",")]
    assert len(steps) <= MOST_POINTS and steps[-1] == 100


def test_no_file_is_no_curve(tmp_path):
    assert read_curve(tmp_path) == [] and curve_section([]) == []


@pytest.mark.parametrize(
    "lines",
    [["ten,heads,40"], ["10,heads"], ["10,heads,140"], ["10,heads,nan"], ["10,a,40", "9,a,41"]],
)
def test_what_is_no_curve_is_refused(tmp_path, lines):
    write(tmp_path, *lines)
    with pytest.raises(SpecError, match=f"line {len(lines) + 1} of .*curve.csv"):
        read_curve(tmp_path)


def test_another_heading_is_refused(tmp_path):
    (tmp_path / "curve.csv").write_text("steps,jf\n1,2\n")
    with pytest.raises(SpecError, match="step,stage,jf"):
        read_curve(tmp_path)
