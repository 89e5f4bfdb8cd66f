"""The walking system on the shipped bundle: rendered frames in, golden device, masks out."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from host.devices.registry import default_bundle, open_device
from host.media.demo_clip import render_demo_clip
from host.prompts import Prompt
from host.session import Session

ROOT = Path(__file__).resolve().parent.parent
CONFIG = "nano"  # the default model
FRAMES = 24
TURTLE = 2  # the object in front of the others: never hidden, never out of sight in these frames


@pytest.fixture(scope="module")
def clip():
    frames, ids = render_demo_clip(frames=60)
    return frames[:FRAMES], [i == TURTLE for i in ids[:FRAMES]]


@pytest.fixture(scope="module")
def folder(clip, tmp_path_factory):
    path = tmp_path_factory.mktemp("clip")
    for i, frame in enumerate(clip[0]):
        cv2.imwrite(str(path / f"{i:05}.jpg"), frame[:, :, ::-1])
    cv2.imwrite(str(path.parent / "first.png"), clip[1][0].astype(np.uint8) * 255)
    return path


def iou(a, b):
    return (a & b).sum() / max((a | b).sum(), 1)


def host(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "host", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_session_tracks_the_turtle(clip):
    frames, truth = clip
    session = Session(open_device("golden", default_bundle(CONFIG)))
    prompt = Prompt(mask=truth[0])
    found = [
        session.step(frame, {1: prompt} if t == 0 else None).objects[1].mask()
        for t, frame in enumerate(frames)
    ]
    assert iou(found[0], truth[0]) == 1.0  # a mask prompt is its frame's output
    scores = [iou(a, b) for a, b in zip(found[1:], truth[1:], strict=True)]
    still = [iou(truth[0], b) for b in truth[1:]]
    assert np.mean(scores) > 0.6, scores
    assert np.mean(scores) > np.mean(still) + 0.1  # better than leaving the first mask where it is


def test_a_session_of_a_real_bundle_is_resumed_to_the_bit(clip, tmp_path):
    frames, truth = clip
    device = open_device("golden", default_bundle(CONFIG))
    session = Session(device)
    for index, frame in enumerate(frames[:4]):
        session.step(frame, {1: Prompt(mask=truth[0])} if not index else None)
    session.save(tmp_path / "turtle.npz")
    went_on = [session.step(frame).objects[1] for frame in frames[4:8]]
    resumed = Session.load(tmp_path / "turtle.npz", device)
    for frame, wanted in zip(frames[4:8], went_on, strict=True):
        found = resumed.step(frame).objects[1]
        assert (found.logits == wanted.logits).all() and found.score == wanted.score


def test_command_line_tracks_and_writes_everything(folder, tmp_path, clip):
    done = host(
        "track",
        folder,
        "--mask",
        folder.parent / "first.png",
        "--bundle",
        default_bundle(CONFIG),
        "--out",
        tmp_path / "clip.mp4",
        "--masks",
        tmp_path / "masks",
        "--json",
        tmp_path / "stats.json",
    )
    assert done.returncode == 0, done.stderr
    masks = sorted((tmp_path / "masks").glob("*.png"))
    assert [m.stem for m in masks] == [f"{i:05}" for i in range(FRAMES)]
    last = cv2.imread(str(masks[-1]), cv2.IMREAD_UNCHANGED)
    assert last is not None
    assert last.shape == clip[1][0].shape and set(np.unique(last)) <= {0, 255}
    assert (tmp_path / "clip.mp4").stat().st_size > 10_000
    assert "memory_attention" in json.dumps(json.loads((tmp_path / "stats.json").read_text()))


def test_a_sam2_script_runs_by_changing_its_import(folder, clip):
    """The calls of SAM 2's video notebook, in its words, on a real bundle."""
    script = f"""
import numpy as np
import torch
from host.compat.build_sam import build_sam2_video_predictor

predictor = build_sam2_video_predictor(
    "configs/sam2.1/sam2.1_hiera_l.yaml", {str(default_bundle(CONFIG))!r}, device="golden"
)
with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
    inference_state = predictor.init_state(video_path={str(folder)!r})
    predictor.reset_state(inference_state)
    box = np.array({[float(v) for v in _box(clip[1][0])]}, dtype=np.float32)
    _, out_obj_ids, out_mask_logits = predictor.add_new_points_or_box(
        inference_state=inference_state, frame_idx=0, obj_id=4, box=box
    )
    points = np.array([{_centre(clip[1][0])}], dtype=np.float32)
    labels = np.array([1], np.int32)
    _, out_obj_ids, out_mask_logits = predictor.add_new_points_or_box(
        inference_state=inference_state, frame_idx=0, obj_id=4, points=points, labels=labels,
        box=box,
    )
    video_segments = {{}}
    propagated = predictor.propagate_in_video(inference_state)
    for out_frame_idx, out_obj_ids, out_mask_logits in propagated:
        video_segments[out_frame_idx] = {{
            out_obj_id: (out_mask_logits[i] > 0.0).cpu().numpy()
            for i, out_obj_id in enumerate(out_obj_ids)
        }}
result = video_segments
"""
    names: dict[str, Any] = {}
    exec(compile(script, "sam2_notebook.py", "exec"), names)
    segments = names["result"]
    assert sorted(segments) == list(range(FRAMES))
    masks = [segments[t][4][0] for t in range(FRAMES)]
    assert masks[0].shape == clip[1][0].shape and masks[0].dtype == bool
    assert np.mean([iou(m, t) for m, t in zip(masks, clip[1], strict=True)]) > 0.5


def _box(mask):
    ys, xs = np.nonzero(mask)
    return xs.min(), ys.min(), xs.max(), ys.max()


def _centre(mask):
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    y, x = np.unravel_index(distance.argmax(), distance.shape)
    return [float(x), float(y)]


@pytest.mark.parametrize("harm", ["altered", "missing"])
def test_a_harmed_bundle_is_refused_in_one_line(folder, tmp_path, harm):
    bundle = tmp_path / "bundle"
    shutil.copytree(default_bundle(CONFIG), bundle)
    victim = bundle / "mask_decoder.npz"
    if harm == "altered":
        victim.write_bytes(victim.read_bytes()[:-1] + b"!")
    else:
        victim.unlink()
    out = tmp_path / "clip.mp4"
    done = host("track", folder, "--box", "10,10,90,90", "--bundle", bundle, "--out", out)
    assert done.returncode == 2 and "mask_decoder.npz" in done.stderr
    assert "Traceback" not in done.stderr and not out.exists()


def test_memory_is_flat_once_the_bank_is_full(clip):
    """The bank's arrays are the same objects, of the same size, from the ninth frame on."""
    frames, truth = clip
    session = Session(open_device("golden", default_bundle(CONFIG)))
    session.step(frames[0], {1: Prompt(mask=truth[0])})
    sizes = []
    for frame in [*frames[1:], *frames[::-1]]:
        session.step(frame)
        bank = session.state.objects[1].bank
        arrays = [v for v in vars(bank).values() if isinstance(v, np.ndarray)]
        sizes.append((sum(a.nbytes for a in arrays), tuple(a.ctypes.data for a in arrays)))
    assert len(set(sizes[8:])) == 1
