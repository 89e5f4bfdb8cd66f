"""What a training step of the detector sees: a view, a phrase or example boxes, and all instances
that they mean.
"""

from __future__ import annotations

from pathlib import Path

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from host.concepts.phrases import Phrases
from hw.spec.errors import SpecError
from quant.concepts.cache import MAPS, Views
from quant.concepts.losses import Truth
from quant.data.concepts.contexts import TRAINED, in_context
from quant.data.concepts.vocabulary import Vocabulary
from quant.model.concept_prompts import ABSENT, EXEMPLARS

POSITIVE_SHARE = 0.7
ABSENT_SHARES = (0.4, 0.3, 0.3)
"""The shares of three kinds of questions about what is absent: things of a kind with what is there,
things that are common elsewhere, and anything.
"""
CONTRAST = 2.0  # a present concept is asked for so many times as often beside another of its kind
EXAMPLE_SHARES = (0.7, 0.15, 0.15)  # text alone, text with examples, examples alone
NOISE = 0.015  # on each of a unit embedding's 384 numbers of about 0.05: near its meaning
BLEND_SHARE = 0.5  # of the phrases that are asked as something between two of their concept's
CONTEXT_SHARE = 0.2  # of the phrases that are asked with words around the noun
JITTER = 0.05  # of an example box's sides


