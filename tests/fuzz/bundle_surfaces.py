"""Bundles: the manifest, programs with their weights, tables, the description of hardware, an
overlay; and a session's file, which belongs to a bundle's model.
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from host.concepts.phrases import Phrases
from host.devices.driver import Driver
from host.devices.hardware import HardwareDevice
from host.prompts import Prompt
from host.rates.measure import Instant
from host.session import Session
from host.spec import load_spec
from hw.board import find
from hw.build.overlay import located
from hw.spec.files import sha256_of
from hw.spec.handoff import Handoff
from hw.spec.hardware import FILE, FORMAT, Hardware
from hw.spec.manifest import (
    DETECTOR_TABLES,
    GRAPHS,
    MANIFEST,
    VOCABULARY,
    load_manifest,
    write_manifest,
)
from sim.board.hwh import write as write_handoff
from sim.graph import GraphExecutor
from tests.fuzz import mutations as m
from tests.fuzz.surface import Surface, arrays_of, tiny
from tests.host.fake_device import FakeDevice
from tests.host.scenes import both_frame
from tests.host.small_hardware import PORTS
from tests.stitch.small_system import HARDWARE, PRODUCT

KV260 = find("kv260")
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
    few: dict[str, Any] = {name: array[:20] for name, array in words.items()}
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


def whole_manifest() -> bytes:
    """As `bundle_in` leaves it, its hash of the shorter vocabulary included."""
    with tempfile.TemporaryDirectory() as name:
        bundle_in(Path(name))
        return Path(name, "bundle", MANIFEST).read_bytes()


def broken_manifest() -> SearchStrategy[bytes]:
    return m.broken_json(st.just(json.loads(whole_manifest())))


@cache
def program_of(graph: str) -> tuple[Any, dict[str, np.ndarray], dict[str, bytes]]:
    """Program, weights, and the files that hold them in an .npz."""
    text = (tiny() / f"{graph}.json").read_text(encoding="utf-8")
    arrays = arrays_of(tiny() / f"{graph}.npz")
    return json.loads(text), arrays, m.whole_members(arrays)


@st.composite
def broken_program(draw: m.DrawFn) -> tuple[str, bytes | None, bytes | None]:
    """Graph, its JSON and its weights, either broken."""
    graph = draw(st.sampled_from(GRAPHS))
    plain, arrays, members = program_of(graph)
    if draw(st.booleans()):
        return graph, draw(m.broken_json(st.just(plain))), None
    return graph, None, draw(m.broken_npz(st.just(arrays), members))


def run_program(given: tuple[str, bytes | None, bytes | None], folder: Path) -> None:
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


def whole_tables() -> tuple[str, bytes]:
    return "tables.npz", (tiny() / "tables.npz").read_bytes()


@cache
def tables_of(name: str) -> tuple[dict[str, np.ndarray], dict[str, bytes]]:
    arrays = arrays_of(tiny() / name)
    if name == VOCABULARY:
        arrays = {key: array[:20] for key, array in arrays.items()}
    return arrays, m.whole_members(arrays)


@st.composite
def broken_tables(draw: m.DrawFn) -> tuple[str, bytes]:
    name = draw(st.sampled_from(("tables.npz", DETECTOR_TABLES, VOCABULARY)))
    arrays, members = tables_of(name)
    return name, draw(m.broken_npz(st.just(arrays), members))


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
    return json.loads(json.dumps({"format": FORMAT, **asdict(HARDWARE)}))


WEIGHTS = "multiply.bin"


def weights_in(folder: Path) -> None:
    """The file that the small system loads."""
    weights = PRODUCT.inputs()["s_axis_weights"].pack(PRODUCT.setup()["s_axis_weights"].ravel())
    (folder / WEIGHTS).write_bytes(weights.tobytes())


def open_hardware(data: bytes, folder: Path) -> None:
    (folder / FILE).write_bytes(data)
    weights_in(folder)
    hardware = Hardware.load(folder)
    Driver(Instant(hardware), hardware, PORTS, folder)


def whole_hardware() -> bytes:
    return json.dumps(hardware_of()).encode()


def broken_hardware() -> SearchStrategy[bytes]:
    return m.broken_json(st.just(hardware_of()))


@cache
def hwh() -> bytes:
    """What Vivado says of an overlay of the small system."""
    with tempfile.TemporaryDirectory() as name:
        write_handoff(Path(name, "x.hwh"), located(HARDWARE, KV260), KV260)
        return Path(name, "x.hwh").read_bytes()


def read_handoff(data: bytes, folder: Path) -> None:
    path = folder / "x.hwh"
    path.write_bytes(data)
    Handoff.read(path).check(located(HARDWARE, KV260))


@st.composite
def broken_handoff(draw: m.DrawFn) -> bytes:
    """Values in quotes replaced, lines moved, or bytes changed."""
    text = hwh().decode()
    if draw(st.booleans()):
        return draw(m.broken_text(st.just(text)))
    parts = text.split('"')
    for _ in range(draw(st.integers(1, 3))):
        at = 1 + 2 * draw(st.integers(0, len(parts) // 2 - 1))
        parts[at] = draw(st.sampled_from(m.ODD_VALUES) | st.sampled_from(parts[1::2]))
    return '"'.join(parts).encode("utf-8", "surrogatepass")


class Reached(Exception):
    """All checks before the board is touched are passed."""


def overlay_in(folder: Path) -> None:
    bundle_in(folder)
    place = folder / "bundle"
    built = replace(HARDWARE, overlay="samfabric.bit", sources=())
    built.save(place)
    weights_in(place)
    for suffix in (".bit", ".hwh"):
        (place / f"samfabric{suffix}").write_bytes(hwh())
    manifest = load_manifest(place)
    extra = (FILE, WEIGHTS, "samfabric.bit", "samfabric.hwh")
    write_manifest(place, manifest, (*manifest.hashes, *extra))


@st.composite
def broken_overlay(draw: m.DrawFn) -> tuple[str, bytes]:
    return draw(st.sampled_from((".bit", ".hwh"))), draw(m.broken_bytes(st.just(hwh())))


def open_overlay(given: tuple[str, bytes], folder: Path) -> None:
    def connect(*_: object) -> Any:
        raise Reached

    path = folder / "bundle" / f"samfabric{given[0]}"
    try:
        path.write_bytes(given[1])
        with suppress(Reached):
            HardwareDevice(folder / "bundle", connect)
    finally:
        path.write_bytes(hwh())


@cache
def saved_session() -> bytes:
    session = Session(FakeDevice())
    click = Prompt.from_pixels(96, 160, points=[(26, 32)], labels=[1])
    box = Prompt.from_pixels(96, 160, box=(10, 56, 41, 87))
    session.step(both_frame(0), {1: click})
    session.step(both_frame(1), {7: box})
    with tempfile.TemporaryDirectory() as name:
        session.save(Path(name, "s.npz"))
        return Path(name, "s.npz").read_bytes()


@cache
def session_arrays() -> tuple[dict[str, np.ndarray], dict[str, bytes]]:
    with np.load(io.BytesIO(saved_session())) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return arrays, m.whole_members(arrays)


@st.composite
def broken_session(draw: m.DrawFn) -> bytes:
    arrays, members = session_arrays()
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return draw(m.broken_bytes(st.just(saved_session())))
    if kind == 1:
        return draw(m.broken_npz(st.just(arrays), members))
    head = draw(m.broken_json(st.just(json.loads(arrays["session"].tobytes()))))
    out = io.BytesIO()
    broken: dict[str, Any] = arrays | {"session": np.frombuffer(head, np.uint8)}
    np.savez(out, **broken)
    return out.getvalue()


def load_session(data: bytes, folder: Path) -> None:
    path = folder / "s.npz"
    path.write_bytes(data)
    session = Session.load(path, FakeDevice())
    # What was believed must also go on.
    if session.state.frame_size in (None, (96, 160)):
        session.step(both_frame(2))
    session.save(folder / "again.npz")


SURFACES = (
    Surface("manifest.json", whole_manifest, broken_manifest, open_manifest, bundle_in, 1.5),
    Surface("program, weights", lambda: (GRAPHS[3], None, None), broken_program, run_program),
    Surface("tables.npz", whole_tables, broken_tables, open_tables, bundle_in, 0.6),
    Surface("hardware.json", whole_hardware, broken_hardware, open_hardware),
    Surface(".hwh", hwh, broken_handoff, read_handoff),
    Surface(
        ".bit, .hwh, signed", lambda: (".hwh", hwh()), broken_overlay, open_overlay, overlay_in, 0.2
    ),
    Surface("saved session", saved_session, broken_session, load_session),
)
