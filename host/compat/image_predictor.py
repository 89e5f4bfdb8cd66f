"""SAM 2's image predictor by its own names: one picture, prompts, masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from host.bank import MemoryBank
from host.device import Arrays, Device
from host.errors import FrameError, PromptError
from host.images import logits_to_video
from host.prompts import clicks_and_box
from host.session import check_frame
from host.tracker import ObjectModel

Prediction = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


class SAM2ImagePredictor:
    """Segments one picture; `set_image` once, `predict` as often as wanted."""

    def __init__(self, sam_model: Device, mask_threshold: float = 0.0, **_options: Any) -> None:
        self.model = ObjectModel(sam_model)
        self.mask_threshold = mask_threshold
        self._bank = MemoryBank(sam_model.spec, sam_model.allocate)  # stays empty
        self._image: Arrays | None = None
        self._size = (0, 0)

    def set_image(self, image: Any) -> None:
        """Takes a picture: (H, W, 3) RGB uint8, or anything that numpy reads as that (PIL)."""
        frame = np.asarray(image)
        check_frame(frame)
        self._size = (frame.shape[0], frame.shape[1])
        self._image = self.model.encode_image(frame)

    def reset_predictor(self) -> None:
        """Forgets the picture."""
        self._image = None

    def predict(
        self,
        point_coords: ArrayLike | None = None,
        point_labels: ArrayLike | None = None,
        box: ArrayLike | None = None,
        mask_input: ArrayLike | None = None,
        multimask_output: bool = True,
        return_logits: bool = False,
        normalize_coords: bool = True,
    ) -> Prediction:
        """Masks of a prompt: (masks (N, H, W), IoU estimates (N,), logits (N, R, R)), float32.

        point_coords (K, 2), box (4,) or several (B, 4), in pixels (in 0..1 when normalize_coords is
        false); mask_input (1, R, R) logits of an earlier answer. N is 3 with multimask_output, else
        1; several boxes give a leading dimension B. masks are 0 or 1 unless return_logits. Raises
        FrameError before `set_image`, PromptError.
        """
        boxes = [] if box is None else list(np.asarray(box, np.float32).reshape(-1, 4))
        if len(boxes) > 1:
            each = [
                self.predict(
                    point_coords,
                    point_labels,
                    one,
                    mask_input,
                    multimask_output,
                    return_logits,
                    normalize_coords,
                )
                for one in boxes
            ]
            masks, scores, logits = (np.stack(parts) for parts in zip(*each, strict=True))
            return masks, scores, logits
        if self._image is None:
            raise FrameError("no image is set", "call set_image first")
        prompt = None
        if point_coords is not None or point_labels is not None or boxes:
            only = boxes[0] if boxes else None
            size = self._size if normalize_coords else None
            prompt = clicks_and_box(point_coords, point_labels, only, size)
        earlier = None
        if mask_input is not None:
            grid = self.model.spec.grid
            earlier = np.asarray(mask_input, np.float32)
            if earlier.size != grid * grid:
                raise PromptError(
                    f"mask_input of shape {earlier.shape}", f"give the logits (1, {grid}, {grid})"
                )
            earlier = earlier.reshape(grid, grid)
        elif prompt is None:
            raise PromptError("an empty prompt", "give points, a box or mask_input")
        answer = self.model.answer(self._image, self._bank, 0, prompt, None, earlier, shown=True)
        which = slice(1, 4) if multimask_output else slice(0, 1)
        logits = answer.candidates[which].copy()
        full = np.stack([logits_to_video(plane, *self._size) for plane in logits])
        masks = full if return_logits else (full > self.mask_threshold).astype(np.float32)
        return masks, answer.ious[which].copy(), logits
