"""Follows a vendor's tool through the steps that its script names, with a limit of time."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from hw.spec.errors import SamFabricError


class ToolError(SamFabricError):
    """A vendor's tool could not be run, or it failed on the way."""


def follow(
    words: Sequence[str], folder: Path, log: Path, timeout_s: float, tell: Callable[[str], None]
) -> tuple[int | None, str, str]:
    """Runs a program in a folder, its output kept in `log`. Returns its exit code, None when time
    was out; its last step, from a line "STEP <name>"; the slacks, from a line "TIMING <slacks>".

    tell: hears each step. Raises ToolError where the program does not start.
    """
    step, timing, late = "start", "unknown", threading.Event()
    with open(log, "w", encoding="utf-8") as kept:
        try:
            process = subprocess.Popen(
                words,
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                errors="replace",
                start_new_session=True,  # so that its runs end with it
            )
        except OSError as error:
            raise ToolError(f"{words[0]}: {error}", "check the installation") from error

        def stop() -> None:
            late.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(timeout_s, stop)
        timer.daemon = True
        timer.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                kept.write(line)
                kept.flush()
                if line.startswith("STEP "):
                    step = line.split(maxsplit=1)[1].strip()
                    tell(step)
                elif line.startswith("TIMING "):
                    timing = ", ".join(line.split()[1:])
            code = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            timer.cancel()
    return (None if late.is_set() else code), step, timing
