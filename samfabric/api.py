"""The public API offers the tracker, concepts, videos, errors, and SAM 2's and SAM 3's names."""

from __future__ import annotations

from host.compat.sam2 import (
    SAM2AutomaticMaskGenerator,
    SAM2ImagePredictor,
    SAM2VideoPredictor,
    build_sam2,
    build_sam2_hf,
    build_sam2_video_predictor,
    build_sam2_video_predictor_hf,
)
from host.compat.sam3 import (
    Sam3Processor,
    Sam3VideoPredictor,
    build_sam3_image_model,
    build_sam3_video_predictor,
)
from host.concepts.prompts import ConceptPrompt
from host.concepts.session import ConceptDetector, ConceptSession
from host.device import Device
from host.devices.registry import default_bundle, open_device
from host.errors import SamFabricError
from host.media.demo_clip import write_demo_clip
from host.media.video import open_source
from host.prompts import Prompt
from host.session import Session, StepResult

__all__ = [
    "ConceptDetector",
    "ConceptPrompt",
    "ConceptSession",
    "Device",
    "Prompt",
    "SAM2AutomaticMaskGenerator",
    "SAM2ImagePredictor",
    "SAM2VideoPredictor",
    "Sam3Processor",
    "Sam3VideoPredictor",
    "SamFabricError",
    "Session",
    "StepResult",
    "build_sam2",
    "build_sam2_hf",
    "build_sam2_video_predictor",
    "build_sam2_video_predictor_hf",
    "build_sam3_image_model",
    "build_sam3_video_predictor",
    "default_bundle",
    "open_device",
    "open_source",
    "write_demo_clip",
]
