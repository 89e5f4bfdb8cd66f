"""The overlay of a bundle as PYNQ's users know overlays.

    from samfabric.overlays import SamFabricOverlay
    overlay = SamFabricOverlay()
    for frame, result in overlay.track(0, box=(100, 80, 220, 190)): ...

PYNQ looks for overlays in this package's folder too (entry point `pynq.overlays`). Importing it
loads nothing of the board.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samfabric.overlays.tracker import SamFabricOverlay as SamFabricOverlay

__all__ = ["SamFabricOverlay"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from samfabric.overlays.tracker import SamFabricOverlay

    return SamFabricOverlay
