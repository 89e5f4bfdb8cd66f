"""HLS form of this project's hardware layers in FINN: its HLSBackend around the templates of
`hw/hls/include`, for C++ simulation and for the IP that FINN's build makes.

FINN's templates of C++ include finn-hlslib (`bnn-library.h`) and converters that need more of it
(`npy2apintstream.hpp`, `npy2vectorstream.hpp`). These layers use none of them: the lines are taken
out, so that a simulation compiles with no more than the headers of HLS types.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.hlsbackend import HLSBackend
from finn.templates import get_templates_folder
from finn.util.basic import CppBuilder

from hw.hls.accelerator import WIDEST
from hw.hls.headers import type_headers
from hw.hls.source import INCLUDE, LEAST_DEPTH, NAMESPACE, call_text, roms_text, stream_type
from hw.lower.errors import LoweringError
from hw.lower.finn.ops.stream import StreamOp
from hw.spec.stream import Stream

NPY_STREAMS = Path(__file__).resolve().parent / "npy_streams.hpp"
HALF = NPY_STREAMS.with_name("half.hpp")
CONSTANTS = "constants.hpp"
LIBRARY = ("bnn-library.h", "npy2apintstream.hpp", "npy2vectorstream.hpp")
"""What FINN's templates include of, or only with, finn-hlslib."""


