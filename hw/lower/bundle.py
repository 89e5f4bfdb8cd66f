"""From an export folder to a bundle folder: programs, weights, host tables, manifest, report."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hw.lower.builder import RequantReport
from hw.lower.errors import LoweringError
from hw.lower.lower import lower
from hw.spec.manifest import (
    DETECTOR_TABLES,
    MANIFEST,
    VOCABULARY,
    BankSizes,
    DetectorSizes,
    GraphEntry,
    Manifest,
    Widths,
    check_parts,
    graph_names,
    write_manifest,
)
from hw.spec.plain import read_json
from hw.spec.port import Port
from hw.spec.renamed import current_keys

REPORT = "requant.json"


@dataclass(frozen=True)
class Bundle:
    """A written bundle has its folder, and each graph's requantizers."""

    folder: Path
    report: Mapping[str, tuple[RequantReport, ...]]


def read_description(export: Path) -> dict[str, Any]:
    """Reads model.json of an export folder. Raises LoweringError for a missing or malformed one."""
    path = export / "model.json"
    try:
        plain = read_json(path)
        for name in graph_names(plain["graphs"]):
            ports_of(plain, name)
        check_parts(plain.get("trained", {}))
        return plain
    except (OSError, ValueError, OverflowError, KeyError, TypeError) as error:
        raise LoweringError(
            "model",
            "description",
            f"{path} cannot be read ({error})",
            "run quant.export.graphs first",
        ) from error


def ports_of(plain: Mapping[str, Any], graph: str) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
    """Returns the input and output ports of a graph in model.json."""
    entry = plain["graphs"][graph]
    inputs, outputs = entry["inputs"], entry["outputs"]
    return tuple(map(Port.from_json, inputs)), tuple(map(Port.from_json, outputs))


def _copy_concepts(plain: Mapping[str, Any], export: Path, out: Path) -> DetectorSizes | None:
    """The detector's tables and vocabulary into the bundle, where the export has a detector."""
    if "detector" not in plain:
        return None
    # Not by the same name: in a bundle, <graph>.npz are the weights of a graph's program.
    for source, target in (("detector.npz", DETECTOR_TABLES), (VOCABULARY, VOCABULARY)):
        if not (export / source).is_file():
            raise LoweringError(
                "detector", "tables", f"{export / source} is missing", "export again"
            )
        shutil.copyfile(export / source, out / target)
    return DetectorSizes(**plain["detector"])


def write_bundle(export: Path, out: Path, board: str) -> Bundle:
    """Lower all graphs of `export` into `out/<model>_<board>_<hash8>/`; built aside, then renamed.

    Of an equal bundle that is there already only the manifest is renewed. Raises LoweringError, see
    `hw.lower.lower`, and BundleError for a detector of another tracker.
    """
    plain = read_description(export)
    out.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".bundle-", dir=out))
    try:
        entries, report = [], {}
        for name in graph_names(plain["graphs"]):
            inputs, outputs = ports_of(plain, name)
            lowered = lower(export / f"{name}.onnx", name, inputs, outputs)
            lowered.program.save(scratch)
            report[name] = lowered.report
            entries.append(GraphEntry(name, f"{name}.json", f"{name}.npz", inputs, outputs))
        shutil.copyfile(export / "tables.npz", scratch / "tables.npz")
        detector = _copy_concepts(plain, export, scratch)
        rows = {name: [vars(r) for r in rows] for name, rows in report.items()}
        (scratch / REPORT).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        manifest = Manifest(
            model=plain["model"],
            precision=plain["precision"],
            image_size=plain["image_size"],
            widths=Widths(**plain["widths"]),
            bank=BankSizes(**current_keys("bank", plain["bank"])),
            graphs=tuple(entries),
            detector=detector,
            trained=plain.get("trained", {}),
        )
        manifest = write_manifest(scratch, manifest, extra=(REPORT,))
        folder = out / f"{manifest.model}_{board}_{manifest.digest}"
        os.chmod(scratch, 0o755)  # mkdtemp's is private
        if not (folder / MANIFEST).is_file():
            os.replace(scratch, folder)
        else:  # of equal files; what was recorded of their training may be new
            os.replace(scratch / MANIFEST, folder / MANIFEST)
        return Bundle(folder, report)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
