"""`verify` as a command: it reaches its own module, and names a bundle that is not there."""

from host.cli import main as command
from host.cli import verify
from host.cli.main import main


def test_a_bundle_without_hardware_is_named(tmp_path, capsys):
    assert main(["verify", "--bundle", str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_the_comparison_decides_the_exit_status(monkeypatch, tmp_path):
    monkeypatch.setattr(command.Hardware, "load", lambda bundle: None)
    monkeypatch.setattr(verify, "drawn", lambda count: ([None] * count, (1, 2, 3, 4)))
    for different, status in ((0, 0), (3, 1)):
        monkeypatch.setattr(verify, "run", lambda *given, n=different: n)
        assert main(["verify", "--bundle", str(tmp_path)]) == status
