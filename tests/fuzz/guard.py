"""What an input may not do, whatever is in it: hang, take memory without bound, write or run
anything outside its folder.

Python's own audit events tell of files, pickles, programs and connections; a timer interrupts what
hangs; the process's high-water mark, begun anew for each, tells of memory.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS = 20.0
"""An input may take, on a machine that others use as well."""
MEGABYTES = 1024
"""An input may take beyond what the process had."""

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
PATHS = {
    "os.mkdir": 1,
    "os.remove": 1,
    "os.rmdir": 1,
    "os.truncate": 1,
    "os.chmod": 1,
    "os.rename": 2,
    "os.link": 2,
    "os.symlink": 2,
}
"""Events by how many of their arguments, from the first on, are paths that are changed."""
REFUSED = (
    "pickle.find_class",
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "socket.connect",
    "socket.bind",
)


class Hang(BaseException):
    """An input took too long. No Exception, so that nothing that is tried swallows it."""


class Escape(BaseException):
    """An input reached out of its folder, or ran something."""


class Guard:
    """Watches inputs, one at a time. Audit hooks stay for good, so a process has one guard.

    escapes: events that were refused, in words. worst: megabytes that an input took most.
    longest_s: seconds that one took most.
    """

    def __init__(self) -> None:
        self.escapes: list[str] = []
        self.longest_s = 0.0
        self.worst = 0.0
        self._inside: str | None = None
        sys.addaudithook(self._event)

    def settle(self) -> None:
        """Forgets what inputs took so far: imports, models, caches."""
        self.worst = self.longest_s = 0.0

    @contextmanager
    def watching(self, folder: Path, seconds: float = SECONDS) -> Iterator[None]:
        """Raises Hang and Escape for what is not allowed, MemoryError beyond the bound."""
        before = signal.signal(signal.SIGALRM, _alarm)
        had = restart_peak()
        self._inside = os.path.realpath(folder)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        began = time.monotonic()
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            self._inside = None
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            took = peak_megabytes() - had
            self.worst = max(self.worst, took)
            if took > MEGABYTES:  # however the input ended: a refusal may come too late
                raise MemoryError(f"{took:.0f} MB for one input")

    def _event(self, event: str, values: tuple) -> None:
        if self._inside is None:
            return
        if event == "open":
            path, mode, flags = values
            if (isinstance(mode, str) and set(mode) & set("wax+")) or (
                isinstance(flags, int) and flags & WRITES
            ):
                self._check(event, path)
        elif event in PATHS:
            count = PATHS[event]
            folders = [n for n in values[count:] if isinstance(n, int)][-count:]
            for path, folder in zip(values[:count], [*folders, -1, -1], strict=False):
                self._check(event, path, folder)
        elif event in REFUSED:
            self._refuse(f"{event} {values[:1]!r}")

    def _check(self, event: str, path: object, folder: int = -1) -> None:
        """folder: descriptor of the one that a path begins in, -1 for the working folder."""
        if not isinstance(path, (str, bytes, os.PathLike)) or self._inside is None:
            return  # a file that is open already
        name = os.fsdecode(path)
        if folder >= 0:
            name = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), name)
        # The folder of a path and not what a link in it leads to: that is written, too.
        real = os.path.realpath(name)
        if name != os.devnull and not (real + os.sep).startswith(self._inside + os.sep):
            self._refuse(f"{event} {name}")

    def _refuse(self, what: str) -> None:
        self.escapes.append(what)
        raise Escape(what)


def _alarm(_number: int, _frame: object) -> None:
    raise Hang("took too long")


def restart_peak() -> float:
    """Begins the high-water mark of the process's memory anew; returns the megabytes it has."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak_megabytes()


def peak_megabytes() -> float:
    """High-water mark of the process's memory since `restart_peak`."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return int(status.partition("VmHWM:")[2].split(maxsplit=1)[0]) / 1024


def limit_memory(more_megabytes: float) -> None:
    """Bounds the address space of the process: beyond it allocations fail."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    wanted = int(pages * resource.getpagesize() + more_megabytes * 2**20)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, resource.getrlimit(resource.RLIMIT_AS)[1]))
