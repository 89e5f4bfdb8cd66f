"""Environments as a board's image has them: Python 3.10, numpy below 2, one version of the package
`pynq` each. Made once, under build/board.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = ROOT / "build" / "board"
VERSIONS = ("3.0.1", "3.1.2")
"""Of Kria-PYNQ and PYNQ's 3.0.1 image, and the newest that loads overlays of both processors."""
PACKAGES = (
    "numpy<2",
    "pycparser<3",  # pynq parses C headers with what version 3 has not
    "opencv-python-headless>=4.5,<4.12",  # 4.12 wants numpy 2
    "av",
    "rich",
    "pytest",
)
INSTALL_S = 1800
ASK_S = 30


class NoEnvironment(Exception):
    """There is no Python 3.10, or pynq cannot be installed."""


def python() -> str:
    """A Python 3.10. Raises NoEnvironment."""
    for path in _candidates():
        asked = [path, "-c", "import sys, venv, ensurepip; print(sys.version_info[:2] == (3, 10))"]
        try:
            done = subprocess.run(asked, capture_output=True, text=True, timeout=ASK_S, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.stdout.strip() == "True":
            return path
    raise NoEnvironment("no Python 3.10 with venv (PYTHON310=, python3.10 on the PATH, or pyenv's)")


def _candidates() -> Iterator[str]:
    if "PYTHON310" in os.environ:
        yield os.environ["PYTHON310"]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob("versions/3.10.*/bin/python"), reverse=True))
    found = shutil.which("python3.10")
    if found:
        yield found


def made(version: str) -> Path:
    """The environment's Python, with that version of pynq. Raises NoEnvironment."""
    wanted = [f"pynq=={version}", *PACKAGES]
    key = hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:8]
    folder = CACHE / f"pynq-{version}-{key}"
    program = folder / "bin" / "python"
    if (folder / "ready").exists():
        return program
    shutil.rmtree(folder, ignore_errors=True)
    for command in (
        [python(), "-m", "venv", str(folder)],
        [str(program), "-m", "pip", "install", "--disable-pip-version-check", "-q", *wanted],
    ):
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=INSTALL_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise NoEnvironment(f"pynq {version}: no end within {INSTALL_S} s") from error
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
            raise NoEnvironment(f"pynq {version} cannot be installed: {last[0]}")
    (folder / "ready").touch()
    return program
