"""A show to test: the device that follows colours, on frames with coloured squares."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2

from host.media.clip_writer import ClipWriter
from host.serve.capture import Shot
from host.serve.live import Live
from host.serve.notices import Notices
from host.serve.tracking import Reply, Tracking
from tests.host.fake_device import FakeDevice
from tests.host.scenes import HEIGHT, SIDE, WIDTH, both_frame, corner

PATIENCE_S = 20.0


def until(reached: Callable[[], Any], what: str = "it") -> Any:
    """Waits for something to come true, and returns it."""
    end = time.monotonic() + PATIENCE_S
    while not (found := reached()):
        assert time.monotonic() < end, f"{what} did not happen within {PATIENCE_S} s"
        time.sleep(0.005)
    return found


def middle(index: int, row: int = 16) -> tuple[float, float]:
    """Middle of a square on a frame, 0..1."""
    x, y = corner(index, row)
    return (x + SIDE / 2) / WIDTH, (y + SIDE / 2) / HEIGHT


def write_clip(path: Path, frames: int = 20, fps: float = 30.0) -> Path:
    """A red and a blue square that move to the right."""
    writer = ClipWriter(path, fps)
    for index in range(frames):
        writer.write(both_frame(index))
    writer.finish()
    return path


def write_still(folder: Path) -> Path:
    """A folder with one frame, which a show gives over and over."""
    folder.mkdir()
    picture = cv2.cvtColor(both_frame(0), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(folder / "0.png"), picture)
    return folder


@contextmanager
def show(source: Path | str, out: Path, device: Any = None):
    """A running show, which somebody watches."""
    live = Live(device or FakeDevice(), str(source), out)
    live.start()
    live.joins(pages=1)
    try:
        yield live
    finally:
        live.close()


class Hand:
    """A tracker whose frames are put before it by hand, in this thread."""

    def __init__(self, device: Any = None) -> None:
        from host.serve.newest import Newest

        self.shots: Newest[Shot] = Newest()
        self.notices = Notices()
        self.tracking = Tracking(device or FakeDevice(), self.shots, self.notices)
        self.replies: list[Reply] = []

    def frame(self, image: Any, opened: int = 1) -> Any:
        """Tracks a frame; returns what was published."""
        codes = self.tracking._session.prepare(image)
        self.shots.put(Shot(image, codes, opened))
        self.tracking.round()
        return self.tracking.tracked.get()[1]

    def ask(self, *commands: Any) -> Any:
        """Carries commands out between two frames; returns what was published."""
        for command in commands:
            self.tracking.ask(command, self.replies.append)
        self.tracking.round()
        return self.tracking.tracked.get()[1]

    @property
    def error(self) -> str:
        """What the latest command was refused for."""
        return str(self.replies[-1].error)
