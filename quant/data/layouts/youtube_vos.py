"""YouTube-VOS layout: <split>/JPEGImages/<video>/*.jpg, Annotations/<video>/*.png, meta.json.

Masks are palette PNGs of object ids, on every fifth frame; meta.json lists each video's objects.
Frames between the annotated ones may be there or not. Xu et al. 2018.
"""

from __future__ import annotations

from pathlib import Path

from hw.spec.plain import read_json
from quant.data.errors import DataError
from quant.data.images import list_frames
from quant.data.video import VideoSequence, match_masks


def is_youtube_vos(root: Path, split: str) -> bool:
    """Tells whether a folder, or its subfolder `split`, has the layout of YouTube-VOS."""
    return any((folder / "meta.json").is_file() for folder in (root / split, root))


def load_youtube_vos(root: Path, split: str) -> list[VideoSequence]:
    """Sequences of a split; `root` is the data set's folder or the split's own.

    Raises DataError naming what is missing.
    """
    folder = root / split if (root / split / "meta.json").is_file() else root
    sequences = []
    for name, objects in sorted(_objects(folder / "meta.json").items()):
        frames = list_frames(folder / "JPEGImages" / name)
        annotations = folder / "Annotations" / name
        masks = match_masks(frames, annotations)
        if not masks:
            raise DataError(f"no masks of {name} in {annotations}", "put its .png files there")
        sequences.append(VideoSequence(name, frames, masks, known_ids=objects))
    return sequences


def _objects(path: Path) -> dict[str, tuple[int, ...]]:
    """Object ids by video of a meta.json."""
    try:
        videos = read_json(path)["videos"]
        found = {
            name: tuple(sorted(int(object_id) for object_id in video["objects"]))
            for name, video in videos.items()
        }
    except (OSError, ValueError, OverflowError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"cannot read {path}: {error!r}",
            'expected {"videos": {<video>: {"objects": {"1": …}}}}',
        ) from error
    if not found:
        raise DataError(f"{path} lists no videos", "restore it from the data set's archive")
    return found
