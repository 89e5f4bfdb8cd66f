"""SAM 2's arguments stand for a bundle and a device; here they are read and opened."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from host.device import Device
from host.devices.registry import DEVICES, default_bundle, open_device
from host.errors import BundleError, UsageError
from host.names import check_known

log = logging.getLogger(__name__)


UNUSED = ("mode", "hydra_overrides_extra", "apply_postprocessing")
"""These options of SAM 2 change nothing here."""
HEEDED: dict[str, Callable[[str], Any]] = {
    "non_overlap_masks": {"true": True, "false": False}.__getitem__,
    "fill_hole_area": float,
}
"""Settings of SAM 2's video predictor that are heeded, and how they are read."""


def _bundle_of(
    config_file: str | Path | None, ckpt_path: str | Path | None, detector: bool
) -> Path:
    for given in (ckpt_path, config_file):
        if given is None:
            continue
        if Path(given).is_dir():
            return Path(given)
        if given == config_file and not Path(given).suffix and "/" not in str(given):
            return default_bundle(str(given), detector=detector)
        if Path(given).suffix in (".pt", ".pth", ".yaml") or str(given).startswith("facebook/"):
            log.warning("%s is SAM 2's; using the default bundle instead", given)
            continue
        raise BundleError(f"no bundle folder {given}", "check the path given as bundle")
    return default_bundle(detector=detector)


def build_sam2(
    config_file: str | Path | None = None,
    ckpt_path: str | Path | None = None,
    device: Any = None,
    **options: Any,
) -> Device:
    """Returns the device for SAM2ImagePredictor and SAM2VideoPredictor.

    config_file or ckpt_path may name a bundle folder, config_file a model ("nano"); SAM 2's own
    files (.yaml, .pt) select the default bundle. device is one of `host.devices.registry.DEVICES`
    or an open Device; anything else, as "cuda", means `golden`. options may be those of `UNUSED`,
    which change nothing. Raises BundleError, DeviceError, UsageError for an option that SAM 2 does
    not have.
    """
    check_known(options, UNUSED, "option of build_sam2")
    return open_model(config_file, ckpt_path, device)


def open_model(
    config_file: str | Path | None,
    ckpt_path: str | Path | None,
    device: Any,
    detector: bool = False,
) -> Device:
    """Returns the device that `build_sam2` does. With detector, a bundle that has a concept
    detector is preferred where none is named.
    """
    if hasattr(device, "run") and hasattr(device, "spec"):
        opened: Device = device
        return opened
    name = device if isinstance(device, str) and device in DEVICES else "golden"
    return open_device(name, _bundle_of(config_file, ckpt_path, detector))


def build_sam2_hf(model_id: str | Path, **options: Any) -> Device:
    """Returns the device of a bundle folder or a model's name; SAM 2's hub names open the default
    bundle. The options are those of `build_sam2`.
    """
    return build_sam2(model_id, **options)


def open_video_model(
    config_file: str | Path | None,
    ckpt_path: str | Path | None,
    device: Any,
    options: Mapping[str, Any],
) -> tuple[Device, dict[str, Any]]:
    """Returns the device for a video predictor, opened as `build_sam2` does, with the settings of
    the predictor that stand among the options. Raises UsageError for an option that SAM 2 does not
    have or a bad value.
    """
    check_known(options, (*UNUSED, "vos_optimized"), "option of build_sam2_video_predictor")
    settings = _heeded(options.get("hydra_overrides_extra") or [])
    return open_model(config_file, ckpt_path, device), settings


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
