"""A pool of clips on the training device: drawn from at random, renewed by loader processes.

A device that trains faster than its loaders render sees a clip several times, each time with
another window, prompt and object (quant.training.clip_batch), instead of waiting.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

FILL_SHARE = 0.1  # of the pool must be there before training starts
TIMEOUT = 300.0  # seconds that the first clips may take

DEVICE_LOCK = threading.Lock()
"""Held while a CUDA graph is captured: until then no other thread may touch the device."""


class ClipPool:
    """Iterable of batches {frames (B,N,3,S,S), ids (B,N,S,S)} uint8, on the training device.

    clips: a Dataset whose items are such clips without B; asked for ever new items by raising its
        `epoch`. size: clips kept. length: batches an epoch.
    """

    def __init__(self, clips: Any, size: int, batch: int, workers: int, length: int) -> None:
        self.batch, self.length, self.size = batch, length, size
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.filled = self.written = self.drawn = 0
        self.tensors: dict[str, Tensor] = {}
        self._loader = DataLoader(
            _Endless(clips),
            batch_size=8,
            num_workers=workers,
            prefetch_factor=4 if workers else None,
            worker_init_fn=one_thread,
        )
        self._arrived: queue.Queue[Any] = queue.Queue(maxsize=32)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._fetch, daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for _ in range(self.length):
            yield self.draw()

    def draw(self) -> dict[str, Tensor]:
        """A random batch of what is in the pool, once enough is. Raises RuntimeError when a loader
        stopped or nothing came in time.
        """
        while self.filled < FILL_SHARE * self.size:
            try:
                self._store(self._arrived.get(timeout=TIMEOUT))
            except queue.Empty:
                raise RuntimeError(f"no clip was rendered in {TIMEOUT:g} s") from None
        self.drawn += self.batch
        # A full pool lets in no more new clips than are drawn from it, so that loaders on the cores
        # that train render what is used and then wait.
        while (self.filled < self.size or self.written < self.drawn + self.size) and (
            not self._arrived.empty()
        ):
            self._store(self._arrived.get())
        chosen = torch.randint(self.filled, (self.batch,)).to(self.device)
        return {name: tensor[chosen] for name, tensor in self.tensors.items()}

    def close(self) -> None:
        """Stops the processes that load clips."""
        self._stop.set()
        while not self._arrived.empty():  # lets a waiting thread see that it should stop
            self._arrived.get()

    def _store(self, arrived: Any) -> None:
        """Put clips that a loader sent into the pool, the oldest going first."""
        if isinstance(arrived, BaseException):
            raise RuntimeError("a loader of the clip pool stopped") from arrived
        items, event = arrived
        if event is not None:
            event.wait()
        if not self.tensors:
            self.tensors = {
                name: torch.empty((self.size, *t.shape[1:]), dtype=t.dtype, device=self.device)
                for name, t in items.items()
            }
        count = len(next(iter(items.values())))
        where = ((self.written + torch.arange(count)) % self.size).to(self.device)
        for name, tensor in items.items():
            if event is not None:
                tensor.record_stream(torch.cuda.current_stream())
            self.tensors[name][where] = tensor
        self.written += count
        self.filled = min(self.size, self.written)

    def _fetch(self) -> None:
        """Thread: what the loaders render goes to the device on a stream of its own."""
        on_gpu = self.device == "cuda"
        try:
            stream = torch.cuda.Stream() if on_gpu else None
            for items in self._loader:
                if self._stop.is_set():
                    return
                event = None
                with DEVICE_LOCK, torch.cuda.stream(stream) if on_gpu else nullcontext():
                    items = {name: tensor.to(self.device) for name, tensor in items.items()}
                    if stream is not None:
                        event = torch.cuda.Event()
                        event.record(stream)
                self._arrived.put((items, event))
        except BaseException as error:  # noqa: BLE001 - raised again by the training thread
            self._arrived.put(error)


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


def one_thread(_worker: int) -> None:
    """Loader processes share the cores with training and with each other."""
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
