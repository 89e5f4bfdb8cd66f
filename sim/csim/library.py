"""Compiles top functions into a shared library, cached by the hash of all that goes in, and runs
them on the bytes of their streams.
"""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw.hls.headers import type_headers
from hw.hls.source import INCLUDE, Top
from hw.spec.errors import SamFabricError
from hw.spec.stream import Stream
from sim.cache import cached
from sim.csim import depths, trips

FLAGS = ("-std=c++14", "-O2", "-shared", "-fPIC", "-w", "-DAP_INT_MAX_W=16384", "-fno-gnu-unique")
"""The last one: else what a template keeps between frames is one for all libraries of a process."""
TIMEOUT_S = 1800
MESSAGE = 1 << 16
"""A run says no more than this many bytes."""

Bytes = NDArray[np.uint8]
"""An array of (beats, width / 8) bytes of a stream, little end first."""

_GLUE = """
namespace {
template <int WIDTH>
void put(ap_uint<WIDTH>& beat, const ap_uint<WIDTH>& data) { beat = data; }
template <int WIDTH>
const ap_uint<WIDTH>& data_of(const ap_uint<WIDTH>& beat) { return beat; }
@PORTS@
template <int WIDTH, typename BEAT>
void push(hls::stream<BEAT>& stream, const unsigned char* bytes, unsigned long beats) {
  for (unsigned long i = 0; i < beats; i++) {
    ap_uint<WIDTH> data = 0;
    for (int k = 0; k < WIDTH / 8; k++) data.range(8 * k + 7, 8 * k) = bytes[i * (WIDTH / 8) + k];
    BEAT beat;
    put(beat, data);
    stream.write(beat);
  }
}
template <int WIDTH, typename BEAT>
unsigned long pop(hls::stream<BEAT>& stream, unsigned char* bytes, unsigned long room) {
  unsigned long beats = 0;
  while (!stream.empty()) {
    const ap_uint<WIDTH> beat = data_of(stream.read());
    if (beats < room) {
      for (int k = 0; k < WIDTH / 8; k++) {
        bytes[beats * (WIDTH / 8) + k] = (unsigned char)(beat.range(8 * k + 7, 8 * k).to_uint());
      }
    }
    beats++;
  }
  return beats;
}
}  // namespace
"""


_PORTS = """template <int WIDTH>
void put(samfabric::AxisBeat<WIDTH>& beat, const ap_uint<WIDTH>& data) { beat.data = data; }
template <int WIDTH>
ap_uint<WIDTH> data_of(const samfabric::AxisBeat<WIDTH>& beat) { return beat.data; }
"""


class CsimError(SamFabricError):
    """An HLS source does not compile, or its run did not yield what its streams promise."""


