"""SAM 2's automatic mask generator, under its own name, finds everything on a picture by a grid of
clicks.

As in SAM (Kirillov et al. 2023, appendix B, zero-shot edge detection and object proposals): each
click of the grid gives up to three masks; those that the model itself doubts go, then those whose
outline hangs on the threshold, then the duplicates.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.compat.bundles import build_sam2_hf
from host.compat.given_frames import picture
from host.compat.image_predictor import SAM2ImagePredictor
from host.compat.sam2_prompts import flag_of
from host.concepts.prompts import box_iou
from host.concepts.run_lengths import compressed, run_lengths
from host.device import Device
from host.errors import UsageError
from host.images import logits_to_video
from host.mask_overlap import surest
from host.names import ModuleNames, check_known
from host.prompts import Prompt

OUTPUT_MODES = {
    "binary_mask": lambda mask: mask,
    "uncompressed_rle": run_lengths,
    "coco_rle": compressed,
}
EDGE = 20
"""A mask counts as cut that comes within this many pixels of an edge of a crop which is not the
picture's (SAM).
"""


@dataclass(frozen=True)
class Settings:
    """These are SAM 2's settings, under its names and with its defaults. Raises UsageError for
    values that mean nothing. points_per_batch changes nothing here, since clicks are answered one
    by one.
    """

    points_per_side: int | None = 32
    points_per_batch: int = 64
    pred_iou_thresh: float = 0.8
    stability_score_thresh: float = 0.95
    stability_score_offset: float = 1.0
    mask_threshold: float = 0.0
    box_nms_thresh: float = 0.7
    crop_n_layers: int = 0
    crop_nms_thresh: float = 0.7
    crop_overlap_ratio: float = 512 / 1500
    crop_n_points_downscale_factor: int = 1
    point_grids: Sequence[NDArray[np.floating]] | None = None
    min_mask_region_area: float = 0
    output_mode: str = "binary_mask"
    use_m2m: bool = False
    multimask_output: bool = True

    def __post_init__(self) -> None:
        if (self.points_per_side is None) == (self.point_grids is None):
            raise UsageError(
                "points_per_side and point_grids", "give one of them, None for the other"
            )
        if self.points_per_side is not None and self.points_per_side < 1:
            raise UsageError(f"points_per_side {self.points_per_side}", "1 or more are needed")
        if self.crop_n_layers < 0 or self.crop_n_points_downscale_factor < 1:
            raise UsageError("negative crop_n_layers or scale of crops", "give 0 layers, or more")
        if self.point_grids is not None and len(self.point_grids) <= self.crop_n_layers:
            raise UsageError(
                f"{len(self.point_grids)} point_grids for {self.crop_n_layers} layers of crops",
                "give one for the picture and one a layer",
            )
        for name in ("use_m2m", "multimask_output"):
            flag_of(name, getattr(self, name))
        if self.output_mode not in OUTPUT_MODES:
            raise UsageError(f"output_mode {self.output_mode!r}", f"use {', '.join(OUTPUT_MODES)}")

    def grid(self, layer: int) -> NDArray[np.float64]:
        """Returns the clicks (n, 2) x, y in 0..1 on each crop of a layer; layer 0 is the whole
        picture.
        """
        if self.point_grids is not None:
            return np.asarray(self.point_grids[layer], np.float64).reshape(-1, 2)
        assert self.points_per_side is not None  # one of both is given
        side = max(1, int(self.points_per_side / self.crop_n_points_downscale_factor**layer))
        centres = (np.arange(side) + 0.5) / side
        return np.stack(np.meshgrid(centres, centres), -1).reshape(-1, 2)


@dataclass(frozen=True, eq=False)
class Found:
    """A click on a crop found this mask (H, W); boxes are x0, y0, x1, y1, the last
    pixel included.
    """

    mask: NDArray[np.bool_]
    box: NDArray[np.int64]
    iou: float
    stability: float
    point: NDArray[np.float64]
    crop: tuple[int, int, int, int]


class SAM2AutomaticMaskGenerator(ModuleNames):
    """The generator finds everything on a picture: `generate(image)`."""

    def __init__(self, model: Device, **settings: Any) -> None:
        """settings: of `Settings`. Raises UsageError for one that SAM 2 does not have."""
        check_known(settings, vars(Settings()), "setting of SAM2AutomaticMaskGenerator")
        self.settings = Settings(**settings)
        area = self.settings.min_mask_region_area
        self.predictor = SAM2ImagePredictor(
            model, self.settings.mask_threshold, max_hole_area=area, max_sprinkle_area=area
        )

    @classmethod
    def from_pretrained(cls, model_id: str, **settings: Any) -> SAM2AutomaticMaskGenerator:
        """Returns the generator of a bundle folder or a model's name; SAM 2's hub names open the
        default bundle.
        """
        check_known(settings, vars(Settings()), "setting of SAM2AutomaticMaskGenerator")
        return cls(build_sam2_hf(model_id), **settings)

    def generate(self, image: Any) -> list[dict[str, Any]]:
        """Returns the masks of a picture (H, W, 3) RGB uint8, or of anything else that `picture`
        reads.

        Each mask is a dictionary: segmentation (H, W) bool, or as output_mode asks for it, area in
        pixels, bbox x, y, width, height, predicted_iou, point_coords [[x, y]], stability_score,
        crop_box x, y, width, height. Raises FrameError for what is no picture.
        """
        frame = picture(image)
        settings, found = self.settings, []
        for layer, crop in crops(
            frame.shape[:2], settings.crop_n_layers, settings.crop_overlap_ratio
        ):
            of_crop = list(self._on_crop(frame, layer, crop))
            found += _distinct(of_crop, [one.iou for one in of_crop], settings.box_nms_thresh)
        if settings.crop_n_layers:
            smallest = [1 / ((x1 - x0) * (y1 - y0)) for x0, y0, x1, y1 in (f.crop for f in found)]
            found = _distinct(found, smallest, settings.crop_nms_thresh)
        encode = OUTPUT_MODES[settings.output_mode]
        return [
            {
                "segmentation": encode(one.mask),
                "area": int(one.mask.sum()),
                "bbox": _xywh(one.box),
                "predicted_iou": one.iou,
                "point_coords": [one.point.tolist()],
                "stability_score": one.stability,
                "crop_box": _xywh(one.crop),
            }
            for one in found
        ]

    def _on_crop(
        self, frame: NDArray[np.uint8], layer: int, crop: tuple[int, int, int, int]
    ) -> Iterator[Found]:
        x0, y0, x1, y1 = crop
        height, width = frame.shape[:2]
        self.predictor.set_image(frame[y0:y1, x0:x1])
        for where in self.settings.grid(layer):
            for one in self._of_click(where, (y1 - y0, x1 - x0)):
                mask = np.zeros((height, width), bool)
                mask[y0:y1, x0:x1] = one.mask
                box = one.box + np.array([x0, y0, x0, y0])
                if not _cut_by(box, crop, (width, height)):
                    point = one.point + [x0, y0]
                    yield replace(one, mask=mask, box=box, point=point, crop=crop)
        self.predictor.reset_predictor()

    def _of_click(self, where: NDArray[np.float64], size: tuple[int, int]) -> Iterator[Found]:
        """What a click at x, y in 0..1 finds on a crop of that size, if it is sure enough."""
        settings, predictor = self.settings, self.predictor
        prompt = Prompt(where[None].astype(np.float32), np.ones(1, np.int64))
        answer = predictor.answer(prompt)
        which = slice(1, 4) if settings.multimask_output else slice(0, 1)
        logits, ious = answer.candidates[which], answer.ious[which]
        if settings.use_m2m:  # each mask goes in once more, as the click's mask input
            again = [predictor.answer(prompt, plane) for plane in logits]
            logits = np.stack([one.candidates[0] for one in again])
            ious = np.stack([one.ious[0] for one in again])
        sure = ious > settings.pred_iou_thresh
        if settings.pred_iou_thresh <= 0:
            sure[:] = True
        for plane, iou in zip(predictor.tidy(logits[sure]), ious[sure], strict=True):
            full = logits_to_video(plane, *size)
            stability = _stability(full, settings.mask_threshold, settings.stability_score_offset)
            mask = full > settings.mask_threshold
            if stability >= settings.stability_score_thresh and mask.any():
                rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
                box = np.array([columns[0], rows[0], columns[-1], rows[-1]])
                point = where * (size[1], size[0])
                yield Found(mask, box, float(iou), stability, point, (0, 0, 0, 0))


def crops(
    size: Sequence[int], layers: int, overlap: float
) -> Iterator[tuple[int, tuple[int, int, int, int]]]:
    """Returns the layer and the crop x0, y0, x1, y1 of the whole picture (height, width), and of
    4**i overlapping crops in layer i (SAM, `generate_crop_boxes`).
    """
    height, width = size
    yield 0, (0, 0, width, height)
    for layer in range(1, layers + 1):
        side = 2**layer
        shared = int(overlap * min(height, width) * 2 / side)
        wide, high = (
            math.ceil((shared * (side - 1) + length) / side) for length in (width, height)
        )
        for column, row in product(range(side), repeat=2):
            x0, y0 = (wide - shared) * column, (high - shared) * row
            yield layer, (x0, y0, min(x0 + wide, width), min(y0 + high, height))


def _stability(logits: NDArray[np.float32], threshold: float, offset: float) -> float:
    """IoU of the masks at a threshold above and one below."""
    below = int((logits > threshold - offset).sum())
    return int((logits > threshold + offset).sum()) / below if below else 0.0


def _cut_by(box: NDArray[np.int64], crop: tuple[int, int, int, int], size: tuple[int, int]) -> bool:
    """Whether a mask's box ends at an edge of its crop that is not the picture's."""
    near_crop = np.abs(box - crop) <= EDGE
    near_border = np.abs(box - [0, 0, *size]) <= EDGE
    return bool((near_crop & ~near_border).any())


def _distinct(found: list[Found], scores: list[float], limit: float) -> list[Found]:
    """Those left when of two boxes that overlap by more than the limit the surer one stays."""
    order = np.argsort(-np.asarray(scores), kind="stable")
    boxes = np.array([found[i].box for i in order], np.float32).reshape(-1, 4)
    return [found[order[i]] for i in surest(box_iou(boxes, boxes), limit)]


def _xywh(box: Sequence[int] | NDArray[np.int64]) -> list[int]:
    x0, y0, x1, y1 = (int(value) for value in box)
    return [x0, y0, x1 - x0, y1 - y0]
