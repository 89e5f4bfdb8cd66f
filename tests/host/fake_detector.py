"""The fake device with a concept detector that finds squares by their colour.

A phrase or an example says a colour; what the image shows in it, piece by piece, are the instances.
As in the real graph all it learns of the prompt comes through tokens and geometry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from host.concepts.phrases import Phrases
from host.detector_spec import EMBEDDING, DetectorSpec, DetectorTables
from host.spec import GraphPorts, ModelSpec, load_spec
from hw.spec.manifest import DETECTOR_TABLES, VOCABULARY, DetectorSizes, Manifest
from hw.spec.port import Port
from tests.host.fake_device import (
    COARSE,
    GRID,
    NEAR,
    WIDTH,
    FakeDevice,
    _port,
    make_spec,
    sizes,
    write_bundle,
)
from tests.host.scenes import BACKGROUND, BLUE, RED

SIZES = DetectorSizes(queries=7, text_tokens=4, exemplar_tokens=4)
QUERIES = SIZES.queries
TOKENS = QUERIES + 1 + 8
FLAG, TEXT, EXAMPLE = 7, 100.0, 50.0  # a channel of a token, and what it says there
SURE = 6.0
YELLOW = (250, 250, 10)  # never drawn
COLOURS = {"red square": RED, "blue square": BLUE, "yellow square": YELLOW}
PALETTE = np.array([*COLOURS.values()]) - 128.0
GROUND = np.array(BACKGROUND) - 128.0
Found = list[tuple[np.ndarray, float]]
"""Mask logits (R, R) and match logits of instances."""


def make_phrases() -> Phrases:
    """Phrases whose embeddings say a colour."""
    table = np.zeros((len(COLOURS), EMBEDDING), np.float32)
    for row, colour in enumerate(COLOURS.values()):
        table[row, :4] = [*((np.array(colour) - 128) / 100), 1]
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    return Phrases(list(COLOURS), table)


def make_detector_tables() -> DetectorTables:
    rng = np.random.default_rng(3)
    text_weight = np.zeros((EMBEDDING, 4, WIDTH), np.float32)
    text_weight[np.arange(4), :, np.arange(4)] = 100
    bias = np.zeros((4, WIDTH), np.float32)
    bias[:, FLAG] = TEXT
    label = np.zeros((2, WIDTH), np.float32)
    label[:, FLAG] = -EXAMPLE, EXAMPLE
    places = np.zeros((4, GRID, WIDTH), np.float32)
    places[:, :, 4:6] = rng.normal(0, 3, (4, GRID, 2))
    pool = np.zeros((WIDTH, WIDTH), np.float32)
    pool[np.arange(3), np.arange(3)] = 1
    queries = rng.normal(0, 9, (QUERIES + 1, WIDTH)).astype(np.float32)
    none = np.zeros((5, WIDTH), np.float32)
    text = text_weight.reshape(EMBEDDING, -1), bias.reshape(-1)
    scale = np.array([1, 0], np.float32)
    column, row, column_end, row_end = places
    return DetectorTables(
        queries, none, *text, label, column, row, column_end, row_end, pool, scale
    )


def detector_ports(integer: bool = True) -> GraphPorts:
    encoder = make_spec(integer).ports["image_encoder"].outputs

    def port(name: str, shape: tuple[int, ...], scale: float) -> Port:
        return _port(name, shape, scale, integer)

    many = QUERIES + 1
    inputs = [
        *(encoder[name] for name in ("features", "skip8", "skip4")),
        port("geometry", (1, 4, COARSE, COARSE), 1 / 8),
        port("tokens", (1, WIDTH, TOKENS, 1), 1.0),
    ]
    outputs = [
        port("masks", (1, many, GRID, GRID), 1 / 8),
        port("matches", (1, many, TOKENS, 1), 1 / 8),
        port("boxes", (1, 4, many, 1), 1 / 32),
        port("presence", (1, 1, many, 1), 1 / 8),
    ]
    return GraphPorts({p.name: p for p in inputs}, {p.name: p for p in outputs})


def make_concept_spec(vocabulary: Path | None = None, integer: bool = True) -> ModelSpec:
    spec = make_spec(integer)
    ports = {**spec.ports, "detector": detector_ports(integer)}
    detector = DetectorSpec(SIZES, make_detector_tables(), vocabulary)
    return replace(spec, ports=ports, detector=detector)


def write_concept_bundle(folder: Path) -> Manifest:
    """A bundle of the fake's spec with its detector."""
    folder.mkdir(parents=True)
    np.savez(folder / DETECTOR_TABLES, **vars(make_detector_tables()))
    make_phrases().save(folder / VOCABULARY)
    return write_bundle(folder, make_concept_spec(), SIZES)


