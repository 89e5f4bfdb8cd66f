"""Opens a device and wraps it in SAM 2's predictors; named as SAM 2's own module."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from host.compat.bundles import UNUSED, build_sam2, open_model
from host.compat.video_predictor import SAM2VideoPredictor
from host.errors import UsageError
from host.names import check_known

__all__ = ["build_sam2", "build_sam2_video_predictor"]

log = logging.getLogger(__name__)

HEEDED: dict[str, Callable[[str], Any]] = {
    "non_overlap_masks": {"true": True, "false": False}.__getitem__,
    "fill_hole_area": float,
}
"""Settings of SAM 2's video predictor that are heeded, and how they are read."""


def build_sam2_video_predictor(
    config_file: str | Path | None = None,
    ckpt_path: str | Path | None = None,
    device: Any = None,
    **options: Any,
) -> SAM2VideoPredictor:
    """Video predictor; arguments as in `build_sam2`.

    `++model.non_overlap_masks` and `++model.fill_hole_area` in hydra_overrides_extra, a list, are
    heeded, others said not to be.
    """
    check_known(options, (*UNUSED, "vos_optimized"), "option of build_sam2_video_predictor")
    return SAM2VideoPredictor(
        open_model(config_file, ckpt_path, device),
        **_heeded(options.get("hydra_overrides_extra") or []),
    )


def _heeded(overrides: Iterable[str]) -> dict[str, Any]:
    """Settings of the predictor among Hydra's overrides. Raises UsageError for a bad value."""
    settings: dict[str, Any] = {}
    for override in overrides:
        name, _, value = override.lstrip("+~").removeprefix("model.").partition("=")
        if name not in HEEDED:
            log.warning("%s is SAM 2's and changes nothing here", override)
            continue
        try:
            settings[name] = HEEDED[name](value.lower())
        except (KeyError, ValueError) as error:
            raise UsageError(f"override {override!r}", "give a value that it can have") from error
    return settings
