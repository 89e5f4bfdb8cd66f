"""Reading the detector's outputs: scores, boxes, duplicates, saturation."""

import numpy as np
import pytest

from host.concepts.detections import read_detections
from host.errors import PromptError
from host.images import sigmoid
from tests.host.fake_detector import QUERIES, TOKENS, detector_ports
from tests.host.fake_device import GRID

PORTS = detector_ports(integer=False)
SIZE = (96, 160)
VALID = np.array([8, 9, 10, 11])


def outputs(*instances, presence=20.0):
    """Outputs in which these (rows, columns, match logit) answer, the others nothing."""
    many = QUERIES + 1
    found = {
        "masks": np.full((1, many, GRID, GRID), -8, np.float32),
        "matches": np.full((1, many, TOKENS, 1), -20, np.float32),
        "boxes": np.zeros((1, 4, many, 1), np.float32),
        "presence": np.full((1, 1, many, 1), 99, np.float32),
    }
    found["presence"][0, 0, -1, 0] = presence
    for row, (rows, columns, logit) in enumerate(instances):
        found["masks"][0, row, rows, columns] = 4
        found["masks"][0, -1, rows, columns] = 4
        found["matches"][0, row] = logit
    return found


LEFT, RIGHT = (slice(0, 8), slice(0, 4), 2.0), (slice(0, 8), slice(12, 16), 3.0)


def read(found, **options):
    return read_detections(PORTS, found, VALID, SIZE, **options)


def test_scores_are_the_mean_match_times_presence():
    found = outputs(LEFT, RIGHT, presence=1.0)
    found["matches"][0, 0, 8:12, 0] = [1, 2, 3, 6]
    found["matches"][0, 0, 12:] = -9  # an unused slot does not count
    result = read(found, threshold=0.3)
    p = float(sigmoid(np.float32(1)))
    assert result.presence == pytest.approx(p)
    # The surest first: both are 3 on average, and order is kept.
    assert result.scores == pytest.approx([p * float(sigmoid(np.float32(3)))] * 2)
    assert not result.saturated and len(result) == 2
    assert len(read(found, threshold=0.99)) == 0


def test_gain_and_offset_scale_every_score():
    result = read(outputs(LEFT, RIGHT), offset=-2.5)
    assert result.scores == pytest.approx([float(sigmoid(np.float32(0.5)))])
    result = read(outputs(LEFT, RIGHT), gain=3.0, offset=-2.5)
    assert result.scores == pytest.approx([float(sigmoid(np.float32(1.5)))])


def test_boxes_are_centres_in_the_network_square():
    found = outputs(LEFT)
    found["boxes"][0, :, 0, 0] = np.log(np.array([0.25, 0.5, 0.5, 0.75]) / [0.75, 0.5, 0.5, 0.25])
    result = read(found)
    assert result.boxes.tolist() == [pytest.approx([0, 0.125 * 96, 80, 0.875 * 96])]
    assert result.boxes_xywh().tolist() == [pytest.approx([0, 0.125, 0.5, 0.75])]
    found["boxes"][0, 0, 0, 0] = 20  # reaches beyond the frame: cut
    assert read(found).boxes[0].tolist() == pytest.approx([120, 12, 160, 84], abs=1e-3)


def test_masks_at_the_frame_s_size():
    result = read(outputs(LEFT, RIGHT))
    assert result.masks.shape == result.soft_masks.shape == (2, *SIZE)
    assert result.masks.dtype == bool and result.soft_masks.min() >= 0
    assert result.masks[0, :40, 130:].all() and not result.masks[0, :, :100].any()  # RIGHT first
    assert (result.masks == (result.soft_masks > 0.5)).all()
    both = result.masks.any(0)
    assert (result.semantic_mask & both).sum() > 0.95 * both.sum()
    assert result.semantic_soft_mask.shape == SIZE


def test_no_instance_is_an_empty_result():
    for found in (outputs(), outputs(LEFT, RIGHT, presence=-20.0)):
        result = read(found)
        assert len(result) == 0 and not result.saturated
        assert result.boxes.shape == result.boxes_xywh().shape == (0, 4)
        assert result.masks.shape == result.soft_masks.shape == (0, *SIZE)
        assert result.logits.shape == (0, GRID, GRID) and result.scores.shape == (0,)


def test_an_answer_without_a_mask_is_no_instance():
    assert len(read(outputs((slice(0, 0), slice(0, 4), 9.0), LEFT))) == 1


def test_duplicates_leave_the_surest():
    same = (slice(0, 8), slice(0, 5), 4.0)
    result = read(outputs(LEFT, same, RIGHT))
    assert result.scores == pytest.approx(sigmoid(np.array([4.0, 3.0])), abs=1e-6)
    touching = (slice(0, 8), slice(2, 6), 4.0)  # IoU 1/3
    assert len(read(outputs(LEFT, touching))) == 2
    assert len(read(outputs(LEFT, touching), duplicate_iou=0.1)) == 1


def test_a_full_house_says_so():
    columns = [(slice(0, 8), slice(2 * i, 2 * i + 1), 2.0) for i in range(QUERIES)]
    assert read(outputs(*columns)).saturated
    assert not read(outputs(*columns[1:])).saturated


def test_the_device_may_reuse_its_buffers():
    found = outputs(LEFT)
    result = read(found)
    before = result.logits.copy(), result.semantic.copy(), result.scores.copy()
    for array in found.values():
        array[:] = 7
    after = result.logits, result.semantic, result.scores
    assert all((a == b).all() for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("threshold", [-0.1, 1.5, float("nan")])
def test_a_threshold_is_a_probability(threshold):
    with pytest.raises(PromptError, match="threshold"):
        read(outputs(), threshold=threshold)