class Library:
    """A library holds compiled top functions, which it calls with bytes. bounded: streams hold no
    more than their depth, and a run that comes to a halt for good is told; else they hold what
    comes, and a run is quicker. counted: iterations of pipelined loops are counted.

    Raises CsimError where the compiler is missing or refuses the source, HeadersError where the
    headers are missing.
    """

    def __init__(
        self,
        tops: Sequence[Top],
        include: Path = INCLUDE,
        bounded: bool = False,
        counted: bool = False,
    ) -> None:
        self.tops = {top.name: top for top in tops}
        source = "".join(f'#include "{h}.hpp"\n' for h in sorted(_headers(tops)))
        source += _GLUE.replace("@PORTS@", _PORTS if any(t.axis for t in tops) else "")
        source += "".join(top.text + _entry(top, bounded) for top in tops)
        if bounded:
            source = "#include <cstring>\n#include <stdexcept>\n" + depths.bounded(source)
        headers = _texts(include, bounded)
        if counted:
            source = trips.COUNTERS + trips.counting(source)
            headers = {name: trips.counting(text) for name, text in headers.items()}
        words = "\0".join((source, *FLAGS, *headers, *headers.values()))
        digest = hashlib.sha256(words.encode()).hexdigest()[:16]
        folder = cached(f"csim-{digest}", lambda kept: _compile(source, headers, kept))
        # A copy of its own: what is loaded once is loaded into this one alone.
        with tempfile.TemporaryDirectory(prefix="samfabric-csim-") as place:
            own = shutil.copy(folder / "csim.so", place)
            self._library = ctypes.CDLL(own)

    def trips(self) -> dict[str, int]:
        """Iterations of pipelined loops by function since the last call, where they are counted."""
        said = ctypes.create_string_buffer(trips.MOST)
        self._library["trips_since"](said, ctypes.c_ulong(trips.MOST))
        return trips.parsed(said.value.decode())

    def run(self, name: str, frames: int, inputs: Mapping[str, Bytes]) -> dict[str, Bytes]:
        """Beats of all frames by input stream -> by output stream.

        Raises CsimError where a stream leaves beats unread or gives more or fewer than promised,
        and where one is read that has none.
        """
        top = self.tops[name]
        room = {k: s.beats * frames for k, s in top.outputs.items()}
        results = {k: np.zeros((room[k], s.width // 8), np.uint8) for k, s in top.outputs.items()}
        given = [np.ascontiguousarray(inputs[k]) for k in top.inputs]
        left = (ctypes.c_ulong * len(top.inputs))()
        made = (ctypes.c_ulong * len(top.outputs))()
        said = ctypes.create_string_buffer(MESSAGE)
        self._library[f"run_{name}"](
            ctypes.c_ulong(frames),
            _pointers(given),
            (ctypes.c_ulong * len(given))(*(len(g) for g in given)),
            left,
            _pointers(list(results.values())),
            (ctypes.c_ulong * len(room))(*room.values()),
            made,
            said,
            ctypes.c_ulong(MESSAGE),
        )
        if said.value:
            raise CsimError(
                f"{name}: the streams came to a halt: {said.value.decode()}",
                "give the stream that is full more depth",
            )
        unread = [f"{k}: {n} beats unread" for k, n in zip(top.inputs, left, strict=True) if n]
        wrong = [
            f"{k}: {n} beats, not at most {room[k]}"
            for k, n in zip(room, made, strict=True)
            if n > room[k]
        ]
        if unread or wrong:
            raise CsimError(f"{name}: {'; '.join(unread + wrong)}")
        return {k: v[:n] for (k, v), n in zip(results.items(), made, strict=True)}


def _pointers(arrays: Sequence[Bytes]) -> ctypes.Array[ctypes.c_void_p]:
    return (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays))


def _headers(tops: Sequence[Top]) -> frozenset[str]:
    return frozenset().union(*(top.headers for top in tops))


def _entry(top: Top, bounded: bool) -> str:
    """The C function that feeds a top function and collects what it gives."""
    streams = {**top.inputs, **top.outputs}
    types = top.types()
    lines = [f'  {types[k]} {k}("{k}");' for k in streams]
    lines += [f"  {k}.bound(-1);" for k in streams] if bounded else []
    for i, (k, s) in enumerate(top.inputs.items()):
        lines.append(f"  push<{s.width}>({k}, in[{i}], beats[{i}]);")
    call = f"for (unsigned long f = 0; f < frames; f++) {top.name}({', '.join(streams)});"
    if bounded:
        told = "catch (const std::exception& error) { std::strncpy(said, error.what(), most - 1); }"
        call = f"try {{ {call} }} {told}"
    lines.append(f"  {call}")
    lines += [f"  left[{i}] = {k}.size();" for i, k in enumerate(top.inputs)]
    lines += [f"  while (!{k}.empty()) {k}.read();" for k in top.inputs]
    for i, (k, s) in enumerate(top.outputs.items()):
        lines.append(f"  made[{i}] = pop<{s.width}>({k}, out[{i}], room[{i}]);")
    head = (
        f'extern "C" void run_{top.name}(unsigned long frames, const unsigned char* const* in,\n'
        "    const unsigned long* beats, unsigned long* left, unsigned char* const* out,\n"
        "    const unsigned long* room, unsigned long* made, char* said, unsigned long most) {\n"
    )
    return head + "\n".join(lines) + "\n}\n"


def _texts(include: Path, bounded: bool) -> dict[str, str]:
    """Headers by name, as they are compiled."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(include.glob("*.hpp"))}
    if bounded:
        texts = {name: depths.bounded(text) for name, text in texts.items()}
        texts |= {path.name: path.read_text(encoding="utf-8") for path in depths.HEADERS.iterdir()}
    return texts


def _compile(source: str, headers: Mapping[str, str], folder: Path) -> None:
    path, include = folder / "csim.cpp", folder / "include"
    include.mkdir()
    for name, text in headers.items():
        (include / name).write_text(text, encoding="utf-8")
    path.write_text(source, encoding="utf-8")
    command = ["g++", *FLAGS, f"-I{include}", f"-isystem{type_headers()}"]
    command += [str(path), "-o", str(folder / "csim.so")]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except FileNotFoundError:
        raise CsimError("g++ not found", "install it (Debian: sudo apt install g++)") from None
    except subprocess.TimeoutExpired:
        raise CsimError(f"{path}: no end of compiling within {TIMEOUT_S} s") from None
    if done.returncode:
        raise CsimError(f"g++ refused {path}", done.stderr[:4000].strip())


def beats_of(stream: Stream, frames: Sequence[NDArray[np.int64]]) -> Bytes:
    """Returns, for codes of frames, the bytes of their beats, one frame after another."""
    return np.concatenate([stream.pack(codes) for codes in frames])
