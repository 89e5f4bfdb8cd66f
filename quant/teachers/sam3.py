"""SAM 3 as a teacher: every instance of each phrase, on single frames or through a clip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quant.teachers.common import Found, Picture, Pixels, load, unreadable, upscale

TEXT_TOKENS = 32  # SAM 3's context length
HALF = (0.5, 0.5, 0.5)  # mean and deviation of its pictures where the checkpoint does not say


class Sam3:
    """SAM 3 on single frames: every instance of each phrase."""

    follows = False

    def __init__(self, model: str, phrases: list[str], threshold: float, device: torch.device):
        from transformers import Sam3Model

        self._model = load(Sam3Model, model, device)
        self._pixels = Pixels(model, self._model.config.image_size, device, HALF, HALF)
        self._texts = _tokens(model, phrases, device)
        self._threshold = threshold
        self._embedded: dict[str, Any] = {}

    @torch.inference_mode()
    def label(self, pictures: Iterable[Picture]) -> Iterator[list[Found]]:
        for picture in pictures:
            seen = self._model.get_vision_features(pixel_values=self._pixels(picture.image))
            found: list[Found] = []
            for phrase in self._texts:
                found += self._find(seen, phrase, picture.image.shape[:2])
            yield found

    def _find(self, seen: Any, phrase: str, size: tuple[int, int]) -> list[Found]:
        text = self._texts[phrase]
        if phrase not in self._embedded:
            self._embedded[phrase] = self._model.get_text_features(**text, return_dict=True)
        out = self._model(
            vision_embeds=seen,
            text_embeds=self._embedded[phrase],
            attention_mask=text["attention_mask"],
        )
        scores = out.pred_logits[0].sigmoid() * out.presence_logits[0].sigmoid()
        keep = scores > self._threshold
        masks = upscale(out.pred_masks[0][keep], size)
        return [
            Found(phrase, mask, float(score))
            for mask, score in zip(masks, scores[keep], strict=True)
        ]


class Sam3Video:
    """SAM 3 through a clip: detections of each phrase, followed as tracks."""

    follows = True

    def __init__(self, model: str, phrases: list[str], threshold: float, device: torch.device):
        from transformers import Sam3VideoModel

        self._model = load(Sam3VideoModel, model, device)
        size = self._model.config.detector_config.image_size
        self._pixels = Pixels(model, size, device, HALF, HALF)
        self._texts = _tokens(model, phrases, device)
        self._threshold = threshold
        self._device = device

    @torch.inference_mode()
    def label(self, pictures: Iterable[Picture]) -> Iterator[list[Found]]:
        session, names = self._session()
        frames: list[list[_Packed]] = []
        shapes: list[tuple[int, int]] = []
        withdrawn: set[int] = set()
        for index, picture in enumerate(pictures):
            shapes.append((picture.image.shape[0], picture.image.shape[1]))
            session.video_height, session.video_width = shapes[-1]
            out = self._model(inference_session=session, frame=self._pixels(picture.image)[0])
            session.processed_frames.pop(index - 1, None)  # a frame is read once, and large
            withdrawn |= set(out.removed_obj_ids)
            hidden = set(out.suppressed_obj_ids or ())
            # Packed: a clip's masks wait here until it is known which are withdrawn.
            frames.append(
                [
                    _Packed(
                        names[session.obj_id_to_prompt_id[track]],
                        np.packbits(upscale(mask, shapes[-1])[0]),
                        float(out.obj_id_to_score[track]),
                        int(track),
                    )
                    for track, mask in out.obj_id_to_mask.items()
                    if track not in hidden
                    and track in session.obj_id_to_prompt_id
                    and out.obj_id_to_score[track] >= self._threshold
                ]
            )
        for found, (height, width) in zip(frames, shapes, strict=True):
            yield [
                Found(one.phrase, one.mask(height, width), one.score, one.track)
                for one in found
                if one.track not in withdrawn
            ]

    def _session(self) -> tuple[Any, dict[int, str]]:
        from transformers.models.sam3_video.modeling_sam3_video import Sam3VideoInferenceSession

        session = Sam3VideoInferenceSession(
            inference_device=self._device,
            inference_state_device=self._device,
            video_storage_device=self._device,
            dtype=torch.float32,
        )
        names = {}
        for phrase, text in self._texts.items():
            number = session.add_prompt(phrase)
            session.prompt_input_ids[number] = text["input_ids"]
            session.prompt_attention_masks[number] = text["attention_mask"]
            names[number] = phrase
        return session, names


@dataclass(frozen=True, eq=False)
class _Packed:
    """A `Found` whose mask takes one bit a pixel."""

    phrase: str
    bits: NDArray[np.uint8]
    score: float
    track: int

    def mask(self, height: int, width: int) -> NDArray[np.bool_]:
        plain = np.unpackbits(self.bits, count=height * width)
        return plain.reshape(height, width).astype(bool)


def _tokens(model: str, phrases: list[str], device: torch.device) -> dict[str, dict[str, Tensor]]:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(model)
    except (OSError, ValueError) as error:
        raise unreadable(model, error) from error
    return {
        phrase: {
            name: values.to(device)
            for name, values in tokenizer(
                phrase,
                return_tensors="pt",
                padding="max_length",
                truncation=True,
                max_length=TEXT_TOKENS,
            ).items()
            if name in ("input_ids", "attention_mask")
        }
        for phrase in phrases
    }
