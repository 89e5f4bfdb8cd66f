"""Devices are opened by name, on the bundle named or on the one that is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from host.device import Device
from host.errors import BundleError, DeviceError
from hw.spec.command_line import meant
from hw.spec.hardware import FILE as HARDWARE
from hw.spec.manifest import MANIFEST
from hw.spec.plain import read_json


def _open_golden(folder: Path) -> Device:
    from host.devices.golden import GoldenDevice

    return GoldenDevice(folder)


def _open_rtl(folder: Path) -> Device:
    from host.devices.rtl import RtlDevice

    return RtlDevice(folder)


def _open_csim(folder: Path) -> Device:
    from host.devices.csim import CsimDevice

    return CsimDevice(folder)


def _open_pynq(folder: Path) -> Device:
    from host.devices.pynq import PynqDevice

    return PynqDevice(folder)


DEVICES: dict[str, Callable[[Path], Device]] = {
    "golden": _open_golden,
    "rtl": _open_rtl,
    "csim": _open_csim,
    "pynq": _open_pynq,
}
HARDWARE_DEVICES = ("rtl", "csim", "pynq")
"""These devices need a bundle with hardware."""
DEFAULT_MODEL = "nano"


def default_bundle(
    model: str | None = None, hardware: bool = False, detector: bool = False
) -> Path:
    """Returns a bundle under bitstreams/: the newest of that model, or without one the newest of
    `nano`, else of any model. With hardware or with detector, bundles that have it come first,
    where there are any.

    It looks in the working folder first, then beside this package. Raises BundleError where there
    is none.
    """
    places = [Path.cwd() / "bitstreams", Path(__file__).resolve().parents[2] / "bitstreams"]
    for place in places:
        found = [path.parent for path in sorted(place.glob(f"*/{MANIFEST}"))]
        if model is not None:
            found = [folder for folder in found if folder.name.startswith(f"{model.lower()}_")]
        if found:
            if hardware:
                found = [f for f in found if (f / HARDWARE).is_file()] or found
            if detector:
                found = [f for f in found if _has_detector(f)] or found
            return max(found, key=_preference)
    kind = "" if model is None else f"{model} "
    raise BundleError(
        f"no {kind}bundle under {' or '.join(map(str, dict.fromkeys(places)))}",
        "name one with --bundle, or build one",
    )


def _has_detector(folder: Path) -> bool:
    try:
        described = read_json(folder / MANIFEST)
    except (OSError, ValueError):
        return False  # opening it says what is wrong
    return isinstance(described, dict) and described.get("detector") is not None


def _preference(folder: Path) -> tuple[bool, float, str]:
    changed = (folder / MANIFEST).stat().st_mtime
    return folder.name.startswith(f"{DEFAULT_MODEL}_"), changed, folder.name


def open_device(
    name: str = "golden", bundle: str | Path | None = None, detector: bool = False
) -> Device:
    """Opens the device of that name, in upper or lower case, on a bundle folder, by default the one
    that `default_bundle` finds.

    With detector, a bundle that has a concept detector is preferred where none is named. Raises
    DeviceError for an unknown name or a device that cannot run here, BundleError for a bundle that
    is missing, incomplete or altered.
    """
    name = meant(name, DEVICES)
    if name not in DEVICES:
        raise DeviceError(f"unknown device {name!r}", f"there is: {', '.join(sorted(DEVICES))}")
    if bundle is None:
        bundle = default_bundle(hardware=name in HARDWARE_DEVICES, detector=detector)
    return DEVICES[name](Path(bundle).expanduser())
