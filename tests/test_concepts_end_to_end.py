"""Concepts on a real bundle: a detector with random weights, lowered, on the golden device. What it
finds means nothing; that it is well formed, and the same each time, does.
"""

import json
import shutil

import cv2
import numpy as np
import pytest

from host.cli.main import main
from host.compat.sam3 import Sam3Processor
from host.concepts.association import Rules
from host.concepts.prompts import ConceptPrompt
from host.concepts.session import ConceptSession
from host.concepts.tracker import ConceptTracker
from host.devices.registry import open_device
from host.mask_overlap import mask_iou
from host.media.demo_clip import render_demo_clip
from hw.lower.bundle import write_bundle
from hw.lower.errors import LoweringError
from hw.spec.manifest import DETECTOR, GRAPHS, DetectorSizes, load_manifest
from quant.model.device import TorchDevice
from tests.tiny import bundled, calibrated, exported

HEIGHT, WIDTH = 64, 96
PHRASE = "cat"
EVERYTHING = Rules(threshold=0, new_score=0)


@pytest.fixture(scope="module")
def folder():
    return bundled(True).folder


@pytest.fixture(scope="module")
def device(folder):
    return open_device("golden", folder)


@pytest.fixture(scope="module")
def clip():
    return render_demo_clip(6, HEIGHT, WIDTH)[0]


def session_on(device, image, phrases=None):
    session = ConceptSession(device, phrases)
    session.set_image(image)
    return session


def test_the_bundle_has_the_fifth_graph(folder):
    manifest = load_manifest(folder)
    assert tuple(entry.name for entry in manifest.graphs) == (*GRAPHS, DETECTOR)
    assert manifest.detector == DetectorSizes(queries=7, text_tokens=4, exemplar_tokens=4)


@pytest.mark.parametrize(
    "asked",
    [
        {"text": PHRASE},
        {"boxes": [(10, 10, 40, 40, 1)]},
        {"text": PHRASE, "boxes": [(10, 10, 40, 40, 1), (50, 20, 90, 60, 0)]},
    ],
)
def test_detections_are_well_formed_and_the_same_each_time(device, clip, asked):
    found = session_on(device, clip[0]).detect(**asked, threshold=0)
    n = len(found)
    assert n and found.saturated and 0 < found.presence < 1
    assert (np.diff(found.scores) <= 0).all() and found.scores[0] <= 1
    assert found.masks.shape == (n, HEIGHT, WIDTH) and found.semantic_mask.shape == (HEIGHT, WIDTH)
    assert (found.boxes >= 0).all() and (found.boxes <= (WIDTH, HEIGHT, WIDTH, HEIGHT)).all()
    again = session_on(device, clip[0]).detect(**asked, threshold=0)
    assert (found.logits == again.logits).all() and (found.boxes == again.boxes).all()
    assert len(session_on(device, clip[0]).detect(**asked, threshold=1)) == 0


def test_golden_is_the_quantized_model(device, clip):
    model = TorchDevice(calibrated(detects=True))
    golden = session_on(device, clip[0])
    torch = session_on(model, clip[0], golden.detector.phrases)
    asked = {"text": PHRASE, "boxes": [(10, 10, 40, 40)], "threshold": 0}
    a, b = golden.detect(**asked), torch.detect(**asked)
    assert a.scores == pytest.approx(b.scores, abs=0.02) and len(a) == len(b)
    assert (np.abs(a.logits - b.logits) > 0).mean() < 0.001


def test_a_video_on_a_real_bundle(device, clip):
    def run():
        tracker = ConceptTracker(device, ConceptPrompt(PHRASE), EVERYTHING)
        done = [one for frame in clip for one in tracker.step(frame)]
        return done + tracker.finish()

    first, second = run(), run()
    assert [one.frame_index for one in first] == list(range(6)) and first[0].instances
    for a, b in zip(first, second, strict=True):
        assert a.instances.keys() == b.instances.keys()
        for i in a.instances:
            assert (a.instances[i].answer.logits == b.instances[i].answer.logits).all()
    for one in first:
        masks = np.array([i.answer.logits > 0 for i in one.instances.values()]).reshape(-1, 16, 16)
        overlaps = mask_iou(masks, masks)[~np.eye(len(masks), dtype=bool)]
        assert (overlaps <= EVERYTHING.overlap_iou).all()


def test_the_command_line_on_a_real_bundle(folder, clip, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("one.png", clip[0][:, :, ::-1])
    status = main(
        ["detect", "one.png", "--text", PHRASE, "--threshold", "0", "--bundle", str(folder)]
        + ["--out", "found.png", "--json", "found.json"]
    )
    assert status == 0
    result = json.loads((tmp_path / "found.json").read_text())
    assert len(result["out_obj_ids"]) == len(result["out_binary_masks"]) > 0
    picture = cv2.imread("found.png")
    assert picture is not None and picture.shape == (HEIGHT, WIDTH, 3)


def test_a_sam3_script(device, clip):
    processor = Sam3Processor(device, confidence_threshold=0)
    state = processor.set_text_prompt(PHRASE, processor.set_image(clip[0]))
    assert state["masks"].shape == (len(state["scores"]), 1, HEIGHT, WIDTH)


def test_an_export_without_its_tables_is_named(tmp_path):
    shutil.copytree(exported(True), tmp_path / "export")
    (tmp_path / "export" / "vocabulary.npz").unlink()
    with pytest.raises(LoweringError, match=r"vocabulary\.npz is missing"):
        write_bundle(tmp_path / "export", tmp_path / "out", "emulated")
    assert not list((tmp_path / "out").iterdir())
