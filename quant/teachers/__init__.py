"""SAM 2 and SAM 3 of the package `transformers` as teachers: frames in, named masks out.

- A SAM 3 video model (`sam3_video`, as its checkpoints are published) finds every instance of each
  phrase and follows it through the clip; what it withdraws later as spurious or as a duplicate is
  taken out of all frames. Of duplicates on one frame `transformers` rids it by itself only where
  the package `kernels` is installed.
- A SAM 3 image model (`sam3`), or the video one with `still`, looks at each frame by itself.
- SAM 2 (`sam2`, `sam2_video`) knows no words. With boxes it cuts out what is in them, under the
  names that the boxes have. Without, it is asked at a grid of points (Kirillov et al. 2023,
  appendix B: kept by its own score, by stability and without duplicates) and what it finds is
  called "object".

Pictures are prepared here, by the mean, deviation and size that the checkpoint states: the
processors of `transformers` would want torchvision besides.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import torch

from host.concepts.phrases import normalise
from quant.teachers.common import Boxes, Found, Picture, Teacher, TeacherError, unreadable
from quant.teachers.sam2 import OBJECT, Sam2
from quant.teachers.sam3 import Sam3, Sam3Video

__all__ = ["OBJECT", "Boxes", "Found", "Picture", "Teacher", "TeacherError", "open_teacher"]

REMEDY = 'pip install "samfabric[teacher]"'


def open_teacher(
    model: str,
    phrases: Sequence[str] = (),
    *,
    boxes: bool = False,
    threshold: float = 0.5,
    still: bool = False,
    device: str | None = None,
) -> Teacher:
    """Teacher of a checkpoint: a folder, or a name that `transformers` downloads.

    phrases: what to look for, for SAM 3. boxes: whether the pictures bring boxes, for SAM 2.
    threshold: least score of a detection. still: each frame by itself. device: None takes a GPU
    where there is one.

    Raises TeacherError when `transformers` is missing, when the model cannot be read or is neither
    SAM 2 nor SAM 3, when model, phrases and boxes do not go together, and for an unknown device.
    """
    if importlib.util.find_spec("transformers") is None:
        raise TeacherError("the package transformers is not installed", REMEDY)
    asked = list(dict.fromkeys(normalise(phrase) for phrase in phrases))
    if not 0 <= threshold <= 1:
        raise TeacherError(f"threshold {threshold}", "a score lies in [0, 1]")
    kind = _model_type(model)
    try:
        where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.zeros(1, device=where)
    except (RuntimeError, AssertionError) as error:  # PyTorch asserts that it was built with CUDA
        raise TeacherError(
            f"no device {device!r}", "give cpu, or cuda where there is one"
        ) from error
    if kind in ("sam3", "sam3_video"):
        if boxes or not asked:
            raise TeacherError(
                f"{model} is a SAM 3 model and finds things by their names",
                "give phrases, and boxes to SAM 2 only",
            )
        if kind == "sam3" or still:
            return Sam3(model, asked, threshold, where)
        return Sam3Video(model, asked, threshold, where)
    if kind in ("sam2", "sam2_video"):
        if asked:
            raise TeacherError(
                f"{model} is a SAM 2 model and knows no words",
                "give boxes with names, or neither to get unnamed objects, or take a SAM 3 model",
            )
        return Sam2(model, where)
    raise TeacherError(f"{model} is a model of type {kind!r}", "give a SAM 2 or SAM 3 checkpoint")


def _model_type(model: str) -> str:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(model).model_type
    except (OSError, ValueError) as error:
        raise unreadable(model, error) from error
