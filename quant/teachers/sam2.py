"""SAM 2 as a teacher: what is in the boxes, or whatever a grid of points finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from quant.teachers.common import Boxes, Found, Picture, Pixels, load, upscale

OBJECT = "object"
"""The name of what SAM 2 finds unasked."""

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's
GRID = 16  # points a side; SAM's own 32 finds smaller parts at four times the cost
POINTS_AT_ONCE = 64
LEAST_SCORE, LEAST_STABILITY, MOST_OVERLAP = 0.8, 0.92, 0.7  # SAM 2's automatic mask generator
STABILITY_OFFSET = 1.0


class Sam2:
    """SAM 2 on single frames: what is in the boxes, or whatever a grid of points finds."""

    follows = False

    def __init__(self, model: str, device: torch.device):
        from transformers import Sam2Model

        self._model = load(Sam2Model, model, device)
        size = self._model.config.prompt_encoder_config.image_size
        self._pixels = Pixels(model, size, device, MEAN, DEVIATION)
        self._device = device

    @torch.inference_mode()
    def label(self, pictures: Iterable[Picture]) -> Iterator[list[Found]]:
        for picture in pictures:
            seen = self._model.get_image_embeddings(self._pixels(picture.image))
            size = (picture.image.shape[0], picture.image.shape[1])
            if picture.boxes is None:
                yield self._everything(seen, size)
            else:
                yield self._boxed(seen, picture.boxes, size)

    def _boxed(self, seen: list[Tensor], boxes: Boxes, size: tuple[int, int]) -> list[Found]:
        names = [name for name, some in boxes.items() for _ in some]
        if not names:
            return []
        corners = torch.tensor([list(map(float, box)) for some in boxes.values() for box in some])
        corners *= torch.tensor([self._pixels.side / size[1], self._pixels.side / size[0]] * 2)
        out = self._model(
            image_embeddings=seen,
            input_boxes=corners[None].to(self._device),
            multimask_output=False,
        )
        masks, scores = upscale(out.pred_masks[0, :, 0], size), out.iou_scores[0, :, 0]
        return [
            Found(name, mask, float(score.clamp(0, 1)))
            for name, mask, score in zip(names, masks, scores, strict=True)
        ]

    def _everything(self, seen: list[Tensor], size: tuple[int, int]) -> list[Found]:
        centres = (torch.arange(GRID) + 0.5) / GRID * self._pixels.side
        grid = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), -1).reshape(-1, 2)
        masks, scores = [], []
        for points in grid.to(self._device).split(POINTS_AT_ONCE):
            out = self._model(
                image_embeddings=seen,
                input_points=points[None, :, None],
                input_labels=torch.ones(1, len(points), 1, dtype=torch.long, device=self._device),
            )
            logits, score = out.pred_masks[0].flatten(0, 1), out.iou_scores[0].flatten()
            keep = (score >= LEAST_SCORE) & (stability(logits) >= LEAST_STABILITY)
            masks.append(logits[keep])
            scores.append(score[keep])
        logits, score = torch.cat(masks), torch.cat(scores)
        chosen = distinct(logits > 0, score)
        found = upscale(logits[chosen], size)
        return [
            Found(OBJECT, mask, float(value.clamp(0, 1)))
            for mask, value in zip(found, score[chosen], strict=True)
        ]


def stability(logits: Tensor) -> Tensor:
    """Returns (M,): IoU of each mask cut a little above and a little below its threshold; SAM, app.
    B.
    """
    inner = (logits > STABILITY_OFFSET).flatten(1).sum(1)
    outer = (logits > -STABILITY_OFFSET).flatten(1).sum(1)
    return inner / outer.clamp(min=1)


def distinct(masks: Tensor, scores: Tensor) -> list[int]:
    """Rows of masks (M, h, w) bool to keep, best first: none overlaps a better one too much."""
    flat = masks.flatten(1).float()
    area = flat.sum(1)
    chosen: list[int] = []
    for row in scores.argsort(descending=True).tolist():
        if not area[row]:
            continue
        common = flat[chosen] @ flat[row]
        if not (common > MOST_OVERLAP * (area[chosen] + area[row] - common)).any():
            chosen.append(row)
    return chosen
