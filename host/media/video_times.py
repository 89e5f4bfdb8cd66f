"""A container says how long a video is, and how long a frame is shown."""

from __future__ import annotations

from collections import Counter
from typing import Any

BEATS, EVEN = 8, 0.9
"""Frames, and share of equal steps between them, from which a video counts as of one rate."""


def expected_end(stream: Any) -> float | None:
    """Returns the seconds at which the last frame ends, or None where the container does not say.

    Containers say it in four places; one that speaks of the whole file counts only where there is
    nothing but this stream, since sound may go on for longer.
    """
    begin = float((stream.start_time or 0) * stream.time_base)
    container = stream.container
    said: list[float] = []
    if stream.duration:
        said.append(begin + float(stream.duration * stream.time_base))
    elif (tagged := _seconds(stream.metadata.get("DURATION"))) is not None:
        said.append(tagged)
    elif container.duration and len(container.streams) == 1:
        said.append(begin + container.duration / 1e6)
    if "avi" in container.format.name.split(",") and stream.frames and stream.average_rate:
        # FFmpeg shortens the duration of a cut AVI, its header still has the number of frames.
        said.append(begin + float(stream.frames / stream.average_rate))
    return max(said) if said else None


def _seconds(text: str | None) -> float | None:
    """Seconds of Matroska's HH:MM:SS.nnnnnnnnn."""
    try:
        hours, minutes, seconds = (text or "").split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None


class Steps:
    """Steps listen to the times of frames for a hole in an otherwise even beat."""

    def __init__(self) -> None:
        self._before: float | None = None
        self._lengths: Counter[int] = Counter()
        self._longest = (0.0, 0.0)  # seconds, and when it began

    def add(self, time: float) -> None:
        """Takes the time of the next frame, in seconds."""
        if self._before is not None:
            length = time - self._before
            self._lengths[round(length * 100)] += 1
            self._longest = max(self._longest, (length, self._before))
        self._before = time

    def hole(self) -> tuple[float, float] | None:
        """Returns the seconds between which frames seem to be missing, or None where the beat is
        even, or so uneven that the video was made that way.
        """
        total = self._lengths.total()
        if total < BEATS:
            return None
        usual, _ = self._lengths.most_common(1)[0]
        even = sum(n for ticks, n in self._lengths.items() if abs(ticks - usual) <= 1)
        length, begin = self._longest
        if even < EVEN * total or length * 100 < 1.9 * usual + 1:
            return None
        return begin, begin + length


def frame_length(decoded: Any) -> float | None:
    """Returns the seconds for which a decoded frame is shown, or None where it does not say."""
    length = getattr(decoded, "duration", None)
    return float(length * decoded.time_base) if length else None
