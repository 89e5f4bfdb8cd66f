"""The manifest of a bundle: what a folder under bitstreams/ holds, with a hash of every file.

A bundle is manifest.json, for each graph an integer program (<graph>.json and <graph>.npz, opaque
to the host) and tables.npz with the host-side tables: token_label (5, C), token_column (R, C),
token_row (R, C), output_tokens (5, C), age_codes (3, 16, 8). With the optional fifth graph, the
concept detector, come its tables (see `host.detector_spec`) and a vocabulary of phrases: phrases
(V,) unicode, embeddings (V, 384) float16.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from hw.spec.errors import BundleError, SpecError
from hw.spec.files import atomic_path, inside, sha256_of
from hw.spec.plain import read_json, typed, whole
from hw.spec.port import Port
from hw.spec.renamed import current_keys

FORMAT = 1
MANIFEST = "manifest.json"
GRAPHS = ("image_encoder", "memory_attention", "mask_decoder", "memory_encoder")
DETECTOR = "detector"
"""The fifth graph, which a bundle may lack."""
DETECTOR_TABLES = "detector_tables.npz"
VOCABULARY = "vocabulary.npz"
REBUILD = "build the bundle again, or fetch it whole"
LARGEST_IMAGE, LARGEST_WIDTH, LARGEST_BANK, LARGEST_WINDOW = 4096, 4096, 256, 16
"""Sizes beyond which a manifest is not believed: memory is taken by them."""


def graph_names(present: Iterable[str]) -> tuple[str, ...]:
    """Graphs to expect where these are `present`: the four, then the detector if it is there."""
    return (*GRAPHS, DETECTOR) if DETECTOR in present else GRAPHS


@dataclass(frozen=True)
class Widths:
    """C feature width, Ck and Cv lanes of memory keys and values, P prompt tokens."""

    C: int
    Ck: int
    Cv: int
    P: int


@dataclass(frozen=True)
class BankSizes:
    """Recent and prompted memories and object pointers that the model was trained with, and the
    model's own IoU estimate from which an unprompted frame is remembered (0: every frame) and an
    absent object is back (0: whenever its score is positive). window is the side of an object's
    window over the root of the object's (0: every object is looked for on the whole frame), reach
    how far from where it was a piece of its mask may lie, over the object's side (0: anywhere).
    likeness says how much what is masked must look like the object (0: nothing is compared).
    """

    recent: int
    prompted: int
    obj_ptrs: int
    least_iou: float = 0.0
    return_iou: float = 0.0
    window: float = 0.0
    reach: float = 0.0
    likeness: float = 0.0


@dataclass(frozen=True)
class DetectorSizes:
    """N queries of the concept detector, and its prompt tokens of text and of example boxes."""

    queries: int
    text_tokens: int
    exemplar_tokens: int


@dataclass(frozen=True)
class GraphEntry:
    """One graph: its files, relative to the bundle, and its ports in order."""

    name: str
    program: str
    weights: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    def to_json(self) -> dict[str, Any]:
        """Returns the entry in the plain form that manifest.json has."""
        return {
            "name": self.name,
            "program": self.program,
            "weights": self.weights,
            "inputs": [port.to_json() for port in self.inputs],
            "outputs": [port.to_json() for port in self.outputs],
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> GraphEntry:
        """Returns the entry that a plain form describes, the inverse of `to_json`."""
        name, program, weights = (typed(str, plain[k]) for k in ("name", "program", "weights"))
        if name not in (*GRAPHS, DETECTOR) or (program, weights) != (f"{name}.json", f"{name}.npz"):
            raise ValueError(f"a graph {name!r} in {program!r} and {weights!r}")
        inputs, outputs = (
            tuple(Port.from_json(port) for port in plain[side]) for side in ("inputs", "outputs")
        )
        for ports in (inputs, outputs):
            if len({port.name for port in ports}) != len(ports):
                raise ValueError(f"a port of {name} twice")
        return cls(name, program, weights, inputs, outputs)


@dataclass(frozen=True)
class Manifest:
    """All that the host must know of a bundle before it opens the programs.

    trained: what the "tracker" and the "detector" were trained on: hashes of `data`, `recipe`,
        `encoder` (the image encoder in the bundle; the one that the detector learned on) and
        `float_encoder`, as far as they are known.
    """

    model: str
    precision: str
    image_size: int
    widths: Widths
    bank: BankSizes
    graphs: tuple[GraphEntry, ...]
    tables: str = "tables.npz"
    detector: DetectorSizes | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)
    trained: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    format: int = FORMAT

    def graph(self, name: str) -> GraphEntry:
        """Entry of a graph. Raises BundleError when the bundle has none of that name."""
        for entry in self.graphs:
            if entry.name == name:
                return entry
        have = ", ".join(entry.name for entry in self.graphs)
        raise BundleError(f"the bundle has no graph {name!r}, only {have}", REBUILD)

    def without_detector(self) -> Manifest:
        """Returns the manifest of the same bundle with the tracker alone."""
        graphs = tuple(entry for entry in self.graphs if entry.name != DETECTOR)
        trained = {part: kept for part, kept in self.trained.items() if part != DETECTOR}
        alone = replace(self, graphs=graphs, detector=None, trained=trained)
        gone = set(self.files) - set(alone.files)
        return replace(alone, hashes={n: h for n, h in self.hashes.items() if n not in gone})

    @property
    def files(self) -> tuple[str, ...]:
        """Files that the manifest itself names."""
        named = [file for entry in self.graphs for file in (entry.program, entry.weights)]
        concepts = () if self.detector is None else (DETECTOR_TABLES, VOCABULARY)
        return tuple(dict.fromkeys([*named, self.tables, *concepts]))

    @property
    def digest(self) -> str:
        """Eight hex digits that identify the content: the end of the folder's name."""
        lines = "".join(f"{name} {self.hashes[name]}\n" for name in sorted(self.hashes))
        return hashlib.sha256(lines.encode()).hexdigest()[:8]

    def to_json(self) -> dict[str, Any]:
        """Returns the manifest in the plain form that manifest.json has."""
        concepts = {} if self.detector is None else {"detector": asdict(self.detector)}
        return {
            "format": self.format,
            "model": self.model,
            "precision": self.precision,
            "image_size": self.image_size,
            "widths": asdict(self.widths),
            "bank": asdict(self.bank),
            "graphs": [entry.to_json() for entry in self.graphs],
            "tables": self.tables,
            **concepts,
            **({"trained": {p: dict(t) for p, t in self.trained.items()}} if self.trained else {}),
            "hashes": dict(self.hashes),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Manifest:
        """Returns the manifest that a plain form describes. Raises KeyError, TypeError, ValueError,
        AttributeError or SpecError.
        """
        found = cls(
            model=typed(str, plain["model"]),
            precision=typed(str, plain["precision"]),
            image_size=whole(plain["image_size"], "image_size", 16, LARGEST_IMAGE),
            widths=typed(Widths, plain["widths"]),
            bank=typed(BankSizes, current_keys("bank", plain["bank"])),
            graphs=tuple(GraphEntry.from_json(entry) for entry in plain["graphs"]),
            tables=typed(str, plain["tables"]),
            detector=typed(DetectorSizes, plain["detector"]) if "detector" in plain else None,
            hashes={name: typed(str, value) for name, value in plain["hashes"].items()},
            trained={
                part: {name: typed(str, value) for name, value in kept.items()}
                for part, kept in plain.get("trained", {}).items()
            },
            format=whole(plain["format"], "format"),
        )
        detector = () if found.detector is None else asdict(found.detector).items()
        for name, size in (*asdict(found.widths).items(), *detector):
            whole(size, name, 1, LARGEST_WIDTH)
        for name in ("recent", "prompted", "obj_ptrs"):
            whole(getattr(found.bank, name), name, 1, LARGEST_BANK)
        for name in ("least_iou", "return_iou", "likeness"):
            if not 0 <= (value := getattr(found.bank, name)) <= 1:
                raise ValueError(f"{name} is {value}")
        for name in ("window", "reach"):
            if not 0 <= (value := getattr(found.bank, name)) <= LARGEST_WINDOW:
                raise ValueError(f"{name} is {value}")
        if found.image_size % 16 or len({g.name for g in found.graphs}) != len(found.graphs):
            raise ValueError(f"an image of {found.image_size}, or a graph twice")
        return found


def _file(folder: Path, name: str) -> Path:
    try:
        return inside(folder, name)
    except ValueError as error:
        said = f"{folder / MANIFEST} names {error}"
        raise BundleError(said, "files lie in the bundle") from error


def check_parts(trained: Mapping[str, Mapping[str, str]]) -> None:
    """That a detector learned on the image encoder that it stands beside, where both are known; see
    `Manifest.trained`. Raises BundleError, naming both hashes.
    """
    here, learned = (trained.get(part, {}).get("encoder") for part in ("tracker", DETECTOR))
    if here and learned and here != learned:
        raise BundleError(
            f"the detector was trained on image encoder {learned[:12]}, the tracker beside it has "
            f"{here[:12]}",
            "train a detector on this tracker, or export without one (`make bundle DETECTOR=0`)",
        )


def _read(path: Path) -> Manifest:
    if not path.parent.is_dir():
        raise BundleError(f"no bundle folder {path.parent}", "check the path given as bundle")
    if not path.is_file():
        raise BundleError(f"{path.parent} holds no {MANIFEST}", "give a folder under bitstreams/")
    try:
        plain = read_json(path)
        # The format comes first: of an unknown one no other field can be relied on.
        if plain["format"] != FORMAT:
            raise BundleError(
                f"{path} has format {plain['format']}, this version reads {FORMAT}",
                "use a bundle and a checkout of the same version",
            )
        return Manifest.from_json(plain)
    except (OSError, KeyError, TypeError, ValueError, AttributeError, SpecError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise BundleError(f"{path} is no valid manifest ({detail})", REBUILD) from error


def load_manifest(folder: str | Path) -> Manifest:
    """Manifest of a bundle, after the presence and hash of every file have been verified.

    Raises BundleError naming the file, what was found and what was expected.
    """
    root = Path(folder)
    manifest = _read(root / MANIFEST)
    check_parts(manifest.trained)
    check_listed(root, manifest, manifest.files)
    for name, expected in manifest.hashes.items():
        path = _file(root, name)
        if not path.is_file():
            raise BundleError(f"bundle file {path} is missing", REBUILD)
        found = sha256_of(path)
        if found != expected:
            raise BundleError(
                f"bundle file {path} has SHA-256 {found}, the manifest says {expected}", REBUILD
            )
    return manifest


def check_listed(folder: Path, manifest: Manifest, names: Iterable[str]) -> None:
    """Raises BundleError for a file of a bundle that is not there, or that the manifest vouches for
    with no hash.
    """
    for name in names:
        path = _file(folder, name)
        if not path.is_file():
            raise BundleError(f"bundle file {path} is missing", REBUILD)
        if name not in manifest.hashes:
            raise BundleError(f"{folder / MANIFEST} has no hash for {name}", REBUILD)


def rehash(folder: str | Path, *names: str) -> None:
    """Takes files of a bundle, new or changed by a build step, into its manifest; the hashes of all
    others stay. Does nothing in a folder that has no manifest.

    Raises BundleError for a manifest that is not valid or a file that is not there.
    """
    root = Path(folder)
    if not (root / MANIFEST).is_file():
        return
    manifest = _read(root / MANIFEST)
    hashes = dict(manifest.hashes)
    for name in names:
        path = _file(root, name)
        if not path.is_file():
            raise BundleError(f"bundle file {path} is missing", "write it before the manifest")
        hashes[name] = sha256_of(path)
    _write(root, replace(manifest, hashes=hashes))


def _write(root: Path, manifest: Manifest) -> None:
    with atomic_path(root / MANIFEST) as part:
        part.write_text(json.dumps(manifest.to_json(), indent=1) + "\n", encoding="utf-8")


def write_manifest(folder: str | Path, manifest: Manifest, extra: Iterable[str] = ()) -> Manifest:
    """Hashes the bundle's files and writes manifest.json; returns the manifest with its hashes.

    extra: further files of the bundle to hash (reports, a bitstream), relative to it.
    Raises BundleError when a file that the manifest names is not there.
    """
    root = Path(folder)
    check_parts(manifest.trained)
    hashes = {}
    for name in dict.fromkeys([*manifest.files, *extra]):
        path = _file(root, name)
        if not path.is_file():
            raise BundleError(f"bundle file {path} is missing", "write it before the manifest")
        hashes[name] = sha256_of(path)
    whole = replace(manifest, hashes=hashes)
    _write(root, whole)
    return whole
