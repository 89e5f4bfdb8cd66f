"""Association by hand-made cases: appearing, vanishing, doubled, hidden and spurious tracks."""

import itertools

import numpy as np
import pytest

from host.concepts.association import Rules, Tracks, associate, overshadowed
from host.errors import UsageError
from host.mask_overlap import mask_iou

GRID = 32
QUALITY = Rules(delay=15)


def square(x, y=4, side=8):
    mask = np.zeros((GRID, GRID), bool)
    mask[y : y + side, max(x, 0) : x + side] = True
    return mask


EMPTY = np.zeros((GRID, GRID), bool)


def stack(*masks):
    return np.array(masks, bool).reshape(-1, GRID, GRID)


def update(tracks, frame, masks=(), found=(), scores=None):
    """masks by id; found: masks, all of score 0.9 unless told."""
    given = stack(*(masks[i] for i in tracks.ids.tolist())) if len(tracks.ids) else stack()
    scores = np.full(len(found), 0.9) if scores is None else np.array(scores, float)
    return tracks.update(frame, given, stack(*found), scores)


def begun(rules=None, *masks):
    """Tracks that began on frame 0 on these masks."""
    tracks = Tracks(rules)
    update(tracks, 0, {}, masks)
    return tracks


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"delay": -1}, "delay"),
        ({"every": 0}, "every 0"),
        ({"threshold": 1.5}, "threshold 1.5"),
        ({"new_score": -1}, "new_score -1"),
    ],
)
def test_rules_that_mean_nothing(given, text):
    with pytest.raises(UsageError, match=text):
        Rules(**given)


def test_eight_failures_of_fifteen_looks_withdraw_as_in_sam3():
    failures = {(15, 1): 8, (15, 2): 4, (15, 8): 1, (30, 1): 16, (8, 1): 5, (1, 1): 1, (15, 15): 1}
    assert {k: Rules(delay=k[0], every=k[1]).failures for k in failures} == failures


def test_one_frame():
    overlaps = np.array(
        [
            [0.9, 0.0, 0.0, 0.2],  # confirms the first and is near the last
            [0.0, 0.3, 0.0, 0.0],  # near the second, not on it
            [0.0, 0.05, 0.0, 0.0],  # near none
            [0.0, 0.0, 0.0, 0.0],  # near none, unsure
            [0.85, 0.0, 0.0, 0.0],
        ]
    )
    scores = np.array([0.95, 0.9, 0.75, 0.6, 0.99])
    visible = np.array([True, True, False, True])
    found = associate(overlaps, scores, visible, Rules())
    assert found.near.sum() == 4 and found.near[[0, 0, 1, 4], [0, 3, 1, 0]].all()
    assert found.missed.tolist() == [False, True, False, True]  # what is empty cannot be missed
    assert found.fresh.tolist() == [False, False, True, False, False]
    assert found.lender.tolist() == [0, -1, -1, -1]  # the better overlap, not the better score


def test_one_frame_of_nothing():
    rules = Rules()
    none = associate(np.zeros((0, 2)), np.zeros(0), np.array([True, False]), rules)
    assert none.missed.tolist() == [True, False] and none.lender.tolist() == [-1, -1]
    alone = associate(np.zeros((2, 0)), np.array([0.7, 0.69]), np.zeros(0, bool), rules)
    assert alone.fresh.tolist() == [True, False] and alone.missed.shape == (0,)


def reference(overlaps, scores, visible, rules):
    """SAM 3's rule in loops."""
    near: dict[tuple[int, int], bool] = {}
    lender: dict[int, int] = {}
    detections, tracks = range(len(scores)), range(len(visible))
    for d, t in itertools.product(detections, tracks):
        near[d, t] = overlaps[d, t] >= rules.match_iou
    missed = [
        visible[t] and not any(overlaps[d, t] >= rules.follow_iou for d in detections)
        for t in tracks
    ]
    fresh = [
        scores[d] >= rules.new_score and not any(near[d, t] for t in tracks) for d in detections
    ]
    for d in detections:
        best = max(tracks, key=overlaps[d].__getitem__)
        good = scores[d] >= rules.condition_score and overlaps[d, best] >= rules.condition_iou
        if good and (best not in lender or overlaps[d, best] > overlaps[lender[best], best]):
            lender[best] = d
    return near, missed, fresh, [lender.get(t, -1) for t in tracks]


