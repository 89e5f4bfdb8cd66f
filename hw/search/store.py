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
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hw.fold.block import Folding, Style
from hw.fold.folding import FoldingError
from hw.spec.files import atomic_path
from hw.spec.manifest import DETECTOR
from hw.spec.plain import read_toml, typed

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
        """Returns the style of a graph, its own or that of all."""
        return self.styles.get(graph, self.style)


def place(model: str, board: str, detects: bool = False) -> Path:
    """Returns the file that keeps the foldings of a model on a board. detects: with a concept
    detector, which shares the board with the others.
    """
    more = f"_{DETECTOR}" * detects
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
        plain = read_toml(path)
    except (OSError, ValueError) as error:
        raise FoldingError(f"{path}: {error}", "give a TOML file of foldings") from error
    try:
        styles, style = _styles(plain.pop("style", {}), stored)
    except (TypeError, ValueError, AttributeError) as error:
        known = ", ".join(asdict(stored.style))
        raise FoldingError(f"{path}: [style]: {error}", f"it has {known}") from error
    merged = {graph: dict(layers) for graph, layers in stored.foldings.items()}
    for graph, layers in plain.items():
        if not isinstance(layers, dict):
            raise FoldingError(
                f"{path}: {graph} is no table", f"write [{graph}] and a line a layer"
            )
        known_layers = merged.setdefault(graph, {})
        for layer, lanes in layers.items():
            try:
                whole = {**asdict(known_layers.get(layer, Folding())), **lanes}
                known_layers[layer] = typed(Folding, whole)
                if min(whole.values()) < 1:
                    raise ValueError("lanes are at least 1")
            except (TypeError, ValueError) as error:
                remedy = "a line is { PE = 1, SIMD = 1, lanes = 1 }"
                raise FoldingError(f"{path}: {graph}: {layer}: {error}", remedy) from error
    return Stored(style, styles, merged)


def _styles(given: dict[str, Any], stored: Stored) -> tuple[dict[str, Style], Style]:
    """Styles of single graphs, and of all. Raises TypeError, ValueError, AttributeError."""
    single = {graph: told for graph, told in given.items() if isinstance(told, dict)}
    common = {name: told for name, told in given.items() if name not in single}
    style = typed(Style, {**asdict(stored.style), **common})
    styles = dict(stored.styles)
    for graph, told in single.items():
        styles[graph] = typed(Style, {**asdict(styles.get(graph, style)), **told})
    return styles, style
