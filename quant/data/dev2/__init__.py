"""The split `dev2`: held-out videos with their own annotation, clips drawn from held-out stills.

No trainer reads any of it (quant.data.held_out). The drawn clips hold what the few real videos
lack: small objects, occlusion and absence with return, look-alikes, strong change of scale.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from quant.data.dev2.clips import drawn_clips
from quant.data.dev2.regions import REGION_VIDEOS, region_video
from quant.data.errors import DataError
from quant.data.held_out import is_drawn
from quant.data.layouts.flat_videos import load_flat_videos
from quant.data.stills import load_stills
from quant.data.video import VideoSequence

__all__ = ["NAME", "is_dev2", "load_dev2"]

NAME = "dev2"
REAL = "real"
"""Kind of the held-out videos; a drawn clip's is its script."""


def is_dev2(root: Path, split: str) -> bool:
    """Tells whether `split` is this split and the folder holds what it is made of."""
    return split == NAME and (root / "videos").is_dir() and (root / "stills").is_dir()


def load_dev2(root: Path) -> list[VideoSequence]:
    """The split's sequences, real ones first. Raises DataError naming what is missing.

    Videos whose annotation holds classes give the regions that can be followed to the end
    (quant.data.dev2.regions); those without any such region are left out.
    """
    real = []
    for sequence in load_flat_videos(root / "videos", held=True):
        classes = REGION_VIDEOS.get(sequence.name)
        found = sequence if classes is None else region_video(sequence, classes)
        if found is not None:
            real.append(replace(found, kind=REAL))
    if not real:
        raise DataError(f"no held-out video in {root / 'videos'}", "see quant/data/held_out.py")
    stills = load_stills(root / "stills", held=True)
    # Copies that follow their originals came later: the clips stay those that were measured on.
    return real + drawn_clips([s for s in stills if is_drawn(Path(s.name).stem)])
