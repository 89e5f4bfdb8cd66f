"""These functions, named as in SAM 2's own module, open a device and wrap it in SAM 2's
predictors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from host.compat.bundles import build_sam2, build_sam2_hf, open_video_model
from host.compat.video_predictor import SAM2VideoPredictor

__all__ = [
    "build_sam2",
    "build_sam2_hf",
    "build_sam2_video_predictor",
    "build_sam2_video_predictor_hf",
]


def build_sam2_video_predictor(
    config_file: str | Path | None = None,
    ckpt_path: str | Path | None = None,
    device: Any = None,
    **options: Any,
) -> SAM2VideoPredictor:
    """Returns a video predictor; the arguments are those of `build_sam2`.

    Of hydra_overrides_extra, a list, `++model.non_overlap_masks` and `++model.fill_hole_area` are
    heeded; a warning says which others are not.
    """
    model, settings = open_video_model(config_file, ckpt_path, device, options)
    return SAM2VideoPredictor(model, **settings)


def build_sam2_video_predictor_hf(model_id: str | Path, **options: Any) -> SAM2VideoPredictor:
    """Returns a video predictor of a bundle folder or a model's name, which are read as in
    `build_sam2_hf`.
    """
    return build_sam2_video_predictor(model_id, **options)
