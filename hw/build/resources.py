"""Resources of accelerators by Yosys: every kernel by itself, equal ones once, summed by layer.

What a kernel costs does not depend on the contents of its block RAMs, so that layers of one shape
are mapped once. A run of Yosys maps sixteen of them side by side: starting it takes longer than
most kernels do.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from hw.build.folded import Folded
from hw.design import Design
from hw.spec.errors import BundleError
from hw.spec.files import atomic_path
from hw.spec.kernel import Cost, Kernel, RomImage
from hw.spec.plain import read_json, typed
from hw.stitch.accelerator import identifier
from hw.synth import count
from hw.timing.netlists import Module, netlists
from hw.timing.netlists import load as load_netlist

FILE = "resources.json"
GLUE = "(between layers)"

ByLayer = dict[str, dict[str, Cost]]
"""By graph and layer; `GLUE`: forks, converters and FIFOs."""


def normal(kernel: Kernel) -> Design:
    """The kernel's design, without the contents of memories that are block RAM."""
    design = Design.of(kernel)
    if kernel.parameters().get("RAM_STYLE") != "block" or len(design.memories) != 1:
        return design
    # Alternating words: constant columns would be taken out of a memory.
    plain = {
        name: RomImage(tuple((0, (1 << m.width) - 1)[i % 2] for i in range(len(m.words))), m.width)
        for name, m in design.memories.items()
    }
    return replace(design, memories=plain)


def layer_of(instance: str, layers: Mapping[str, str]) -> str:
    """Layer that an instance belongs to. layers: by identifier, longest first."""
    for name, layer in layers.items():
        if instance.startswith(name + "_") and "_in" not in instance[len(name) :]:
            return layer
    return GLUE


def synthesise(
    folded: Folded, jobs: int = 2, say: Callable[[int, int], None] = lambda done, all_: None
) -> ByLayer:
    """Maps every kernel and counts what it took. say: hears how many of how many are done. Raises
    SynthesisError with Yosys' words.
    """
    wanted: dict[str, Design] = {}
    uses: list[tuple[str, str, str]] = []
    for graph, made in folded.accelerators.items():
        layers = _layers(folded, graph)
        for instance, kernel in made.netlist.instances.items():
            design = normal(kernel)
            key = f"{design.top}-{design.digest()}"
            wanted[key] = design
            uses.append((graph, layer_of(instance, layers), key))
    found = mapped(wanted, folded.board.family, jobs, say)
    total: ByLayer = {}
    for graph, layer, key in uses:
        layers_of = total.setdefault(graph, {})
        layers_of[layer] = layers_of.get(layer, Cost()) + found[key]
    return total


def mapped(
    designs: Mapping[str, Design],
    family: str,
    jobs: int = 2,
    say: Callable[[int, int], None] = lambda done, all_: None,
) -> dict[str, Cost]:
    """What designs take, sixteen in a run of Yosys, or mapped before. say: hears how many of how
    many are done. Raises SynthesisError with Yosys' words.
    """
    places = netlists(designs, family, jobs, say)
    return {name: cost_of(load_netlist(path), designs[name].top) for name, path in places.items()}


def cost_of(module: Module, top: str) -> Cost:
    """What the cells of a mapped kernel take of a device. Raises SynthesisError for one that is not
    in the table.
    """
    return count(Counter(cell["type"] for cell in module["cells"].values()), top)


def _layers(folded: Folded, graph: str) -> dict[str, str]:
    """Layers of a graph by identifier, longest first."""
    names = sorted((x.name for x in folded.plans[graph].dataflow.layers), key=len, reverse=True)
    return {identifier(name): name for name in names}


def modelled(folded: Folded) -> ByLayer:
    """The same by the cost models."""
    total: ByLayer = {}
    for graph, made in folded.accelerators.items():
        layers = _layers(folded, graph)
        for instance, kernel in made.netlist.instances.items():
            layer = layer_of(instance, layers)
            by = total.setdefault(graph, {})
            by[layer] = by.get(layer, Cost()) + kernel.cost()
    return total


def save(folder: Path, found: ByLayer) -> None:
    """Writes the resources of each layer into the bundle."""
    plain = {g: {n: asdict(c) for n, c in layers.items()} for g, layers in found.items()}
    with atomic_path(folder / FILE) as part:
        part.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


def load(folder: Path) -> ByLayer | None:
    """From the bundle; None where nothing was synthesised."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        plain = read_json(path)
        return {g: {n: typed(Cost, c) for n, c in layers.items()} for g, layers in plain.items()}
    except (OSError, ValueError, OverflowError, TypeError, AttributeError) as error:
        raise BundleError(f"{path} is damaged ({error})", "remove it, then run again") from error
