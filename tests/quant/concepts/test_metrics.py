"""pmF1, IL_MCC and cgF1 against values by hand and against matching by trying everything."""

import itertools

import numpy as np
import pytest

from hw.spec.errors import SpecError
from quant.concepts.metrics import (
    CONFIDENCE,
    IOU_THRESHOLDS,
    ConceptScore,
    ConceptScores,
    mask_ious,
    score_pair,
)

NONE = np.zeros((0, 8, 8), bool)


def bar(start, length, side=20):
    """A row of pixels, so that IoUs can be read off: (1, side)."""
    mask = np.zeros((1, side), bool)
    mask[0, start : start + length] = True
    return mask


def test_iou_thresholds_are_those_of_coco():
    assert (len(IOU_THRESHOLDS), IOU_THRESHOLDS[0], IOU_THRESHOLDS[-1]) == (10, 0.5, 0.95)
    assert np.diff(IOU_THRESHOLDS) == pytest.approx(0.05)


def test_ious_by_hand():
    # 10 against 10 pixels, 5 shared: 5 / 15. An empty mask shares nothing.
    ious = mask_ious([bar(0, 10), bar(0, 0)], [bar(5, 10), bar(0, 10), bar(0, 0)])
    assert ious == pytest.approx(np.array([[1 / 3, 1, 0], [0, 0, 0]]))


def test_one_pair_by_hand():
    # IoU of the first 8 / 10 = 0.8: a hit up to the threshold 0.8, seven of ten. The second
    # prediction is a false alarm, one true mask is missed at every threshold.
    score = score_pair([bar(0, 8), bar(18, 2)], [0.9, 0.6], [bar(0, 10), bar(12, 4)])
    assert score.hits.tolist() == [1] * 7 + [0] * 3
    assert score.false_alarms.tolist() == [1] * 7 + [2] * 3
    assert score.misses.tolist() == [1] * 7 + [2] * 3
    assert score.pmf1_50 == pytest.approx(2 * 1 / (2 * 1 + 1 + 1))
    assert score.pmf1 == pytest.approx(0.5 * 7 / 10)


def test_f1_is_micro_over_positive_pairs_and_ignores_negative_ones():
    scores = ConceptScores()
    scores.add("dog", [bar(0, 10)], [0.9], [bar(0, 10)])  # 1 hit
    scores.add("dog", [], [], [bar(0, 3), bar(5, 3), bar(10, 3)])  # 3 misses
    scores.add("dog", [bar(0, 5), bar(6, 5)], [0.7, 0.7], [])  # negative pair: no count in pmF1
    assert scores["dog"].pmf1 == pytest.approx(2 / (2 + 0 + 3))
    assert scores["dog"].instances == 4
    assert (scores["dog"].positives, scores["dog"].pairs) == (2, 3)


def test_presence_correlation_by_hand():
    scores = ConceptScores()
    object_ = [bar(0, 4)]
    for true, told, times in ((1, 1, 6), (1, 0, 2), (0, 1, 1), (0, 0, 3)):
        for _ in range(times):
            scores.add("x", object_ * told, [0.8] * told, object_ * true)
    # (6*3 - 1*2) / sqrt(7 * 8 * 4 * 5)
    assert scores.overall.il_mcc == pytest.approx(16 / np.sqrt(7 * 8 * 4 * 5))
    f1 = 2 * 6 / (2 * 6 + 2)
    assert scores.overall.cgf1 == pytest.approx(100 * f1 * scores.overall.il_mcc)
    assert scores.overall.cgf1_50 == pytest.approx(scores.overall.cgf1)


def test_presence_agrees_with_torchmetrics():
    from torch import tensor
    from torchmetrics.functional.classification import binary_matthews_corrcoef

    rng = np.random.default_rng(3)
    true, told = rng.integers(0, 2, 60), rng.integers(0, 2, 60)
    scores = ConceptScores()
    for t, p in zip(true, told, strict=True):
        scores.add("x", [bar(0, 4)] * p, [0.9] * p, [bar(0, 4)] * t)
    wanted = float(binary_matthews_corrcoef(tensor(told), tensor(true)))
    assert scores.overall.il_mcc == pytest.approx(wanted)


@pytest.mark.parametrize("true, told", [(0, 0), (1, 1), (1, 0), (0, 1)])
def test_presence_with_one_answer_only_correlates_with_nothing(true, told):
    score = score_pair([bar(0, 4)] * told, [0.9] * told, [bar(0, 4)] * true)
    assert score.il_mcc == 0 and score.cgf1 == 0


