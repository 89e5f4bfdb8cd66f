"""Frames out of a video file by index, for data sets that come as files instead of folders."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from quant.data.errors import DataError


class VideoFile:
    """Random access to a video's frames; holds no open file, so that workers can share it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __len__(self) -> int:
        return len(self._times)

    @cached_property
    def _times(self) -> list[int]:
        """Presentation times of the frames, in order: what an index stands for."""
        try:
            with av.open(str(self.path)) as container:
                packets = container.demux(container.streams.video[0])
                times = sorted(p.pts for p in packets if p.pts is not None)
        except (FFmpegError, OSError, IndexError) as error:
            raise self._broken(error) from error
        if not times:
            raise DataError(f"{self.path} holds no frames", "check that it plays")
        return times

    def read(self, indices: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Frames, each (H, W, 3) uint8 RGB, in one pass over the stretch. Raises DataError."""
        wanted = {self._times[i] for i in indices}
        found: dict[int, NDArray[np.uint8]] = {}
        try:
            with av.open(str(self.path)) as container:
                stream = container.streams.video[0]
                container.seek(min(wanted), stream=stream)  # to the key frame before
                for frame in container.decode(stream):
                    if frame.pts in wanted:
                        found[frame.pts] = frame.to_ndarray(format="rgb24")
                    if len(found) == len(wanted):
                        break
        except (FFmpegError, OSError, IndexError) as error:
            raise self._broken(error) from error
        missing = [i for i in indices if self._times[i] not in found]
        if missing:
            raise DataError(f"cannot decode frame {missing[0]} of {self.path}", "check the file")
        return [found[self._times[i]] for i in indices]

    def _broken(self, error: Exception) -> DataError:
        return DataError(f"cannot decode {self.path}: {error}", "check that it plays")
