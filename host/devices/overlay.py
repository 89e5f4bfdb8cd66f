"""Finds a bundle's overlay, checks it, loads it with `pynq`, and settles the clock of the
programmable logic. What can be wrong is found before the board is touched, as far as files tell it.

pynq's Overlay sets the divisors of that clock and never the PLL behind them, which the board's boot
image has set up. Where that PLL runs at another frequency than Vivado assumed, the logic would run
faster than it was timed for, and nothing would say so.
"""

from __future__ import annotations

import os
import re
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from host.errors import BundleError, DeviceError
from hw.spec.handoff import Handoff
from hw.spec.hardware import FILE, Hardware

LOAD_S = 60.0
"""Loading an overlay may take this many seconds; a KV260 needs about one."""
TOLERANCE = 1e-3
"""Two frequencies this close are the same one: pynq reckons with a crystal of 33.333 MHz."""
SETTINGS = 16
"""A clock is given up after this many divisors have been tried."""
XRT = "XILINX_XRT"
BOARD = "BOARD"
"""PYNQ's images name the board in this environment variable."""


def find(folder: Path, hardware: Hardware) -> tuple[Path, Handoff]:
    """Returns the bitstream of a bundle and what its `.hwh` says, which agrees with hardware.json.

    Raises BundleError for files that are missing, torn or of another design, DeviceError on a board
    of another kind.
    """
    if hardware.overlay is None:
        raise BundleError(
            f"{folder} holds no bitstream", "run make bitstream where Vivado is, or DEVICE=rtl"
        )
    if hardware.address is None:
        raise BundleError(
            "the hardware has no address of its registers", "run make bitstream again"
        )
    path = folder / hardware.overlay
    if not path.is_file():
        raise BundleError(f"bundle file {path} is missing", "run make bitstream again")
    handoff = Handoff.read(path.with_suffix(".hwh"))
    handoff.check(hardware)
    here = os.environ.get(BOARD, "")
    if here and not _same_board(here, hardware.board):
        raise DeviceError(
            f"the bundle is for {hardware.board}, this board is {here} (variable {BOARD})",
            "use a bundle of this board",
        )
    return path, handoff


def for_this_board() -> Path:
    """The newest bundle with an overlay for the board that this is, under bitstreams/ in the
    working folder or beside this package. Raises BundleError.
    """
    here = os.environ.get(BOARD, "")
    places = [Path.cwd() / "bitstreams", Path(__file__).resolve().parents[2] / "bitstreams"]
    found = []
    for path in dict.fromkeys(p for place in places for p in sorted(place.glob(f"*/{FILE}"))):
        with suppress(BundleError):  # a broken bundle says so when it is named
            hardware = Hardware.load(path.parent)
            if hardware.overlay is not None and (not here or _same_board(here, hardware.board)):
                found.append(path)
    if not found:
        looked = " or ".join(map(str, dict.fromkeys(places)))
        raise BundleError(
            f"no bundle with an overlay for {here or 'a board'} under {looked}",
            "name its folder, or copy one there",
        )
    return max(found, key=lambda path: path.stat().st_mtime).parent


def _same_board(here: str, wanted: str) -> bool:
    """PYNQ's images write Pynq-Z2 and Ultra96 for PYNQ-Z2 and Ultra96-V2."""
    a, b = (re.sub(r"[^a-z0-9]", "", name.lower()) for name in (here, wanted))
    return a.startswith(b) or b.startswith(a)


def load(pynq: Any, path: Path, make: Callable[[str], Any] | None = None) -> Any:
    """Loads the overlay on the board and returns it. make is what loads it, by default pynq's
    Overlay.

    Raises DeviceError where pynq finds no board, may not use it, or does not come to an end.
    """
    make = make or pynq.Overlay
    version = getattr(pynq, "__version__", "of unknown version")
    try:
        pynq.Device.active_device  # noqa: B018 - a device wants the main thread's event loop
    except Exception as error:  # its causes reach from missing files to missing symbols
        raise DeviceError(f"pynq {version} finds no board: {error}", _why_no_board()) from error
    done = threading.Event()
    result: dict[str, Any] = {}

    def work() -> None:
        try:
            result["overlay"] = make(str(path.resolve()))
        except BaseException as error:
            result["error"] = error
        done.set()

    threading.Thread(target=work, name="load-overlay", daemon=True).start()
    if not done.wait(LOAD_S):
        raise DeviceError(
            f"{path} is not loaded after {LOAD_S:g} s", "switch the board off and on again"
        )
    failed = result.get("error")
    if isinstance(failed, Exception):
        detail = f"{type(failed).__name__}: {failed}"
        raise DeviceError(
            f"pynq {version} cannot load {path}: {detail}", _why_not_loaded(failed)
        ) from failed
    if failed is not None:
        raise failed
    return result["overlay"]


def _why_no_board() -> str:
    if XRT not in os.environ:
        return (
            f"{XRT} is not set: as root, source /etc/profile.d/pynq_venv.sh, on a PYNQ image "
            "/etc/profile.d/xrt_setup.sh too, or use the board's Jupyter"
        )
    return "run as root on a board of the bundle's kind, or use DEVICE=golden or rtl"


def _why_not_loaded(error: Exception) -> str:
    if isinstance(error, PermissionError) or "oot permission" in str(error):
        return "run as root (sudo -i, then source /etc/profile.d/pynq_venv.sh)"
    if XRT not in os.environ:
        return _why_no_board()
    return "fetch the bundle's .bit again; pynq 3.0.1 to 3.1 is known to work"


def settle_clock(clocks: Any, timed_mhz: float) -> float:
    """Returns the frequency in MHz that the programmable logic's first clock now has: the greatest
    that the board's PLL gives and that is not above `timed_mhz`.

    clocks is pynq's Clocks. Raises DeviceError where the frequency stays above, or cannot be read.
    """
    allowed = timed_mhz * (1 + TOLERANCE)
    try:
        found = float(clocks.fclk0_mhz)
        asked = timed_mhz
        for _ in range(SETTINGS):
            if timed_mhz * (1 - TOLERANCE) <= found <= allowed:
                return found
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # pynq takes the nearest, which may be above
                clocks.fclk0_mhz = asked
            found = float(clocks.fclk0_mhz)
            if found <= allowed:
                return found
            asked *= timed_mhz / found
    except (ValueError, KeyError, AttributeError, TypeError, RuntimeError, OSError) as error:
        raise DeviceError(
            f"the clock of the programmable logic cannot be read or set: {error}",
            "switch the board off and on again, and load no other overlay before",
        ) from error
    raise DeviceError(
        f"the clock of the programmable logic stays at {found:g} MHz, "
        f"the overlay is timed for {timed_mhz:g} MHz",
        "switch the board off and on again, and load no other overlay before",
    )
