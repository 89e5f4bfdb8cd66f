"""What can be wrong with a graph."""

from __future__ import annotations

from hw.spec.errors import SamFabricError


class LoweringError(SamFabricError):
    """A graph that has no integer program: names the layer and the operator."""

    def __init__(self, layer: str, operator: str, message: str, remedy: str = "") -> None:
        super().__init__(f"layer {layer}, operator {operator}: {message}", remedy)
        self.layer, self.operator = layer, operator
