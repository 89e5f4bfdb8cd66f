"""A model's description tells the host all that it must know: sizes, the bank's policy, the ports
of each graph, and the tables, of which the decoder's tokens are summed. `load_spec` reads it from a
bundle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.detector_spec import DetectorSpec, load_detector, read_tables
from host.errors import BundleError, DeviceError
from host.policy import AGE_BUCKETS, AGE_LANES, Policy
from host.prompts import PROMPT_TOKENS, Prompt, token_indices
from hw.spec.graphs import check_shapes
from hw.spec.manifest import DETECTOR, GRAPHS, Manifest, load_manifest
from hw.spec.port import Port

MASK_TOKENS = 4
OBJECT_TOKEN = 4
OUTPUT_TOKENS = 5
PROMPT_LABELS = 5
TOKENS = OUTPUT_TOKENS + PROMPT_TOKENS
"""The decoder reads T tokens: four mask tokens, the object token, and P prompt tokens."""

SAME_CODES = (
    (("image_encoder", "features"), ("memory_attention", "features")),
    (("image_encoder", "features"), ("memory_encoder", "features")),
    (("image_encoder", "features"), ("mask_decoder", "conditioned")),
    (("memory_attention", "conditioned"), ("mask_decoder", "conditioned")),
    (("image_encoder", "skip8"), ("mask_decoder", "skip8")),
    (("image_encoder", "skip4"), ("mask_decoder", "skip4")),
    (("memory_encoder", "keys"), ("memory_attention", "memory_keys")),
    (("memory_encoder", "values"), ("memory_attention", "memory_values")),
    (("mask_decoder", "obj_ptr"), ("memory_attention", "memory_keys")),
    (("mask_decoder", "obj_ptr"), ("memory_attention", "memory_values")),
    (("image_encoder", "features"), (DETECTOR, "features")),
    (("image_encoder", "skip8"), (DETECTOR, "skip8")),
    (("image_encoder", "skip4"), (DETECTOR, "skip4")),
)
"""The host hands the codes of these outputs to an input as they are: (graph, output), (graph,
input).
"""


@dataclass(frozen=True)
class GraphPorts:
    """The ports of one graph are listed by name, inputs and outputs apart."""

    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables that the host looks up hold codes of the port that they feed; in a float model
    they hold float32 values.

    token_label (5, C), token_column (R, C), token_row (R, C) and output_tokens (5, C) feed `tokens`
    of the mask decoder; age_codes (3, 16, 8) feed the keys of memory attention.
    """

    token_label: NDArray[Any]
    token_column: NDArray[Any]
    token_row: NDArray[Any]
    output_tokens: NDArray[Any]
    age_codes: NDArray[Any]


@dataclass(frozen=True, eq=False)
class ModelSpec:
    """A model's description holds its sizes, the bank's policy, the ports of each graph, the
    tables, and the concept detector where the model has one.

    Raises BundleError when the tables or graphs do not fit the sizes.
    """

    name: str
    precision: str
    image_size: int
    width: int
    key_width: int
    value_width: int
    policy: Policy
    ports: Mapping[str, GraphPorts]
    tables: Tables
    detector: DetectorSpec | None = None

    def __post_init__(self) -> None:
        missing = [name for name in GRAPHS if name not in self.ports]
        if missing:
            raise BundleError(f"model {self.name} lacks {', '.join(missing)}", "build it again")
        sides = {g: (p.inputs, p.outputs) for g, p in self.ports.items()}
        widths = self.width, self.key_width, self.value_width
        check_shapes(self.name, sides, self.image_size, *widths, TOKENS)
        if self.key_width < AGE_LANES:
            raise BundleError(
                f"model {self.name} has keys of {self.key_width} lanes, {AGE_LANES} tell the age",
                "build the bundle again",
            )
        wanted = {
            "token_label": (PROMPT_LABELS, self.width),
            "token_column": (self.grid, self.width),
            "token_row": (self.grid, self.width),
            "output_tokens": (OUTPUT_TOKENS, self.width),
            "age_codes": (3, AGE_BUCKETS, AGE_LANES),
        }
        # What the tables feed.
        tokens = self.ports["mask_decoder"].inputs["tokens"].storage
        keys = self.ports["memory_attention"].inputs["memory_keys"].storage
        kinds = {name: keys if name == "age_codes" else tokens for name in wanted}
        for name, shape in wanted.items():
            table = getattr(self.tables, name)
            if table.shape != shape or table.dtype != kinds[name]:
                raise BundleError(
                    f"table {name} of model {self.name} is {table.dtype} of shape {table.shape}, "
                    f"{kinds[name]} {shape} is needed",
                    "build the bundle again",
                )
        if (self.detector is None) != (DETECTOR not in self.ports):
            raise BundleError(
                f"model {self.name} has the detector's "
                f"{'graph' if self.detector is None else 'tables'} alone",
                "graph and tables go together; build the bundle again",
            )
        if self.detector is not None:
            sizes = self.width, self.coarse, self.grid
            ports = self.ports[DETECTOR]
            self.detector.check(self.name, {**ports.inputs, **ports.outputs}, *sizes)
        for (graph, output), (reader, name) in SAME_CODES:
            if reader not in self.ports:
                continue
            made, read = self.ports[graph].outputs.get(output), self.ports[reader].inputs.get(name)
            if made is None or read is None:
                lacking = f"{graph}.{output}" if made is None else f"{reader}.{name}"
                raise BundleError(f"model {self.name} lacks {lacking}", "build it again")
            if made.dtype != read.dtype or not math.isclose(made.scale, read.scale, rel_tol=1e-6):
                raise BundleError(
                    f"model {self.name}: {graph}.{output} ({_type_of(made)}) feeds "
                    f"{reader}.{name} ({_type_of(read)})",
                    "both need one type and scale; build the bundle again",
                )

    @property
    def coarse(self) -> int:
        """Returns G, the side of the feature grid."""
        return self.image_size // 16

    @property
    def grid(self) -> int:
        """Returns R, the side of the mask grid."""
        return self.image_size // 4


