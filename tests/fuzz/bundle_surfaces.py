"""Bundles: the manifest, programs with their weights, tables, the description of hardware, an
overlay; and a session's file, which belongs to a bundle's model.
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from host.concepts.phrases import Phrases
from host.devices.driver import Driver
from host.prompts import Prompt
from host.session import Session
from host.spec import load_spec
from hw.spec.files import sha256_of
from hw.spec.hardware import FILE, FORMAT, Hardware
from hw.spec.manifest import DETECTOR_TABLES, GRAPHS, MANIFEST, VOCABULARY
from tests.fuzz import mutations as m
from tests.fuzz.surface import Surface, arrays_of, tiny

LENGTH = 8
"""Memory tokens of a run."""


def sign(folder: Path) -> None:
    """Sets the hashes in a bundle's manifest to what its files are: whoever breaks a file can."""
    path = folder / MANIFEST
    plain = json.loads(path.read_text(encoding="utf-8"))
    plain["hashes"] = {name: sha256_of(folder / name) for name in plain["hashes"]}
    path.write_text(json.dumps(plain), encoding="utf-8")


def bundle_in(folder: Path) -> None:
    """A copy of the bundle `tiny`, with a vocabulary that is quicker to read."""
    shutil.copytree(tiny(), folder / "bundle", dirs_exist_ok=True)
    words = arrays_of(tiny() / VOCABULARY)
    few = {name: array[:20] for name, array in words.items()}
    with open(folder / "bundle" / VOCABULARY, "wb") as file:
        np.savez_compressed(file, **few)
    sign(folder / "bundle")


def open_manifest(data: bytes, folder: Path) -> None:
    path = folder / "bundle" / MANIFEST
    whole = path.read_bytes()
    try:
        path.write_bytes(data)
        load_spec(folder / "bundle")
    finally:
        path.write_bytes(whole)


def broken_manifest() -> SearchStrategy[bytes]:
    path = tiny() / MANIFEST
    return m.broken_json(st.just(json.loads(path.read_text(encoding="utf-8"))))


@cache
def program_of(graph: str) -> tuple[Any, dict[str, np.ndarray]]:
    text = (tiny() / f"{graph}.json").read_text(encoding="utf-8")
    return json.loads(text), arrays_of(tiny() / f"{graph}.npz")


@st.composite
def broken_program(draw: m.DrawFn) -> tuple[str, bytes | None, bytes | None]:
    """Graph, its JSON and its weights, either broken."""
    graph = draw(st.sampled_from(GRAPHS))
    plain, arrays = program_of(graph)
    if draw(st.booleans()):
        return graph, draw(m.broken_json(st.just(plain))), None
    return graph, None, draw(m.broken_npz(st.just(arrays)))


def run_program(given: tuple[str, bytes | None, bytes | None], folder: Path) -> None:
    from sim.graph import GraphExecutor

    graph, text, weights = given
    source = tiny()
    whole = (source / f"{graph}.json").read_bytes(), (source / f"{graph}.npz").read_bytes()
    (folder / f"{graph}.json").write_bytes(whole[0] if text is None else text)
    (folder / f"{graph}.npz").write_bytes(whole[1] if weights is None else weights)
    opened = GraphExecutor(folder, graph)
    inputs = {
        port.name: np.ones([LENGTH if n is None else n for n in port.shape], port.storage)
        for port in opened.program.inputs
    }
    opened.run(inputs)


@st.composite
def broken_tables(draw: m.DrawFn) -> tuple[str, bytes]:
    name = draw(st.sampled_from(("tables.npz", DETECTOR_TABLES, VOCABULARY)))
    arrays = arrays_of(tiny() / name)
    if name == VOCABULARY:
        arrays = {key: array[:20] for key, array in arrays.items()}
    return name, draw(m.broken_npz(st.just(arrays)))


def open_tables(given: tuple[str, bytes], folder: Path) -> None:
    name, data = given
    path = folder / "bundle" / name
    whole = path.read_bytes()
    try:
        path.write_bytes(data)
        sign(folder / "bundle")
        load_spec(folder / "bundle")
        Phrases.load(folder / "bundle" / VOCABULARY)
    finally:
        path.write_bytes(whole)


# Hardware: its description, an overlay with its .hwh.


@cache
def hardware_of() -> Any:
    from dataclasses import asdict

    from tests.stitch.small_system import HARDWARE

    return json.loads(json.dumps({"format": FORMAT, **asdict(HARDWARE)}))


class DeadTransport:
    """A board that answers nothing: opening its driver must come to an error, not to a wait."""

    patience, grace = 1.0, 1000

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *_args, **_more: 0

    def allocate(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        return np.zeros(shape, dtype)


def open_hardware(data: bytes, folder: Path) -> None:
    from tests.host.small_hardware import PORTS

    (folder / FILE).write_bytes(data)
    hardware = Hardware.load(folder)
    _ = hardware.in_channels, hardware.out_channels
    Driver(DeadTransport(), hardware, PORTS, folder)  # type: ignore[arg-type]


def broken_hardware() -> SearchStrategy[bytes]:
    return m.broken_json(st.just(hardware_of()))


# Sessions in files.


@cache
def saved_session() -> bytes:
    from tests.host.fake_device import FakeDevice
    from tests.host.scenes import both_frame

    session = Session(FakeDevice())
    click = Prompt.from_pixels(96, 160, points=[(26, 32)], labels=[1])
    box = Prompt.from_pixels(96, 160, box=(10, 56, 41, 87))
    session.step(both_frame(0), {1: click})
    session.step(both_frame(1), {7: box})
    with tempfile.TemporaryDirectory() as name:
        session.save(Path(name, "s.npz"))
        return Path(name, "s.npz").read_bytes()


@st.composite
def broken_session(draw: m.DrawFn) -> bytes:
    with np.load(io.BytesIO(saved_session())) as stored:
        arrays = {name: stored[name] for name in stored.files}
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return draw(m.broken_bytes(st.just(saved_session())))
    if kind == 1:
        return draw(m.broken_npz(st.just(arrays)))
    head = draw(m.broken_json(st.just(json.loads(arrays["session"].tobytes()))))
    arrays["session"] = np.frombuffer(head, np.uint8)
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def load_session(data: bytes, folder: Path) -> None:
    from tests.host.fake_device import FakeDevice
    from tests.host.scenes import both_frame

    path = folder / "s.npz"
    path.write_bytes(data)
    session = Session.load(path, FakeDevice())
    # What was believed must also go on.
    if session.state.frame_size in (None, (96, 160)):
        session.step(both_frame(2))
    session.save(folder / "again.npz")


SURFACES = (
    Surface("manifest.json", broken_manifest, open_manifest, bundle_in, 1.5),
    Surface("program, weights", broken_program, run_program, share=1.5),
    Surface("tables.npz", broken_tables, open_tables, bundle_in),
    Surface("hardware.json", broken_hardware, open_hardware),
    Surface("saved session", broken_session, load_session),
)
