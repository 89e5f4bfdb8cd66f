"""A streaming session in a file, to be resumed on any device of the same model, to the bit.

The file is numpy's .npz: a header in JSON, and arrays. It holds what the next frame reads: banks,
last answers, prompts and pixels of the current frame. Features are not in it, since any device of
the model computes the same ones from the pixels.

A file may come from anywhere, so nothing in it is believed: no pickles, no names or shapes but
those that the model has, no compression, so that what is read is no larger than the file.
"""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from host.bank import MemoryBank
from host.device import Device
from host.errors import PromptError, SavedSessionError
from host.images import Box, Placed, Window
from host.policy import Entry
from host.prompts import Prompt
from host.recurrence import LEVELS
from host.session_state import KNOWN_BOXES, KNOWN_MASKS, ObjectState, SessionState
from host.spec import MASK_TOKENS, ModelSpec
from host.tracker import Answer
from hw.spec.files import atomic_path
from hw.spec.renamed import first

FORMAT = 4
READABLE = (1, 2, 3, 4)
"""Format 1 knew no windows: every object was looked for on the whole frame. Format 2 had one frame
of a trail and did not tell what an outline began. Format 3 had no looks."""
HEADER = "session"
REMEDY = "save the session again"
LARGEST_SIDE = 1 << 16
LARGEST_HEADER = 1 << 24
"""A header may have this many bytes of JSON; an object takes some hundred."""
ANSWER = ("logits", "candidates", "ious", "obj_ptr", "given")
LATER = ("return_iou", "window", "reach", "likeness")
"""These fields of a policy were not there when the format was made."""
SAID = ("score", "iou", "present", "doubtful")
PROMPT = ("points", "labels", "box", "mask", "logits")


def fingerprint(spec: ModelSpec) -> str:
    """Returns the SHA-256, in hex, of all that a model's sessions depend on: sizes, policy, types
    and host tables.

    It is the same for the model's bundles of every device; training anew changes the tables and so
    the fingerprint. Names count as they were when the format was made, so that renaming one leaves
    saved sessions valid.
    """
    sizes = (spec.image_size, spec.width, spec.key_width, spec.value_width)
    ports = {
        f"{graph}.{first('port', name)}": (
            port.shape,
            None if port.dtype is None else port.dtype.name,
            port.scale,
        )
        for graph in ("image_encoder", "memory_attention", "mask_decoder", "memory_encoder")
        for side in (spec.ports[graph].inputs, spec.ports[graph].outputs)
        for name, port in side.items()
    }
    policy = {first("bank", name): size for name, size in asdict(spec.policy).items()}
    for later in LATER:
        if not policy[later]:
            del policy[later]
    told = json.dumps([spec.name, spec.precision, sizes, policy, ports])
    digest = hashlib.sha256(told.encode())
    for name in sorted(vars(spec.tables)):
        digest.update(np.ascontiguousarray(getattr(spec.tables, name)).tobytes())
    return digest.hexdigest()


def save_state(
    state: SessionState, spec: ModelSpec, overlapping: bool, window: float, path: str | Path
) -> None:
    """Writes a session to a file: its state, the model that it runs, whether masks may overlap, and
    the side of its windows.

    The file is whole or absent. Raises OSError where it cannot be written.
    """
    arrays: dict[str, Any] = {}
    if state.frame is not None:
        arrays["frame"] = state.frame
    objects = []
    for row, (object_id, known) in enumerate(state.objects.items()):
        history, keys, values = known.bank.snapshot()
        kept: dict[str, Any] = {"keys": keys, "values": values}
        if spec.policy.likeness:
            empty = np.zeros(_look_length(spec), np.float32)
            looks = [empty if one is None else one for one in known.bank.looks]
            kept["looks"] = np.stack(looks) if looks else np.zeros((0, len(empty)), np.float32)
        told: dict[str, Any] = {"id": int(object_id)}
        told |= {name: bool(getattr(known, name)) for name in ("shown", "outlined")}
        trail = {f"trail.{age}": one for age, one in enumerate(known.trail)}
        for name, placed in (*trail.items(), ("tracked", known.tracked)):
            if placed is not None:
                kept[name], told[f"{name}.window"] = placed.logits, _sides(placed.window)
        if known.window is not None:
            told["window"] = _sides(known.window)
        told["boxes"] = [None if box is None else list(box) for box in known.boxes]
        told["history"] = [[entry.frame, entry.prompted] for entry in history]
        if known.current is not None:
            told["answer"] = {n: getattr(known.current, n) for n in SAID}
            kept |= {f"answer.{first('answer', n)}": getattr(known.current, n) for n in ANSWER}
        if known.prompt is not None:
            kept |= {f"prompt.{name}": getattr(known.prompt, name) for name in PROMPT}
        given = {name: value for name, value in kept.items() if value is not None}
        told["arrays"] = list(given)
        arrays |= {f"{row}.{name}": value for name, value in given.items()}
        objects.append(told)
    header = {
        "format": FORMAT,
        "model": f"{spec.name} {spec.precision}",
        "fingerprint": fingerprint(spec),
        "frame_index": state.frame_index,
        "frame_size": state.frame_size,
        "overlapping": overlapping,
        "window": window,
        "objects": objects,
    }
    arrays[HEADER] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    with atomic_path(path) as part, open(part, "wb") as file:
        np.savez(file, **arrays)


