"""Lowering: programs that compute what the Brevitas model computes, bundles, and errors that name
the layer.
"""

from __future__ import annotations

import json
import shutil

import numpy as np
import onnx
import pytest
from onnx import helper

from hw.lower.__main__ import main
from hw.lower.bundle import write_bundle
from hw.lower.errors import LoweringError
from hw.ops.program import Program
from hw.spec.errors import BundleError
from hw.spec.manifest import GRAPHS, load_manifest
from tests.tiny import bundled, exported


def test_bundle_is_whole_and_named_by_its_content():
    folder = bundled().folder
    manifest = load_manifest(folder)  # hashes verified
    assert folder.name == f"tiny_emulated_{manifest.digest}"
    assert {e.name for e in manifest.graphs} == set(GRAPHS)
    assert not list(folder.parent.glob(".bundle-*"))
    again = write_bundle(exported(), folder.parent, "emulated")
    assert again.folder == folder  # the same bytes each time


def test_requantizers_are_exact_integers():
    for name, rows in bundled().report.items():
        assert rows, name
        assert sum(r.fallback for r in rows) == 0, "tiny needs no thresholds"
        assert sum(r.double for r in rows) <= 0.05 * sum(r.channels for r in rows)
    program = Program.load(bundled().folder, "image_encoder")
    layers = {n.name for n in program.nodes}
    assert {
        "backbone.stem.conv",
        "neck.skip8.requant",
        "backbone.stages.1.0.depthwise.conv",
    } <= layers
    integers = [v.dtype.kind for n in program.nodes for v in n.params.values()]
    assert set(integers) == {"i"}


def test_quantizers_on_one_grid_become_saturations():
    program = Program.load(bundled().folder, "memory_attention")
    ops = [n.op for n in program.nodes]
    assert ops.count("join_add") == 3 and "saturate" not in ops
    assert ops.count("exp_rows") == 2 and ops.count("divide") == 2
    first = next(n for n in program.nodes if n.op == "conv")
    assert first.inputs == ("features",)  # the input's quantizer is the identity on codes


def broken(tmp_path, change):
    """A copy of the export whose memory encoder was changed."""
    folder = tmp_path / "export"
    shutil.copytree(exported(), folder)
    path = folder / "memory_encoder.onnx"
    model = onnx.load(path)
    change(model.graph)
    onnx.save(model, path)
    return folder


def test_unsupported_operator_names_layer_and_operator(tmp_path):
    def change(graph):
        node = next(n for n in graph.node if n.op_type == "Relu")
        node.op_type = "Sigmoid"

    with pytest.raises(LoweringError, match=r"layer mask1.*Sigmoid") as error:
        write_bundle(broken(tmp_path, change), tmp_path / "out", "emulated")
    assert (error.value.layer, error.value.operator) == ("mask1", "Sigmoid")
    assert not list((tmp_path / "out").iterdir())  # nothing half-written


def test_operands_of_different_scales_are_refused(tmp_path):
    def change(graph):
        add = next(n for n in graph.node if n.op_type == "Add")
        quant = next(n for n in graph.node if n.output[0] == add.input[1])
        graph.initializer.append(helper.make_tensor("other", 1, [], [0.123]))
        quant.input[1] = "other"

    with pytest.raises(LoweringError, match="let one quantizer serve both"):
        write_bundle(broken(tmp_path, change), tmp_path / "out", "emulated")


def test_port_that_differs_from_its_quantizer(tmp_path):
    folder = tmp_path / "export"
    shutil.copytree(exported(), folder)
    plain = json.loads((folder / "model.json").read_text())
    plain["graphs"]["image_encoder"]["inputs"][0]["scale"] = 0.5
    (folder / "model.json").write_text(json.dumps(plain))
    with pytest.raises(LoweringError, match="input image is declared INT8 at scale 0.5"):
        write_bundle(folder, tmp_path / "out", "emulated")


def test_command_line(tmp_path, capsys):
    assert main(["--export", str(tmp_path / "none")]) == 2
    assert "model.json" in capsys.readouterr().err
    assert main(["--export", str(exported()), "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    assert "requantizers of tiny_emulated_" in shown and "thresholds" in shown


def test_damaged_program_is_a_bundle_error(tmp_path):
    with pytest.raises(BundleError, match="image_encoder.json"):
        Program.load(tmp_path, "image_encoder")
    shutil.copy(bundled().folder / "image_encoder.json", tmp_path)
    np.savez(tmp_path / "image_encoder.npz", nothing=np.zeros(1))
    with pytest.raises(BundleError, match="lower it again"):
        Program.load(tmp_path, "image_encoder")
