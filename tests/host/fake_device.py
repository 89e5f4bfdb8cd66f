"""A device that follows colours, in numpy: exercises the host without a trained model.

It is strict where a board is: inputs must have the exact shape and type of their port, and output
buffers are reused from run to run. What it is told to follow travels only through prompts, memory
values and pointers, as in the real model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from host.policy import AGE_BUCKETS, AGE_LANES, Policy
from host.spec import TOKENS, GraphPorts, ModelSpec, Tables
from hw.spec.dtypes import IntType
from hw.spec.manifest import BankSizes, DetectorSizes, GraphEntry, Manifest, Widths, write_manifest
from hw.spec.port import Port

SIZE, WIDTH, LANES, SKIP = 64, 8, 16, 4
COARSE, GRID = SIZE // 16, SIZE // 4
POINTER_FLAG = 100
NEAR = 120.0  # colour distance, in codes, at which the mask edge lies


def _port(name: str, shape: tuple[int | None, ...], scale: float = 1.0, integer: bool = True):
    return Port(name, shape, IntType(8) if integer else None, scale if integer else 1.0)


def sizes(port: Port) -> tuple[int, ...]:
    """The shape of a port that has no ragged dimension."""
    found = tuple(n for n in port.shape if n is not None)
    assert len(found) == len(port.shape)
    return found


def make_ports(integer: bool = True) -> dict[str, GraphPorts]:
    def port(name: str, shape: tuple[int | None, ...], scale: float = 1.0) -> Port:
        return _port(name, shape, scale, integer)

    features = port("features", (1, WIDTH, COARSE, COARSE))
    conditioned = port("conditioned", (1, WIDTH, COARSE, COARSE))
    skip8 = port("skip8", (1, SKIP, 2 * COARSE, 2 * COARSE))
    skip4 = port("skip4", (1, SKIP, GRID, GRID))
    plain = {
        "image_encoder": ([port("image", (1, 3, SIZE, SIZE), 1 / 128)], [features, skip8, skip4]),
        "memory_attention": (
            [
                features,
                port("memory_keys", (1, 1, None, LANES)),
                port("memory_values", (1, 1, None, LANES)),
            ],
            [conditioned],
        ),
        "mask_decoder": (
            [
                conditioned,
                skip8,
                skip4,
                port("dense_prompt", (1, 6, GRID, GRID), 1 / 8),
                port("tokens", (1, WIDTH, TOKENS, 1)),
            ],
            [
                port("masks", (1, 4, GRID, GRID), 1 / 8),
                port("scores", (1, 1, TOKENS, 1), 1 / 8),
                port("obj_ptr", (1, 2 * LANES, TOKENS, 1)),
            ],
        ),
        "memory_encoder": (
            [port("mask", (1, 1, GRID, GRID), 1 / 8), features],
            [
                port("keys", (1, 1, COARSE**2, LANES)),
                port("values", (1, 1, COARSE**2, LANES)),
            ],
        ),
    }
    return {
        name: GraphPorts({p.name: p for p in ins}, {p.name: p for p in outs})
        for name, (ins, outs) in plain.items()
    }


def make_tables(integer: bool = True) -> Tables:
    kind = np.int8 if integer else np.float32
    rng = np.random.default_rng(7)

    def table(*shape: int) -> np.ndarray:
        return rng.integers(-60, 60, shape).astype(kind)

    ages = np.arange(3 * AGE_BUCKETS).reshape(3, AGE_BUCKETS, 1)
    return Tables(
        table(5, WIDTH),
        table(GRID, WIDTH),
        table(GRID, WIDTH),
        table(5, WIDTH),
        np.broadcast_to(ages, (3, AGE_BUCKETS, AGE_LANES)).astype(kind),
    )


def make_spec(integer: bool = True, policy: Policy | None = None) -> ModelSpec:
    return ModelSpec(
        "fake",
        "int8" if integer else "float",
        SIZE,
        WIDTH,
        LANES,
        LANES,
        policy or Policy(),
        make_ports(integer),
        make_tables(integer),
    )


def write_bundle(
    folder: Path, spec: ModelSpec | None = None, detector: DetectorSizes | None = None
) -> Manifest:
    """A bundle of the fake's spec, with placeholder programs, which the host never reads."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = spec or make_spec()
    entries = []
    for name, ports in spec.ports.items():
        (folder / f"{name}.json").write_text("{}")
        np.savez(folder / f"{name}.npz", weight=np.zeros(1, np.int8))
        inputs, outputs = tuple(ports.inputs.values()), tuple(ports.outputs.values())
        entries.append(GraphEntry(name, f"{name}.json", f"{name}.npz", inputs, outputs))
    tables = {name: getattr(spec.tables, name) for name in Tables.__dataclass_fields__}
    np.savez(folder / "tables.npz", **tables)
    manifest = Manifest(
        "fake",
        "int8",
        SIZE,
        Widths(C=WIDTH, Ck=LANES, Cv=LANES, P=8),
        BankSizes(6, 2, 8),
        tuple(entries),
        detector=detector,
    )
    return write_manifest(folder, manifest)


