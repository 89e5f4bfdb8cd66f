"""Batches: windows, objects and their masks, void, cuts, film."""

import torch

from quant.data.images import VOID
from quant.training import clip_batch
from quant.training.clip_batch import NO_OBJECT, assemble, choose_objects

SIDE, GRID, LENGTH = 64, 16, 8


def clips(count=6):
    """Frames that tell their clip and time by grey level; object 1 moves, 2 stands, a void rim."""
    frames = torch.zeros(count, LENGTH, 3, SIDE, SIDE, dtype=torch.uint8)
    ids = torch.zeros(count, LENGTH, SIDE, SIDE, dtype=torch.uint8)
    for b in range(count):
        for t in range(LENGTH):
            frames[b, t] = (20 * b + 2 * t) % 256
            ids[b, t, 8:24, 4 * t : 4 * t + 16] = 1
            ids[b, t, 40:56, 24:40] = 2
    ids[:, :, :4] = VOID
    return frames, ids


def quiet(monkeypatch):
    for name in ("EMPTY_SHARE", "CUT_SHARE", "VANISH_SHARE", "SMOKE_SHARE", "BLUR_SHARE"):
        monkeypatch.setattr(clip_batch, name, 0.0)


def test_targets_follow_their_objects(monkeypatch):
    quiet(monkeypatch)
    torch.manual_seed(0)
    frames, ids = clips()
    made = assemble(frames, ids, SIDE, GRID, 4, 2)
    assert made.frames.shape == (6, 4, 3, SIDE, SIDE) and made.frames.dtype == torch.uint8
    assert made.targets.shape == (6, 2, 4, GRID, GRID) and made.valid.shape == (6, 4, GRID, GRID)
    # Both objects are asked for, each once; each covers 16 cells on every frame.
    assert torch.allclose(made.targets.sum((3, 4)), torch.tensor(16.0))
    assert not torch.equal(made.targets[:, 0], made.targets[:, 1])
    assert not (made.targets[:, 0] * made.targets[:, 1]).any()
    assert not made.valid[:, :, 0].any() and made.valid[:, :, 1:].all()
    times = made.frames[:, :, 0, 0, 0].long() - 20 * torch.arange(6)[:, None]
    steps = (times[:, 1:] - times[:, :-1]) // 2
    assert (steps == steps[:, :1]).all()  # one stride a clip, forwards or backwards
    assert set(steps[:, 0].abs().tolist()) <= {1, 2} and (times >= 0).all() and (times < 16).all()


def test_a_mirrored_clip_is_mirrored_whole(monkeypatch):
    quiet(monkeypatch)
    torch.manual_seed(0)
    _, ids = clips(16)
    frames = (ids == 1).to(torch.uint8)[:, :, None].expand(-1, -1, 3, -1, -1) * 200
    made = assemble(frames, ids, SIDE, GRID, 4, 2)
    bright = torch.nn.functional.avg_pool2d(made.frames[:, :, 0].float() / 200, 4)
    either = torch.minimum(*((made.targets[:, k] - bright).abs().amax((1, 2, 3)) for k in (0, 1)))
    assert (either == 0).all()


def test_a_smaller_model_sees_the_same_clip(monkeypatch):
    quiet(monkeypatch)
    torch.manual_seed(0)
    frames, ids = clips()
    made = assemble(frames, ids, SIDE // 2, GRID // 2, 2, 2)
    assert made.frames.shape[-1] == SIDE // 2
    assert torch.allclose(made.targets.sum((3, 4)), torch.tensor(4.0))


def test_objects_are_drawn_once_while_there_are_others():
    torch.manual_seed(0)
    _, ids = clips(400)
    chosen = choose_objects(ids[:, 0], 2)
    empty = chosen == NO_OBJECT
    assert 0.005 < empty.float().mean() < 0.08
    whole = chosen[~empty.any(1)]
    assert (whole.sort(1).values == torch.tensor([1, 2])).all()
    ids[ids == 2] = 0
    chosen = choose_objects(ids[:, 0], 2)
    assert set(chosen.unique().tolist()) == {1, NO_OBJECT}
    assert (choose_objects(torch.zeros_like(ids[:, 0]), 1) == NO_OBJECT).all()


def test_what_is_cut_away_is_absent(monkeypatch):
    quiet(monkeypatch)
    monkeypatch.setattr(clip_batch, "CUT_SHARE", 1.0)
    torch.manual_seed(0)
    frames, ids = clips()
    made = assemble(frames, ids, SIDE, GRID, 6, 2)
    shown = made.frames[:, :, 0, 0, 0].long() // 20
    away = shown != torch.arange(6)[:, None]
    assert away.any(1).all() and not away[:, 0].any()
    assert torch.equal(made.targets.sum((1, 3, 4)) == 0, away)
    assert made.valid[away].all()


def test_what_vanishes_is_painted_over_and_the_rest_goes_on(monkeypatch):
    quiet(monkeypatch)
    monkeypatch.setattr(clip_batch, "VANISH_SHARE", 1.0)
    torch.manual_seed(0)
    frames, ids = clips()
    # The object is bright on a ground of its clip's grey.
    frames = torch.where((ids == 1)[:, :, None], torch.full_like(frames, 250), frames)
    ids[ids == 2] = 0
    made = assemble(frames, ids, SIDE, GRID, 6, 1)
    bright = (made.frames[:, :, 0] > 240).flatten(2).sum(2)
    there = made.targets[:, 0].sum((2, 3)) > 0
    assert there[:, 0].all() and (~there).any(1).all()
    assert not bright[~there].any() and (bright[there] > 200).all()
    # Around what vanished the frame is as it was: the grey of its own clip and time.
    times = made.frames[:, :, 0, -1, -1].long() - 20 * torch.arange(6)[:, None]
    assert (times >= 0).all() and (times < 16).all()


def test_film_changes_looks_alone(monkeypatch):
    quiet(monkeypatch)
    monkeypatch.setattr(clip_batch, "SMOKE_SHARE", 1.0)
    torch.manual_seed(0)
    frames, ids = clips()
    made = assemble(frames, ids, SIDE, GRID, 4, 2)
    assert torch.allclose(made.targets.sum((3, 4)), torch.tensor(16.0))
    assert (made.frames.float().std((3, 4)) > 1).any()  # the frames were of one grey
