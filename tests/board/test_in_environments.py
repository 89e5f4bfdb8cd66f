"""Every graph of `tiny` on simulated boards under the real package `pynq`, in environments that the
test makes: `make test-board`, here as a test.
"""

import re
import subprocess
import sys

import pytest

from tests.board import environment, prepare
from tests.board.__main__ import SKIPPED

GRAPHS = ("image_encoder", "memory_attention", "mask_decoder", "memory_encoder", "detector")
FAULTS = ("a dropped flush", "a reset by somebody else", "a wrong clock", "a foreign overlay")


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info < (3, 11), reason="this is what runs inside")
def test_the_real_pynq_drives_both_boards():
    done = subprocess.run(
        [sys.executable, "-m", "tests.board"],
        cwd=environment.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == SKIPPED:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    for version in environment.VERSIONS:
        for board in prepare.BOARDS:
            said = re.findall(rf"^pynq {re.escape(version)}, {board}: (.*)$", done.stdout, re.M)
            for graph in GRAPHS:
                assert any(re.match(rf"{graph}: .* equal golden$", line) for line in said), graph
            for fault in FAULTS:
                assert any(line.startswith(fault) for line in said), fault


@pytest.mark.parametrize("folder", ["tests/board", "tests/host"])
def test_a_board_without_torch_collects_these_tests(folder):
    """Whatever they import: torch stands for all that a board's image has not."""
    blocked = "import pytest, sys; sys.modules['torch'] = None; "
    options = ["--collect-only", "-qq", "-p", "no:cacheprovider", folder]
    done = subprocess.run(
        [sys.executable, "-c", f"{blocked}sys.exit(pytest.main({options}))"],
        cwd=environment.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_without_python_3_10_there_is_a_reason(monkeypatch):
    monkeypatch.setattr(environment, "_candidates", lambda: iter(["/nowhere/python"]))
    with pytest.raises(environment.NoEnvironment, match="no Python 3.10 with venv"):
        environment.python()