class HlsStreamOp(HLSBackend, StreamOp):
    """A `StreamOp` whose kernel is called as HLS C++. FINN's ports carry beats of exactly their
    codes' bits; where these are no whole bytes, a process between port and kernel fills them up.
    """

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """By the compiled template where exec_mode is cppsim, by the golden functions without a
        mode.
        """
        mode = self.get_nodeattr("exec_mode")
        if not mode:
            StreamOp.execute_node(self, context, graph)
        elif mode != "cppsim":
            HLSBackend.execute_node(self, context, graph)
        else:  # without what HLSBackend packs for rtlsim first, beat by beat as text
            folder = Path(self.get_nodeattr("code_gen_dir_cppsim"))
            for i in range(self.streams):
                codes = np.asarray(context[self.onnx_node.input[i]], np.float32)
                np.save(folder / f"input_{i}.npy", codes.reshape(self.get_folded_input_shape(i)))
            self.exec_precompiled_singlenode_model()
            self.npy_to_dynamic_output(context)

    def get_exp_cycles(self) -> int:
        return self.kernel().hls_interval()

    def generate_params(self, model: Any, path: str | Path, fpgapart: str | None = None) -> None:
        """Writes what the source includes into its folder: constants and the headers."""
        folder = Path(path)
        for header in (*INCLUDE.glob("*.hpp"), NPY_STREAMS):
            shutil.copy(header, folder)
        call = self.kernel(model).hls()
        text = f'#pragma once\n#include "{call.header}.hpp"\n{roms_text("layer", call)}'
        (folder / CONSTANTS).write_text(text, encoding="utf-8")

    def code_generation_cppsim(self, model: Any) -> None:
        super().code_generation_cppsim(model)
        folder = Path(self.get_nodeattr("code_gen_dir_cppsim"))
        _leave_out(folder / f"execute_{self.onnx_node.op_type}.cpp")

    def code_generation_ipgen(self, model: Any, fpgapart: str, clk: float) -> None:
        super().code_generation_ipgen(model, fpgapart, clk)
        folder = Path(self.get_nodeattr("code_gen_dir_ipgen"))
        _leave_out(folder / f"top_{self.onnx_node.name}.cpp")

    def global_includes(self) -> None:
        self.code_gen_dict["$GLOBALS$"] = [f'#include "{CONSTANTS}"', '#include "ends.hpp"']

    def defines(self, var: str) -> None:
        npy = [f'#include "{NPY_STREAMS.name}"'] if var == "cppsim" else []
        self.code_gen_dict["$DEFINES$"] = npy

    def _ends(self) -> Iterator[tuple[str, Stream, int]]:
        """(FINN's name, the kernel's stream, codes' bits of a beat) of each stream, in the order of
        the kernel's arguments.
        """
        kernel = self.kernel()
        for port, stream in kernel.inputs().items():
            yield f"in{self.PORTS.index(port)}_V", stream, stream.lanes * stream.dtype.bits
        (stream,) = kernel.outputs().values()
        yield "out0_V", stream, stream.lanes * stream.dtype.bits

    def read_npy_data(self) -> None:
        folder, lines = self.get_nodeattr("code_gen_dir_cppsim"), []
        for name, stream, _ in self._ends():
            if name.startswith("in"):
                path = f"{folder}/input_{name[2:-2]}.npy"
                lines.append(f'{NAMESPACE}::npy_to_stream<{_code(stream)}>("{path}", {name});')
        self.code_gen_dict["$READNPYDATA$"] = lines

    def dataoutstrm(self) -> None:
        folder = self.get_nodeattr("code_gen_dir_cppsim")
        *_, (name, stream, _) = self._ends()
        shape = ", ".join(map(str, self.get_folded_output_shape()))
        self.code_gen_dict["$DATAOUTSTREAM$"] = [
            f"{NAMESPACE}::stream_to_npy<{_code(stream)}>("
            f'{name}, {{{shape}}}, "{folder}/output_0.npy");'
        ]

    def docompute(self) -> None:
        """The call of the kernel, and a process for each port of other beats than the kernel's."""
        streams, lines, before, behind = [], [], [], []
        for name, stream, bits in self._ends():
            if bits == stream.width:
                streams.append(name)
                continue
            inner = name.removesuffix("_V")
            streams.append(inner)
            lines += [
                f'{stream_type(stream)} {inner}("{inner}");',
                f"#pragma HLS STREAM variable = {inner} depth = {LEAST_DEPTH}",
            ]
            if name.startswith("in"):
                values = f"{bits}, {stream.width}, {stream.beats}"
                before.append(f"{NAMESPACE}::resize<{values}>({name}, {inner});")
            else:
                values = f"{stream.width}, {bits}, {stream.beats}"
                behind.append(f"{NAMESPACE}::resize<{values}>({inner}, {name});")
        call = call_text("layer", self.kernel().hls(), streams, 0)
        self.code_gen_dict["$DOCOMPUTE$"] = [*lines, *before, call, *behind]

    def blackboxfunction(self) -> None:
        ends = ",\n    ".join(
            f"hls::stream<ap_uint<{bits}>>& {name}" for name, _, bits in sorted(self._ends())
        )
        head = f"void {self.onnx_node.name}(\n    {ends})"
        self.code_gen_dict["$BLACKBOXFUNCTION$"] = [head]

    def pragmas(self) -> None:
        ports = [f"#pragma HLS INTERFACE axis port = {name}" for name, _, _ in self._ends()]
        free = "#pragma HLS INTERFACE ap_ctrl_none port = return"
        self.code_gen_dict["$PRAGMAS$"] = [*ports, free, "#pragma HLS DATAFLOW"]

    def get_ap_int_max_w(self) -> int:
        """The widest sums and beats inside are no wider than what a stream may have."""
        return WIDEST

    def compile_singlenode_code(self) -> None:
        """By g++, with the tool's headers where its XILINX_HLS says where they are, else with the
        open ones. Raises LoweringError with what the compiler says, HeadersError.
        """
        folder = str(self.get_nodeattr("code_gen_dir_cppsim"))
        vendor, templates = os.environ.get("XILINX_HLS"), f"{get_templates_folder()}/npy2stream"
        types = f"{vendor}/include" if vendor else f"{type_headers()} -include{HALF}"
        builder = CppBuilder()
        flags = "--std=c++17 -O2 -w -lz"
        for words in (f"-I{templates}", f"-I{folder}", f"-isystem{types}", flags):
            builder.append_includes(words)
        builder.append_sources(f"{folder}/*.cpp")
        builder.append_sources(f"{templates}/cnpy.cpp")
        builder.set_executable_path(f"{folder}/node_model")
        try:
            builder.build(folder)
        except subprocess.CalledProcessError as error:
            said = f"{error.stderr or error.output or error}".strip()[:2000]
            name, kind = self.onnx_node.name, self.onnx_node.op_type
            remedy = "g++ and the headers of zlib are needed (Debian: g++ zlib1g-dev)"
            raise LoweringError(name, kind, f"does not compile: {said}", remedy) from error
        self.set_nodeattr("executable_path", builder.executable_path)


def _code(stream: Stream) -> str:
    """Template arguments that describe a beat: lanes, bits of a code, whether it has a sign."""
    return f"{stream.lanes}, {stream.dtype.bits}, {str(stream.dtype.signed).lower()}"


def _leave_out(source: Path) -> None:
    """Takes the lines that include finn-hlslib out of a source of FINN's."""
    lines = source.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line not in {f'#include "{name}"' for name in LIBRARY}]
    source.write_text("\n".join([*kept, ""]), encoding="utf-8")
