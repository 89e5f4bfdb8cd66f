"""A pool of clips on the training device: drawn from at random, renewed by loader processes.

A device that trains faster than its loaders render sees a clip several times, each time with
another window, prompt and object (quant.clip_batch), instead of waiting.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

FILL_SHARE = 0.1  # of the pool must be there before training starts


class ClipPool:
    """Iterable of batches {frames (B,N,3,S,S), ids (B,N,S,S)} uint8, on `device`.

    clips: a Dataset whose items are such clips without B; asked for ever new items by raising its
        `epoch`. size: clips kept. length: batches an epoch.
    """

    def __init__(
        self,
        clips: Any,
        size: int,
        batch: int,
        workers: int,
        length: int,
        device: str = "cuda" if torch.cuda.is_available() else "cpu",
    ) -> None:
        self.batch, self.length, self.size, self.device = batch, length, size, device
        self.filled = self.written = 0
        self.tensors: dict[str, Tensor] = {}
        self.failure: BaseException | None = None
        self._loader = DataLoader(
            _Endless(clips),
            batch_size=8,
            num_workers=workers,
            pin_memory=device == "cuda",
            prefetch_factor=4 if workers else None,
            worker_init_fn=_one_thread,
        )
        self._ready = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._fill, daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for _ in range(self.length):
            yield self.draw()

    def draw(self) -> dict[str, Tensor]:
        """A random batch of what is in the pool. Raises what the loaders raised."""
        self._ready.wait()
        if self.failure is not None:
            raise RuntimeError("a loader of the clip pool stopped") from self.failure
        chosen = torch.randint(self.filled, (self.batch,)).to(self.device)
        return {name: tensor[chosen] for name, tensor in self.tensors.items()}

    def close(self) -> None:
        """Stop the loaders."""
        self._stop.set()

    def _room(self, items: Tensor) -> Tensor:
        """Storage for the whole pool of what `items` (n,...) are a few of."""
        return torch.empty((self.size, *items.shape[1:]), dtype=items.dtype, device=self.device)

    def _fill(self) -> None:
        try:
            for items in self._loader:
                if self._stop.is_set():
                    return
                if not self.tensors:
                    self.tensors = {
                        name: torch.empty(
                            (self.size, *t.shape[1:]), dtype=t.dtype, device=self.device
                        )
                        for name, t in items.items()
                    }
                count = len(next(iter(items.values())))
                where = (self.written + torch.arange(count)) % self.size
                for name, tensor in items.items():
                    self.tensors[name][where.to(self.device)] = tensor.to(
                        self.device, non_blocking=True
                    )
                self.written += count
                self.filled = min(self.size, self.written)
                if self.filled >= FILL_SHARE * self.size:
                    self._ready.set()
        except BaseException as error:  # noqa: BLE001 - handed to the training thread
            self.failure = error
            self._ready.set()


class _Endless(Dataset):
    """Items of a dataset without an end: index i is item i % len of epoch i // len."""

    def __init__(self, clips: Any) -> None:
        self.clips, self.first = clips, clips.epoch

    def __len__(self) -> int:
        return 1 << 40

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        # Loaders of other epochs count apart, so that no clip is rendered twice.
        self.clips.epoch = (self.first << 20) + index // len(self.clips)
        return self.clips[index % len(self.clips)]


def _one_thread(_worker: int) -> None:
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
