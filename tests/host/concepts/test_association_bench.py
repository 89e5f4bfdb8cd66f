"""The benchmark of association runs and reports."""

from tests.host.concepts.association_bench import main, run


def test_every_frame_is_timed():
    assert len(run(detections=5, tracks=3, grid=16, frames=4)) == 4


def test_the_report_names_its_case(capsys):
    asked = ["--detections", "4", "--tracks", "2", "--grid", "16", "--frames", "2"]
    assert main(asked) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "4 detections x 2 tracks on 16x16" in shown and "budget" in shown
