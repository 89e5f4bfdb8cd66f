"""Views of annotated images with what the frozen, quantized image encoder says of them, computed
once: the detector trains on the very codes that it will meet on a board, and an epoch costs no
encoder.

    <folder>/views.json                                 sizes, names of the concepts
    <folder>/features.npy, skip8.npy, skip4.npy         codes (V, ...), as the encoder's ports
    <folder>/rows.npz                                   instances: first (V+1,), concept (M,), boxes
                                                        (M,4); known and unsure (V,K) bool
    <folder>/masks.npy                                  (M,R,R) uint8, share of a cell times 255
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from host.device import Device
from hw.spec.arrays import read_arrays
from hw.spec.errors import SpecError
from hw.spec.plain import read_json
from hw.spec.port import Port
from quant.data.concepts.dataset import ConceptImage
from quant.data.concepts.pool import ConceptPool
from quant.data.concepts.views import View, random_view, whole_view
from quant.data.errors import DataError

MAPS = ("features", "skip8", "skip4")
INDEX = "views.json"
LARGEST = 1 << 34
"""The rows take at most so many bytes."""


@dataclass(frozen=True, eq=False)
class Views:
    """A cache that is open; arrays as the file's opening says."""

    concepts: list[str]
    maps: dict[str, NDArray]
    scales: dict[str, float]
    masks: NDArray[np.uint8]
    first: NDArray[np.int64]
    concept: NDArray[np.int64]
    boxes: NDArray[np.float32]
    known: NDArray[np.bool_]
    unsure: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.known)

    @classmethod
    def open(cls, folder: Path) -> Views:
        """Opens a folder of cached views; the maps stay on disk until they are read. Raises
        DataError for one that is damaged.
        """
        try:
            index = read_json(folder / INDEX)
            rows = read_arrays(folder / "rows.npz", LARGEST)
            maps = {name: _mapped(folder / f"{name}.npy") for name in MAPS}
            masks = _mapped(folder / "masks.npy")
            named = {name: rows[name] for name in ("first", "concept", "boxes", "known", "unsure")}
            return cls(index["concepts"], maps, index["scales"], masks, **named)
        except (OSError, ValueError, OverflowError, KeyError, TypeError, EOFError) as error:
            raise DataError(
                f"views in {folder} are damaged ({error})", "remove the folder: they are made again"
            ) from error


def _mapped(path: Path) -> NDArray[Any]:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def build_views(
    images: Sequence[ConceptImage],
    concepts: Sequence[str],
    device: Device,
    folder: Path,
    count: int,
    seed: int,
    workers: int = 0,
    made_of: str = "",
) -> Views:
    """The cache in `folder`, made if it is not there: every image that anything can be asked of
    once as a whole, then random views up to `count`; the same ones however many worker processes
    draw them. Built aside, then renamed.

    made_of: hash of the images and the encoder; a cache that was made of others is made again.
    """
    if (folder / INDEX).is_file():
        kept = json.loads((folder / INDEX).read_text(encoding="utf-8")).get("made_of", made_of)
        if kept == made_of:
            return Views.open(folder)
        print(f"{folder} was made of other images or by another encoder: it is made again")
    drawn = DrawnViews(ConceptPool(images), device.spec.image_size, count, seed)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".views-", dir=folder.parent))
    try:
        _fill(scratch, drawn, list(concepts), device, workers, made_of)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Views.open(folder)


class DrawnViews(Dataset):
    """View i of so many, the same on every run: the images as they are, then random ones."""

    def __init__(self, pool: ConceptPool, size: int, count: int, seed: int) -> None:
        self.pool, self.size, self.seed = pool, size, seed
        self.asked = [item for item in pool.images if item.exhaustive]
        self.count = max(count, len(self.asked))

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> View:
        if number < len(self.asked):
            return whole_view(self.asked[number], self.size)
        return random_view(self.pool, self.size, np.random.default_rng((self.seed, number)))


def _as_it_is(view: View) -> View:
    return view


def _one_thread(worker: int) -> None:
    cv2.setNumThreads(1)


def _sides(port: Port) -> tuple[int, ...]:
    """The sizes of a port without the batch. Raises SpecError for a ragged one."""
    sides = tuple(side for side in port.shape[1:] if side is not None)
    if len(sides) < len(port.shape) - 1:
        raise SpecError(f"port {port.name} of shape {port.shape} is ragged", "keep maps only")
    return sides


def _fill(
    folder: Path,
    drawn: DrawnViews,
    concepts: list[str],
    device: Device,
    workers: int,
    made_of: str,
) -> None:
    count = len(drawn)
    loader = DataLoader(
        drawn,
        batch_size=None,
        num_workers=workers,
        collate_fn=_as_it_is,
        worker_init_fn=_one_thread,
    )
    ports = device.spec.ports["image_encoder"].outputs
    maps = {
        name: open_memmap(
            folder / f"{name}.npy", "w+", ports[name].storage, (count, *_sides(ports[name]))
        )
        for name in MAPS
    }
    number = {name: i for i, name in enumerate(concepts)}
    known, unsure = (np.zeros((count, len(concepts)), bool) for _ in range(2))
    first, concept, boxes, masks = [0], [], [], []
    for i, view in enumerate(tqdm(loader, desc="views", unit="image")):
        codes = (view.image.transpose(2, 0, 1)[None].astype(np.int16) - 128).astype(np.int8)
        seen = device.run("image_encoder", {"image": codes})
        for name in MAPS:
            maps[name][i] = seen[name][0]
        known[i, [number[c] for c in view.known if c in number]] = True
        unsure[i, [number[c] for c in view.unsure if c in number]] = True
        concept += [number[c] for c in view.concepts]
        boxes.append(view.boxes)
        masks.append(np.rint(view.masks * 255).astype(np.uint8))
        first.append(len(concept))
    np.save(folder / "masks.npy", np.concatenate(masks))
    np.savez(
        folder / "rows.npz",
        first=np.array(first),
        concept=np.array(concept),
        boxes=np.concatenate(boxes),
        known=known,
        unsure=unsure,
    )
    scales = {name: ports[name].scale for name in MAPS}
    text = json.dumps({"concepts": concepts, "scales": scales, "made_of": made_of})
    (folder / INDEX).write_text(text, encoding="utf-8")