class FakeDevice:
    """See the module's text. `calls` lists the graphs run, `seen` their latest inputs (copies)."""

    name = "fake"

    def __init__(self, integer: bool = True, policy: Policy | None = None) -> None:
        self.spec = make_spec(integer, policy)
        self.calls: list[str] = []
        self.seen: dict[str, dict[str, np.ndarray]] = {}
        self.allocated = 0
        self.closed = False
        self._out = {
            graph: {n: np.zeros(sizes(p), p.storage) for n, p in ports.outputs.items()}
            for graph, ports in self.spec.ports.items()
        }

    def allocate(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        self.allocated += 1
        return np.zeros(shape, dtype)

    def close(self) -> None:
        self.closed = True

    def run(self, graph: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        ports = self.spec.ports[graph]
        assert inputs.keys() == ports.inputs.keys()
        for name, port in ports.inputs.items():
            port.check(inputs[name])
        self.calls.append(graph)
        self.seen[graph] = {name: value.copy() for name, value in inputs.items()}
        values = {name: port.decode(inputs[name]) for name, port in ports.inputs.items()}
        found = getattr(self, f"_{graph}")(**values)
        out = self._out[graph]
        for name, value in found.items():
            out[name][:] = ports.outputs[name].encode(value)
        return out

    def _image_encoder(self, image: np.ndarray) -> dict[str, np.ndarray]:
        picture = (image[0] * 128).transpose(1, 2, 0)

        def at(side: int, channels: int) -> np.ndarray:
            small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
            planes = np.zeros((1, channels, side, side), np.float32)
            planes[0, :3] = np.rint(small.transpose(2, 0, 1))
            return planes

        return {
            "features": at(COARSE, WIDTH),
            "skip8": at(2 * COARSE, SKIP),
            "skip4": at(GRID, SKIP),
        }

    def _memory_attention(
        self, features: np.ndarray, memory_keys: np.ndarray, memory_values: np.ndarray
    ) -> dict[str, np.ndarray]:
        tokens = memory_values[0, 0]
        colours = tokens[tokens[:, 3] == POINTER_FLAG, :3]
        conditioned = features.copy()
        conditioned[0, 3:6] = np.rint(np.median(colours, axis=0))[:, None, None]
        conditioned[0, 6] = 1
        return {"conditioned": conditioned}

    def _mask_decoder(
        self,
        conditioned: np.ndarray,
        skip8: np.ndarray,
        skip4: np.ndarray,
        dense_prompt: np.ndarray,
        tokens: np.ndarray,
    ) -> dict[str, np.ndarray]:
        colours = skip4[0, :3]
        before, clicks, wrong, box = dense_prompt[0, :4]
        inner = np.zeros_like(box)
        rows, columns = np.nonzero(box > 0)
        if len(rows):  # the middle of the box
            inner[int(rows.mean()), int(columns.mean())] = 1
        target = conditioned[0, 3:6, 0, 0]
        if not conditioned[0, 6, 0, 0]:
            target = np.zeros(3)
            for where in (clicks > 0, inner > 0, before > 8):
                if where.any():
                    target = colours[:, where].mean(1)
                    break
        distance = np.linalg.norm(colours - target[:, None, None], axis=0)
        logits = np.clip((NEAR - distance) / 8, -15.875, 15.875)
        logits[wrong > 0] = -15.875
        masks = np.stack([logits, logits - 2, logits, logits - 4])[None]
        scores = np.zeros((1, 1, TOKENS, 1))
        scores[0, 0, :5, 0] = [1, 0, 2, 1, 4 if (logits > 0).any() else -4]
        obj_ptr = np.zeros((1, 2 * LANES, TOKENS, 1))
        obj_ptr[0, LANES : LANES + 3, :4, 0] = np.rint(target)[:, None]
        obj_ptr[0, LANES + 3, :4, 0] = POINTER_FLAG
        return {"masks": masks, "scores": scores, "obj_ptr": obj_ptr}

    def _memory_encoder(self, mask: np.ndarray, features: np.ndarray) -> dict[str, np.ndarray]:
        keys = np.zeros((1, 1, COARSE**2, LANES))
        values = np.zeros((1, 1, COARSE**2, LANES))
        coarse = cv2.resize(mask[0, 0], (COARSE, COARSE), interpolation=cv2.INTER_AREA)
        values[0, 0, :, 4] = np.rint(coarse.reshape(-1))
        return {"keys": keys, "values": values}


class Eager(FakeDevice):
    """Sees something everywhere, whatever it was told."""

    def _mask_decoder(self, *inputs: np.ndarray, **named: np.ndarray) -> dict[str, np.ndarray]:
        found = super()._mask_decoder(*inputs, **named)
        return found | {
            "masks": np.full_like(found["masks"], 9),
            "scores": np.full_like(found["scores"], 9),
        }
