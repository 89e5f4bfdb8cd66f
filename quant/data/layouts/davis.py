"""DAVIS layout: JPEGImages/<resolution>/<sequence>, Annotations alike, ImageSets/<set>/<split>.txt.

Covers DAVIS-2016 (one merged foreground, masks {0, 255}; its lists name frames instead of
sequences) and DAVIS-2017 (palette PNGs of object ids). Perazzi et al. 2016; Pont-Tuset et al. 2017.
"""

from __future__ import annotations

from pathlib import Path

from hw.spec.command_line import meant
from quant.data.errors import DataError
from quant.data.images import list_frames, read_list, subfolders
from quant.data.video import VideoSequence, match_masks

USUAL_RESOLUTION = "480p"


def is_davis(root: Path) -> bool:
    """Tells whether a folder has the layout of DAVIS."""
    return (root / "ImageSets").is_dir() and (root / "JPEGImages").is_dir()


def load_davis(
    root: Path, split: str, resolution: str | None = None, skipped: list[str] | None = None
) -> list[VideoSequence]:
    """Returns the sequences of one of DAVIS's splits.

    resolution: the folder under JPEGImages; None takes the only one, or 480p among several.
    skipped: receives why a listed sequence is left out; without it such a sequence is an error.
    Raises DataError naming what is missing.
    """
    chosen = _resolution(root, resolution)
    sequences = []
    for name in _names(_list_file(root, split, chosen)):
        try:
            sequences.append(_sequence(root, chosen, name))
        except DataError as error:
            if skipped is None:
                raise
            skipped.append(f"{name}: {error.message}")
    return sequences


def _sequence(root: Path, resolution: str, name: str) -> VideoSequence:
    frames = list_frames(root / "JPEGImages" / resolution / name)
    annotations = root / "Annotations" / resolution / name
    masks = match_masks(frames, annotations)
    if not masks:
        raise DataError(f"no masks of {name} in {annotations}", "put one .png a frame there")
    return VideoSequence(name, frames, masks)


def _resolution(root: Path, wanted: str | None) -> str:
    images = root / "JPEGImages"
    names = [path.name for path in subfolders(images)]
    if wanted is not None:
        if wanted in names:
            return wanted
        raise DataError(f"no folder {images / wanted}", f"give one of {', '.join(names) or '-'}")
    if len(names) == 1:
        return names[0]
    if USUAL_RESOLUTION in names:
        return USUAL_RESOLUTION
    if not names:
        raise DataError(f"no resolution folder in {images}", "expected JPEGImages/480p/<sequence>")
    raise DataError(f"several resolutions in {images}", f"choose one of {', '.join(names)}")


def _list_file(root: Path, split: str, resolution: str) -> Path:
    # Lists live under the resolution (2016) or a year (2017); the latest year wins.
    sets = [root / "ImageSets" / resolution]
    sets += sorted((p for p in subfolders(root / "ImageSets") if p not in sets), reverse=True)
    there = sorted({path.stem for folder in sets for path in folder.glob("*.txt")})
    for folder in sets:
        path = folder / f"{meant(split, there)}.txt"
        if path.is_file():
            return path
    raise DataError(
        f"no split {split!r} in {root / 'ImageSets'}", f"there are: {', '.join(there) or 'none'}"
    )


def _names(path: Path) -> list[str]:
    """Sequence names of a list; DAVIS-2016 has a line a frame: /JPEGImages/480p/bear/00000.jpg …"""
    firsts = (line.split()[0] for line in read_list(path))
    return list(dict.fromkeys(Path(f).parent.name if "/" in f else f for f in firsts))
