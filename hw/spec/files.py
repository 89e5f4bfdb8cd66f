"""Writing files so that a reader never meets half of one."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary path beside `path`; renamed over it on success, removed on any error.

    The suffix is kept, since encoders choose a format by it. Parent folders are made.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".part-", suffix=target.suffix, dir=target.parent)
    os.close(handle)
    try:
        yield Path(name)
        # mkstemp makes private files; give the result the mode that the user's umask asks for.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Returns the SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def inside(folder: Path, name: str) -> Path:
    """The file of that name in a folder, as a file in it may name another.

    Raises ValueError for what leads out of the folder, by its name or through links.
    """
    relative = PurePosixPath(name)
    odd = "\0" in name or "\\" in name or not name.isprintable()
    if odd or not relative.parts or relative.is_absolute() or ".." in relative.parts:
        raise ValueError(f"a file called {name[:60]!r}, which is in no folder")
    path = folder.joinpath(*relative.parts)
    try:
        out = not path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as error:  # a name too long, links in a ring
        raise ValueError(f"a file called {name[:60]!r}: {error}") from error
    if out:
        raise ValueError(f"{name[:60]!r} is a link out of the folder")
    return path
