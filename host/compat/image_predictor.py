"""SAM 2's image predictor, under its own names, turns prompts on one picture into masks.

Each object is looked for in windows of the picture, as a session does on a frame
(`host.object_frame`): small ones fill as much of the network's square as large ones. `window=0`
answers from the one embedding of the whole picture, as SAM 2 itself does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from host.bank import MemoryBank
from host.compat.bundles import build_sam2_hf
from host.compat.given_frames import picture
from host.compat.mask_cleanup import without_small_parts
from host.compat.sam2_prompts import flag_of, masks_of, prompts_of
from host.device import Arrays, Device
from host.errors import FrameError, PromptError
from host.images import Placed, Window
from host.jobs import Steps, drive
from host.names import ModuleNames
from host.object_frame import ObjectFrame, context_of
from host.prompts import Prompt
from host.session_state import ObjectState
from host.tracker import Answer, ObjectModel

Masks = NDArray[np.float32]
Prediction = tuple[Masks, Masks, Masks]


@dataclass(frozen=True, eq=False)
class _Picture:
    """A picture (H, W, 3) with what the image encoder says of the whole of it."""

    frame: NDArray[np.uint8]
    whole: Arrays

    @property
    def size(self) -> tuple[int, int]:
        return self.frame.shape[0], self.frame.shape[1]

    @property
    def window(self) -> Window:
        """The window that is the whole picture."""
        return Window.whole(self.size)


class SAM2ImagePredictor(ModuleNames):
    """The predictor segments one picture: call `set_image` once and `predict` as often
    as wanted.
    """

    def __init__(
        self,
        sam_model: Device,
        mask_threshold: float = 0.0,
        max_hole_area: float = 0.0,
        max_sprinkle_area: float = 0.0,
        window: float | None = None,
    ) -> None:
        """max_hole_area, max_sprinkle_area: largest hole of a mask that is filled and largest piece
        that is dropped, in cells of the mask grid. window says how large an object's window is
        (`Policy.window`), 0 for the whole picture; by default it is what the model says. Raises
        UsageError for a window below 0.
        """
        self.model, self.device = ObjectModel(sam_model), "cpu"
        self.context = context_of(window, sam_model.spec.policy)
        self.mask_threshold = mask_threshold
        self.max_hole_area, self.max_sprinkle_area = max_hole_area, max_sprinkle_area
        self._bank = MemoryBank(sam_model.spec, sam_model.allocate)  # stays empty
        self._image: _Picture | None = None
        self._batch: list[_Picture] = []

    @classmethod
    def from_pretrained(cls, model_id: str, **options: Any) -> SAM2ImagePredictor:
        """Returns the predictor of a bundle folder or a model's name; SAM 2's hub names open the
        default bundle. The options are those of the predictor and of `build_sam2`. Raises
        BundleError, DeviceError and UsageError.
        """
        own = ("mask_threshold", "max_hole_area", "max_sprinkle_area", "window")
        ours = {name: options.pop(name) for name in own if name in options}
        return cls(build_sam2_hf(model_id, **options), **ours)

    def set_image(self, image: Any) -> None:
        """Takes a picture: (H, W, 3) RGB uint8, a PIL image, or anything else that
        `picture` reads.
        """
        self._image, self._batch = self._encode(image), []

    def reset_predictor(self) -> None:
        """Forgets the picture or pictures that were set last."""
        self._image, self._batch = None, []

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
        """Returns the masks of a prompt: masks (N, H, W), IoU estimates (N,) and logits (N, R, R),
        float32.

        For one object point_coords are (K, 2), point_labels (K,) and box (4,), in pixels, or in
        0..1 when normalize_coords is false; mask_input (1, R, R) are the logits of an earlier
        answer. For B objects they are (B, K, 2), (B, K), (B, 4) and (B, 1, R, R), and results have
        a leading dimension B where B > 1. N is 3 with multimask_output, else 1. masks are 0 or 1
        unless return_logits; the logits (N, R, R) are of the whole picture, so that of small
        objects they say less than the masks. Raises FrameError before `set_image`, PromptError for
        a prompt that does not fit.
        """
        if self._image is None:
            raise FrameError("no image is set", "call set_image first")
        return self._predict(
            self._image,
            prompts_of(
                point_coords,
                point_labels,
                box,
                self._image.size,
                flag_of("normalize_coords", normalize_coords),
            ),
            mask_input,
            flag_of("multimask_output", multimask_output),
            flag_of("return_logits", return_logits),
        )

    def set_image_batch(self, image_list: Sequence[Any]) -> None:
        """Takes several pictures for `predict_batch`, each of which `set_image` would take."""
        taken = [self._encode(image) for image in image_list]
        self.reset_predictor()
        self._batch = taken

    def predict_batch(
        self,
        point_coords_batch: Sequence[Any] | None = None,
        point_labels_batch: Sequence[Any] | None = None,
        box_batch: Sequence[Any] | None = None,
        mask_input_batch: Sequence[Any] | None = None,
        multimask_output: bool = True,
        return_logits: bool = False,
        normalize_coords: bool = True,
    ) -> tuple[list[Masks], list[Masks], list[Masks]]:
        """Calls `predict` on each picture of `set_image_batch` and returns lists of masks, scores
        and logits.

        Each argument holds what `predict` takes, picture by picture. Raises FrameError,
        PromptError.
        """
        if not self._batch:
            raise FrameError("no images are set", "call set_image_batch first")
        count = len(self._batch)
        points = _by_image("point_coords_batch", point_coords_batch, count)
        labels = _by_image("point_labels_batch", point_labels_batch, count)
        boxes = _by_image("box_batch", box_batch, count)
        earlier = _by_image("mask_input_batch", mask_input_batch, count)
        pixels = flag_of("normalize_coords", normalize_coords)
        several = flag_of("multimask_output", multimask_output)
        as_logits = flag_of("return_logits", return_logits)
        asked = [
            (image, prompts_of(where, kinds, box, image.size, pixels), mask)
            for image, where, kinds, box, mask in zip(
                self._batch, points, labels, boxes, earlier, strict=True
            )
        ]
        found = [self._predict(*one, several, as_logits) for one in asked]
        masks, scores, logits = zip(*found, strict=True)
        return list(masks), list(scores), list(logits)

    def get_image_embedding(self) -> Masks:
        """Returns the features (1, C, G, G) float32 of the picture. Raises FrameError before
        `set_image`.
        """
        if self._image is None:
            raise FrameError("no image is set", "call set_image first")
        port = self.model.spec.ports["image_encoder"].outputs["features"]
        return np.array(port.decode(self._image.whole["features"]), np.float32)

    def answer(self, prompt: Prompt | None, mask: Masks | None = None) -> Answer:
        """Returns the model's answer to a prompt by the embedding of the whole picture. mask are
        the logits (R, R) of an earlier answer. Raises FrameError before `set_image`.
        """
        if self._image is None:
            raise FrameError("no image is set", "call set_image first")
        return self.model.answer(self._image.whole, self._bank, 0, prompt, None, mask, shown=True)

    def tidy(self, logits: Masks) -> Masks:
        """Returns logits (N, R, R) without the small holes and pieces that the predictor is to
        drop.
        """
        return without_small_parts(
            logits, self.mask_threshold, self.max_hole_area, self.max_sprinkle_area
        )

    def _encode(self, image: Any) -> _Picture:
        frame = picture(image)
        encoded = self.model.encode_image(frame)
        # The caller may reuse the picture, and the device its buffers.
        return _Picture(frame.copy(), {k: v.copy() for k, v in encoded.items()})

    def _look(self, image: _Picture, prompt: Prompt | None, before: Masks | None) -> Answer:
        """The model's answer to a prompt in the window of the picture where its object is; before
        are the logits (R, R) of an earlier answer on the whole picture.
        """

        def encoded(window: Window) -> Steps[Arrays]:
            if window.is_whole:
                return image.whole
            return (yield self.model.image_call(image.frame, None, window))

        frame = ObjectFrame(self.model, 0, image.size, encoded, self.context)
        own = None if before is None else Placed(before, image.window)
        steps = frame.looking(ObjectState(self._bank, shown=True), prompt, own)
        return drive(steps, self.model.run)[0]

    def _predict(
        self,
        image: _Picture,
        prompts: Sequence[Prompt],
        mask_input: Any,
        multimask_output: bool,
        return_logits: bool,
    ) -> Prediction:
        earlier = masks_of(mask_input, self.model.spec.grid, len(prompts))
        if not prompts and not earlier:
            raise PromptError("an empty prompt", "give points, a box or mask_input")
        which = slice(1, 4) if multimask_output else slice(0, 1)
        found = []
        asked: Sequence[Prompt | None] = prompts or [None] * len(earlier)
        for prompt, before in zip(asked, earlier, strict=True):
            answer = self._look(image, prompt, before)
            planes = answer.candidates[which]
            window = answer.window or image.window
            full = np.stack([window.to_video(p, *image.size) for p in self.tidy(planes)])
            masks = full if return_logits else (full > self.mask_threshold).astype(np.float32)
            logits = np.stack([image.window.logits_of(p, window) for p in planes])
            found.append((masks, answer.ious[which].copy(), logits))
        if len(found) == 1:
            return found[0]
        masks, scores, logits = (np.stack(parts) for parts in zip(*found, strict=True))
        return masks, scores, logits


def _by_image(name: str, given: Sequence[Any] | None, count: int) -> Sequence[Any]:
    if given is None:
        return [None] * count
    if len(given) != count:
        raise PromptError(f"{name} of {len(given)} for {count} images", "give one an image")
    return given
