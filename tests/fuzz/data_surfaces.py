"""Checkpoints, files that people write by hand, data sets, and requests."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from hypothesis import strategies as st

from host.compat.sam3_video import Sam3VideoPredictor
from hw import board
from hw.search import store
from hw.spec.errors import SamFabricError
from quant.data.concepts import vocabulary
from quant.data.layouts import sav, youtube_vos
from quant.data.named_stills import read_labels
from quant.data.packed import load_pack
from quant.model.tracker import load_checkpoint
from quant.teachers.label import read_boxes
from tests.fuzz import mutations as m
from tests.fuzz.surface import ROOT, Surface
from tests.host.fake_detector import FakeConceptDevice, make_phrases
from tests.host.scenes import both_frame


@cache
def checkpoint() -> bytes:
    return (ROOT / "quant/checkpoints/tiny_w4a4.safetensors").read_bytes()


@st.composite
def broken_checkpoint(draw: m.DrawFn) -> bytes:
    """The header as a tree, or the bytes around the header's end."""
    whole = checkpoint()
    size = int.from_bytes(whole[:8], "little")
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return draw(m.broken_bytes(st.just(whole)))
    if kind == 1:
        wrong = draw(st.sampled_from((0, 1, size - 1, size + 1, 2**31, 2**63, 2**64 - 1)))
        return wrong.to_bytes(8, "little") + whole[8:]
    head = draw(m.broken_json(st.just(json.loads(whole[8 : 8 + size]))))
    return len(head).to_bytes(8, "little") + head + whole[8 + size :]


def open_checkpoint(data: bytes, folder: Path) -> None:
    path = folder / "x.safetensors"
    path.write_bytes(data)
    load_checkpoint(path, "tiny")


def whole_toml() -> tuple[str, bytes]:
    return "boards", (ROOT / "hw/boards/kv260.toml").read_bytes()


@st.composite
def broken_toml(draw: m.DrawFn) -> tuple[str, bytes]:
    kind = draw(st.sampled_from(("boards", "foldings", "words")))
    source = {
        "boards": sorted((ROOT / "hw/boards").glob("*.toml")),
        "foldings": sorted((ROOT / "hw/search/found").glob("tiny*.toml"))
        or sorted((ROOT / "hw/search/found").glob("*.toml")),
        "words": sorted((ROOT / "quant/data/concepts").glob("*.toml")),
    }[kind]
    path = draw(st.sampled_from(source))
    return kind, draw(m.broken_text(st.just(path.read_text(encoding="utf-8")[:20_000])))


def read_toml(given: tuple[str, bytes], folder: Path) -> None:
    kind, data = given
    path = folder / "x.toml"
    path.write_bytes(data)
    if kind == "boards":
        board.load(path).budget()
    elif kind == "foldings":
        store.load(path, store.Stored())
    else:
        vocabulary.load_vocabulary(path)


def _run_length() -> dict[str, Any]:
    from pycocotools import mask as coco

    drawn = np.zeros((24, 32), np.uint8, order="F")
    drawn[4:12, 6:20] = 1
    code = coco.encode(drawn)
    counts = code["counts"]
    assert isinstance(counts, bytes)
    return {"size": code["size"], "counts": counts.decode("ascii")}


@cache
def data_files() -> Mapping[str, Any]:
    """Whole files of data sets, as trees."""
    code = _run_length()
    return {
        "masklets": {"masklet": [[code, None], [code, code]]},
        "meta": {"videos": {"a": {"objects": {"1": {"category": "cat"}, "2": {}}}}},
        "labels": {"0001": [[1, "cat"], [2, "dog"]], "0002": {"objects": [[1, "cat"]]}},
        "boxes": {"clip/0": {"dog": [[1.0, 2.0, 30.0, 40.0]], "cat": []}},
    }


READERS: Mapping[str, Callable[[Path], object]] = {
    "masklets": lambda path: [
        read() for layers in sav.Masklets((path,)).values() for read in layers.values()
    ],
    "meta": youtube_vos._objects,
    "labels": read_labels,
    "boxes": read_boxes,
}


def whole_data() -> tuple[str, bytes]:
    return "masklets", json.dumps(data_files()["masklets"]).encode()


@st.composite
def broken_data(draw: m.DrawFn) -> tuple[str, bytes]:
    kind = draw(st.sampled_from(sorted(READERS)))
    return kind, draw(m.broken_json(st.just(data_files()[kind])))


