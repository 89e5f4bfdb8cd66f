"""Ports and host tables of a Tracker: what crosses each graph's edge, read off the model's own
quantizers.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from torch import Tensor

from host.detector_spec import GEOMETRY_CHANNELS, DetectorSpec, DetectorTables
from host.policy import Policy
from host.spec import TOKENS, GraphPorts, ModelSpec, Tables
from hw.spec.dtypes import IntType
from hw.spec.manifest import DetectorSizes
from hw.spec.port import Port
from quant.model.concept_prompts import EXEMPLARS, TEXT_TOKENS
from quant.model.detector import BOX_LANES
from quant.model.layers import Quantizer
from quant.model.mask_decoder import DENSE_CHANNELS, MASKS
from quant.model.tracker import Tracker

POLICY = Policy()


def graph_ports(model: Tracker) -> dict[str, GraphPorts]:
    """Ports of the model's graphs, in the order of the modules' `inputs` and `outputs`."""
    config = model.config
    c, g, r, lanes = config.width, config.coarse, config.grid, config.lanes
    c4, c8 = config.skip_widths
    decoder, attention = model.mask_decoder, model.memory_attention
    encoder, memory = model.image_encoder, model.memory_encoder

    def port(name: str, shape: tuple[int | None, ...], quantizer: Quantizer) -> Port:
        if quantizer.is_float:
            return Port(name, shape)
        return Port(name, shape, IntType(8, quantizer.signed), quantizer.scale)

    features = port("features", (1, c, g, g), encoder.neck.feature_quant)
    skip8 = port("skip8", (1, c8, 2 * g, 2 * g), encoder.neck.skip8.act)
    skip4 = port("skip4", (1, c4, r, r), encoder.neck.skip4.act)
    ports = {
        "image_encoder": (
            [
                port(
                    "image",
                    (1, 3, config.image_size, config.image_size),
                    encoder.backbone.image_quant,
                )
            ],
            [features, skip8, skip4],
        ),
        "memory_attention": (
            [
                features,
                port("memory_keys", (1, 1, None, lanes), attention.memory),
                port("memory_values", (1, 1, None, lanes), attention.memory),
            ],
            [port("conditioned", (1, c, g, g), attention.trunk)],
        ),
        "mask_decoder": (
            [
                port("conditioned", (1, c, g, g), decoder.trunk),
                skip8,
                skip4,
                port("dense_prompt", (1, DENSE_CHANNELS, r, r), decoder.dense_quant),
                port("tokens", (1, c, TOKENS, 1), decoder.token_quant),
            ],
            [
                port("masks", (1, MASKS, r, r), decoder.logit_quant),
                port("scores", (1, 1, TOKENS, 1), decoder.score.quantizer),
                port("obj_ptr", (1, 2 * lanes, TOKENS, 1), decoder.pointer.quantizer),
            ],
        ),
        "memory_encoder": (
            [port("mask", (1, 1, r, r), memory.mask_quant), features],
            [
                port("keys", (1, 1, g * g, lanes), memory.memory),
                port("values", (1, 1, g * g, lanes), memory.memory),
            ],
        ),
    }
    if model.detector is not None:
        detector, kept = model.detector, config.queries + 1
        count = kept + TEXT_TOKENS + EXEMPLARS
        ports["detector"] = (
            [
                features,
                skip8,
                skip4,
                port("geometry", (1, GEOMETRY_CHANNELS, g, g), detector.geometry_quant),
                port("tokens", (1, c, count, 1), detector.token_quant),
            ],
            [
                port("masks", (1, kept, r, r), detector.logit_quant),
                port("matches", (1, kept, count, 1), detector.match_logit),
                port("boxes", (1, BOX_LANES, kept, 1), detector.box_quant),
                port("presence", (1, 1, kept, 1), detector.presence.quantizer),
            ],
        )
    return {
        name: GraphPorts({p.name: p for p in ins}, {p.name: p for p in outs})
        for name, (ins, outs) in ports.items()
    }


def host_tables(model: Tracker) -> Tables:
    """The prompt encoder's tables as codes of the ports that they feed."""
    ports = graph_ports(model)
    tokens = ports["mask_decoder"].inputs["tokens"]
    keys = ports["memory_attention"].inputs["memory_keys"]
    encoder = model.prompt_encoder

    def codes(port: Port, table: Tensor) -> np.ndarray:
        return port.encode(table.detach().cpu().numpy())

    return Tables(
        token_label=codes(tokens, encoder.label),
        token_column=codes(tokens, encoder.column),
        token_row=codes(tokens, encoder.row),
        output_tokens=codes(tokens, encoder.output_tokens),
        age_codes=codes(keys, encoder.age_codes),
    )


def detector_spec(model: Tracker) -> DetectorSpec | None:
    """Sizes and tables of the model's concept detector, if it has one."""
    if model.concept_prompts is None:
        return None
    own = model.concept_prompts.state_dict()
    tables = {
        f.name: own[f.name].detach().cpu().numpy().astype(np.float32)
        for f in fields(DetectorTables)
    }
    sizes = DetectorSizes(model.config.queries, TEXT_TOKENS, EXEMPLARS)
    return DetectorSpec(sizes, DetectorTables(**tables))


def model_spec(model: Tracker) -> ModelSpec:
    """What the host must know of this model."""
    config = model.config
    return ModelSpec(
        name=config.name,
        precision=model.precision.name,
        image_size=config.image_size,
        width=config.width,
        key_width=config.lanes,
        value_width=config.lanes,
        policy=replace(
            POLICY,
            least_iou=config.least_iou,
            return_iou=config.return_iou,
            window=config.window,
            reach=config.reach,
            likeness=config.likeness,
        ),
        ports=graph_ports(model),
        tables=host_tables(model),
        detector=detector_spec(model),
    )
