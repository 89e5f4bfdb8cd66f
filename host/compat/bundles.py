"""The bundle and the device that SAM 2's arguments stand for."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from host.device import Device
from host.devices.registry import DEVICES, default_bundle, open_device
from host.errors import BundleError
from host.names import check_known

log = logging.getLogger(__name__)


UNUSED = ("mode", "hydra_overrides_extra", "apply_postprocessing")
"""SAM 2's options that change nothing here."""


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
    """Device for SAM2ImagePredictor and SAM2VideoPredictor.

    config_file or ckpt_path may name a bundle folder, config_file a model ("nano"); SAM 2's own
    files (.yaml, .pt) select the default bundle. device: one of `host.devices.registry.DEVICES`
    or an open Device; anything else, as "cuda", means `golden`. options: of `UNUSED`. Raises
    BundleError, DeviceError, UsageError for an option that SAM 2 does not have.
    """
    check_known(options, UNUSED, "option of build_sam2")
    return open_model(config_file, ckpt_path, device)


def open_model(
    config_file: str | Path | None,
    ckpt_path: str | Path | None,
    device: Any,
    detector: bool = False,
) -> Device:
    """As `build_sam2`; detector: by default rather a bundle with a concept detector."""
    if hasattr(device, "run") and hasattr(device, "spec"):
        opened: Device = device
        return opened
    name = device if isinstance(device, str) and device in DEVICES else "golden"
    return open_device(name, _bundle_of(config_file, ckpt_path, detector))
