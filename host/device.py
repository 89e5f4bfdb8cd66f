"""What a device offers the host: four stateless graphs on arrays of codes, a fifth where the bundle
has a concept detector, and their description.

`golden` is the integer model on this machine, `rtl` the hardware's own SystemVerilog in simulation,
`pynq` the hardware on a board. Any object that follows the `Device` protocol can drive a session; a
float model does so too, with ports that have no integer type.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from host.concept_spec import DetectorSpec, load_detector
from host.errors import BundleError, DeviceError
from host.policy import AGE_BUCKETS, AGE_LANES, Policy
from host.prompts import PROMPT_TOKENS
from hw.spec.hardware import FILE as HARDWARE
from hw.spec.manifest import DETECTOR, GRAPHS, MANIFEST, Manifest, load_manifest
from hw.spec.port import Port

MASK_TOKENS = 4
OBJECT_TOKEN = 4
OUTPUT_TOKENS = 5
PROMPT_LABELS = 5
TOKENS = OUTPUT_TOKENS + PROMPT_TOKENS
"""T: four mask tokens, the object token, P prompt tokens."""

Arrays = dict[str, NDArray[Any]]

SAME_CODES = (
    (("image_encoder", "features"), ("memory_attention", "features")),
    (("image_encoder", "features"), ("memory_encoder", "features")),
    (("image_encoder", "features"), ("mask_decoder", "conditioned")),
    (("memory_attention", "conditioned"), ("mask_decoder", "conditioned")),
    (("image_encoder", "skip8"), ("mask_decoder", "skip8")),
    (("image_encoder", "skip4"), ("mask_decoder", "skip4")),
    (("memory_encoder", "keys"), ("memory_attention", "memory_keys")),
    (("memory_encoder", "values"), ("memory_attention", "memory_values")),
    (("mask_decoder", "pointers"), ("memory_attention", "memory_keys")),
    (("mask_decoder", "pointers"), ("memory_attention", "memory_values")),
    (("image_encoder", "features"), (DETECTOR, "features")),
    (("image_encoder", "skip8"), (DETECTOR, "skip8")),
    (("image_encoder", "skip4"), (DETECTOR, "skip4")),
)
"""Outputs whose codes the host hands to an input as they are: (graph, output), (graph, input)."""


@dataclass(frozen=True)
class GraphPorts:
    """Ports of one graph by name."""

    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]


@dataclass(frozen=True, eq=False)
class Tables:
    """Host-side tables, as codes of the port that they feed (float32 values in a float model).

    token_label (5, C), token_column (R, C), token_row (R, C) and output_tokens (5, C) feed
    `tokens` of the mask decoder; age_codes (3, 16, 8) feed the keys of memory attention.
    """

    token_label: NDArray[Any]
    token_column: NDArray[Any]
    token_row: NDArray[Any]
    output_tokens: NDArray[Any]
    age_codes: NDArray[Any]


@dataclass(frozen=True, eq=False)
class ModelSpec:
    """What the host must know of a model: sizes, bank policy, ports of each graph, tables, and the
    concept detector where it has one.

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
        wanted = {
            "token_label": (PROMPT_LABELS, self.width),
            "token_column": (self.grid, self.width),
            "token_row": (self.grid, self.width),
            "output_tokens": (OUTPUT_TOKENS, self.width),
            "age_codes": (3, AGE_BUCKETS, AGE_LANES),
        }
        for name, shape in wanted.items():
            found = getattr(self.tables, name).shape
            if found != shape:
                raise BundleError(
                    f"table {name} of model {self.name} has shape {found}, {shape} is needed",
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
            self.detector.check(self.name, self.ports[DETECTOR], *sizes)
        for (graph, output), (reader, name) in SAME_CODES:
            if reader not in self.ports:
                continue
            made, read = self.ports[graph].outputs[output], self.ports[reader].inputs[name]
            if made.dtype != read.dtype or not math.isclose(made.scale, read.scale, rel_tol=1e-6):
                raise BundleError(
                    f"model {self.name}: {graph}.{output} ({_type_of(made)}) feeds "
                    f"{reader}.{name} ({_type_of(read)})",
                    "both need one type and scale; build the bundle again",
                )

    @property
    def coarse(self) -> int:
        """G: side of the feature grid."""
        return self.image_size // 16

    @property
    def grid(self) -> int:
        """R: side of the mask grid."""
        return self.image_size // 4


def _type_of(port: Port) -> str:
    return "float32" if port.dtype is None else f"{port.dtype.name}, scale {port.scale:g}"


class Device(Protocol):
    """A machine that runs a bundle's graphs.

    Arrays hold codes in the storage type of their port. The outputs of a graph stay valid until
    the same graph runs again: a device may reuse its buffers, so what must last is copied.
    """

    name: str
    spec: ModelSpec

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Zeroed array in memory that the device reads directly."""
        ...

    def run(self, graph: str, inputs: Arrays) -> Arrays:
        """Outputs of one graph by port name."""
        ...

    def close(self) -> None:
        """Gives the device back."""
        ...


def load_spec(folder: str | Path) -> tuple[Manifest, ModelSpec]:
    """Manifest (verified) and model description of a bundle. Raises BundleError."""
    root = Path(folder)
    manifest = load_manifest(root)
    if manifest.widths.P != PROMPT_TOKENS:
        raise BundleError(
            f"bundle {root} has {manifest.widths.P} prompt tokens, the host {PROMPT_TOKENS}",
            "use a bundle and a checkout of the same version",
        )
    with np.load(root / manifest.tables, allow_pickle=False) as stored:
        try:
            tables = Tables(**{name: stored[name] for name in Tables.__dataclass_fields__})
        except KeyError as error:
            raise BundleError(f"{root / manifest.tables}: {error}", "build it again") from error
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


def _open_golden(folder: Path) -> Device:
    from host.device_golden import GoldenDevice

    return GoldenDevice(folder)


def _open_rtl(folder: Path) -> Device:
    from host.device_rtl import RtlDevice

    return RtlDevice(folder)


def _open_pynq(folder: Path) -> Device:
    from host.device_pynq import PynqDevice

    return PynqDevice(folder)


DEVICES: dict[str, Callable[[Path], Device]] = {
    "golden": _open_golden,
    "rtl": _open_rtl,
    "pynq": _open_pynq,
}
HARDWARE_DEVICES = ("rtl", "pynq")
"""Those that need a bundle with hardware."""
DEFAULT_MODEL = "nano"


def default_bundle(
    model: str | None = None, hardware: bool = False, detector: bool = False
) -> Path:
    """A bundle under bitstreams/: the newest of that model; without one `nano`, else any model.
    hardware, detector: one with hardware, one with a concept detector first, where there is any.

    Looks in the working folder first, then beside this package. Raises BundleError.
    """
    places = [Path.cwd() / "bitstreams", Path(__file__).resolve().parent.parent / "bitstreams"]
    for place in places:
        found = [path.parent for path in sorted(place.glob(f"*/{MANIFEST}"))]
        if model is not None:
            found = [folder for folder in found if folder.name.startswith(f"{model}_")]
        if found:
            if hardware:
                found = [f for f in found if (f / HARDWARE).is_file()] or found
            if detector:
                found = [f for f in found if _has_detector(f)] or found
            return max(found, key=_preference)
    kind = "" if model is None else f"{model} "
    raise BundleError(
        f"no {kind}bundle under {' or '.join(map(str, dict.fromkeys(places)))}",
        "name one with --bundle, or build one",
    )


def _has_detector(folder: Path) -> bool:
    try:
        described = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return False  # opening it says what is wrong
    return isinstance(described, dict) and described.get("detector") is not None


def _preference(folder: Path) -> tuple[bool, float, str]:
    changed = (folder / MANIFEST).stat().st_mtime
    return folder.name.startswith(f"{DEFAULT_MODEL}_"), changed, folder.name


def open_device(
    name: str = "golden", bundle: str | Path | None = None, detector: bool = False
) -> Device:
    """Device of that name on a bundle folder (None = `default_bundle`).

    detector: by default rather a bundle with a concept detector.
    Raises DeviceError for an unknown name or a device that cannot run here, BundleError for a
    bundle that is missing, incomplete or altered.
    """
    if name not in DEVICES:
        raise DeviceError(f"unknown device {name!r}", f"there is: {', '.join(sorted(DEVICES))}")
    if bundle is None:
        bundle = default_bundle(hardware=name in HARDWARE_DEVICES, detector=detector)
    return DEVICES[name](Path(bundle))