def test_one_frame_against_loops():
    rng = np.random.default_rng(0)
    for _ in range(200):
        n, m = rng.integers(1, 8, 2)
        overlaps = rng.random((n, m)) * (rng.random((n, m)) > 0.6)
        scores, visible = rng.random(n), rng.random(m) > 0.3
        found = associate(overlaps, scores, visible, Rules())
        near, missed, fresh, lender = reference(overlaps, scores, visible, Rules())
        assert {k: bool(found.near[k]) for k in near} == {k: bool(v) for k, v in near.items()}
        assert found.missed.tolist() == [bool(v) for v in missed]
        assert found.fresh.tolist() == [bool(v) for v in fresh]
        assert found.lender.tolist() == lender


def test_of_overlapping_tracks_the_first_in_rank_stays():
    overlaps = np.array([[1, 0.6, 0], [0.6, 1, 0.6], [0, 0.6, 1]])
    assert overshadowed(overlaps, np.array([0, 1, 2]), 0.5).tolist() == [False, True, False]
    assert overshadowed(overlaps, np.array([1, 0, 2]), 0.5).tolist() == [True, False, True]
    assert not overshadowed(overlaps, np.array([0, 1, 2]), 0.6).any()


def test_appearing_the_surest_first():
    tracks = Tracks()
    plan = update(tracks, 0, {}, [square(0), square(12)], [0.8, 0.95])
    assert plan.started == {1: 1, 2: 0} and tracks.ids.tolist() == [1, 2]
    masks = {1: square(12), 2: square(0)}
    plan = update(
        tracks, 1, masks, [square(12), square(0), square(22), square(0, 20)], [0.9] * 3 + [0.69]
    )
    assert plan.started == {3: 2}  # known ones go on, an unsure one does not begin
    assert tracks.next_id == 4


def test_vanishing_ends_after_thirty_frames():
    tracks = begun(Rules(), square(0), square(20))
    for frame in range(1, 30):
        plan = update(tracks, frame, {1: square(0), 2: square(20)}, [square(0)])
        assert not plan.ended and not plan.withdrawn
    plan = update(tracks, 30, {1: square(0), 2: square(20)}, [square(0)])
    assert plan.ended == [2] and tracks.ids.tolist() == [1]
    plan = update(tracks, 31, {1: square(0)}, [square(0), square(20)])
    assert plan.started == {3: 1}  # the same place, but ids are not used twice


def test_a_detection_now_and_then_keeps_a_track_alive():
    tracks = begun(Rules(), square(0))
    for frame in range(1, 200):
        assert not update(tracks, frame, {1: square(0)}, [square(0)] if frame % 2 else []).ended


def test_an_empty_mask_is_lost_too():
    tracks = begun(Rules(every=8), square(0))
    ends = [f for f in range(8, 80, 8) if len(tracks.ids) and update(tracks, f, {1: EMPTY}).ended]
    assert ends == [32]  # the first look after thirty frames


def test_occlusion_keeps_the_id():
    tracks = begun(QUALITY, square(0), square(20))
    for frame in range(1, 12):
        update(tracks, frame, {1: square(0), 2: EMPTY}, [square(0)])
    plan = update(tracks, 12, {1: square(0), 2: square(10)}, [square(0), square(10)])
    assert not plan.started and not plan.withdrawn and tracks.ids.tolist() == [1, 2]


def test_a_spurious_track_is_withdrawn_while_nobody_saw_it():
    for rules, frame in ((QUALITY, 8), (Rules(delay=15, every=8), 8), (Rules(delay=30), 16)):
        tracks = begun(rules, square(0), square(20))
        for now in range(rules.every, 40, rules.every):
            masks = {1: square(0), 2: square(20)}
            plan = update(tracks, now, masks, [square(0)])
            if plan.withdrawn:
                break
        assert plan.withdrawn == [2] and not plan.ended and now == frame
        assert tracks.ids.tolist() == [1]


def test_what_has_been_seen_is_not_withdrawn():
    tracks = begun(QUALITY, square(0))
    for frame in range(1, 15):
        update(tracks, frame, {1: square(0)}, [square(0)])
    plans = [update(tracks, frame, {1: square(0)}) for frame in range(15, 60) if len(tracks.ids)]
    assert not any(plan.withdrawn for plan in plans) and plans[-1].ended == [1]


def test_live_output_withdraws_nothing():
    tracks = begun(Rules(), square(0), square(20))
    plans = [update(tracks, f, {1: square(0), 2: square(20)}, [square(0)]) for f in range(1, 20)]
    assert not any(plan.withdrawn for plan in plans)


