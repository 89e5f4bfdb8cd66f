"""`python -m tests.serve_load`, `make load-serve`: the live page's server for half an hour, watched
and clicked on by a page.

Prints its memory and rates by the minute; exit code 1 where memory is not flat or no picture comes.
Memory is what the server has written, as in `tests.load`, and its level at an end is the median of
many readings: a picture more or less in flight is not a leak.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from websockets.sync.client import ClientConnection, connect

from host.media.demo_clip import TURTLE, boxes_of, render_demo_clip, write_demo_clip
from tests.load import resident

ROOT = Path(__file__).resolve().parents[1]
FRAMES, FPS = 90, 30.0
LIMIT = 0.02
CLICK_S = 20.0
"""The page corrects its object, or starts it anew, once in so many seconds."""
ANSWER_S = 60.0


@contextmanager
def server(
    folder: Path, config: str, frames: int = FRAMES, fps: float = FPS
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command itself on the rendered clip, and its address; it is ended with Ctrl-C."""
    write_demo_clip(folder / "clip.mp4", frames, fps=fps)
    command = [sys.executable, "-m", "host", "serve", "--source", str(folder / "clip.mp4")]
    process = subprocess.Popen(
        [*command, "--port", "0", "--config", config, "--out", str(folder / "out")],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().split()[0]
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


class Watcher:
    """A page without a screen: it takes every picture, says so, and clicks now and then."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        x0, y0, x1, y1 = boxes_of(render_demo_clip(1)[1][0])[TURTLE]
        self._turtle = (x0 + x1) / 2, (y0 + y1) / 2
        self._clicked = 0.0
        self.pictures = 0
        self.rates: dict[str, Any] = {}

    def take(self) -> None:
        """One message of the server's, answered as a page does. Raises TimeoutError."""
        message = self._socket.recv(timeout=ANSWER_S)
        if isinstance(message, str):
            self.rates = json.loads(message).get("rates", self.rates)
            return
        self.pictures += 1
        (length,) = struct.unpack(">I", message[:4])
        head = json.loads(message[4 : 4 + length])
        self._say(do="seen", number=head["answer"])
        if time.monotonic() - self._clicked > CLICK_S:
            self._clicked = time.monotonic()
            place = {"x": self._turtle[0] / head["width"], "y": self._turtle[1] / head["height"]}
            self._say(do="clear")
            self._say(do="point", **place)

    def _say(self, **command: Any) -> None:
        self._socket.send(json.dumps(command))


def main(argv: list[str] | None = None) -> int:
    """Serves for so many minutes and prints what came of it; see the file's opening."""
    parser = argparse.ArgumentParser(prog="python -m tests.serve_load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="(%(default)s)")
    parser.add_argument("--config", default="nano", help="bundle to serve (%(default)s)")
    args = parser.parse_args(argv)
    levels: list[tuple[float, int]] = []
    with (
        tempfile.TemporaryDirectory() as name,
        server(Path(name), args.config) as (one, address),
        connect(address.replace("http", "ws").rstrip("/") + "/live", max_size=None) as socket,
    ):
        watcher, began, told = Watcher(socket), time.monotonic(), 0
        while (now := time.monotonic() - began) < 60 * args.minutes:
            watcher.take()
            if not levels or now - levels[-1][0] > 1:
                levels.append((now, resident(one.pid)))
            if now > 60 * (told + 1):
                told += 1
                since = [memory for at, memory in levels if at > now - 60]
                print(
                    f"minute {told}: {median(since) / 2**20:.1f} MiB, {watcher.pictures} pictures, "
                    f"{watcher.rates}",
                    flush=True,
                )
    tenth = 6 * args.minutes
    first = median(m for at, m in levels if tenth / 2 < at < 1.5 * tenth)
    last = median(m for at, m in levels if at > now - tenth)
    drift = last / first - 1
    print(
        f"{args.minutes:g} minutes, {watcher.pictures} pictures: memory {first / 2**20:.1f} -> "
        f"{last / 2**20:.1f} MiB, {drift:+.2%} (limit {LIMIT:.0%})"
    )
    return int(abs(drift) > LIMIT or not watcher.pictures)


if __name__ == "__main__":
    raise SystemExit(main())
