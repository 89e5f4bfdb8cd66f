"""A data set as lines of text, one a video, file or still: two runs whose lines agree were trained
on the same listing. Names are relative to the data folder, so it may be moved; sizes of files stand
beside them, so that a file that was replaced is noticed.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from quant.data.packed import is_pack
from quant.data.stills import Still
from quant.data.video import VideoSequence


def listing(root: Path, videos: Iterable[VideoSequence], stills: Iterable[Still]) -> list[str]:
    """Lines for material that lies in a folder, or in a pack of one."""
    if is_pack(root):
        with zipfile.ZipFile(root) as archive:
            return sorted(f"{i.filename} {i.file_size} {i.CRC:08x}" for i in archive.infolist())
    lines = [line for video in videos for line in _video(root, video)]
    return sorted(lines) + sorted(file_line(root, still.name) for still in stills)


def file_line(root: Path, name: str) -> str:
    """A file's name, relative to the folder, and its size; what is no file keeps its name."""
    try:
        return f"{os.path.relpath(name, root)} {os.stat(name).st_size}"
    except OSError:
        return name


def _video(root: Path, video: VideoSequence) -> list[str]:
    lines = [f"video {video.name} {len(video)} {video.annotated}"]
    frames = video.frames if isinstance(video.frames, Sequence) else ()
    masks = [video.masks[i] for i in video.annotated]
    return lines + [file_line(root, str(p)) for p in [*frames, *masks] if isinstance(p, Path)]
