"""What was compiled once is kept: a folder a build, named by the hash of all that goes in."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_TREE = Path(__file__).resolve().parent.parent
# An installed package leaves its own folder alone.
CACHE = (
    _TREE / "build" / "sim"
    if (_TREE / "pyproject.toml").is_file()
    else Path.home() / ".cache" / "samfabric" / "sim"
)


def cached(name: str, fill: Callable[[Path], None]) -> Path:
    """Folder of that name in the cache, made by `fill` if it is not there whole."""
    folder = CACHE / name
    if (folder / "ready").exists():
        return folder
    with _lock(folder):
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            fill(folder)
            (folder / "ready").touch()
    return folder


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Only one process at a time builds what is named `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(path.name + ".lock"), "w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