def vocabulary_of(folder: Path) -> Path:
    """The vocabulary of a bundle with a detector."""
    detector = load_spec(folder)[1].detector
    assert detector is not None and detector.vocabulary is not None
    return detector.vocabulary


class FakeConceptDevice(FakeDevice):
    """See the module's text.

    script: what the detector answers on its k-th run, in place of what it sees.
    """

    def __init__(self, vocabulary: Path | None = None, integer: bool = True) -> None:
        super().__init__(integer)
        self.spec = make_concept_spec(vocabulary, integer)
        self.script: Callable[[int], Found | None] = lambda _run: None
        outputs = self.spec.ports["detector"].outputs
        self._out["detector"] = {n: np.zeros(sizes(p), p.storage) for n, p in outputs.items()}

    def _detector(
        self,
        features: np.ndarray,
        skip8: np.ndarray,
        skip4: np.ndarray,
        geometry: np.ndarray,
        tokens: np.ndarray,
    ) -> dict[str, np.ndarray]:
        found = self.script(self.calls.count("detector") - 1)
        if found is None:
            found = self._pieces(skip4[0, :3], tokens[0, :, QUERIES + 1 :, 0].T)
        found = found[:QUERIES]
        many = QUERIES + 1
        masks = np.full((1, many, GRID, GRID), -15.875)
        matches = np.full((1, many, TOKENS, 1), -15.875)
        boxes = np.zeros((1, 4, many, 1))
        presence = np.full((1, 1, many, 1), -15.875)  # all but the last are noise to the host
        presence[0, 0, -1, 0] = SURE if found else -SURE
        for row, (plane, logit) in enumerate(found):
            masks[0, row] = plane
            masks[0, -1] = np.maximum(masks[0, -1], plane)
            matches[0, row] = logit
            x, y, w, h = cv2.boundingRect((plane > 0).astype(np.uint8))
            box = np.clip(np.array([x + w / 2, y + h / 2, w, h]) / GRID, 0.02, 0.98)
            boxes[0, :, row, 0] = np.log(box / (1 - box))
        return {"masks": masks, "matches": matches, "boxes": boxes, "presence": presence}

    @staticmethod
    def _pieces(colours: np.ndarray, tokens: np.ndarray) -> Found:
        wanted = np.full((GRID, GRID), -15.875)
        unwanted = wanted.copy()
        for token in tokens:
            if abs(token[FLAG]) < EXAMPLE / 2:
                continue  # not given
            # What is under an example is mixed with ground: which colour does it lean to?
            told = token[FLAG] > (TEXT + EXAMPLE) / 2
            towards = (token[:3] / token[3] * 100 if told else token[:3]) - GROUND
            leans = (PALETTE - GROUND) @ towards / np.linalg.norm(PALETTE - GROUND, axis=1)
            colour = PALETTE[leans.argmax()]
            distance = np.linalg.norm(colours - colour[:, None, None], axis=0)
            plane = np.clip((NEAR - distance) / 8, -15.875, 15.875)
            kind = unwanted if token[FLAG] < 0 else wanted
            kind[:] = np.maximum(kind, plane)
        wanted[unwanted > 0] = -15.875
        count, pieces = cv2.connectedComponents((wanted > 0).astype(np.uint8), connectivity=4)
        # Around a piece its own logits go on, so that outlines are as fine as they can be.
        return [
            (np.where((pieces == 0) | (pieces == piece), wanted, -15.875), SURE)
            for piece in range(1, count)
        ]