def read_data(given: tuple[str, bytes], folder: Path) -> None:
    kind, data = given
    path = folder / "x.json"
    path.write_bytes(data)
    sav._masklets.cache_clear()
    READERS[kind](path)


@cache
def pack() -> Mapping[str, bytes]:
    """Members of a pack of one still and one video of two frames."""
    rng = np.random.default_rng(0)

    def webp(picture: np.ndarray) -> bytes:
        return cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()

    ids = np.zeros((24, 32, 3), np.uint8)
    ids[4:12, 6:20] = 1
    image = rng.integers(0, 256, (24, 32, 3)).astype(np.uint8)
    members: dict[str, bytes] = {}
    for stem in ("videos/0/0", "videos/0/1", "stills/0"):
        members |= {f"{stem}.webp": webp(image), f"{stem}.ids.webp": webp(ids)}
    index = {
        "videos": [{"name": "a", "frames": 2}],
        "stills": [{"name": "b", "source": "s", "parts": False}],
    }
    return members | {"index.json": json.dumps(index).encode()}


def whole_pack(members: Mapping[str, bytes] | None = None) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in (members or pack()).items():
            file.writestr(name, data)
    return out.getvalue()


@st.composite
def broken_pack(draw: m.DrawFn) -> bytes:
    members = dict(pack())
    kind = draw(st.integers(0, 3))
    if kind == 0:
        whole = json.loads(members["index.json"])
        members["index.json"] = draw(m.broken_json(st.just(whole)))
    elif kind == 1:
        name = draw(st.sampled_from(sorted(members)))
        members[name] = draw(m.broken_bytes(st.just(members[name])))
    elif kind == 2:
        members.pop(draw(st.sampled_from(sorted(members))))
    data = whole_pack(members)
    return draw(m.broken_bytes(st.just(data))) if kind == 3 else data


def read_pack(data: bytes, folder: Path) -> None:
    path = folder / "x.zip"
    path.write_bytes(data)
    load_pack.cache_clear()
    found, stills = load_pack(path, 1)
    for video in found:
        for index in video.annotated:
            video.frame(index)
            video.labels(index)
    for still in stills:
        still.read()


# Requests, as they come in from another program.


FRAMES = [both_frame(i) for i in range(2)]
CONVERSATION: tuple[dict[str, Any], ...] = (
    {"type": "add_prompt", "session_id": "s", "frame_index": 0, "text": "red square"},
    {
        "type": "add_prompt",
        "session_id": "s",
        "frame_index": 1,
        "bounding_boxes": [[0.1, 0.1, 0.2, 0.3]],
        "bounding_box_labels": [1],
    },
    {
        "type": "add_prompt",
        "session_id": "s",
        "frame_index": 0,
        "points": [[0.2, 0.3]],
        "point_labels": [1],
        "obj_id": 1,
    },
    {"type": "propagate_in_video", "session_id": "s", "propagation_direction": "both"},
    {"type": "remove_object", "session_id": "s", "obj_id": 1},
    {"type": "reset_session", "session_id": "s"},
    {"type": "close_session", "session_id": "s"},
)


@st.composite
def broken_requests(draw: m.DrawFn) -> list[Any]:
    """A conversation of SAM 3's requests, any of them broken."""
    chosen = draw(st.lists(st.sampled_from(CONVERSATION), min_size=1, max_size=3))
    broken = draw(m.broken_tree(st.just(chosen)))
    return [FRAMES, *(broken if isinstance(broken, list) else [broken])]


def answer_requests(given: list[Any], folder: Path) -> None:
    """All are sent; the first refusal is raised again once the session has proven to go on."""
    predictor = Sam3VideoPredictor(FakeConceptDevice(), phrases=make_phrases())
    predictor.start_session(given[0], "s")
    refused: Exception | None = None
    for request in given[1:]:
        try:
            if isinstance(request, dict) and request.get("type") == "propagate_in_video":
                for _ in predictor.handle_stream_request(request):
                    pass
            else:
                predictor.handle_request(request)
        except SamFabricError as error:
            refused = refused or error
    if refused is not None:
        raise refused


SURFACES = (
    Surface("checkpoint", checkpoint, broken_checkpoint, open_checkpoint, share=0.1),
    Surface("TOML", whole_toml, broken_toml, read_toml),
    Surface("data set", whole_data, broken_data, read_data),
    Surface("pack", whole_pack, broken_pack, read_pack, share=0.5),
    Surface("requests", lambda: [FRAMES, *CONVERSATION], broken_requests, answer_requests),
)
