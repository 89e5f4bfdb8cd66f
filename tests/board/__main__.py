"""The boards in simulation under the real package `pynq`: `make test-board`.

Writes bundles of `tiny` and of the small system for each board (compiled once), makes an
environment for each version of pynq (once), and runs there `tests.board.real` and the tests of this
folder. --host: the host's tests too, as a board would run them. Exit code 1 where something fails,
3 with the reason where there is no Python 3.10 or no pynq to install.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.board import environment, prepare
from tests.board.environment import CACHE, ROOT, VERSIONS, NoEnvironment

SKIPPED = 3
TIMEOUT_S = 3600


def filled() -> Path:
    """Folder with all bundles, by the hash of what they are made from."""
    hashed = hashlib.sha256()
    sources = [p for part in ("hw", "sim") for p in (ROOT / part).rglob("*.*")]
    sources += [*(ROOT / "bitstreams").glob("tiny_*/manifest.json"), Path(prepare.__file__)]
    for path in sorted(p for p in sources if "__pycache__" not in p.parts):
        hashed.update(path.name.encode() + path.read_bytes())
    folder = CACHE / f"bundles-{hashed.hexdigest()[:8]}"
    if (folder / "ready").exists():
        return folder
    for old in CACHE.glob("bundles-*"):
        shutil.rmtree(old)
    folder.mkdir(parents=True)
    print("building the small system and tiny, once: some minutes", flush=True)
    for board in prepare.BOARDS:
        prepare.small(folder / f"small-{board}", board)
    prepare.tiny(folder)
    (folder / "ready").touch()
    return folder


def main() -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.board", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--host", action="store_true", help="the host's tests too")
    given = parser.parse_args()
    try:
        pythons = [environment.made(version) for version in VERSIONS]
    except NoEnvironment as error:
        print(f"skipped: {error}", file=sys.stderr)
        return SKIPPED
    folder, failed = filled(), 0
    words = [["-m", "tests.board.real", str(folder)]]
    words += [["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/board"]]
    if given.host:
        words[-1].append("tests/host")
    for python in pythons:
        for command in words:
            done = subprocess.run(
                [str(python), *command],
                cwd=ROOT,
                env={**os.environ, "SAMFABRIC_BOARDS": str(folder)},
                timeout=TIMEOUT_S,
                check=False,
            )
            failed += done.returncode != 0
    print("the boards: " + ("FAILED" if failed else "passed"))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