def _type_of(port: Port) -> str:
    return "float32" if port.dtype is None else f"{port.dtype.name}, scale {port.scale:g}"


class TokenTable:
    """A token table builds the input `tokens` (1, C, T, 1) of the mask decoder, T = 5 + P.

    A prompt token is label[l] + column[x] + row[y], summed wide and clipped to the port's type, so
    that every device starts from the same codes.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self._port = spec.ports["mask_decoder"].inputs["tokens"]
        self._grid = spec.grid
        self._width = spec.width
        wide = np.float32 if self._port.dtype is None else np.int32
        tables = spec.tables
        self._label = tables.token_label.astype(wide)
        self._column = tables.token_column.astype(wide)
        self._row = tables.token_row.astype(wide)
        self._output = tables.output_tokens.astype(wide)
        self._unprompted = self._codes(None)  # of nearly every frame

    def __call__(self, prompt: Prompt | None) -> NDArray[Any]:
        """Token codes of a prompt; without clicks and box every prompt token is padding."""
        return self._unprompted.copy() if prompt is None else self._codes(prompt)

    def _codes(self, prompt: Prompt | None) -> NDArray[Any]:
        if prompt is None:
            label, column, row = token_indices((), (), None, self._grid)
        else:
            label, column, row = token_indices(prompt.points, prompt.labels, prompt.box, self._grid)
        tokens = np.empty((TOKENS, self._width), self._output.dtype)
        tokens[:OUTPUT_TOKENS] = self._output
        tokens[OUTPUT_TOKENS:] = self._label[label] + self._column[column] + self._row[row]
        if self._port.dtype is not None:
            tokens = np.clip(tokens, self._port.dtype.min, self._port.dtype.max)
        codes = tokens.astype(self._port.storage)
        return np.ascontiguousarray(codes.T)[None, :, :, None]


def load_spec(folder: str | Path) -> tuple[Manifest, ModelSpec]:
    """Reads a bundle's manifest, verified, and the description of its model. Raises BundleError for
    a bundle that is incomplete, altered or of another version.
    """
    root = Path(folder)
    manifest = load_manifest(root)
    if manifest.widths.P != PROMPT_TOKENS:
        raise BundleError(
            f"bundle {root} has {manifest.widths.P} prompt tokens, the host {PROMPT_TOKENS}",
            "use a bundle and a checkout of the same version",
        )
    tables = Tables(**read_tables(root / manifest.tables, Tables.__dataclass_fields__))
    ports = {
        entry.name: GraphPorts(
            {port.name: port for port in entry.inputs}, {port.name: port for port in entry.outputs}
        )
        for entry in manifest.graphs
    }
    spec = ModelSpec(
        name=manifest.model,
        precision=manifest.precision,
        image_size=manifest.image_size,
        width=manifest.widths.C,
        key_width=manifest.widths.Ck,
        value_width=manifest.widths.Cv,
        policy=Policy(**asdict(manifest.bank)),
        ports=ports,
        tables=tables,
        detector=None if manifest.detector is None else load_detector(root, manifest.detector),
    )
    return manifest, spec


def require_detector(spec: ModelSpec) -> DetectorSpec:
    """Returns a model's concept detector. Raises DeviceError for a model without one, which can
    only be prompted object by object.
    """
    if spec.detector is None or DETECTOR not in spec.ports:
        raise DeviceError(
            f"model {spec.name} {spec.precision} has no concept detector",
            "use a bundle with one, or prompt each object by clicks, a box or a mask",
        )
    return spec.detector
