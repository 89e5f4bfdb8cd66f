"""What a training step sees: clips of real video and of animated stills, with the ids of all their
objects.

Stills are animated as they are drawn (about 4 ms a frame), so no two clips are the same. A listing
at the start says what was found and what was left out; nothing is dropped without a word.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import lightning
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from quant.config import ModelConfig
from quant.data import Still, VideoSequence, load_stills, open_dataset
from quant.data.clips import choose_target, sample_video_clip
from quant.data.errors import DataError
from quant.data.images import subfolders
from quant.data.layouts.davis import is_davis, load_davis
from quant.data.layouts.flat_videos import is_flat_videos, load_flat_videos
from quant.data.layouts.open_dataset import holds_videos
from quant.data.listing import listing
from quant.data.packed import is_pack, load_pack
from quant.data.synthetic import synthesize_clip
from quant.training.clip_pool import ClipPool, one_thread
from quant.training.recipe import STEPS_PER_EPOCH, Stage

MAX_GAP = 5  # frames of video between two of a clip, at most
VIDEO_SHARE = 0.5
MARKS = {
    ".jpg": (b"\xff\xd8", b"\xff\xd9"),
    ".jpeg": (b"\xff\xd8", b"\xff\xd9"),
    ".png": (b"\x89PNG", b"IEND"),
}
"""First and last bytes of picture files; some writers leave a few bytes behind the last."""
TAIL = 64
LEAST_KEPT = 0.9  # of what a folder lists: with more missing, a run would train on something else


@dataclass
class Found:
    """Material to train on: videos, stills, and what was left out with the reason."""

    videos: list[VideoSequence] = field(default_factory=list)
    stills: list[Still] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def listing(self) -> str:
        """Counts by set, in a few lines, with everything that was left out."""
        frames = sum(len(video) for video in self.videos)
        sets = Counter(still.source or "-" for still in self.stills)
        named = ", ".join(f"{name} {count}" for name, count in sorted(sets.items()))
        lines = [
            f"{len(self.videos)} videos of {frames} frames, {len(self.stills)} stills ({named})"
        ]
        return "\n".join(lines + [f"left out: {reason}" for reason in self.skipped])

    def lines(self, root: Path) -> list[str]:
        """One line a video, file and still of what was found in a folder, wherever that lies."""
        return listing(root, self.videos, self.stills)


class Clips(Dataset):
    """Random clips; item i of epoch e is the same on every run.

    Items are dicts: frames (N,3,S,S) uint8 RGB and ids (N,S,S) uint8, 255 where nothing is known.
    """

    def __init__(
        self,
        videos: Sequence[VideoSequence],
        stills: Sequence[Still],
        size: int,
        frames: int,
        count: int,
        seed: int,
    ) -> None:
        if not videos and not stills:
            raise DataError(
                "neither videos nor stills to train on", "give --data a folder with either"
            )
        self.videos, self.stills, self.size = videos, stills, size
        self.frames, self.count, self.seed = frames, count, seed
        self.epoch = 0
        # Long videos more often than short ones, by the root, so that neither kind rules.
        weights = np.sqrt([len(video.annotated) for video in videos])
        self.shares = weights / weights.sum() if len(videos) else weights

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((self.seed, self.epoch, index))
        drawn, failure = None, None
        for _ in range(20):  # a clip whose first frame hides all objects teaches no prompt
            try:
                drawn = self._draw(rng)
            except DataError as error:  # one unreadable file must not end a run of hours
                failure = error
                continue
            if choose_target(drawn[1][0], rng):
                break
        if drawn is None:
            raise failure or DataError("no clip could be drawn", "check the data")
        frames, ids = drawn
        return {
            "frames": torch.from_numpy(np.ascontiguousarray(frames.transpose(0, 3, 1, 2))),
            "ids": torch.from_numpy(np.ascontiguousarray(ids)),
        }

    def _draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        if not self.stills or (self.videos and rng.random() < VIDEO_SHARE):
            video = self.videos[rng.choice(len(self.videos), p=self.shares)]
            return sample_video_clip(video, self.frames, self.size, rng, max_gap=MAX_GAP)
        return synthesize_clip(self.stills, self.frames, self.size, rng)


class TrainingData(lightning.LightningDataModule):
    """Training data are the training clips of one stage."""

    def __init__(
        self,
        material: Path | Found,
        config: ModelConfig,
        stage: Stage,
        workers: int,
        pool: int = 0,
        seed: int = 0,
    ) -> None:
        """material: a data folder, or what was found in one.
        pool: clips kept on the device and drawn from again and again while loader processes
        replace them, for a device that is faster than its loaders; 0 sees every clip once.
        seed: another number draws other clips.
        """
        super().__init__()
        self.material, self.config, self.stage, self.workers = material, config, stage, workers
        self.pool, self.seed = pool, seed
        self.clips: Clips | None = None
        self._pooled: ClipPool | None = None

    def setup(self, stage: str) -> None:
        if self.clips is not None:
            return
        found = self.material
        if not isinstance(found, Found):
            found = find_material(found)
            print(found.listing())
        count = STEPS_PER_EPOCH * self.stage.clips
        seed = sum(self.stage.name.encode()) + 100_000 * self.seed
        self.clips = Clips(
            found.videos,
            found.stills,
            self.config.image_size,
            self.stage.rendered,
            count,
            seed,
        )

    def teardown(self, stage: str) -> None:
        if self._pooled is not None:
            self._pooled.close()
            self._pooled = None

    def train_dataloader(self) -> DataLoader | ClipPool:
        assert self.clips is not None and self.trainer is not None
        # Each process of a data-parallel run draws clips of its own.
        self.clips.epoch = self.trainer.current_epoch * self.trainer.world_size
        self.clips.epoch += self.trainer.global_rank
        if self.pool:
            if self._pooled is None:
                self._pooled = ClipPool(
                    self.clips, self.pool, self.stage.clips, self.workers, STEPS_PER_EPOCH
                )
            return self._pooled
        return DataLoader(
            self.clips,
            batch_size=self.stage.clips,
            num_workers=self.workers,
            drop_last=True,
            worker_init_fn=one_thread,
        )


def find_material(root: Path) -> Found:
    """All videos and stills for training in a data folder or a pack of one.

    Raises DataError where nothing is there, or where more than a tenth of what is listed is
    missing; what else is missing is named in the result.
    """
    if is_pack(root):
        videos, stills = load_pack(root)
        return Found(videos, stills)
    found = Found()
    listed = 0
    for folder in _video_folders(root):
        before = len(found.skipped)
        if is_flat_videos(folder):
            sequences = load_flat_videos(folder)
        elif is_davis(folder):
            sequences = load_davis(folder, "train", skipped=found.skipped)
        else:
            sequences = open_dataset(folder, "train")
        listed += len(sequences) + len(found.skipped) - before
        found.videos += [s for s in sequences if _is_whole(s, found.skipped)]
    for folder in (root / "stills", root):
        stills = _load_stills(folder)
        if stills:
            for still in stills:
                if is_complete(Path(still.name)):
                    found.stills.append(still)
                else:
                    found.skipped.append(f"{still.name}: cut short or no picture")
            break
    if not found.videos and not found.stills:
        raise DataError(
            f"neither videos nor stills in {root}",
            "expected DAVIS, YouTube-VOS or SA-V layouts, videos/<set> or stills/<set> there",
        )
    if listed and len(found.videos) < LEAST_KEPT * listed:
        raise DataError(
            f"{listed - len(found.videos)} of {listed} videos in {root} cannot be used: "
            + "; ".join(found.skipped[:3]),
            "mend them, or take them off their list",
        )
    return found


def is_complete(path: Path) -> bool:
    """Tells whether a picture file begins and ends as its format asks; one cut short does not."""
    starts, ends = MARKS.get(path.suffix.lower(), (b"", b""))
    try:
        with path.open("rb") as file:
            head = file.read(len(starts))
            file.seek(-min(path.stat().st_size, TAIL), os.SEEK_END)
            return head == starts and ends in file.read()
    except OSError:
        return False


def _video_folders(root: Path) -> Iterator[Path]:
    """The folder itself, or those of its subfolders and of `videos/` that hold videos."""
    if not root.is_dir():
        raise DataError(f"no data folder {root}", "give --data a folder with videos or stills")
    for folder in (root, *subfolders(root), *subfolders(root / "videos")):
        if is_flat_videos(folder) or holds_videos(folder, "train"):
            yield folder


def _is_whole(sequence: VideoSequence, skipped: list[str]) -> bool:
    """Whether the sequence's first annotated frame can be read; if not the reason is noted."""
    try:
        if not sequence.object_ids:
            skipped.append(f"{sequence.name}: no objects in its masks")
            return False
        sequence.read(sequence.annotated[:1])
    except DataError as error:
        skipped.append(f"{sequence.name}: {error.message}")
        return False
    return True


def _load_stills(folder: Path) -> list[Still]:
    try:
        return load_stills(folder)
    except DataError as error:
        if error.message.startswith("no stills in"):
            return []
        raise