def load_state(path: str | Path, device: Device) -> tuple[SessionState, bool, float]:
    """Reads the state of a session from a file, for a device of the same model, whether its masks
    overlap, and the side of its windows.

    Raises SavedSessionError for a file that is missing, damaged or of another model.
    """
    file = Path(path)
    try:
        with zipfile.ZipFile(file) as stored:
            return _read(_Members(stored, file), device)
    except FileNotFoundError as error:
        raise SavedSessionError(f"there is no session {file}", "check the path") from error
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise SavedSessionError(f"cannot read session {file}: {error}", REMEDY) from error
    except (KeyError, TypeError, ValueError, OverflowError, PromptError) as error:
        # A header of another make: every look into it may find something else.
        raise SavedSessionError(f"{file} is no session: {error!r}", REMEDY) from error


class _Members:
    """Arrays of a file, each read only if it has the type and shape that it must have."""

    def __init__(self, stored: zipfile.ZipFile, path: Path) -> None:
        self._stored, self.path = stored, path
        self.left = set(stored.namelist())
        if len(self.left) != len(stored.namelist()):
            raise ValueError("an array is there twice")

    def read(self, name: str, dtype: DTypeLike, shape: tuple[int | None, ...]) -> NDArray[Any]:
        """The array of that name. shape: None for a length that is free."""
        member = f"{name}.npy"
        self.left.discard(member)
        if self._stored.getinfo(member).compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{name} is compressed")
        data = BytesIO(self._stored.read(member))
        if np.lib.format.read_magic(data) != (1, 0):
            raise ValueError(f"{name} is of another version of numpy's format")
        found, fortran, kind = np.lib.format.read_array_header_1_0(data)
        fits = len(found) == len(shape) and all(
            length in (None, actual) for actual, length in zip(found, shape, strict=True)
        )
        if not fits or kind != np.dtype(dtype) or fortran:
            raise ValueError(f"{name} is {kind} {found}, not {np.dtype(dtype)} {shape}")
        size = int(np.prod(found, dtype=object)) if found else 1
        return np.frombuffer(data.read(), kind, size).reshape(found).copy()


def _read(members: _Members, device: Device) -> tuple[SessionState, bool, float]:
    if members._stored.getinfo(f"{HEADER}.npy").file_size > LARGEST_HEADER:
        raise ValueError("its header is too long")
    header = json.loads(members.read(HEADER, np.uint8, (None,)).tobytes())
    if header["format"] not in READABLE:
        raise SavedSessionError(
            f"{members.path} has format {header['format']!r}, this version reads {FORMAT}",
            "load it with the version that saved it",
        )
    if header["fingerprint"] != fingerprint(device.spec):
        raise SavedSessionError(
            f"{members.path} is a session of {header['model']!r}, the device runs "
            f"{device.spec.name} {device.spec.precision} with other weights or sizes",
            "open the bundle that it was saved with, on any device",
        )
    state = SessionState(_whole(header["frame_index"], -1))
    if header["frame_size"] is not None:
        height, width = (_whole(side, 1, LARGEST_SIDE) for side in header["frame_size"])
        state.frame_size = height, width
        state.frame = members.read("frame", np.uint8, (height, width, 3))
    if (state.frame_size is None) != (state.frame_index < 0):
        raise ValueError("a frame without its number")
    for row, told in enumerate(header["objects"]):
        object_id = _whole(told["id"], None)
        if object_id in state.objects:
            raise ValueError(f"object {object_id} is there twice")
        state.objects[object_id] = _object(members, f"{row}.", told, state, device)
    if members.left:
        raise ValueError(f"unknown arrays {sorted(members.left)[:3]}")
    window = header.get("window", 0)
    if not isinstance(window, (int, float)) or not 0 <= window < math.inf:
        raise ValueError(f"a window of {window!r}")
    return state, header["overlapping"] is True, float(window)


