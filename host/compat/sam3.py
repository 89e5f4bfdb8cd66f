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

from host.compat.bundles import open_model
from host.compat.sam3_image import Sam3Processor
from host.compat.sam3_video import Sam3VideoPredictor
from host.device import Device
from host.names import check_known
from host.spec import require_detector

__all__ = [
    "Sam3Processor",
    "Sam3VideoPredictor",
    "build_sam3_image_model",
    "build_sam3_video_predictor",
]

UNUSED = ("load_from_HF", "enable_segmentation", "enable_inst_interactivity", "compile")
UNUSED_OF_VIDEO = (
    "bpe_path",
    "gpus_to_use",
    "has_presence_token",
    "geo_encoder_use_img_cross_attn",
    "strict_state_dict_loading",
    "async_loading_frames",
    "video_loader_type",
    "apply_temporal_disambiguation",
    "load_from_HF",
    "compile",
)
"""These options of SAM 3 change nothing here."""


def build_sam3_image_model(
    bpe_path: Any = None,
    device: Any = None,
    eval_mode: bool = True,
    checkpoint_path: str | Path | None = None,
    **options: Any,
) -> Device:
    """Returns the device that a `Sam3Processor` works with.

    checkpoint_path may name a bundle folder; SAM 3's own (.pt) selects the default bundle. device
    is one of `host.devices.registry.DEVICES` or an open Device; anything else, as "cuda", means
    `golden`. The other arguments, and options of `UNUSED`, are SAM 3's and change nothing here.
    Raises BundleError, DeviceError, UsageError for an option that SAM 3 does not have.
    """
    check_known(options, UNUSED, "option of build_sam3_image_model")
    opened = open_model(None, checkpoint_path, device, detector=True)
    require_detector(opened.spec)
    return opened


def build_sam3_video_predictor(
    checkpoint_path: str | Path | None = None, device: Any = None, **options: Any
) -> Sam3VideoPredictor:
    """Returns a video predictor; the arguments are those of `build_sam3_image_model`, the options
    those of `UNUSED_OF_VIDEO`.
    """
    check_known(options, UNUSED_OF_VIDEO, "option of build_sam3_video_predictor")
    model = build_sam3_image_model(device=device, checkpoint_path=checkpoint_path)
    return Sam3VideoPredictor(model)
