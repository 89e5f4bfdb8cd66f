"""Foldings as a file: one TOML table a graph, one line a layer, to read, to override, to keep.

    [style]
    luts_per_block = 100.0

    [style.mask_decoder]
    luts_per_block = 120.0

    [image_encoder]
    "backbone.stem" = { PE = 8, SIMD = 3, lanes = 1 }

A file may name some layers only: the others keep what they have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import tomllib

from hw.fold.block import Folding, Style
from hw.fold.folding import FoldingError
from hw.spec.files import atomic_path
from hw.spec.manifest import DETECTOR

FOUND = Path(__file__).resolve().parent / "found"
"""Foldings that the search found, by model and board: searching takes minutes."""

Foldings = dict[str, dict[str, Folding]]


@dataclass(frozen=True)
class Stored:
    """What files say: style of all graphs, of single ones, foldings by graph and layer."""

    style: Style = field(default_factory=Style)
    styles: Mapping[str, Style] = field(default_factory=dict)
    foldings: Foldings = field(default_factory=dict)

    def of(self, graph: str) -> Style:
        """A graph's style."""
        return self.styles.get(graph, self.style)


def place(model: str, board: str, detects: bool = False) -> Path:
    """Returns the file that keeps the foldings of a model on a board. detects: with a concept
    detector, which shares the board with the others.
    """
    more = f"_{DETECTOR}" if detects else ""
    return FOUND / f"{model}_{board.lower().replace('-', '_')}{more}.toml"


def save(path: Path, stored: Stored) -> None:
    """Writes a file with every layer."""
    lines = ["[style]", *_numbers(stored.style)]
    for graph, style in stored.styles.items():
        lines += ["", f"[style.{graph}]", *_numbers(style)]
    for graph, layers in stored.foldings.items():
        lines += ["", f"[{graph}]"]
        for layer, f in layers.items():
            lines.append(f'"{layer}" = {{ PE = {f.PE}, SIMD = {f.SIMD}, lanes = {f.lanes} }}')
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as part:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _numbers(style: Style) -> list[str]:
    return [f"{name} = {str(value).lower()}" for name, value in asdict(style).items()]


def load(path: Path, stored: Stored) -> Stored:
    """What a file says, over what there is. Raises FoldingError naming the line that is wrong."""
    try:
        with open(path, "rb") as file:
            plain = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise FoldingError(f"{path}: {error}", "give a TOML file of foldings") from error
    numbers = plain.pop("style", {})
    single = {g: numbers.pop(g) for g in list(numbers) if isinstance(numbers[g], dict)}
    try:
        style = replace(stored.style, **numbers)
        styles = dict(stored.styles)
        styles |= {g: replace(styles.get(g, style), **values) for g, values in single.items()}
    except TypeError as error:
        known = ", ".join(asdict(stored.style))
        raise FoldingError(f"{path}: [style]: {error}", f"it has {known}") from error
    merged = {graph: dict(layers) for graph, layers in stored.foldings.items()}
    for graph, layers in plain.items():
        known_layers = merged.setdefault(graph, {})
        for layer, lanes in layers.items():
            try:
                known_layers[layer] = replace(known_layers.get(layer, Folding()), **lanes)
            except TypeError as error:
                remedy = "a line is { PE = 1, SIMD = 1, lanes = 1 }"
                raise FoldingError(f"{path}: {graph}: {layer}: {error}", remedy) from error
    return Stored(style, styles, merged)
