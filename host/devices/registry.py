"""Devices by name, and the bundle that one opens when none is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from host.device import Device
from host.errors import BundleError, DeviceError
from hw.spec.hardware import FILE as HARDWARE


def _open_golden(folder: Path) -> Device:
    from host.devices.golden import GoldenDevice

    return GoldenDevice(folder)


def _open_rtl(folder: Path) -> Device:
    from host.devices.rtl import RtlDevice

    return RtlDevice(folder)


def _open_pynq(folder: Path) -> Device:
    from host.devices.pynq import PynqDevice

    return PynqDevice(folder)


DEVICES: dict[str, Callable[[Path], Device]] = {
    "golden": _open_golden,
    "rtl": _open_rtl,
    "pynq": _open_pynq,
}
HARDWARE_DEVICES = ("rtl", "pynq")
"""Those that need a bundle with hardware."""
DEFAULT_MODEL = "nano"


def default_bundle(model: str | None = None, hardware: bool = False) -> Path:
    """A bundle under bitstreams/: the newest of that model; without one `nano`, else any model.
    hardware: one with hardware first, where there is any.

    Looks in the working folder first, then beside this package. Raises BundleError.
    """
    places = [Path.cwd() / "bitstreams", Path(__file__).resolve().parents[2] / "bitstreams"]
    for place in places:
        found = [path.parent for path in sorted(place.glob("*/manifest.json"))]
        if model is not None:
            found = [folder for folder in found if folder.name.startswith(f"{model}_")]
        if found:
            described = [folder for folder in found if (folder / HARDWARE).is_file()]
            return max(described if hardware and described else found, key=_preference)
    kind = "" if model is None else f"{model} "
    raise BundleError(
        f"no {kind}bundle under {' or '.join(map(str, dict.fromkeys(places)))}",
        "name one with --bundle, or build one",
    )


def _preference(folder: Path) -> tuple[bool, float, str]:
    changed = (folder / "manifest.json").stat().st_mtime
    return folder.name.startswith(f"{DEFAULT_MODEL}_"), changed, folder.name


def open_device(name: str = "golden", bundle: str | Path | None = None) -> Device:
    """Device of that name on a bundle folder (None = `default_bundle`).

    Raises DeviceError for an unknown name or a device that cannot run here, BundleError for a
    bundle that is missing, incomplete or altered.
    """
    if name not in DEVICES:
        raise DeviceError(f"unknown device {name!r}", f"there is: {', '.join(sorted(DEVICES))}")
    if bundle is None:
        bundle = default_bundle(hardware=name in HARDWARE_DEVICES)
    return DEVICES[name](Path(bundle))
