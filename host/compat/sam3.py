"""SAM 3's image processor and video predictor by their own names, so that a script runs by changing
its imports.

from host.compat.sam3 import Sam3Processor, build_sam3_image_model, build_sam3_video_predictor
processor = Sam3Processor(build_sam3_image_model())
state = processor.set_text_prompt(prompt="cat", state=processor.set_image(image))
masks, boxes, scores = state["masks"], state["boxes"], state["scores"]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from host.compat.bundles import build_sam2
from host.compat.sam3_image import Sam3Processor
from host.compat.sam3_video import Sam3VideoPredictor
from host.device import Device
from host.spec import require_detector

__all__ = [
    "Sam3Processor",
    "Sam3VideoPredictor",
    "build_sam3_image_model",
    "build_sam3_video_predictor",
]


def build_sam3_image_model(
    bpe_path: Any = None,
    device: Any = None,
    eval_mode: bool = True,
    checkpoint_path: str | Path | None = None,
    **_options: Any,
) -> Device:
    """Device for `Sam3Processor`.

    checkpoint_path may name a bundle folder; SAM 3's own (.pt) selects the default bundle. device:
    one of `host.devices.registry.DEVICES` or an open Device; anything else means `golden`. The
    other arguments are SAM 3's and change nothing here. Raises BundleError, DeviceError.
    """
    opened = build_sam2(None, checkpoint_path, device)
    require_detector(opened.spec)
    return opened


def build_sam3_video_predictor(
    checkpoint_path: str | Path | None = None, device: Any = None, **_options: Any
) -> Sam3VideoPredictor:
    """Video predictor; arguments as in `build_sam3_image_model`."""
    model = build_sam3_image_model(device=device, checkpoint_path=checkpoint_path)
    return Sam3VideoPredictor(model)
