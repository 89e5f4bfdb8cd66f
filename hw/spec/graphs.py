"""Shapes of every graph's ports, by the letters of docs/architecture.md."""

from __future__ import annotations

from collections.abc import Mapping

from hw.spec.errors import BundleError
from hw.spec.manifest import GRAPHS
from hw.spec.port import Port

Side = int | str | None
Shapes = Mapping[str, tuple[Side, ...]]
"""By port: a number, a letter, or None where the length is free."""

_FEATURES: tuple[Side, ...] = (1, "C", "G", "G")
_SKIPS: Shapes = {"skip8": (1, "C8", "2G", "2G"), "skip4": (1, "C4", "R", "R")}
SHAPES: Mapping[str, tuple[Shapes, Shapes]] = {
    "image_encoder": ({"image": (1, 3, "S", "S")}, {"features": _FEATURES, **_SKIPS}),
    "memory_attention": (
        {
            "features": _FEATURES,
            "memory_keys": (1, 1, None, "Ck"),
            "memory_values": (1, 1, None, "Cv"),
        },
        {"conditioned": _FEATURES},
    ),
    "mask_decoder": (
        {
            "conditioned": _FEATURES,
            **_SKIPS,
            "dense_prompt": (1, 6, "R", "R"),
            "tokens": (1, "C", "T", 1),
        },
        {
            "masks": (1, 4, "R", "R"),
            "scores": (1, 1, "T", 1),
            "obj_ptr": (1, "Ck+Cv", "T", 1),
        },
    ),
    "memory_encoder": (
        {"mask": (1, 1, "R", "R"), "features": _FEATURES},
        {"keys": (1, 1, "G*G", "Ck"), "values": (1, 1, "G*G", "Cv")},
    ),
}
"""These are of inputs and outputs; skips have widths of their own, C8 and C4, the same wherever
they go.
"""


def check_shapes(
    model: str,
    ports: Mapping[str, tuple[Mapping[str, Port], Mapping[str, Port]]],
    S: int,
    C: int,
    Ck: int,
    Cv: int,
    T: int,
) -> None:
    """Raises BundleError unless the four graphs have the ports that the sizes ask for. ports: of
    inputs and outputs, by graph.
    """
    G, R = S // 16, S // 4
    known: dict[str, int | None] = {"S": S, "G": G, "2G": 2 * G, "R": R, "C": C, "T": T}
    known |= {"Ck": Ck, "Cv": Cv, "Ck+Cv": Ck + Cv, "G*G": G * G}
    for graph in GRAPHS:
        for found, wanted in zip(ports[graph], SHAPES[graph], strict=True):
            if found.keys() != wanted.keys():
                differ = ", ".join(sorted(found.keys() ^ wanted.keys()))
                raise BundleError(
                    f"model {model}: {graph} lacks or does not have the ports {differ}",
                    "build the bundle again",
                )
            for name, letters in wanted.items():
                have = found[name].shape
                for letter, side in zip(letters, have, strict=False):
                    if isinstance(letter, str):
                        known.setdefault(letter, side)
                needed = tuple(known[x] if isinstance(x, str) else x for x in letters)
                if have != needed:
                    raise BundleError(
                        f"model {model}: {graph}.{name} has the shape {have}, {needed} is needed",
                        "build the bundle again",
                    )
