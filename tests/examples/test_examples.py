"""Every program of examples/ runs as its first lines say, and what it prints is so."""

import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from host.media.demo_clip import FISH, TURTLE, boxes_of, render_demo_clip

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
FRAMES = 3


def run(name, *arguments):
    """Lines that an example prints."""
    command = [sys.executable, ROOT / "examples" / f"{name}.py", *arguments]
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """(video file, folder of the same frames, object ids of each frame) of the rendered clip."""
    folder = tmp_path_factory.mktemp("clip")
    frames, ids = render_demo_clip(20)
    height, width = ids[0].shape
    video = folder / "clip.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"FFV1"), 25, (width, height))
    (folder / "frames").mkdir()
    for index, frame in enumerate(frames[:FRAMES]):
        picture = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
        writer.write(picture)
        cv2.imwrite(str(folder / "frames" / f"{index}.png"), picture)
    writer.release()
    return video, folder / "frames", ids[:FRAMES]


def box_of(ids, number):
    return ",".join(map(str, boxes_of(ids)[number]))


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def test_a_camera(clip):
    video, _, ids = clip
    lines = run("camera", video, box_of(ids[0], TURTLE))
    assert len(lines) == FRAMES
    for line, truth in zip(lines, ids, strict=True):
        said = re.search(r"around (\d+),(\d+), (\d+) pixels", line)
        assert said
        x, y, pixels = map(int, said.groups())
        rows, columns = (truth == TURTLE).nonzero()
        assert abs(x - columns.mean()) < 15 and abs(y - rows.mean()) < 15
        assert 0.5 < pixels / rows.size < 1.5


def test_several_objects(clip, tmp_path):
    _, frames, ids = clip
    boxes = (box_of(ids[0], TURTLE), box_of(ids[0], FISH))
    run("several_objects", frames, tmp_path / "masks", *boxes)
    for index, truth in enumerate(ids):
        drawn = cv2.imread(str(tmp_path / "masks" / f"{index}.png"), cv2.IMREAD_UNCHANGED)
        assert iou(drawn == 1, truth == TURTLE) > 0.45 and iou(drawn == 2, truth == FISH) > 0.45


def test_text(clip):
    _, frames, ids = clip
    lines = run("text", frames, "animal")
    said = re.match(r"animal: (\d+) found", lines[0])
    assert said
    found = int(said[1])
    assert found >= len(np.unique(ids[0])) - 1 and len(lines) == 1 + FRAMES
    for line in lines[1:]:
        followed = re.findall(r"(\d+): \d+", line.partition("instance")[2])
        assert followed and {int(number) for number in followed} <= set(range(1, found + 1))


def test_a_sam2_script(clip):
    _, frames, ids = clip
    lines = run("sam2_script", frames, box_of(ids[0], TURTLE))
    assert len(lines) == FRAMES
    for line, truth in zip(lines, ids, strict=True):
        said = re.search(r"\{1: (\d+)\}", line)
        assert said and 0.5 < int(said[1]) / (truth == TURTLE).sum() < 1.5


def test_a_kernel_of_ones_own():
    assert re.fullmatch(r"\d+ codes, none differs.*", run("own_kernel")[-1])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_short_and_need_public_names_alone(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) < 60
    assert f"python examples/{path.name}" in source
    parts = set(re.findall(r"^from (host|quant|sim|hw)\b", source, re.MULTILINE))
    assert not parts or path.stem == "own_kernel"
    assert f"def test_{TESTS[path.stem]}(" in Path(__file__).read_text(encoding="utf-8")


TESTS = {
    "camera": "a_camera",
    "several_objects": "several_objects",
    "text": "text",
    "sam2_script": "a_sam2_script",
    "own_kernel": "a_kernel_of_ones_own",
}
