"""One door to every video data set: finds out the layout of a folder and loads a split."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from quant.data.dev2 import is_dev2, load_dev2
from quant.data.errors import DataError
from quant.data.layouts.davis import is_davis, load_davis
from quant.data.layouts.sav import is_sav_frames, is_sav_videos, load_sav_frames, load_sav_videos
from quant.data.layouts.youtube_vos import is_youtube_vos, load_youtube_vos
from quant.data.video import VideoSequence


def open_dataset(
    root: Path | str, split: str, resolution: str | None = None
) -> list[VideoSequence]:
    """Sequences of a split of a data set in the DAVIS, YouTube-VOS or SA-V layout, or of every one
    that stands in a subfolder. The split `dev2` is made from `videos/` and `stills/` there
    (quant.data.dev2).

    split: in upper or lower case, where the folder has none that is written so. resolution: DAVIS's
    folder of frames, where there are several.
    Raises DataError for an unknown layout, naming what was looked for, or missing parts of one.
    """
    folder = Path(root).expanduser()
    try:
        return _opened(folder, split, resolution)
    except DataError:
        if split == split.lower():
            raise
        with suppress(DataError):
            return _opened(folder, split.lower(), resolution)
        raise


def _opened(folder: Path, split: str, resolution: str | None) -> list[VideoSequence]:
    if not folder.is_dir():
        raise DataError(f"no data folder {folder}", "give the folder of a video data set")
    if is_dev2(folder, split):
        return load_dev2(folder)
    if is_davis(folder):
        return load_davis(folder, split, resolution)
    if is_sav_frames(folder):
        return load_sav_frames(folder, split)
    if is_sav_frames(folder / f"sav_{split}"):
        return load_sav_frames(folder / f"sav_{split}", split)
    if is_youtube_vos(folder, split):
        return load_youtube_vos(folder, split)
    if is_sav_videos(folder, split):
        return load_sav_videos(folder, split)
    nested = []
    for part in sorted(p for p in folder.iterdir() if p.is_dir()):
        if holds_videos(part, split) and not is_sav_videos(part, split):
            nested += _opened(part, split, resolution)
    if nested:
        return nested
    raise DataError(
        f"{folder} has no known layout",
        "expected DAVIS (ImageSets/ and JPEGImages/), YouTube-VOS (meta.json there or in "
        f"{split}/), or SA-V (JPEGImages_24fps/, or <video>.mp4 with <video>_manual.json)",
    )


def holds_videos(folder: Path, split: str) -> bool:
    """Tells whether a folder itself, not a subfolder, has a layout that `open_dataset` knows."""
    return (
        is_davis(folder)
        or is_sav_frames(folder)
        or is_sav_frames(folder / f"sav_{split}")
        or is_youtube_vos(folder, split)
        or is_sav_videos(folder, split)
    )
