"""A picture of what was tracked: one row of frames a sequence, predictions drawn on them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from host.media.overlay import draw
from hw.spec.errors import SpecError
from hw.spec.files import atomic_path
from quant.data import VideoSequence
from quant.scoring.sequence import TrackedFrame

COLUMNS = 6
TILE = (144, 256)  # height, width: 16 : 9, as most video
CAPTION = 22
MOST_ROWS = 40  # an image that viewers still open; later sequences of a large set are left out
TRUTH = (255, 255, 255)


class ContactSheet:
    """Collects `COLUMNS` evenly spaced frames of each sequence; `save` writes them as one image."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[int, NDArray[np.uint8]]] = {}
        self._captions: dict[str, str] = {}

    def add(self, sequence: VideoSequence, frame: TrackedFrame) -> None:
        """Keep the frame's overlay if it is one of the sequence's chosen frames.

        The white outline is the ground truth, where there is one.
        """
        chosen = np.linspace(0, len(sequence) - 1, COLUMNS).round().astype(int).tolist()
        if frame.index not in chosen:
            return
        if sequence.name not in self._rows and len(self._rows) >= MOST_ROWS:
            return
        height, width = frame.image.shape[:2]
        logits = {i: r.video_logits(height, width) for i, r in frame.result.objects.items()}
        picture = draw(frame.image, logits, frame.prompts)
        for mask in frame.truths.values():
            flat = cv2.resize(
                mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST
            )
            outlines, _ = cv2.findContours(flat, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(picture, outlines, -1, TRUTH, 1)
        # Columns follow the chosen frames, so that a late object leaves its first ones empty.
        tiles = self._rows.setdefault(sequence.name, {})
        tiles.update({column: _fit(picture) for column, i in enumerate(chosen) if i == frame.index})

    def caption(self, name: str, text: str) -> None:
        """Text that stands beside the sequence's name."""
        self._captions[name] = text

    def image(self) -> NDArray[np.uint8]:
        """The sheet, (H, W, 3) uint8 RGB; empty columns are grey."""
        bands = []
        for name, tiles in self._rows.items():
            band = np.full((CAPTION + TILE[0], COLUMNS * TILE[1], 3), 40, np.uint8)
            text, font = f"{name}   {self._captions.get(name, '')}", cv2.FONT_HERSHEY_SIMPLEX
            cv2.putText(band, text, (6, 16), font, 0.5, (235, 235, 235), 1, cv2.LINE_AA)
            for column, tile in tiles.items():
                band[CAPTION:, column * TILE[1] : (column + 1) * TILE[1]] = tile
            bands.append(band)
        return np.concatenate(bands) if bands else np.zeros((0, COLUMNS * TILE[1], 3), np.uint8)

    def save(self, path: Path) -> None:
        """Write the sheet as an image whose format the suffix names. Raises SpecError if empty."""
        sheet = self.image()
        if not sheet.size:
            raise SpecError(f"no frames to draw in {path}", "evaluate at least one sequence")
        with atomic_path(path) as part:
            good, stored = cv2.imencode(path.suffix, cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
            if not good:
                raise SpecError(f"cannot encode {path}", "use the suffix .jpg or .png")
            part.write_bytes(stored.tobytes())


def _fit(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture as large as fits a tile, on grey."""
    height, width = picture.shape[:2]
    scale = min(TILE[0] / height, TILE[1] / width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    tile = np.full((*TILE, 3), 40, np.uint8)
    top, left = (TILE[0] - size[1]) // 2, (TILE[1] - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = small
    return tile
