"""Export: files, ports, QONNX graphs that compute what the Brevitas model computes."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from hw.spec.errors import SpecError
from hw.spec.manifest import GRAPHS
from quant.config import FLOAT, get_config
from quant.export.graphs import export_graphs, longest_memory, main
from quant.model.ports import host_tables, model_spec
from quant.model.tracker import Tracker
from tests.tiny import calibrated, examples, exported


@pytest.mark.parametrize("graph", GRAPHS)
def test_qonnx_execution_equals_brevitas(graph):
    model = ModelWrapper(str(exported() / f"{graph}.onnx"))
    ports = model_spec(calibrated()).ports[graph]
    constants = {t.name for t in model.graph.initializer}
    assert [v.name for v in model.graph.input if v.name not in constants] == list(ports.inputs)
    assert [v.name for v in model.graph.output] == list(ports.outputs)
    for inputs, outputs in examples(graph):
        found = execute_onnx(model, {n: p.decode(inputs[n]) for n, p in ports.inputs.items()})
        for name, port in ports.outputs.items():
            codes = port.encode(found[name])
            port.check(codes)
            # Not 0: sums of another order may round to the other side of a half.
            assert np.mean(codes != outputs[name]) <= 1e-3, name
            assert len(np.unique(codes)) > 3, f"{name} is nearly constant: this proves nothing"


def test_description_tables_and_longest_memory():
    spec = model_spec(calibrated())
    plain = json.loads((exported() / "model.json").read_text())
    assert plain["model"] == "tiny" and plain["image_size"] == 64
    assert plain["graphs"]["mask_decoder"]["outputs"][0]["scale"] == 1 / 8
    assert longest_memory(spec) == 8 * spec.coarse**2 + 8
    keys = examples("memory_attention")[0][0]["memory_keys"]
    assert keys.shape == (1, 1, longest_memory(spec), spec.key_width) and keys.dtype == np.int8
    with np.load(exported() / "tables.npz") as stored:
        assert np.array_equal(stored["token_label"], host_tables(calibrated()).token_label)
        assert stored["age_codes"].shape == (3, 16, 8)


def test_graphs_keep_module_paths_and_nothing_of_this_machine():
    graph = onnx.load(exported() / "image_encoder.onnx")
    keys = {p.key for node in graph.graph.node for p in node.metadata_props}
    assert keys == {"pkg.torch.onnx.name_scopes"}
    assert b".py" not in (exported() / "image_encoder.onnx").read_bytes()


def test_supplied_inputs_become_the_vectors(tmp_path):
    inputs, _ = examples("memory_encoder")[1]
    folder = export_graphs(calibrated(), tmp_path / "own", {"memory_encoder": [inputs]}, examples=1)
    with np.load(folder / "memory_encoder.vectors.npz") as stored:
        assert np.array_equal(stored["in.mask"], inputs["mask"][None])
    assert [p.name for p in tmp_path.iterdir()] == ["own"]


def test_float_model_is_refused(tmp_path):
    with pytest.raises(SpecError, match="float model"):
        export_graphs(Tracker(get_config("tiny"), FLOAT), tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_command_line_names_a_missing_checkpoint(tmp_path, capsys):
    assert main(["--checkpoint", str(tmp_path / "none.safetensors"), "--out", str(tmp_path)]) == 2
    assert "none.safetensors" in capsys.readouterr().err
