"""Opens a device and wraps it in SAM 2's predictors; named as SAM 2's own module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from host.compat.bundles import build_sam2
from host.compat.video_predictor import SAM2VideoPredictor

__all__ = ["build_sam2", "build_sam2_video_predictor"]


def build_sam2_video_predictor(
    config_file: str | Path | None = None,
    ckpt_path: str | Path | None = None,
    device: Any = None,
    **options: Any,
) -> SAM2VideoPredictor:
    """Video predictor; arguments as in `build_sam2`."""
    return SAM2VideoPredictor(build_sam2(config_file, ckpt_path, device, **options))
