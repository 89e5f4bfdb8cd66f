"""SAM 2's predictors by their own names, so that a script runs by changing its import.

from host.compat.sam2 import build_sam2_video_predictor
predictor = build_sam2_video_predictor(model_cfg, checkpoint)
state = predictor.init_state(video_path)
predictor.add_new_points_or_box(state, frame_idx=0, obj_id=1, points=points, labels=labels)
for frame_idx, obj_ids, mask_logits in predictor.propagate_in_video(state): ...
"""

from __future__ import annotations

from host.compat.automatic_masks import SAM2AutomaticMaskGenerator
from host.compat.build_sam import (
    build_sam2,
    build_sam2_hf,
    build_sam2_video_predictor,
    build_sam2_video_predictor_hf,
)
from host.compat.image_predictor import SAM2ImagePredictor
from host.compat.video_predictor import InferenceState, SAM2VideoPredictor

__all__ = [
    "InferenceState",
    "SAM2AutomaticMaskGenerator",
    "SAM2ImagePredictor",
    "SAM2VideoPredictor",
    "build_sam2",
    "build_sam2_hf",
    "build_sam2_video_predictor",
    "build_sam2_video_predictor_hf",
]