def test_a_double_is_withdrawn_and_the_elder_stays():
    tracks = begun(QUALITY, square(0))
    # Beside the first, so that it may begin; then both cover what is one thing.
    plan = update(tracks, 1, {1: square(0)}, [square(0), square(8)])
    assert plan.started == {2: 1}
    whole = square(0) | square(8)
    for frame in range(2, 15):
        plan = update(tracks, frame, {1: square(0), 2: square(8)}, [whole])
        if plan.withdrawn:
            break
    assert plan.withdrawn == [2] and frame == 9 and tracks.ids.tolist() == [1]


def test_of_twins_the_first_stays():
    tracks = begun(QUALITY, square(0), square(8))
    whole = square(0) | square(8)
    gone = [
        update(tracks, f, {i: square(8 * i - 8) for i in tracks.ids.tolist()}, [whole]).withdrawn
        for f in range(1, 9)
    ]
    assert gone[-1] == [2] and not any(gone[:-1])


def test_a_track_on_another_is_hidden_at_once_and_withdrawn():
    tracks = begun(QUALITY, square(0), square(20))
    for frame in range(1, 9):
        masks = {1: square(0), 2: square(1)}  # the second has slid onto the first
        plan = update(tracks, frame, {i: masks[i] for i in tracks.ids.tolist()}, [square(0)])
        assert plan.hidden == [2]
    assert plan.withdrawn == [2]


def test_who_was_lost_last_is_hidden():
    tracks = begun(Rules(), square(0), square(20))
    update(tracks, 1, {1: EMPTY, 2: square(20)}, [square(20)])
    plan = update(tracks, 2, {1: square(20), 2: square(20)}, [square(20)])
    assert plan.hidden == [1]  # though it is the elder


def test_a_hidden_track_ends_if_it_stays_so():
    tracks = begun(Rules(), square(0), square(20))
    frame = 0
    while len(tracks.ids) == 2:
        frame += 1
        plan = update(tracks, frame, {1: square(0), 2: square(0)}, [square(0)])
        assert plan.hidden == [2]
    assert frame == 30 and plan.ended == [2] and tracks.ids.tolist() == [1]


def test_no_two_tracks_shown_overlap():
    rng = np.random.default_rng(1)
    tracks = Tracks(QUALITY)
    for frame in range(60):
        masks = {i: square(*rng.integers(0, 24, 2)) for i in tracks.ids.tolist()}
        found = [square(*rng.integers(0, 24, 2)) for _ in range(4)]
        plan = update(tracks, frame, masks, found)
        shown = [m for i, m in masks.items() if i not in plan.hidden]
        overlaps = mask_iou(stack(*shown), stack(*shown))
        assert (overlaps[~np.eye(len(shown), dtype=bool)] <= 0.5).all()


def test_good_detections_condition_every_sixteen_frames():
    tracks = begun(Rules(), square(0))
    lent = []
    for frame in range(1, 60):
        plan = update(tracks, frame, {1: square(0)}, [square(0)], [0.79 if frame == 16 else 0.9])
        lent += [frame] if plan.conditioned == {1: 0} else []
    assert lent == [17, 33, 49]  # frame 16's was not sure enough
    tracks = begun(Rules(), square(0))
    plans = [update(tracks, f, {1: square(0)}, [square(1)]) for f in range(1, 40)]
    assert not any(plan.conditioned for plan in plans)  # IoU 7/9: not good enough


def test_there_is_a_limit_to_tracks_at_once():
    tracks = Tracks(Rules(most=2))
    plan = update(tracks, 0, {}, [square(0), square(10), square(20)], [0.8, 0.7, 0.9])
    assert plan.started == {1: 2, 2: 0} and plan.dropped == 1


def test_frames_without_detection_change_no_counter():
    tracks = begun(Rules(delay=15, every=8), square(0), square(20))
    for frame in range(1, 8):
        plan = tracks.coast(frame, stack(square(0), square(20)))
        assert not plan.hidden
    assert tracks.coast(7, stack(square(0), square(0))).hidden == [2]
    assert not update(tracks, 8, {1: square(0), 2: square(20)}, [square(0), square(20)]).withdrawn


def test_adopted_tracks_are_not_withdrawn():
    tracks = Tracks(QUALITY, next_id=7)
    tracks.adopt(0, np.array([3, 9]))
    assert tracks.next_id == 10
    plans = [update(tracks, f, {3: square(0), 9: square(20)}, [square(0)]) for f in range(1, 31)]
    assert not any(plan.withdrawn for plan in plans) and plans[-1].ended == [9]
