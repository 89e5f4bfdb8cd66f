"""Association beside a public implementation of SAM 3's: the methods of `transformers` on the same
random masks.
"""

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from host.concepts.association import Rules, Tracks, associate
from host.mask_overlap import mask_iou, surest

pytestmark = pytest.mark.slow  # importing transformers takes its time
GRID = 24


@pytest.fixture(scope="module")
def sam3():
    pytest.importorskip("transformers")
    from transformers.models.sam3_video.configuration_sam3_video import Sam3VideoConfig
    from transformers.models.sam3_video.modeling_sam3_video import Sam3VideoModel

    fields = Sam3VideoConfig.__dataclass_fields__
    names = [n for n in fields if n.endswith(("thresh", "delay", "keep_alive"))]
    names += ["suppress_unmatched_only_within_hotstart"]
    settings = {name: fields[name].default for name in names}
    settings["decrease_trk_keep_alive_for_empty_masklets"] = False
    return Sam3VideoModel, SimpleNamespace(**settings)


def test_the_settings_are_sam3_s(sam3):
    _, settings = sam3
    rules = Rules(delay=15)
    assert settings.hotstart_delay == rules.delay
    assert settings.hotstart_unmatch_thresh == settings.hotstart_dup_thresh == rules.failures
    assert settings.assoc_iou_thresh == rules.match_iou
    assert settings.trk_assoc_iou_thresh == rules.follow_iou
    assert settings.new_det_thresh == rules.new_score
    assert settings.det_nms_thresh == rules.duplicate_iou
    assert settings.high_conf_thresh == rules.condition_score
    assert settings.high_iou_thresh == rules.condition_iou
    assert settings.init_trk_keep_alive == settings.max_trk_keep_alive == rules.keep_alive


def boxes(rng, count, wander=None):
    """Masks of boxes: anywhere, or a little beside others."""
    masks = np.zeros((count, GRID, GRID), bool)
    for row, mask in enumerate(masks):
        x, y = rng.integers(0, GRID - 4, 2)
        w, h = rng.integers(3, 12, 2)
        if wander is not None and len(wander) and rng.random() < 0.8:
            rows, columns = np.nonzero(wander[rng.integers(len(wander))])
            if len(rows):
                x, y = columns.min() + rng.integers(-1, 2), rows.min() + rng.integers(-1, 2)
                w, h = np.ptp(columns) + 1 + rng.integers(-1, 2), np.ptp(rows) + 1
        mask[max(y, 0) : max(y, 0) + h, max(x, 0) : max(x, 0) + w] = row % 7 != 6
    return masks


def theirs(sam3, found, scores, masks, ids):
    import torch

    model, settings = sam3
    logits = [torch.where(torch.from_numpy(m), 1.0, -1.0) for m in (found, masks)]
    groups = [torch.zeros(len(m), dtype=torch.long) for m in (found, masks)]
    scores = torch.from_numpy(scores)
    return model._associate_det_trk(settings, logits[0], scores, logits[1], ids, *groups)


def test_one_frame(sam3):
    rng = np.random.default_rng(0)
    for _ in range(300):
        masks = boxes(rng, rng.integers(0, 8))
        found = boxes(rng, rng.integers(0, 8), masks)
        scores, ids = rng.random(len(found)), list(range(10, 10 + len(masks)))
        new, missed, matched, good, _ = theirs(sam3, found, scores, masks, ids)
        if not len(masks):
            new = [d for d in new if scores[d] >= 0.7]  # they begin at 0.5 on the first frame
        ours = associate(mask_iou(found, masks), scores, masks.any((1, 2)), Rules())
        assert np.flatnonzero(ours.fresh).tolist() == new
        assert [ids[t] for t in np.flatnonzero(ours.missed)] == missed
        for d, tracks in matched.items():
            assert [ids[t] for t in np.flatnonzero(ours.near[d])] == tracks
        lenders = {ids[t]: int(d) for t, d in enumerate(ours.lender) if d >= 0}
        assert lenders.keys() == good.keys()


def test_which_young_tracks_are_withdrawn(sam3):
    model, settings = sam3
    rules = Rules(delay=15, overlap_iou=1, keep_alive=10**6)  # theirs hide and end elsewhere
    withdrawn = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        ours, known = Tracks(rules), dict[int, np.ndarray]()
        memory: dict[str, Any] = {
            "obj_first_frame_idx": {},
            "unmatched_frame_inds": defaultdict(list),
            "trk_keep_alive": {},
            "overlap_pair_to_frame_inds": defaultdict(list),
            "removed_obj_ids": set(),
            "suppressed_obj_ids": defaultdict(set),
        }
        for frame in range(25):
            ids = ours.ids.tolist()
            masks = np.array([known[i] for i in ids], np.bool_).reshape(-1, GRID, GRID)
            found = boxes(rng, 3, masks)
            scores = np.sort(rng.uniform(0.5, 1, 3))[::-1].copy()
            kept = surest(mask_iou(found, found), rules.duplicate_iou)
            found, scores = found[kept], scores[kept]
            _, missed, matched, _, empty = theirs(sam3, found, scores, masks, ids)
            plan = ours.update(frame, masks, found, scores)
            removed, memory = model._process_hotstart(
                settings,
                SimpleNamespace(),
                frame,
                False,
                matched,
                list(plan.started),
                empty,
                missed,
                memory,
            )
            assert set(plan.withdrawn) == removed
            withdrawn += len(removed)
            known |= {i: found[d] for i, d in plan.started.items()}
    assert withdrawn > 20
