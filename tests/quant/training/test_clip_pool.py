"""A pool of clips: filled by loaders, drawn from at random, renewed, and its failures told."""

import time

import pytest
import torch
from torch.utils.data import Dataset

from quant.training import clip_pool
from quant.training.clip_pool import ClipPool


class Numbers(Dataset):
    """Clip i of epoch e is filled with i + 10 e."""

    def __init__(self, broken=False):
        self.epoch, self.broken = 0, broken

    def __len__(self):
        return 10

    def __getitem__(self, index):
        if self.broken:
            raise ValueError("no such clip")
        value = (index + 10 * self.epoch) % 251
        return {
            "frames": torch.full((2, 3, 4, 4), value, dtype=torch.uint8),
            "ids": torch.full((2, 4, 4), value, dtype=torch.uint8),
        }


def test_batches_come_from_what_is_there_and_are_renewed():
    pool = ClipPool(Numbers(), size=40, batch=5, workers=0, length=30)
    seen = set()
    batches = list(pool)
    assert len(batches) == len(pool) == 30
    for _ in range(200):  # until the loaders' later epochs have come
        batches.append(pool.draw())
        if pool.written > 60:
            break
        time.sleep(0.01)
    batches += [pool.draw() for _ in range(30)]
    for batch in batches:
        assert batch["frames"].shape == (5, 2, 3, 4, 4)
        assert torch.equal(batch["frames"][:, :, 0], batch["ids"])  # no clip is torn
        seen |= set(batch["ids"][:, 0, 0, 0].tolist())
    pool.close()
    assert len(seen) > 10  # more than one epoch's clips
    assert pool.filled <= 40


def test_a_full_pool_renews_no_faster_than_it_is_drawn_from():
    """Else loaders would take half of a processor that trains."""
    pool = ClipPool(Numbers(), size=16, batch=4, workers=0, length=1)
    for _ in range(40):
        pool.draw()
        time.sleep(0.002)  # in which a loader could render far more than four clips
        assert pool.written <= pool.size + pool.drawn + 8  # a loader sends eight at once
    pool.close()
    assert pool.written > pool.size


def test_a_loader_that_fails_is_told():
    pool = ClipPool(Numbers(broken=True), size=8, batch=2, workers=0, length=3)
    with pytest.raises(RuntimeError, match="loader of the clip pool stopped"):
        pool.draw()


def test_waiting_ends(monkeypatch):
    monkeypatch.setattr(clip_pool, "TIMEOUT", 0.05)
    pool = ClipPool(Numbers(), size=10**6, batch=2, workers=0, length=3)
    pool.close()
    with pytest.raises(RuntimeError, match="no clip was rendered"):
        pool.draw()
