"""One object on one frame goes through memory attention, mask decoder and memory encoder in this
order.

Neither the order of frames nor the choice of prompts is decided here; the streaming session and the
SAM 2 style predictor both drive these steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host import images, recurrence
from host.bank import MemoryBank
from host.device import Arrays, Device
from host.jobs import Call, Steps, drive
from host.prompts import LOGIT_LIMIT, Prompt, dense_prompt
from host.spec import OBJECT_TOKEN, TokenTable

ENCODER = "image_encoder"
STAGES = (
    "prepare",
    ENCODER,
    "bank",
    "memory_attention",
    "prompts",
    "mask_decoder",
    "memory_encoder",
)


class StageClock:
    """A clock counts the milliseconds spent in each stage since it was last reset; `now` tells the
    time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self.ms: dict[str, float] = {}
        self._now = now

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time that the block under `with` takes to a stage."""
        start = self._now()
        try:
            yield
        finally:
            self.add(name, (self._now() - start) * 1e3)

    def add(self, name: str, ms: float) -> None:
        """Adds milliseconds to a stage."""
        self.ms[name] = self.ms.get(name, 0.0) + ms


@dataclass(frozen=True, eq=False)
class Answer:
    """An answer is what the model says of one object on one frame.

    logits (R, R) float32 are in value units, and -16 everywhere when the object is absent. score is
    the object logit, iou an estimate in 0..1, obj_ptr (Ck + Cv,) the object pointer's codes.
    candidates (4, R, R) and their IoUs (4,) are the decoder's raw masks. given is the user's mask
    (H, W) when it was the prompt. window is the part of the frame that all logits are of, None for
    the whole frame. doubtful: what is masked does not look like the object, so that it is not
    shown, yet the next frame goes on from it.
    """

    logits: NDArray[np.float32]
    score: float
    iou: float
    present: bool
    obj_ptr: NDArray[Any]
    candidates: NDArray[np.float32]
    ious: NDArray[np.float32]
    given: NDArray[np.bool_] | None = None
    window: images.Window | None = None
    doubtful: bool = False

    def shown(self) -> Answer:
        """Returns what users see of the answer: where it is doubtful, that the object is absent."""
        if not self.doubtful:
            return self
        absent = recurrence.remembered_mask(self.logits, False)
        return replace(self, logits=absent, present=False, doubtful=False)

    def placed(self, frame_size: tuple[int, int]) -> images.Placed:
        """Returns the logits with their window of a frame (H, W)."""
        return images.Placed(self.logits, self.window or images.Window.whole(frame_size))

    def frame_logits(self) -> NDArray[np.float32]:
        """Returns the logits (R, R) of the whole frame, coarser than those of a window."""
        if self.window is None:
            return self.logits
        return images.Window.whole(self.window.frame_size).logits_of(self.logits, self.window)

    def video_logits(self, height: int, width: int) -> NDArray[np.float32]:
        """Returns logits at (height, width), interpolated before the threshold, so that outlines
        are smooth.

        A mask prompt is its frame's output: there the sign follows the user's mask exactly.
        """
        if self.window is None:
            full = images.logits_to_video(self.logits, height, width)
        else:
            full = self.window.to_video(self.logits, height, width)
        if self.given is None or self.given.shape != (height, width):
            return full
        tiny = np.float32(1e-3)
        return np.where(self.given, np.maximum(full, tiny), np.minimum(full, -tiny))


@dataclass(frozen=True, eq=False)
class Memory:
    """A memory is what a bank stores of a frame: keys (1, 1, G*G, Ck), values (1, 1, G*G, Cv), the
    object pointer, and the object's look where the policy compares looks.
    """

    keys: NDArray[Any]
    values: NDArray[Any]
    obj_ptr: NDArray[Any]
    look: NDArray[np.float32] | None = None

    def keep(self, bank: MemoryBank, frame: int, prompted: bool) -> None:
        """Writes the memory into a bank as that of a frame, which a prompt made or not."""
        bank.write(frame, prompted, self.keys, self.values, self.obj_ptr, self.look)


class ObjectModel:
    """An object model runs the model's steps of one frame on a device, with the buffers that they
    share.
    """

    def __init__(self, device: Device, now: Callable[[], float] = time.perf_counter) -> None:
        self.device = device
        self.spec = device.spec
        self.clock = StageClock(now)
        self._tokens = TokenTable(device.spec)
        ports = device.spec.ports
        self._decoder_in = ports["mask_decoder"].inputs
        self._decoder_out = ports["mask_decoder"].outputs
        self._image_port = ports["image_encoder"].inputs["image"]
        self._mask_port = ports["memory_encoder"].inputs["mask"]
        drawn = dense_prompt(self.spec.grid)
        self._unprompted = self._decoder_in["dense_prompt"].encode(drawn)[None]

    def prepare(self, frame: NDArray[np.uint8]) -> NDArray[Any]:
        """Returns the image encoder's input (1, 3, S, S) for a frame (H, W, 3) RGB."""
        codes: NDArray[Any] = images.to_codes(images.to_network(frame, self.spec.image_size))
        if self._image_port.dtype is None:
            # A float model reads the same pixels, as values.
            codes = codes.astype(np.float32) / np.float32(128)
        return codes

    def image_call(
        self,
        frame: NDArray[np.uint8],
        codes: NDArray[Any] | None = None,
        window: images.Window | None = None,
    ) -> Call:
        """Returns the image encoder's call for a window of a frame (H, W, 3) RGB, by default the
        whole of it. codes are what `prepare` made of the whole frame, where that was done ahead of
        time.
        """
        if window is not None and not window.is_whole:
            frame, codes = window.crop(frame), None
        if codes is None:
            with self.clock.stage("prepare"):
                codes = self.prepare(frame)
        return Call(ENCODER, {"image": codes})

    def encode_image(self, frame: NDArray[np.uint8], codes: NDArray[Any] | None = None) -> Arrays:
        """Returns features and skips of a frame (H, W, 3) RGB, valid until the next call. codes as
        in `image_call`.
        """
        return self.run(self.image_call(frame, codes))

    def run(self, call: Call) -> Arrays:
        """Runs one call on the device, in its own time, and returns the outputs."""
        with self.clock.stage(call.graph):
            return self.device.run(*call)

    def answer(
        self,
        image: Arrays,
        bank: MemoryBank,
        now: int,
        prompt: Prompt | None,
        before: NDArray[np.float32] | None,
        own: NDArray[np.float32] | None = None,
        *,
        shown: bool,
    ) -> Answer:
        """Answers for an object on frame `now`, see `answering`."""
        return drive(self.answering(image, bank, now, prompt, before, own, shown=shown), self.run)

    def answering(
        self,
        image: Arrays,
        bank: MemoryBank,
        now: int,
        prompt: Prompt | None,
        before: NDArray[np.float32] | None,
        own: NDArray[np.float32] | None = None,
        *,
        shown: bool,
    ) -> Steps[Answer]:
        """Answers for an object on frame `now`, a call at a time.

        image are the image encoder's outputs, bank are the object's memories. before are the logits
        of the frame before; own are this frame's earlier logits when the prompt corrects them.
        shown says whether a prompt, this one included, has ever shown the object
        (`recurrence.ever_shown`). A mask prompt is decoded without memory, as in SAM 2: its pointer
        describes what the user drew.
        """
        given = None if prompt is None else prompt.mask
        conditioned, remembers = image["features"], False
        if given is None:
            with self.clock.stage("bank"):
                memory = bank.assemble(now)
            if memory is not None:
                remembers = True
                inputs = {"features": image["features"]}
                inputs["memory_keys"], inputs["memory_values"] = memory
                conditioned = (yield Call("memory_attention", inputs))["conditioned"]
        with self.clock.stage("prompts"):
            drawn = None
            if prompt is not None and given is not None:
                grid = prompt.logits
                drawn = images.mask_to_grid(given, self.spec.grid) if grid is None else grid
            mask_input = recurrence.previous_mask(before, own) if drawn is None else drawn
            inputs = {
                "conditioned": conditioned,
                "skip8": image["skip8"],
                "skip4": image["skip4"],
                "dense_prompt": self._dense(prompt, mask_input),
                "tokens": self._tokens(prompt),
            }
        found = yield Call("mask_decoder", inputs)
        with self.clock.stage("mask_decoder"):
            return self._read(found, prompt, remembers, drawn, shown, before)

    def _dense(self, prompt: Prompt | None, logits: NDArray[np.float32] | None) -> NDArray[Any]:
        port = self._decoder_in["dense_prompt"]
        if prompt is not None:
            values = dense_prompt(self.spec.grid, logits, prompt.points, prompt.labels, prompt.box)
            return port.encode(values)[None]
        # Without a prompt only the previous mask differs from frame to frame.
        codes = self._unprompted.copy()
        if logits is not None:
            codes[0, 0] = port.encode(np.clip(logits, -LOGIT_LIMIT, LOGIT_LIMIT))
        return codes

    def _read(
        self,
        found: Arrays,
        prompt: Prompt | None,
        remembers: bool,
        drawn: NDArray[np.float32] | None,
        shown: bool,
        before: NDArray[np.float32] | None,
    ) -> Answer:
        scores = self._decoder_out["scores"].decode(found["scores"]).reshape(-1)
        masks = np.array(self._decoder_out["masks"].decode(found["masks"])[0])
        ious = images.sigmoid(scores[: len(masks)])
        chosen = recurrence.choose_mask(scores, prompt, remembers)
        score = float(scores[OBJECT_TOKEN])
        logits, iou, given = masks[chosen], float(ious[chosen]), None
        may = recurrence.may_show(shown, before, iou, self.spec.policy.return_iou)
        present = recurrence.is_present(score, prompt, may)
        if drawn is not None and prompt is not None:
            logits, iou = drawn, 1.0
            given = prompt.mask if prompt.logits is None else None
            score = LOGIT_LIMIT if present else -LOGIT_LIMIT
        return Answer(
            logits=recurrence.remembered_mask(np.array(logits, np.float32), present),
            score=score,
            iou=iou,
            present=present,
            obj_ptr=found["obj_ptr"][0, :, chosen, 0].copy(),
            candidates=masks,
            ious=ious,
            given=given,
        )

    def recognised(self, image: Arrays, bank: MemoryBank, answer: Answer) -> Answer:
        """Returns an answer to no prompt, doubtful where what is masked does not look like the
        object on the frames that the bank holds (`host.recurrence.likeness`). What is known from
        prompts alone is never in doubt: what a user outlines, thin things above all, looks unlike
        the model's own masks of it.
        """
        least = self.spec.policy.likeness
        if not least or not answer.present:
            return answer
        with self.clock.stage("bank"):
            entries = zip(bank.history, bank.looks, strict=True)
            known = [(entry.prompted, one) for entry, one in entries if one is not None]
            if all(prompted for prompted, _ in known):
                return answer
            found = recurrence.look(image, answer.logits)
            if found is None or recurrence.likeness(found, [one for _, one in known]) >= least:
                return answer
            return replace(answer, doubtful=True)

    def remembers(self, prompted: bool, answer: Answer) -> bool:
        """Returns whether the bank takes in an answer (`host.recurrence.is_remembered`)."""
        least = self.spec.policy.least_iou
        if answer.doubtful:  # or its look would count as the object's from then on
            return False
        return recurrence.is_remembered(prompted, answer.present, answer.iou, least)

    def memorise(self, image: Arrays, answer: Answer) -> Memory:
        """Returns the memory of an answer. Its keys and values are valid until the next call."""
        return drive(self.memorising(image, answer), self.run)

    def memorising(self, image: Arrays, answer: Answer) -> Steps[Memory]:
        """Makes the memory of an answer, a call at a time."""
        with self.clock.stage("memory_encoder"):
            mask = self._mask_port.encode(answer.logits)[None, None]
            look = recurrence.look(image, answer.logits) if self.spec.policy.likeness else None
        found = yield Call("memory_encoder", {"mask": mask, "features": image["features"]})
        return Memory(found["keys"], found["values"], answer.obj_ptr, look)