class ConceptSamples(Dataset):
    """Random questions about cached views; item i of epoch e is the same on every run.

    Items are dicts: the encoder's maps as float values, text (384,), has_text, boxes (E,4), labels
    (E,), wanted_boxes (M,4), wanted_masks (M,R,R), present.
    """

    def __init__(
        self,
        views: Views,
        vocabulary: Vocabulary,
        phrases: Phrases,
        count: int,
        seed: int,
        rarity: float = 0.0,
    ) -> None:
        self.views, self.count, self.seed, self.epoch = views, count, seed, 0
        self.text = [
            np.stack([phrases.embed(p) for p in vocabulary[c].train]) for c in views.concepts
        ]
        self.context = [
            np.stack([phrases.embed(p) for p in in_context(vocabulary, c, TRAINED)])
            for c in views.concepts
        ]
        number = {name: i for i, name in enumerate(views.concepts)}
        self.doubt = np.eye(len(number), dtype=bool)
        for name, i in number.items():
            others = [number[c] for c in vocabulary[name].confusable if c in number]
            self.doubt[i, others] = True
        self.alike = _alike(views.concepts, vocabulary)
        seen = np.bincount(views.concept, minlength=len(number)).astype(np.float64)
        self.rarity = (seen + 5) ** -rarity
        self.frequency = np.sqrt(seen + 1)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((self.seed, self.epoch, index))
        while True:
            view = int(rng.integers(len(self.views)))
            present, absent = self._concepts(view)
            positive = len(present) > 0 and (rng.random() < POSITIVE_SHARE or not len(absent))
            if len(present if positive else absent):
                break
        if positive:
            beside = self.alike[np.ix_(present, present)].any(1)
            concept = _pick(present, self.rarity[present] * np.where(beside, CONTRAST, 1.0), rng)
        else:
            concept = _pick(absent, self._temptation(view, absent, rng), rng)
        return self._item(view, concept, positive, rng)

    def _temptation(self, view: int, absent: NDArray, rng: np.random.Generator) -> NDArray:
        """Weights of absent concepts, as one of ABSENT_SHARES."""
        kind = rng.choice(3, p=ABSENT_SHARES)
        common = self.frequency[absent]
        if kind == 0:
            shown = np.unique(self.views.concept[self._rows(view)])
            akin = self.alike[np.ix_(absent, shown)].any(1)
            if akin.any():
                return common * akin
        return np.ones(len(absent)) if kind == 2 else common

    def _rows(self, view: int) -> slice:
        return slice(int(self.views.first[view]), int(self.views.first[view + 1]))

    def _concepts(self, view: int) -> tuple[NDArray, NDArray]:
        """Concepts that are surely present and surely absent."""
        v = self.views
        shown = np.unique(v.concept[self._rows(view)])
        sure = v.known[view] & ~v.unsure[view]
        doubtful = self.doubt[shown].any(0) | self.doubt[v.unsure[view]].any(0)
        return shown[sure[shown]], np.flatnonzero(sure & ~doubtful)

    def _item(
        self, view: int, concept: int, positive: bool, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        v, rows = self.views, self._rows(view)
        own = v.concept[rows] == concept
        kind = int(rng.choice(3, p=EXAMPLE_SHARES)) if positive else 0
        text = self._phrase(self.text[concept], self.context[concept], rng)
        boxes, labels = np.zeros((EXEMPLARS, 4), np.float32), np.full(EXEMPLARS, ABSENT)
        if kind:
            self._examples(v.boxes[rows][own], v.boxes[rows][~own], boxes, labels, rng)
        item = {name: v.maps[name][view] * np.float32(v.scales[name]) for name in MAPS}
        item |= {
            "text": (text / np.linalg.norm(text)).astype(np.float32),
            "has_text": np.array(kind < 2),
            "boxes": boxes,
            "labels": labels,
            "wanted_boxes": v.boxes[rows][own],
            "wanted_masks": v.masks[rows][own].astype(np.float32) / 255,
            "present": np.array(positive),
        }
        return {name: torch.as_tensor(a) for name, a in item.items()}

    @staticmethod
    def _phrase(known: NDArray, context: NDArray, rng: np.random.Generator) -> NDArray:
        """An embedding (384,) near a concept's phrases (P,384), for what else it may be called, or
        near its name among other words (Q,384).
        """
        if rng.random() < CONTEXT_SHARE:
            row = context[rng.integers(len(context))]
            return row + rng.normal(0, NOISE, row.shape)
        first, second = known[rng.integers(len(known), size=2)]
        share = rng.random() if rng.random() < BLEND_SHARE else 1.0
        return share * first + (1 - share) * second + rng.normal(0, NOISE, first.shape)

    @staticmethod
    def _examples(
        own: NDArray, others: NDArray, boxes: NDArray, labels: NDArray, rng: np.random.Generator
    ) -> None:
        """Fills in one or two positive boxes and now and then a negative one."""
        count = min(len(own), int(rng.integers(1, 3)))
        chosen = [(b, 1) for b in rng.permutation(own)[:count]]
        if len(others) and rng.random() < 0.4:
            chosen.append((others[rng.integers(len(others))], 0))
        for slot, (box, label) in enumerate(chosen):
            size = np.tile(box[2:] - box[:2], 2)
            boxes[slot] = np.clip(box + rng.normal(0, JITTER, 4) * size, 0, 1)
            labels[slot] = label


def _pick(chosen: NDArray, weight: NDArray, rng: np.random.Generator) -> int:
    return int(rng.choice(chosen, p=weight / weight.sum()))


def _alike(concepts: list[str], vocabulary: Vocabulary) -> NDArray[np.bool_]:
    """Returns (K,K): whether two concepts are different things of one broader kind."""
    kinds = [set(vocabulary[name].kinds) for name in concepts]
    alike = np.zeros((len(concepts), len(concepts)), bool)
    for i, one in enumerate(concepts):
        for j, other in enumerate(concepts):
            same = i == j or one in kinds[j] or other in kinds[i]
            alike[i, j] = not same and bool(kinds[i] & kinds[j])
    return alike


def collate(items: list[dict[str, Tensor]]) -> dict[str, Tensor | list[Tensor]]:
    """Returns a batch, in which what varies in number stays a list."""
    return {
        name: [item[name] for item in items]
        if name.startswith("wanted")
        else torch.stack([item[name] for item in items])
        for name in items[0]
    }


def truth_of(batch: dict) -> Truth:
    """Returns what is true of a batch, in the form that the losses take."""
    grid = batch["skip4"].shape[-1]
    semantic = torch.stack(
        [m.amax(0) if len(m) else m.new_zeros(grid, grid) for m in batch["wanted_masks"]]
    )
    return Truth(batch["wanted_boxes"], batch["wanted_masks"], semantic, batch["present"])


class ConceptData(lightning.LightningDataModule):
    """Questions for one stage; `batch` of them a step, shared out among the trainer's devices."""

    def __init__(self, samples: ConceptSamples, batch: int, workers: int) -> None:
        super().__init__()
        self.samples, self.batch, self.workers = samples, batch, workers

    def train_dataloader(self) -> DataLoader:
        trainer = self.trainer
        if trainer is None:
            raise SpecError("no trainer has these questions yet", "hand them to Trainer.fit")
        self.samples.epoch = trainer.current_epoch
        share = max(1, self.batch // trainer.world_size)
        return DataLoader(
            self.samples, share, num_workers=self.workers, collate_fn=collate, drop_last=True
        )


def phrase_table(vocabulary: Vocabulary, concepts: list[str], folder: Path) -> Phrases:
    """Embeddings of the vocabulary and of concepts that it does not list, kept in `folder`."""
    path = folder / "vocabulary.npz"
    names = {p for c in concepts for p in vocabulary[c].train} | set(vocabulary.phrases())
    names |= {p for c in concepts for p in in_context(vocabulary, c, TRAINED)}
    if path.is_file():
        table = Phrases.load(path)
        if names <= set(table.phrases):
            return table
    table = Phrases.build(names)
    folder.mkdir(parents=True, exist_ok=True)
    table.save(path)
    return table
