"""Presence, returns, sizes and their sums, on traces whose values are worked out by hand."""

import math

import pytest

from quant.scoring.measures.presence import false_masks, missing_masks
from quant.scoring.measures.returns import found_again, returns
from quant.scoring.measures.sizes import band, mean_share
from quant.scoring.measures.summary import Measured, Summary
from quant.scoring.measures.trace import Count, Trace
from quant.scoring.metrics import ObjectScore, SequenceScore


def trace(truth, pred, j=None, frames=None, object_id=1):
    frames = tuple(range(len(truth))) if frames is None else tuple(frames)
    return Trace(object_id, frames, tuple(truth), tuple(pred), tuple(j or [0.0] * len(truth)))


def test_masks_of_an_absent_object_and_missing_ones():
    #             prompt seen  gone gone gone back back
    found = trace([0.2, 0.2, 0.0, 0.0, 0.0, 0.1, 0.1], [0.2, 0.0, 0.3, 0.0, 1e-6, 0.0, 0.1])
    assert false_masks(found) == Count(2, 3)
    assert missing_masks(found) == Count(2, 3)
    assert false_masks(found).share == pytest.approx(2 / 3)


def test_an_object_that_is_always_there_has_no_absent_frame():
    count = false_masks(trace([0.2, 0.2], [0.2, 0.2]))
    assert count == Count(0, 0) and math.isnan(count.share)


def test_the_prompted_frame_counts_neither_way():
    assert missing_masks(trace([0.2], [0.0])) == Count(0, 0)


def test_a_return_is_found_within_ten_frames_of_it():
    # Away on frames 2 and 3, back on 4: frame 14 is the last that counts.
    truth = [0.1, 0.1, 0.0, 0.0] + [0.1] * 14
    late = [1.0, 1.0, 1.0, 1.0] + [0.0] * 10 + [0.5] + [0.9] * 3
    assert returns(trace(truth, truth)) == [4]
    assert found_again(trace(truth, truth, late)) == Count(1, 1)
    too_late = [*late[:14], 0.49, *late[15:]]
    assert found_again(trace(truth, truth, too_late)) == Count(0, 1)


def test_frame_numbers_count_not_annotations():
    truth, j = [0.1, 0.0, 0.1, 0.1], [1.0, 1.0, 0.0, 0.8]
    assert found_again(trace(truth, truth, j, frames=[0, 5, 10, 20])) == Count(1, 1)
    assert found_again(trace(truth, truth, j, frames=[0, 5, 10, 21])) == Count(0, 1)


def test_being_right_that_it_is_away_again_is_not_finding_it():
    truth, j = [0.1, 0.0, 0.1, 0.0, 0.1], [1.0, 1.0, 0.2, 1.0, 0.7]
    # The second return is found, and within ten frames of the first as well.
    assert found_again(trace(truth, truth, j)) == Count(2, 2)
    assert found_again(trace(truth, truth, [*j[:4], 0.4])) == Count(0, 2)


def test_what_never_returns_has_no_return():
    assert found_again(trace([0.1, 0.0, 0.0], [0.1, 0.0, 0.0])) == Count(0, 0)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([0.0099, 0.0099], "small"),
        ([0.01, 0.01], "medium"),
        ([0.005, 0.0, 0.015], "medium"),  # absent frames do not make an object smaller
        ([0.0499], "medium"),
        ([0.05], "large"),
        ([0.02, 0.09], "large"),
    ],
)
def test_bands_of_size(shares, expected):
    assert band(trace(shares, shares)) == expected


def test_mean_share_counts_frames_that_show_the_object():
    assert mean_share(trace([0.02, 0.0, 0.04], [0, 0, 0])) == pytest.approx(0.03)


def scored(object_id, j):
    return ObjectScore(object_id, (1,), (j,), (j,))


def test_the_summary_counts_every_object_once_in_its_groups():
    one = Measured(
        SequenceScore("a", (scored(1, 0.2), scored(2, 0.6))),
        (trace([0.001] * 3, [0] * 3), trace([0.02, 0.0, 0.02], [0.1] * 3, object_id=2)),
        "crowd",
        Count(0, 10),
    )
    two = Measured(
        SequenceScore("b", (scored(1, 1.0),)), (trace([0.03, 0.03], [0.03, 0.03]),), "real"
    )
    found = Summary.of([one, two])
    assert found.mean.jf == pytest.approx((0.2 + 0.6 + 1.0) / 3)
    assert found.kinds["crowd"].jf == pytest.approx(0.4) and found.kinds["real"].jf == 1
    assert list(found.sizes) == ["small", "medium"]
    assert found.sizes["medium"].jf == pytest.approx(0.8)
    assert found.false_masks == Count(1, 1)
    assert found.missing_masks == Count(2, 4)
    assert found.found_again == Count(0, 1)
    assert found.empty_prompt == Count(0, 10)
