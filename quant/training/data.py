"""What a training step sees: clips of real video and of animated stills, one target object each.

Stills are animated as they are drawn (about 5 ms a frame), so no two steps see the same clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import lightning
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, get_worker_info

from quant.config import ModelConfig
from quant.data import VideoSequence, load_stills, open_dataset, sample_video_clip, synthesize_clip
from quant.data.clips import choose_target
from quant.data.errors import DataError
from quant.training.recipe import STEPS_PER_EPOCH, Stage

MAX_GAP = 5  # frames of video between two of a clip, at most
VIDEO_SHARE = 0.6


class Clips(Dataset):
    """Random clips; item i of epoch e is the same on every run.

    Items are dicts: frames (N,3,S,S) uint8 RGB, targets (N,R,R) float32 share of each cell that the
        target object covers.
    """

    def __init__(
        self,
        videos: list[VideoSequence],
        stills: Sequence,
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

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((self.seed, self.epoch, index))
        for _ in range(20):  # a clip whose first frame hides the object teaches no prompt
            frames, ids = self._draw(rng)
            chosen = choose_target(ids[0], rng)
            if chosen:
                break
        target = (ids == chosen) & bool(chosen)
        shape = (*target.shape[:1], self.size // 4, 4, self.size // 4, 4)
        share = target.reshape(shape).mean((2, 4), dtype=np.float32)
        return {
            "frames": torch.from_numpy(np.ascontiguousarray(frames.transpose(0, 3, 1, 2))),
            "targets": torch.from_numpy(share),
        }

    def _draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        if not self.stills or (self.videos and rng.random() < VIDEO_SHARE):
            video = self.videos[rng.integers(len(self.videos))]
            return sample_video_clip(video, self.frames, self.size, rng, max_gap=MAX_GAP)
        return synthesize_clip(self.stills, self.frames, self.size, rng)


class TrainingData(lightning.LightningDataModule):
    """Train clips for one stage."""

    def __init__(self, root: Path, config: ModelConfig, stage: Stage, workers: int) -> None:
        super().__init__()
        self.root, self.config, self.stage, self.workers = root, config, stage, workers
        self.clips: Clips | None = None

    def setup(self, stage: str) -> None:
        count = STEPS_PER_EPOCH * self.stage.clips
        seed = sum(self.stage.name.encode())
        self.clips = Clips(
            find_videos(self.root, "train"),
            find_stills(self.root),
            self.config.image_size,
            self.stage.frames,
            count,
            seed,
        )

    def train_dataloader(self) -> DataLoader:
        self.clips.epoch = self.trainer.current_epoch
        return DataLoader(
            self.clips,
            batch_size=self.stage.clips,
            num_workers=self.workers,
            drop_last=True,
            worker_init_fn=one_thread,
        )


def find_videos(root: Path, split: str) -> list[VideoSequence]:
    """Videos of a data folder; none when it holds stills only."""
    try:
        return open_dataset(root, split)
    except DataError:
        return []


def find_stills(root: Path):
    """Stills of a data folder: its `stills` subfolder, else the folder itself."""
    for folder in (root / "stills", root):
        try:
            return load_stills(folder)
        except DataError:
            continue
    return []


def one_thread(_worker: int) -> None:
    """Loader workers share the cores with training."""
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    assert get_worker_info() is not None