def test_only_confident_predictions_exist():
    truth = [bar(0, 10)]
    at = score_pair([bar(0, 10), bar(0, 10)], [CONFIDENCE, CONFIDENCE - 1e-6], truth)
    assert at.pmf1 == 1 and at.presence.tolist() == [[0, 0], [0, 1]]
    below = score_pair([bar(0, 10)], [0.49], truth)
    assert below.pmf1 == 0 and below.presence.tolist() == [[0, 0], [1, 0]]
    assert score_pair([bar(0, 10)], [0.49], []).presence.tolist() == [[1, 0], [0, 0]]


def test_a_duplicate_is_a_false_alarm():
    score = score_pair([bar(0, 10)] * 2, [0.9, 0.9], [bar(0, 10)])
    assert (score.hits[0], score.false_alarms[0], score.misses[0]) == (1, 1, 0)


def test_matching_takes_the_largest_sum_not_the_best_first():
    # First with first has IoU 9/10, but then the second finds nothing that overlaps; crossed, both
    # sums are 9/11 + 8/10.
    pred, true = [bar(0, 9), bar(1, 8)], [bar(0, 10), bar(0, 9)]
    ious = mask_ious(pred, true)
    best = max(sum(ious[i, p] for i, p in enumerate(order)) for order in ((0, 1), (1, 0)))
    assert sum(ious[(0, 1), (0, 1)]) != pytest.approx(best)  # so the case tells them apart
    score = score_pair(pred, [0.9, 0.9], true)
    by_hand = [ious[0, 1], ious[1, 0]]
    assert score.hits.tolist() == [sum(v >= t for v in by_hand) for t in IOU_THRESHOLDS]


def brute_force(pred, true):
    """Hits at each threshold of the assignment with the largest sum of IoUs, by trying all."""
    small, large = sorted((pred, true), key=len)
    ious = np.array([[np.sum(a & b) / max(np.sum(a | b), 1) for b in large] for a in small])
    orders = list(itertools.permutations(range(len(large)), len(small)))
    sums = [sum(ious[i, j] for i, j in enumerate(order)) for order in orders]
    values = [ious[i, j] for i, j in enumerate(orders[int(np.argmax(sums))])]
    return [sum(v >= t for v in values) for t in IOU_THRESHOLDS]


@pytest.mark.parametrize("seed", range(30))
def test_counts_against_trying_every_assignment(seed):
    rng = np.random.default_rng(seed)
    base = rng.random((4, 9, 9)) < 0.5
    true = base[: rng.integers(1, 5)]
    noise = rng.random((5, 9, 9)) < rng.uniform(0, 0.3)
    pred = (base[rng.integers(0, 4, 5)] ^ noise)[: rng.integers(1, 6)]
    score = score_pair(pred, rng.uniform(0.5, 1, len(pred)), true)
    wanted = brute_force(list(pred), list(true))
    assert score.hits.tolist() == wanted
    assert (score.hits + score.false_alarms == len(pred)).all()
    assert (score.hits + score.misses == len(true)).all()


def test_groups_add_up():
    scores = ConceptScores()
    scores.add(("dog", "pets"), [bar(0, 10)], [0.9], [bar(0, 10)])
    scores.add(("cat", "pets"), [bar(0, 10)], [0.9], [bar(10, 10)])
    scores.add(("cat", "coco"), NONE, [], NONE)
    assert set(scores.groups) == {"dog", "cat", "pets", "coco"}
    assert scores["pets"].pmf1 == pytest.approx(0.5)
    assert scores.together(["dog", "cat"]).as_dict() == scores.overall.as_dict()
    assert scores.together([]).pairs == 0
    assert scores.overall.pairs == 3


def test_nothing_counted_is_zero_everywhere():
    assert set(ConceptScore().as_dict().values()) == {0}


@pytest.mark.parametrize(
    ("pred", "probs", "true", "says"),
    [
        ([bar(0, 1)], [], [], "1 predictions with 0"),
        ([bar(0, 1)], [1.5], [], "1.5"),
        ([bar(0, 1)], [float("nan")], [], "nan"),
        ([bar(0, 1)], [0.9], [bar(0, 1, side=5)], r"\(1, 5\)"),
        (bar(0, 1), [0.9], [], r"\(1, 20\)"),
        ([bar(0, 1), bar(0, 1, side=5)], [0.9, 0.9], [], "different sizes"),
    ],
)
def test_bad_input_is_named(pred, probs, true, says):
    with pytest.raises(SpecError, match=says):
        score_pair(pred, probs, true)
