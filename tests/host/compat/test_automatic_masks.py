"""SAM 2's automatic masks: a grid of clicks, what is sure of itself, once each."""

import numpy as np
import pytest

from host.compat.automatic_masks import SAM2AutomaticMaskGenerator, Settings, crops
from host.concepts.run_lengths import compressed, run_lengths
from host.errors import FrameError, UsageError
from tests.host.fake_device import FakeDevice
from tests.host.scenes import HEIGHT, WIDTH, both_frame, corner, overlap, square_mask

KEYS = {
    *("segmentation", "area", "bbox", "predicted_iou", "point_coords", "stability_score"),
    "crop_box",
}
LOOSE = {"points_per_side": 8, "pred_iou_thresh": 0.5, "stability_score_thresh": 0.5}


def generate(image=None, **settings):
    generator = SAM2AutomaticMaskGenerator(FakeDevice(), **{**LOOSE, **settings})
    return generator.generate(both_frame(1) if image is None else image)


def test_everything_is_found_once():
    found = generate()
    assert all(one.keys() == KEYS for one in found)
    for wanted in (square_mask(*corner(1)), square_mask(*corner(1, 56))):
        assert sum(overlap(one["segmentation"], wanted) > 0.8 for one in found) == 1
    for one in found:
        mask = one["segmentation"]
        assert mask.shape == (HEIGHT, WIDTH) and mask.dtype == bool and one["area"] == mask.sum()
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        x, y, w, h = one["bbox"]
        assert (x, y, x + w, y + h) == (columns[0], rows[0], columns[-1], rows[-1])
        assert 0.5 < one["predicted_iou"] <= 1 and 0.5 <= one["stability_score"] <= 1
        (where,) = one["point_coords"]
        assert where[0] % 20 == 10 and where[1] % 12 == 6  # of the grid
        assert one["crop_box"] == [0, 0, WIDTH, HEIGHT]
    assert [one["predicted_iou"] for one in found] == sorted(
        (one["predicted_iou"] for one in found), reverse=True
    )


def test_thresholds_leave_less():
    assert generate(pred_iou_thresh=0.999) == [] and generate(stability_score_thresh=1.0) == []
    loose = len(generate(box_nms_thresh=1.0))
    assert loose > len(generate()) >= len(generate(box_nms_thresh=0.1)) >= 2
    assert len(generate(multimask_output=False)) >= 2
    assert len(generate(points_per_side=None, point_grids=[np.array([[0.15, 0.35]])])) == 1


def test_a_second_look():
    found = generate(use_m2m=True)
    assert sum(overlap(one["segmentation"], square_mask(*corner(1))) > 0.8 for one in found) == 1


@pytest.mark.parametrize("mode", ["uncompressed_rle", "coco_rle"])
def test_run_lengths_as_coco_has_them(mode):
    coco = pytest.importorskip("pycocotools.mask")
    for plain, coded in zip(generate(), generate(output_mode=mode), strict=True):
        told = coded["segmentation"]
        if mode == "uncompressed_rle":
            told = coco.frPyObjects(told, *told["size"])
        assert (coco.decode(told) == plain["segmentation"]).all()


@pytest.mark.parametrize("seed", range(20))
def test_compressed_run_lengths(seed):
    coco = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(seed)
    mask = rng.random((rng.integers(1, 90), rng.integers(1, 900))) < rng.random() ** 3
    told = compressed(mask)
    wanted = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert told["counts"].encode() == wanted["counts"] and told["size"] == wanted["size"]
    assert sum(run_lengths(mask)["counts"]) == mask.size


def test_crops():
    layers = list(crops((300, 400), 2, 512 / 1500))
    assert layers[0] == (0, (0, 0, 400, 300)) and len(layers) == 1 + 4 + 16
    covered = {layer: np.zeros((300, 400), int) for layer in range(3)}
    for layer, (x0, y0, x1, y1) in layers:
        assert 0 <= x0 < x1 <= 400 and 0 <= y0 < y1 <= 300
        covered[layer][y0:y1, x0:x1] += 1
    assert all((count > 0).all() for count in covered.values())
    found = generate(crop_n_layers=1, crop_n_points_downscale_factor=2)
    for wanted in (square_mask(*corner(1)), square_mask(*corner(1, 56))):
        assert sum(overlap(one["segmentation"], wanted) > 0.7 for one in found) >= 1
    assert any(one["crop_box"] != [0, 0, WIDTH, HEIGHT] for one in found)


def test_specks_are_dropped():
    image = both_frame(1)
    image[2:8, 140:150] = (250, 10, 10)  # one cell, of the red square's colour
    grid = {"points_per_side": None, "point_grids": [np.array([[0.19, 0.33]])]}
    (whole,), (tidy,) = (generate(image, min_mask_region_area=k, **grid) for k in (0, 2))
    assert whole["segmentation"][4, 145] and not tidy["segmentation"][4, 145]


BAD = [
    ({"pred_iou_threshold": 0.8}, "mean pred_iou_thresh"),
    ({"point_per_side": 8}, "mean points_per_side"),
    ({"points_per_side": 0}, "points_per_side 0"),
    ({"points_per_side": None}, "give one of them"),
    ({"point_grids": [np.zeros((1, 2))]}, "give one of them"),
    ({"points_per_side": None, "point_grids": [np.zeros((1, 2))], "crop_n_layers": 1}, "1 point_g"),
    ({"output_mode": "png"}, "'png'.*binary_mask"),
    ({"crop_n_layers": -1}, "crop"),
]


@pytest.mark.parametrize(("settings", "text"), BAD)
def test_settings_that_mean_nothing(settings, text):
    with pytest.raises(UsageError, match=text):
        SAM2AutomaticMaskGenerator(FakeDevice(), **settings)


def test_defaults_and_bad_pictures():
    assert SAM2AutomaticMaskGenerator(FakeDevice()).settings == Settings()
    assert len(Settings().grid(0)) == 1024
    with pytest.raises(FrameError):
        generate(np.zeros((5, 5, 2), np.uint8))
