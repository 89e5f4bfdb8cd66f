"""A detector's description tells the host all that it must know: sizes, tables and vocabulary.

The letters are those of docs/architecture.md; N counts queries, P prompt tokens of text and
examples, and T = N + 1 + P all tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.errors import BundleError
from hw.spec.arrays import read_arrays
from hw.spec.manifest import DETECTOR_TABLES, REBUILD, VOCABULARY, DetectorSizes
from hw.spec.port import Port

EMBEDDING = 384
"""A sentence embedding has this many numbers."""
GEOMETRY_CHANNELS = 4
EXAMPLE_LABELS = 2


@dataclass(frozen=True, eq=False)
class DetectorTables:
    """The tables from which the host makes the detector's tokens hold float32 values; a sum of
    their rows is encoded once, at the end.

    queries (N+1, C) are the queries, then the presence token. none (P_text+1, C) stand for text
    that is not given, its last row for an unused example. text_weight (384, P_text*C) and text_bias
    (P_text*C,) project a sentence embedding. label (2, C), column, row, column_end and row_end (R,
    C) and pool_weight (C, C) make the token of an example box. score_scale (2,) are the gain and
    the offset of the scores' logits, see `host.concepts.detections.scaled_scores`, so that 0.5
    decides and a score is a probability.
    """

    queries: NDArray[np.float32]
    none: NDArray[np.float32]
    text_weight: NDArray[np.float32]
    text_bias: NDArray[np.float32]
    label: NDArray[np.float32]
    column: NDArray[np.float32]
    row: NDArray[np.float32]
    column_end: NDArray[np.float32]
    row_end: NDArray[np.float32]
    pool_weight: NDArray[np.float32]
    score_scale: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DetectorSpec:
    """A detector's description has its sizes, its tables, and the file of its vocabulary; that is
    None where phrases are given by hand.
    """

    sizes: DetectorSizes
    tables: DetectorTables
    vocabulary: Path | None = None

    @property
    def tokens(self) -> int:
        """Returns T, the number of the detector's tokens: the N queries and the presence token come
        first.
        """
        sizes = self.sizes
        return sizes.queries + 1 + sizes.text_tokens + sizes.exemplar_tokens

    def check(
        self, model: str, ports: Mapping[str, Port], width: int, coarse: int, grid: int
    ) -> None:
        """Raises BundleError unless the tables and the graph's ports, by name, fit the sizes: the
        width C, the coarse grid G and the mask grid R.
        """
        sizes = self.sizes
        many, text = sizes.queries + 1, sizes.text_tokens
        tables: dict[str, tuple[int, ...]] = {
            "queries": (many, width),
            "none": (text + 1, width),
            "text_weight": (EMBEDDING, text * width),
            "text_bias": (text * width,),
            "label": (EXAMPLE_LABELS, width),
            **dict.fromkeys(("column", "row", "column_end", "row_end"), (grid, width)),
            "pool_weight": (width, width),
            "score_scale": (2,),
        }
        found: dict[str, Any] = {name: getattr(self.tables, name).shape for name in tables}
        _compare(model, "table", found, tables)
        _compare(
            model,
            "port",
            {name: port.shape for name, port in ports.items()},
            {
                "geometry": (1, GEOMETRY_CHANNELS, coarse, coarse),
                "tokens": (1, width, self.tokens, 1),
                "masks": (1, many, grid, grid),
                "matches": (1, many, self.tokens, 1),
                "boxes": (1, 4, many, 1),
                "presence": (1, 1, many, 1),
            },
        )


def _compare(
    model: str, what: str, found: Mapping[str, Any], wanted: Mapping[str, tuple[int, ...]]
) -> None:
    for name, shape in wanted.items():
        if found.get(name) != shape:
            raise BundleError(
                f"detector's {what} {name} of model {model} has shape {found.get(name)}, "
                f"{shape} is needed",
                "build the bundle again",
            )


def read_tables(path: Path, names: Iterable[str]) -> dict[str, NDArray[Any]]:
    """Arrays of these names in an .npz of a bundle, others left out. Raises BundleError."""
    try:
        stored = read_arrays(path)
        return {name: stored[name] for name in names}
    except (OSError, ValueError, KeyError) as error:
        raise BundleError(f"{path} is no table file: {error}", REBUILD) from error


def load_detector(folder: Path, sizes: DetectorSizes) -> DetectorSpec:
    """Reads the detector's part of a bundle. Raises BundleError for a file that is missing or does
    not fit.
    """
    path, tables = folder / DETECTOR_TABLES, {}
    for name, table in read_tables(path, DetectorTables.__dataclass_fields__).items():
        if table.dtype.kind != "f" or not (np.abs(table) < np.finfo(np.float32).max).all():
            raise BundleError(f"{path}: {name} is no table of numbers", REBUILD)
        tables[name] = table.astype(np.float32)
    return DetectorSpec(sizes, DetectorTables(**tables), folder / VOCABULARY)
