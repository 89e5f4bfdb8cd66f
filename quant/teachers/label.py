"""Pseudo-labels: a SAM 2 or SAM 3 checkpoint names and cuts out the objects of videos.

Writes a data set that `quant.data.concepts.dataset.load_concepts` reads:
    OUT/images/<clip>_<frame>.jpg
    OUT/masks/<clip>_<frame>_<n>.png     one object each, 0 and 255; objects may overlap
    OUT/concepts/<clip>_<frame>.json     {"concepts": asked, "instances": [{concept, mask, ...}]}
    OUT/labels.json                      teacher and settings, the same through the whole folder
A frame's JSON is written last: a run that was stopped goes on where it was. Concepts have their
names in the vocabulary ("puppy" is looked for as such and labelled as a dog).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from host.concepts.phrases import normalise
from host.errors import SourceError
from host.media.video import IMAGE_SUFFIXES, Frame, natural_key, open_source
from hw.spec.command_line import given_path
from hw.spec.errors import SamFabricError
from hw.spec.files import atomic_path
from hw.spec.plain import read_json
from quant.commands import exit_code
from quant.data.concepts.vocabulary import shipped_vocabulary
from quant.teachers import OBJECT, Boxes, Found, Picture, Teacher, TeacherError, open_teacher

VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v")
JPEG_QUALITY = 95


@dataclass(frozen=True)
class Clip:
    """A video file or a folder of frames; name: unique, and fit for file names."""

    name: str
    path: Path


def find_clips(folder: Path) -> list[Clip]:
    """Video files and folders that hold frames, `folder` itself included, at any depth.

    Raises SourceError when there is none, or two of one name.
    """
    if not folder.is_dir():
        raise SourceError(f"no videos in {folder}: it is no folder", "check the path")
    clips: dict[str, Clip] = {}
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    videos = [path for path in folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES]
    framed = [path for path in folders if any(_is_image(file) for file in path.iterdir())]
    for path in sorted((*framed, *videos), key=lambda path: natural_key(str(path))):
        inner = path.relative_to(folder).parts[:-1]
        own = path.stem if path.is_file() else path.resolve().name
        name = "-".join((*inner, own))
        if name in clips:
            raise SourceError(
                f"{clips[name].path} and {path} would both be called {name!r}", "rename one"
            )
        clips[name] = Clip(name, path)
    if not clips:
        raise SourceError(
            f"no videos in {folder}", "give a folder with video files, or with folders of frames"
        )
    return list(clips.values())


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


class LabelFolder:
    """A label folder is a data set that is being labelled.

    settings: what every label in it depends on; a folder made with others is refused.
    """

    def __init__(self, root: Path, settings: dict[str, Any]) -> None:
        """Raises TeacherError when the folder was labelled otherwise."""
        self.root = root
        path = root / "labels.json"
        if path.is_file():
            try:
                before = read_json(path)
            except ValueError as error:
                raise TeacherError(f"cannot read {path}: {error}", "start a new folder") from error
            other = [key for key in settings if before.get(key) != settings[key]]
            if other:
                was = ", ".join(f"{key} {before.get(key)!r}" for key in other)
                raise TeacherError(
                    f"{root} was labelled with {was}", "label the same way, or start a new folder"
                )
        for name in ("images", "masks", "concepts"):
            (root / name).mkdir(parents=True, exist_ok=True)
        _write_json(path, settings)

    def has(self, stem: str) -> bool:
        """Tells whether the frame of this stem is labelled already."""
        return (self.root / "concepts" / f"{stem}.json").is_file()

    def write(
        self, stem: str, image: NDArray[np.uint8], asked: list[str], found: list[Found]
    ) -> None:
        """One frame: image (H, W, 3) uint8 RGB, the concepts asked for, and what was found."""
        bgr = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8)
        _write_image(self.root / "images" / f"{stem}.jpg", bgr)
        words, instances = shipped_vocabulary(), []
        for number, one in enumerate(found):
            if not one.mask.any():
                continue
            name = f"masks/{stem}_{number}.png"
            _write_image(self.root / name, one.mask.astype(np.uint8) * 255)
            described: dict[str, Any] = {
                "concept": words.concept_of(one.phrase) or one.phrase,
                "phrase": one.phrase,
                "mask": name,
                "score": round(one.score, 4),
            }
            if one.track is not None:
                described["track"] = one.track
            instances.append(described)
        concepts = sorted({words.concept_of(phrase) or phrase for phrase in asked})
        _write_json(
            self.root / "concepts" / f"{stem}.json", {"concepts": concepts, "instances": instances}
        )


def label_clip(
    teacher: Teacher,
    clip: Clip,
    out: LabelFolder,
    phrases: list[str],
    boxes: dict[str, Boxes] | None,
    every: int,
    progress: Progress,
) -> int:
    """Labels every `every`-th frame of a clip that is not done yet; gives their number.

    phrases: what is asked for in every frame; boxes: what is asked for in single ones, by
    "<clip>/<frame>", the frames without an entry left out.
    """
    source = open_source(clip.path)
    wanted: list[Frame] = []
    bar = progress.add_task(clip.name, total=source.count)

    def stem(frame: Frame) -> str:
        return f"{clip.name}_{frame.name}"

    def is_wanted(frame: Frame) -> bool:
        if boxes is not None:
            return f"{clip.name}/{frame.name}" in boxes
        return frame.index % every == 0

    if teacher.follows and all(out.has(stem(f)) for f in source if is_wanted(f)):
        progress.remove_task(bar)
        return 0
    labelled = 0

    def pictures() -> Iterator[Picture]:
        for frame in open_source(clip.path):
            progress.advance(bar)
            here = is_wanted(frame) and not out.has(stem(frame))
            if not teacher.follows and not here:
                continue
            # A tracker sees every frame; the pictures of those that are not labelled need not wait.
            wanted.append(frame if here else replace(frame, image=frame.image[:0]))
            yield Picture(frame.image, boxes[f"{clip.name}/{frame.name}"] if boxes else None)

    for found in teacher.label(pictures()):
        frame = wanted.pop(0)
        if frame.image.size:
            here = boxes[f"{clip.name}/{frame.name}"] if boxes else None
            out.write(stem(frame), frame.image, list(here) if here is not None else phrases, found)
            labelled += 1
    progress.remove_task(bar)
    return labelled


def read_boxes(path: Path) -> dict[str, Boxes]:
    """Boxes file: {"<clip>/<frame>": {"dog": [[x0, y0, x1, y1], …], "cat": []}}, in pixels.

    A concept with no boxes says that the frame shows none. Raises TeacherError.
    """
    try:
        table = read_json(path)
        boxes: dict[str, Boxes] = {
            str(frame): {
                normalise(name): [[float(v) for v in box] for box in some]
                for name, some in named.items()
            }
            for frame, named in table.items()
        }
    except (OSError, ValueError, OverflowError, TypeError, AttributeError) as error:
        raise TeacherError(
            f"cannot read boxes of {path}: {error}",
            'write {"<clip>/<frame>": {"dog": [[x0, y0, x1, y1]]}}',
        ) from error
    for frame, named in boxes.items():
        for name, some in named.items():
            for box in some:
                if len(box) != 4 or not (box[0] < box[2] and box[1] < box[3]):
                    raise TeacherError(
                        f"box {box} of {name!r} in {frame!r}", "x0 < x1 and y0 < y1 are needed"
                    )
    return boxes


def _check_boxes(boxes: dict[str, Boxes], clips: list[Clip]) -> None:
    names = {clip.name for clip in clips}
    lost = sorted(frame for frame in boxes if frame.rpartition("/")[0] not in names)
    if lost:
        raise TeacherError(
            f"no clip for the boxes of {lost[0]!r}", f"the clips are: {', '.join(sorted(names))}"
        )


def _write_image(path: Path, pixels: NDArray[np.uint8]) -> None:
    with atomic_path(path) as part:
        if not cv2.imwrite(str(part), pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]):
            raise SourceError(f"cannot write {path}", "check the disk")


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with atomic_path(path) as part:
        part.write_text(json.dumps(content, indent=1), encoding="utf-8")


def run(args: argparse.Namespace) -> int:
    """Labels all clips and returns the number of frames labelled by this call. Raises
    SamFabricError before long work where it can.
    """
    if args.every < 1:
        raise SamFabricError(f"--every {args.every}", "1 labels every frame")
    clips = find_clips(args.videos)
    phrases = [normalise(phrase) for phrase in args.phrases.split(",")] if args.phrases else []
    meant = [shipped_vocabulary().concept_of(phrase) or phrase for phrase in phrases]
    twice = sorted({concept for concept in meant if meant.count(concept) > 1})
    if twice:
        raise TeacherError(
            f"several of the phrases {args.phrases!r} mean {twice[0]!r}", "ask once for each"
        )
    boxes = read_boxes(args.boxes) if args.boxes else None
    if boxes is not None:
        _check_boxes(boxes, clips)
    teacher = open_teacher(
        args.teacher,
        phrases,
        boxes=boxes is not None,
        threshold=args.threshold,
        still=args.still,
        device=args.device,
    )
    asked = phrases or ([OBJECT] if boxes is None else [])
    settings = {
        "teacher": args.teacher,
        "phrases": asked,
        "threshold": args.threshold,
        "still": args.still,
    }
    out = LabelFolder(args.out, settings)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn()) as progress:
        bar = progress.add_task("clips", total=len(clips))
        labelled = 0
        for clip in clips:
            labelled += label_clip(teacher, clip, out, asked, boxes, args.every, progress)
            progress.advance(bar)
    return labelled


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m quant.teachers.label",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--teacher", required=True, help="SAM 2 or SAM 3 checkpoint: folder, or name to download"
    )
    parser.add_argument(
        "--videos", required=True, type=given_path, help="folder of videos or frames"
    )
    parser.add_argument("--phrases", help='what to look for, for SAM 3: "dog,yellow taxi"')
    parser.add_argument(
        "--boxes",
        type=given_path,
        help='for SAM 2: JSON, {"<clip>/<frame>": {"dog": [[x0, y0, x1, y1]]}} in pixels;'
        " without it, unnamed objects are found",
    )
    parser.add_argument("--out", required=True, type=given_path, help="data set folder")
    parser.add_argument(
        "--every", type=int, default=5, help="label each such frame, neighbours look alike (5)"
    )
    parser.add_argument("--threshold", type=float, default=0.5, help="least score (%(default)s)")
    parser.add_argument("--still", action="store_true", help="SAM 3: each frame by itself")
    parser.add_argument("--device", help="cpu, cuda ... (a GPU where there is one)")
    parser.add_argument("--debug", action="store_true", help="tracebacks")
    args = parser.parse_args(argv)
    return exit_code(lambda: print(f"{run(args)} frames labelled in {args.out}"), args.debug)


if __name__ == "__main__":
    sys.exit(main())
