"""Random but plausible inputs of the graphs: rendered shapes, carried through the model
itself.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from host.concepts.prompts import ConceptPrompt, ConceptTokens
from host.detector_spec import EMBEDDING
from host.device import Device
from host.policy import AGE_BUCKETS, AGE_LANES
from host.prompts import LOGIT_LIMIT, Prompt, dense_prompt
from host.spec import ModelSpec, TokenTable
from hw.spec.dtypes import Arrays


def scene(size: int, random: np.random.Generator) -> tuple[NDArray, NDArray]:
    """A textured ellipse on a textured ground: image (size, size, 3) uint8, mask (size, size)
    bool.
    """

    def texture() -> NDArray:
        coarse = random.uniform(0, 255, (8, 8, 3)).astype(np.float32)
        fine = random.normal(0, 12, (size, size, 3)).astype(np.float32)
        return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC) + fine

    mask = np.zeros((size, size), np.uint8)
    centre = random.uniform(0.35, 0.65, 2) * size
    axes = random.uniform(0.1, 0.25, 2) * size
    box = (tuple(centre.tolist()), tuple((2 * axes).tolist()), float(random.uniform(0, 180)))
    cv2.ellipse(mask, box, 1, -1)
    image = np.where(mask[..., None] > 0, texture(), texture())
    return np.clip(image, 0, 255).astype(np.uint8), mask > 0


def random_inputs(device: Device, examples: int, seed: int) -> dict[str, list[Arrays]]:
    """By graph, `examples` dictionaries of input codes; memories fill the whole bank."""
    random = np.random.default_rng(seed)
    spec = device.spec
    ports = spec.ports
    cases: dict[str, list[Arrays]] = {name: [] for name in spec.ports}
    bank = spec.policy.recent + spec.policy.prompted
    for _ in range(examples):
        image, mask = scene(spec.image_size, random)
        codes = {"image": (image.transpose(2, 0, 1)[None].astype(np.int16) - 128).astype(np.int8)}
        cases["image_encoder"].append(codes)
        seen = device.run("image_encoder", codes)
        memories = []
        for _ in range(bank):
            shifted = np.roll(mask, random.integers(-4, 5, 2), (0, 1)).astype(np.float32)
            small = cv2.resize(shifted, (spec.grid, spec.grid), interpolation=cv2.INTER_AREA)
            logits = ((small * 2 - 1) * LOGIT_LIMIT)[None, None]
            entry = {
                "mask": ports["memory_encoder"].inputs["mask"].encode(logits),
                "features": seen["features"],
            }
            memories.append(device.run("memory_encoder", entry))
        cases["memory_encoder"].append(entry)
        prompts = _decoder_prompts(spec, random)
        attention = _bank(spec, memories, seen["features"], random)
        cases["memory_attention"].append(attention)
        done = device.run("memory_attention", attention)
        skips = {name: seen[name] for name in ("skip8", "skip4")}
        cases["mask_decoder"].append(done | skips | prompts)
        if spec.detector is not None:
            asked = _concept(spec, mask, seen["features"], random)
            cases["detector"].append({"features": seen["features"]} | skips | asked)
    return cases


def _bank(
    spec: ModelSpec, memories: list[Arrays], features: NDArray, random: np.random.Generator
) -> Arrays:
    keys = np.concatenate([m["keys"] for m in memories], 2)
    values = np.concatenate([m["values"] for m in memories], 2)
    # Stand-ins for pointers: memories of random cells.
    picked = random.integers(0, keys.shape[2], spec.policy.obj_ptrs)
    keys = np.concatenate([keys, keys[:, :, picked]], 2)
    values = np.concatenate([values, values[:, :, picked]], 2)
    kinds = random.integers(0, 3, keys.shape[2])
    ages = random.integers(0, AGE_BUCKETS, keys.shape[2])
    keys[..., -AGE_LANES:] = spec.tables.age_codes[kinds, ages]
    return {"features": features, "memory_keys": keys, "memory_values": values}


def _decoder_prompts(spec: ModelSpec, random: np.random.Generator) -> Arrays:
    points = random.uniform(0.1, 0.9, (2, 2)).astype(np.float32)
    labels = np.array([1, 0])
    coarse = random.normal(0, 8, (6, 6))
    logits = np.asarray(cv2.resize(coarse, (spec.grid, spec.grid)), np.float64)
    dense = dense_prompt(spec.grid, logits, points, labels)
    port = spec.ports["mask_decoder"].inputs["dense_prompt"]
    tokens = TokenTable(spec)(Prompt(points, labels))
    return {"dense_prompt": port.encode(dense[None]), "tokens": tokens}


def _concept(
    spec: ModelSpec, mask: NDArray, features: NDArray, random: np.random.Generator
) -> Arrays:
    """A random phrase and the scene's own object as an example."""
    embedding = random.normal(size=EMBEDDING).astype(np.float32)
    rows, columns = np.nonzero(mask)
    box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / len(mask)
    prompt = ConceptPrompt("object", box[None].astype(np.float32), np.array([1]))
    return ConceptTokens(spec)(prompt, embedding / np.linalg.norm(embedding), features)
