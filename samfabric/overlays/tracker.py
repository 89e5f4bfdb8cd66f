"""`SamFabricOverlay`: a pynq Overlay that finds its own bitstream, checks it against its bundle,
and offers the tracker on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pynq
from numpy.typing import NDArray

from host.devices import overlay
from host.devices.pynq import PynqDevice
from host.errors import PromptError
from host.media.video import open_source
from host.prompts import Prompt
from host.session import Session, StepResult
from hw.spec.hardware import Hardware


class SamFabricOverlay(pynq.Overlay):
    """An overlay of a bundle is loaded on the board when it is made.

    bundle: its folder; by default the newest one for this board under bitstreams/.
    Raises BundleError for a bundle without an overlay or with one that is torn or of another
    design, DeviceError away from a board of the bundle's kind.
    """

    def __init__(self, bundle: str | Path | None = None) -> None:
        self.bundle = overlay.for_this_board() if bundle is None else Path(bundle)
        self._tracker: PynqDevice | None = None
        path, _ = overlay.find(self.bundle, Hardware.load(self.bundle))
        overlay.load(pynq, path, super().__init__)

    @property
    def tracker(self) -> PynqDevice:
        """The accelerators as a device, for a `Session` or for single graphs by its `run`."""
        if self._tracker is None:
            self._tracker = PynqDevice(self.bundle, loaded=self)
        return self._tracker

    def track(
        self,
        source: str | Path | int,
        *,
        box: Sequence[float] | None = None,
        points: Sequence[Sequence[float]] | None = None,
        labels: Sequence[int] | None = None,
        mask: NDArray[np.bool_] | None = None,
        prompts: Mapping[int, Prompt] | None = None,
    ) -> Iterator[tuple[NDArray[np.uint8], StepResult]]:
        """Frames (H, W, 3) uint8 RGB of a video, a folder or a camera, each with the answer for
        every object: `result.objects[1].mask()`.

        box, points with labels, mask: of object 1 on the first frame, in pixels as SAM 2 has them.
        prompts: of several objects, by id. Raises SourceError and PromptError.
        """
        given = any(value is not None for value in (box, points, mask))
        if given == bool(prompts):
            raise PromptError(
                "no prompt, or two kinds of them",
                "give box, points or mask of one object, or prompts by id",
            )
        session = Session(self.tracker)
        asked: dict[int, Prompt] | None = dict(prompts or {})
        for taken in open_source(source):
            frame = taken.image
            if given and asked is not None:
                height, width = frame.shape[:2]
                asked = {1: Prompt.from_pixels(height, width, points, labels, box, mask)}
            yield frame, session.step(frame, asked)
            asked, given = None, False

    def close(self) -> None:
        """Stops the data mover; the overlay stays loaded."""
        if self._tracker is not None:
            self._tracker.close()
            self._tracker = None

    def __getattr__(self, name: str) -> Any:
        # pynq's own asks whether the overlay is loaded, which before __init__ has no answer.
        if name.startswith("_") or name in ("timestamp", "device", "bitfile_name"):
            raise AttributeError(name)
        return super().__getattr__(name)
