"""This project's layers in FINN's C++ simulation: FINN compiles them from the HLS headers and
executes them to golden's codes.
"""

import subprocess

import numpy as np
import pytest

from hw.lower.errors import LoweringError
from hw.lower.finn.check import check_hardware, compare, execute, golden
from hw.lower.finn.cppsim import simulate
from hw.lower.finn.folding import fold
from hw.lower.finn.hardware import hardware_graph
from hw.lower.finn.runtime import HLS, OPS
from hw.ops.program import Program
from sim.csim.synthesis import findings
from tests.tiny import bundled, exported

pytestmark = pytest.mark.finn
LENGTH = 24
PART = "xck26-sfvc784-2LV-c"


def drawn(program, kind):
    """Codes by port: random, or each at either end of its type."""
    rng, codes = np.random.default_rng(5), {}
    for port in program.inputs:
        shape = tuple(LENGTH if n is None else n for n in port.shape)
        values = rng.integers(port.dtype.min, port.dtype.max + 1, shape)
        if kind == "corners":
            values = np.where(values < 0, port.dtype.min, port.dtype.max)
        codes[port.name] = values.astype(port.storage)
    return codes


def simulated(graph, plan, folder):
    program = Program.load(bundled().folder, graph)
    model = hardware_graph(program, LENGTH)
    own = [n.name for n in model.graph.node if n.domain == OPS]
    fold(model, {name: plan for name in own})
    return program, simulate(model, folder), own


@pytest.mark.slow
@pytest.mark.parametrize(
    ("graph", "plan"),
    [
        ("memory_attention", {"PE": 2, "SIMD": 4}),
        ("mask_decoder", {"PE": 1, "SIMD": 2}),  # attentions of 13 tokens, the product of masks
    ],
)
def test_finn_executes_the_compiled_layers_to_the_codes_of_golden(graph, plan, tmp_path):
    program, model, own = simulated(graph, plan, tmp_path)
    found = {n.op_type for n in model.graph.node if n.domain == HLS}
    assert "IntegerAttention_hls" in found
    assert ("StreamProduct_hls" in found) == (graph == "mask_decoder")
    assert all((tmp_path / name / "node_model").is_file() for name in own)
    for kind in ("random", "corners"):
        count, differing = compare(model, program, drawn(program, kind))
        assert differing == 0 < count
    for name in own:  # the programs made these codes, not Python
        assert (tmp_path / name / "output_0.npy").is_file()


@pytest.mark.slow
def test_a_fault_in_a_header_is_noticed(tmp_path):
    program, model, own = simulated("memory_attention", {}, tmp_path)
    folder = tmp_path / own[-1]
    header = folder / "divide.hpp"
    text = header.read_text(encoding="utf-8")
    header.write_text(text.replace("rest >= part", "rest > part << 1"), encoding="utf-8")
    subprocess.run(["bash", str(folder / "compile.sh")], check=True)
    codes = drawn(program, "random")
    wanted = golden(program, codes)["conditioned"]
    assert (execute(model, program, codes)["conditioned"] != wanted).any()


def test_a_layer_that_does_not_compile_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("hw.lower.finn.ops.hls.type_headers", lambda: tmp_path)
    with pytest.raises(LoweringError, match="(?s)does not compile.*ap_int.h") as caught:
        simulated("memory_attention", {}, tmp_path)
    assert (
        caught.value.layer in ("self_attention.product", "product") and "g++" in caught.value.remedy
    )


def test_finn_generates_the_ip_of_each_layer_whole(tmp_path):
    """Source and script of FINN's PrepareIP: nothing of finn-hlslib, what it includes beside it,
    and nothing that Vitis HLS does not synthesise.
    """
    from finn.transformation.fpgadataflow.insert_dwc import InsertDWC
    from finn.transformation.fpgadataflow.insert_fifo import InsertFIFO
    from qonnx.custom_op.registry import getCustomOp

    from hw.lower.finn.build import specialize

    model = hardware_graph(Program.load(bundled().folder, "mask_decoder"))
    special, names = specialize(model, PART)
    special = special.transform(InsertDWC()).transform(InsertFIFO(create_shallow_fifos=True))
    own = [n for n in special.graph.node if names.get(n.name) and "_hls" in n.op_type]
    own = [n for n in own if n.op_type in ("IntegerAttention_hls", "StreamProduct_hls")]
    assert {n.op_type for n in own} == {"IntegerAttention_hls", "StreamProduct_hls"}
    for node in own:
        op, folder = getCustomOp(node), tmp_path / node.name
        folder.mkdir()
        op.set_nodeattr("code_gen_dir_ipgen", str(folder))
        op.code_generation_ipgen(special, PART, 5.0)
        source = (folder / f"top_{node.name}.cpp").read_text(encoding="utf-8")
        assert "bnn-library" not in source and "$" not in source
        assert f"void {node.name}(" in source and "#pragma HLS DATAFLOW" in source
        script = (folder / f"hls_syn_{node.name}.tcl").read_text(encoding="utf-8")
        assert f'set config_toplevelfxn "{node.name}"' in script
        streams = [s for s in range(3) if op.get_instream_width(s)]
        ports = op.get_verilog_top_module_intf_names()
        assert [name for name, _ in ports["s_axis"]] == [f"in{i}_V" for i in streams]
        texts = {p.name: p.read_text(encoding="utf-8") for p in folder.glob("*.hpp")}
        texts.pop("npy_streams.hpp")  # for the simulation
        assert findings(texts | {"top.cpp": source}) == []


@pytest.mark.slow
def test_command_line_compares_the_compiled_layers(tmp_path, monkeypatch, capsys):
    from hw.lower.finn.__main__ import main

    monkeypatch.chdir(tmp_path)
    argv = ["--export", str(exported()), "--graph", "memory_attention", "--only", "cppsim"]
    assert main(argv) == 0
    said = capsys.readouterr().out
    assert "memory_attention: 0 of 256 codes differ from golden" in said
    assert "IntegerAttention_hls" in said
    assert check_hardware(exported(), "memory_encoder", tmp_path, cppsim=True).differing == 0
