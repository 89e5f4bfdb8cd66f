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
    """Folder of that name in the cache, made by `fill` if it is not there whole.

    A build names its ROM images by their full paths, so a folder that was moved or copied here is
    made anew: its simulator would read zeros where the images used to be.
    """
    folder = CACHE / name
    if _is_ready(folder):
        return folder
    with _lock(folder):
        if not _is_ready(folder):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            fill(folder)
            (folder / "ready").write_text(str(folder), encoding="utf-8")
    return folder


def _is_ready(folder: Path) -> bool:
    """Tells whether a folder was filled whole, and where it lies now."""
    try:
        return (folder / "ready").read_text(encoding="utf-8") == str(folder)
    except FileNotFoundError:
        return False


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Only one process at a time builds what is named `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(path.name + ".lock"), "w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
