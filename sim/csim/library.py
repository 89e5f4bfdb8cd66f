"""Compiles top functions into a shared library, cached by the hash of all that goes in, and runs
them on the bytes of their streams.
"""

from __future__ import annotations

import ctypes
import hashlib
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw.hls.source import INCLUDE, Top, stream_type
from hw.spec.errors import SamFabricError
from hw.spec.stream import Stream
from sim.csim.headers import type_headers
from sim.verilate import cached

FLAGS = ("-std=c++17", "-O2", "-shared", "-fPIC", "-w", "-DAP_INT_MAX_W=16384")
TIMEOUT_S = 1800

Bytes = NDArray[np.uint8]
"""An array of (beats, width / 8) bytes of a stream, little end first."""

_GLUE = """
namespace {
template <int WIDTH>
void push(hls::stream<ap_uint<WIDTH>>& stream, const unsigned char* bytes, unsigned long beats) {
  for (unsigned long i = 0; i < beats; i++) {
    ap_uint<WIDTH> beat = 0;
    for (int k = 0; k < WIDTH / 8; k++) beat.range(8 * k + 7, 8 * k) = bytes[i * (WIDTH / 8) + k];
    stream.write(beat);
  }
}
template <int WIDTH>
unsigned long pop(hls::stream<ap_uint<WIDTH>>& stream, unsigned char* bytes, unsigned long room) {
  unsigned long beats = 0;
  while (!stream.empty()) {
    const ap_uint<WIDTH> beat = stream.read();
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


class CsimError(SamFabricError):
    """An HLS source does not compile, or its run did not yield what its streams promise."""


class Library:
    """A library holds compiled top functions, which it calls with bytes.

    Raises CsimError where the compiler is missing or refuses the source, HeadersError where the
    headers are missing.
    """

    def __init__(self, tops: Sequence[Top], include: Path = INCLUDE) -> None:
        self.tops = {top.name: top for top in tops}
        source = "".join(f'#include "{h}.hpp"\n' for h in sorted(_headers(tops))) + _GLUE
        source += "".join(top.text + _entry(top) for top in tops)
        self.source = source
        folder = cached(
            f"csim-{_digest(source, include)}", lambda kept: _compile(source, include, kept)
        )
        self._library = ctypes.CDLL(str(folder / "csim.so"))

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
        self._library[f"run_{name}"](
            ctypes.c_ulong(frames),
            _pointers(given),
            (ctypes.c_ulong * len(given))(*(len(g) for g in given)),
            left,
            _pointers(list(results.values())),
            (ctypes.c_ulong * len(room))(*room.values()),
            made,
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


def _entry(top: Top) -> str:
    """The C function that feeds a top function and collects what it gives."""
    streams = {**top.inputs, **top.outputs}
    lines = [f'  {stream_type(s)} {k}("{k}");' for k, s in streams.items()]
    lines += [f"  push({k}, in[{i}], beats[{i}]);" for i, k in enumerate(top.inputs)]
    lines += [f"  for (unsigned long f = 0; f < frames; f++) {top.name}({', '.join(streams)});"]
    lines += [f"  left[{i}] = {k}.size();" for i, k in enumerate(top.inputs)]
    lines += [f"  while (!{k}.empty()) {k}.read();" for k in top.inputs]
    lines += [f"  made[{i}] = pop({k}, out[{i}], room[{i}]);" for i, k in enumerate(top.outputs)]
    head = (
        f'extern "C" void run_{top.name}(unsigned long frames, const unsigned char* const* in,\n'
        "    const unsigned long* beats, unsigned long* left, unsigned char* const* out,\n"
        "    const unsigned long* room, unsigned long* made) {\n"
    )
    return head + "\n".join(lines) + "\n}\n"


def _digest(source: str, include: Path) -> str:
    hashed = hashlib.sha256("\0".join((source, *FLAGS)).encode())
    for path in sorted(include.glob("*.hpp")):
        hashed.update(path.name.encode() + path.read_bytes())
    return hashed.hexdigest()[:16]


def _compile(source: str, include: Path, folder: Path) -> None:
    path = folder / "csim.cpp"
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
