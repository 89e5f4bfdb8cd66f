"""The command `serve` as a process: where it listens, what it refuses, how it ends."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from host.cli.main import main
from host.devices import registry as devices
from host.errors import UsageError
from host.serve.server import Serving, bound, serve
from tests.host.fake_device import FakeDevice, write_bundle
from tests.host.serve.shows import write_clip

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import sys
from host.cli.main import main
from host.devices import registry
from tests.host.fake_device import FakeDevice
registry.DEVICES["fake"] = lambda folder: FakeDevice()
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def fake(monkeypatch, tmp_path):
    opened = []

    def open_fake(_bundle):
        opened.append(1)
        return FakeDevice()

    monkeypatch.setitem(devices.DEVICES, "fake", open_fake)
    monkeypatch.chdir(tmp_path)
    write_bundle(tmp_path / "bitstreams" / "nano_fake_0")
    return opened


@contextmanager
def running(tmp_path, *options):
    """A server in a process of its own, and the address that it prints."""
    clip = write_clip(tmp_path / "clip.mp4")
    write_bundle(tmp_path / "bitstreams" / "nano_fake_0")
    command = [sys.executable, "-c", PROGRAM, "serve", "--source", str(clip), "--device", "fake"]
    process = subprocess.Popen(
        [*command, "--port", "0", "--out", str(tmp_path / "out"), *options],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().split()[0]
    finally:
        process.kill()
        process.communicate()


def test_a_page_is_served_until_ctrl_c(tmp_path):
    with running(tmp_path) as (process, address):
        with urllib.request.urlopen(f"{address}/", timeout=20) as answer:
            assert b"SamFabric" in answer.read()
        with urllib.request.urlopen(f"{address}/stream.mjpg", timeout=20) as stream:
            assert stream.headers["content-type"].startswith("multipart/x-mixed-replace")
            first = stream.read(400)
            assert first.startswith(b"--frame\r\nContent-Type: image/jpeg") and b"JFIF" in first
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 0 and said == ""


def test_it_ends_while_somebody_reads_the_stream(tmp_path):
    with running(tmp_path) as (process, address):
        stream = urllib.request.urlopen(f"{address}/stream.mjpg", timeout=20)
        stream.read(100)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        stream.close()


def test_beyond_this_machine_a_token_is_made_up(tmp_path):
    with running(tmp_path, "--host", "0.0.0.0") as (_, address):
        name, _, token = address.partition("/?token=")
        assert len(token) >= 12
        port = name.rpartition(":")[2]
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20)
        assert caught.value.code == 403
        url = f"http://127.0.0.1:{port}/snapshot.png?token={token}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            assert answer.status in (200, 503)


def test_a_port_in_use_is_said_before_the_device_opens(fake, capsys, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status = main(["serve", "--device", "fake", "--port", str(port)])
    error = capsys.readouterr().err
    assert status == 2 and error.count("\n") == 1
    assert f"port {port} of 127.0.0.1 is in use" in error and "--port" in error
    assert not fake


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["--source", "nothing.mp4"], "no video, folder or camera 'nothing.mp4'"),
        (["--host", "no.such.host.invalid"], "no address 'no.such.host.invalid'"),
        (["--host", "198.51.100.7"], "cannot listen on 198.51.100.7"),
        (["--token", "short"], "a token that can be guessed"),
    ],
)
def test_bad_options_end_in_one_line(fake, capsys, options, wanted):
    assert main(["serve", "--device", "fake", "--port", "0", *options]) == 2
    error = capsys.readouterr().err
    assert wanted in error and error.count("\n") == 1 and not fake


def test_a_port_must_be_one(capsys):
    for port in ("80a", "-1", "65536"):
        with pytest.raises(SystemExit) as caught:
            main(["serve", "--port", port])
        assert caught.value.code == 2
    assert "is not a port" in capsys.readouterr().err


def test_without_the_web_packages_the_extra_is_named(fake, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "host.serve.server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["serve", "--device", "fake"]) == 2
    assert "pip install 'samfabric[serve]'" in capsys.readouterr().err


def test_the_port_is_given_back_when_the_device_does_not_open(tmp_path):
    def fails():
        raise UsageError("no bundle", "build one")

    port = free_port()
    clip = write_clip(tmp_path / "clip.mp4")
    with pytest.raises(UsageError, match="no bundle"):
        serve(Serving(str(clip), port=port), fails)
    bound("127.0.0.1", port).close()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def test_who_needs_a_token():
    assert Serving().needed_token is None and Serving(host="::1").needed_token is None
    first, second = (Serving(host="0.0.0.0").needed_token for _ in range(2))
    assert first and second and first != second
    assert Serving(host="0.0.0.0", token="Sesame-12").needed_token == "Sesame-12"
    assert Serving(token="Sesame-12").needed_token == "Sesame-12"
