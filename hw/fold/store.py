"""Foldings as a file: one TOML table a graph, one line a layer, to read, to override, to keep.

    [style]
    luts_per_block = 100.0

    [image_encoder]
    "backbone.stem" = { PE = 8, SIMD = 3, lanes = 1 }

A file may name some layers only: the others keep what they have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import tomllib

from hw.fold.block import Folding, Style
from hw.fold.folding import FoldingError
from hw.spec.files import atomic_path

FOUND = Path(__file__).resolve().parent / "found"
"""Foldings that the search found, by model and board: searching takes minutes."""

Foldings = dict[str, dict[str, Folding]]


def place(model: str, board: str) -> Path:
    """Where the foldings of a model on a board are kept."""
    return FOUND / f"{model}_{board.lower().replace('-', '_')}.toml"


def save(path: Path, style: Style, foldings: Mapping[str, Mapping[str, Folding]]) -> None:
    """Writes a file with every layer."""
    lines = ["[style]"]
    lines += [f"{name} = {str(value).lower()}" for name, value in asdict(style).items()]
    for graph, layers in foldings.items():
        lines += ["", f"[{graph}]"]
        for layer, f in layers.items():
            lines.append(f'"{layer}" = {{ PE = {f.PE}, SIMD = {f.SIMD}, lanes = {f.lanes} }}')
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as part:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")


def load(path: Path, style: Style, foldings: Foldings) -> tuple[Style, Foldings]:
    """What a file says, over what there is. Raises FoldingError naming the line that is wrong."""
    try:
        with open(path, "rb") as file:
            plain = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise FoldingError(f"{path}: {error}", "give a TOML file of foldings") from error
    try:
        style = replace(style, **plain.pop("style", {}))
    except TypeError as error:
        known = ", ".join(asdict(style))
        raise FoldingError(f"{path}: [style]: {error}", f"it has {known}") from error
    merged = {graph: dict(layers) for graph, layers in foldings.items()}
    for graph, layers in plain.items():
        known_layers = merged.setdefault(graph, {})
        for layer, numbers in layers.items():
            try:
                known_layers[layer] = replace(known_layers.get(layer, Folding()), **numbers)
            except TypeError as error:
                remedy = "a line is { PE = 1, SIMD = 1, lanes = 1 }"
                raise FoldingError(f"{path}: {graph}: {layer}: {error}", remedy) from error
    return style, merged
