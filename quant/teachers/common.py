"""What every teacher shares: what goes in and comes out, pictures and texts as models take them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from hw.spec.errors import SamFabricError

Boxes = Mapping[str, Sequence[Sequence[float]]]
"""Boxes x0, y0, x1, y1 in pixels by the concept inside."""


class TeacherError(SamFabricError):
    """A teacher cannot be opened, or is asked for what it cannot do."""


@dataclass(frozen=True, eq=False)
class Found:
    """One object: what it was asked for as, its mask (H, W) bool, the teacher's score in [0, 1]."""

    phrase: str
    mask: NDArray[np.bool_]
    score: float
    track: int | None = None


@dataclass(frozen=True, eq=False)
class Picture:
    """A frame to label: RGB (H, W, 3) uint8, and boxes where some are given for it."""

    image: NDArray[np.uint8]
    boxes: Boxes | None = None


class Teacher(Protocol):
    """Labels a clip. `follows`: whether it needs every frame in order, from the first."""

    follows: bool

    def label(self, pictures: Iterable[Picture]) -> Iterator[list[Found]]:
        """Yields what each picture shows, in the order of the pictures."""
        ...


class Pixels:
    """RGB (H, W, 3) uint8 to what a model takes: (1, 3, side, side) float32, not to scale."""

    def __init__(
        self,
        model: str,
        side: int | Sequence[int],
        device: torch.device,
        mean: Sequence[float],
        deviation: Sequence[float],
    ) -> None:
        stated = _stated(model)
        self.side = int(side if isinstance(side, int) else side[0])
        self._mean = torch.tensor(stated.get("image_mean", mean), device=device).view(1, 3, 1, 1)
        self._deviation = torch.tensor(stated.get("image_std", deviation), device=device)
        self._deviation = self._deviation.view(1, 3, 1, 1)

    def __call__(self, image: NDArray[np.uint8]) -> Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(image)).to(self._mean.device)
        pixels = functional.interpolate(
            pixels.permute(2, 0, 1)[None].float(),
            (self.side, self.side),
            mode="bilinear",
            antialias=True,
        )
        return (pixels / 255 - self._mean) / self._deviation


def upscale(logits: Tensor, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Turns mask logits (M, h, w) into masks (M, H, W) bool, above 0 after bilinear scaling."""
    if not len(logits):
        return np.zeros((0, *size), bool)
    large = functional.interpolate(logits[None].float(), size, mode="bilinear", align_corners=False)
    return (large[0] > 0).cpu().numpy()


def load(kind: Any, model: str, device: torch.device) -> Any:
    """A model of `transformers` from a checkpoint, to be used as it is. Raises TeacherError."""
    try:
        return kind.from_pretrained(model).eval().to(device)
    except (OSError, ValueError, RuntimeError) as error:
        raise unreadable(model, error) from error


def unreadable(model: str, error: Exception) -> TeacherError:
    """The error to raise where a checkpoint cannot be opened."""
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    what = "folder" if Path(model).exists() else "name of a checkpoint or folder"
    return TeacherError(f"cannot open the model {model!r}: {first}", f"check the {what}")


def _stated(model: str) -> dict[str, Any]:
    """What a checkpoint says of its pictures; empty where it says nothing."""
    from transformers.image_processing_base import ImageProcessingMixin

    try:
        return dict(ImageProcessingMixin.get_image_processor_dict(model)[0])
    except OSError:
        return {}
