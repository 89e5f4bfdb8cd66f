"""This project's layers in FINN's C++ simulation: compiled from the HLS headers, run by FINN."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hw.lower.finn.runtime import HLS, OPS, prepare, quiet


def own_layers_in_hls(model: Any) -> Any:
    """Turns this project's layers into their HLS forms, which stand in FINN's domain, in place."""
    for node in model.graph.node:
        if node.domain == OPS:
            node.op_type, node.domain = f"{node.op_type}_hls", HLS
    return model


def simulate(model: Any, folder: Path) -> Any:
    """Makes FINN execute this project's layers of a hardware graph by cppsim, in place; FINN's own
    stay in Python, since their C++ needs finn-hlslib. folder: for sources and programs, a folder a
    layer.

    Raises LoweringError, naming the layer, where its source does not compile.
    """
    prepare()
    from finn.transformation.fpgadataflow.compile_cppsim import CompileCppSim
    from finn.transformation.fpgadataflow.prepare_cppsim import PrepareCppSim
    from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode
    from qonnx.custom_op.registry import getCustomOp

    own_layers_in_hls(model)
    for node in model.graph.node:
        if node.domain == HLS:
            place = folder.resolve() / node.name
            place.mkdir(parents=True, exist_ok=True)
            getCustomOp(node).set_nodeattr("code_gen_dir_cppsim", str(place))
    with quiet():
        for step in (PrepareCppSim(1), CompileCppSim(1), SetExecMode("cppsim")):
            model = model.transform(step)
    return model