def _object(
    members: _Members, prefix: str, told: Mapping[str, Any], state: SessionState, device: Device
) -> ObjectState:
    spec, names = device.spec, set(told["arrays"])
    if state.frame_size is None:
        raise ValueError("an object without a frame")
    size, grid = state.frame_size, (spec.grid, spec.grid)

    def read(name: str, dtype: DTypeLike, *shape: int | None) -> Any:
        if name not in names:
            return None
        return members.read(prefix + name, dtype, shape)

    def needed(name: str, dtype: DTypeLike, *shape: int | None) -> NDArray[Any]:
        return members.read(prefix + name, dtype, shape)

    history = [
        Entry(_whole(frame, 0, state.frame_index), prompted is True)
        for frame, prompted in told["history"]
    ]
    bank = MemoryBank(spec, device.allocate)
    looks = None
    if spec.policy.likeness:
        found = needed("looks", np.float32, len(history), _look_length(spec))
        looks = [one if one.any() else None for one in found]
    keys, values = (
        needed(name, kind, len(history), spec.coarse**2 + 1, width)
        for name, kind, width in bank.storage()
    )
    bank.restore(history, keys, values, looks)

    def placed(name: str) -> Placed | None:
        logits = read(name, np.float32, *grid)
        return None if logits is None else Placed(logits, _window(told.get(f"{name}.window"), size))

    names_of_trail = [f"trail.{age}" for age in range(KNOWN_MASKS)]
    # The last name is that of older formats.
    passed = [placed(name) for name in (*names_of_trail, "before")]
    trail = tuple(one for one in passed if one is not None)
    known = ObjectState(bank, trail, tracked=placed("tracked"))
    known.window = _window(told.get("window"), size)
    known.boxes = _boxes(told.get("boxes", []))
    known.shown = told["shown"] is True
    known.outlined = told.get("outlined") is True
    if "answer" in told:
        said = told["answer"]
        kind = spec.ports["mask_decoder"].outputs["obj_ptr"].storage
        known.current = Answer(
            logits=needed("answer.logits", np.float32, *grid),
            score=float(said["score"]),
            iou=float(said["iou"]),
            present=said["present"] is True,
            doubtful=said.get("doubtful") is True,
            obj_ptr=needed(
                f"answer.{first('answer', 'obj_ptr')}", kind, spec.key_width + spec.value_width
            ),
            candidates=needed("answer.candidates", np.float32, MASK_TOKENS, *grid),
            ious=needed("answer.ious", np.float32, MASK_TOKENS),
            given=read("answer.given", np.bool_, *size),
            window=None if known.window.is_whole else known.window,
        )
    if "prompt.points" in names:
        logits = read("prompt.logits", np.float32, *grid)
        known.prompt = Prompt(
            needed("prompt.points", np.float32, None, 2),
            needed("prompt.labels", np.int64, None),
            read("prompt.box", np.float32, 4),
            read("prompt.mask", np.bool_, *(size if logits is None else grid)),
            logits,
        )
    return known


def _look_length(spec: ModelSpec) -> int:
    outputs = spec.ports["image_encoder"].outputs
    return sum(int(outputs[level].shape[1] or 0) for level in LEVELS)


def _sides(window: Window) -> list[int]:
    return [window.left, window.top, window.width, window.height]


def _window(told: Any, size: tuple[int, int]) -> Window:
    """The window that `_sides` wrote; files without windows mean the whole frame."""
    if told is None:
        return Window.whole(size)
    height, width = size
    left, top, wide, high = told
    left, top = _whole(left, 0, width - 1), _whole(top, 0, height - 1)
    return Window(
        left, top, _whole(wide, 1, width - left), _whole(high, 1, height - top), (height, width)
    )


def _boxes(told: Any) -> tuple[Box | None, ...]:
    if len(told) > KNOWN_BOXES:
        raise ValueError(f"{len(told)} boxes")
    found: list[Box | None] = []
    for box in told:
        if box is None:
            found.append(None)
            continue
        x0, y0, x1, y1 = (float(edge) for edge in box)
        if not (0 <= x0 < x1 <= 1.001 and 0 <= y0 < y1 <= 1.001):
            raise ValueError(f"a box at {box}")
        found.append((x0, y0, x1, y1))
    return tuple(found)


def _whole(value: Any, least: int | None, most: int | None = None) -> int:
    if type(value) is not int:
        raise ValueError(f"{value!r} is no whole number")
    if (least is not None and value < least) or (most is not None and value > most):
        raise ValueError(f"{value} is out of range")
    return value
