"""What weights were trained on: hashes that stay when files are written again, and parts that do
not belong together refused by name.
"""

import json
import shutil
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from host.devices.registry import default_bundle
from hw.lower.bundle import read_description
from hw.spec.errors import BundleError
from hw.spec.manifest import GRAPHS, check_parts, load_manifest
from quant.export.graphs import described
from quant.export.graphs import main as export
from quant.model.provenance import ProvenanceError, Trained, encoder_hash
from quant.model.record import main as record
from quant.model.tracker import (
    CHECKPOINTS,
    DETECTOR,
    CheckpointError,
    load_checkpoint,
    read_header,
    save_checkpoint,
)
from quant.training.settle import settle

TRACKER = CHECKPOINTS / "tiny_w4a4.safetensors"
OLD = "0" * 64


@pytest.fixture
def detector(tmp_path):
    """A detector that says it was trained on the shipped tracker, and a tracker whose encoder has
    one bias moved.
    """
    model = load_checkpoint(TRACKER, "tiny", CHECKPOINTS / "tiny_detector_w4a4.safetensors")
    model.detector_trained = Trained("d", "r", encoder_hash(model.image_encoder))
    path = tmp_path / "other_detector_w4a4.safetensors"
    save_checkpoint(model, path, None, DETECTOR)
    with torch.no_grad():
        model.image_encoder.neck.features.conv.bias[0] += 0.5
    save_checkpoint(model, tmp_path / "other_w4a4.safetensors")
    return path


def test_an_encoders_hash_survives_writing_and_sees_what_the_detector_sees(tmp_path):
    model = load_checkpoint(TRACKER, "tiny")
    first = encoder_hash(model.image_encoder)
    model.trained = Trained("data", "recipe")
    save_checkpoint(model, tmp_path / "again.safetensors")
    again = load_checkpoint(tmp_path / "again.safetensors")
    assert encoder_hash(again.image_encoder) == first
    assert again.trained == Trained("data", "recipe")
    assert settle(again, again.image_encoder) > 0
    assert encoder_hash(again.image_encoder) == first
    with torch.no_grad():  # heads are none of the encoder's, codes decide, not what is behind them
        again.memory_encoder.fuse1.conv.bias.add_(1)
        stem = again.image_encoder.backbone.stem.conv
        scale = stem.quant_weight().scale
        codes = (stem.weight / scale).round()
        stem.weight.copy_((codes * scale).detach())
    assert encoder_hash(again.image_encoder) == first
    with torch.no_grad():
        stem.weight[0, 0, 0, 0] += 2 * scale.flatten()[0] * (-1 if codes[0, 0, 0, 0] > 0 else 1)
    changed = encoder_hash(again.image_encoder)
    assert changed != first
    with torch.no_grad():
        again.image_encoder.neck.feature_quant.threshold.mul_(1.5)
    assert encoder_hash(again.image_encoder) not in (first, changed)


def test_a_detector_of_another_encoder_is_refused_with_both_hashes(detector, tmp_path, capsys):
    assert load_checkpoint(TRACKER, "tiny", detector).detector_trained.data == "d"
    other = tmp_path / "other_w4a4.safetensors"
    learned = encoder_hash(load_checkpoint(TRACKER).image_encoder)
    found = encoder_hash(load_checkpoint(other).image_encoder)
    with pytest.raises(ProvenanceError) as refused:
        load_checkpoint(other, "tiny", detector)
    assert learned[:12] in str(refused.value) and found[:12] in str(refused.value)
    assert "make concepts" in str(refused.value)
    out = tmp_path / "export"
    argv = ["--config", "tiny", "--checkpoint", str(other), "--out", str(out)]
    assert export(argv) == 2  # the detector lies beside it
    said = capsys.readouterr().err
    assert learned[:12] in said and found[:12] in said and not out.exists()
    alone = described(load_checkpoint(other))
    assert alone["tracker"]["encoder"] == found and alone.keys() == {"tracker"}
    married = described(load_checkpoint(TRACKER, "tiny", detector))
    assert married["tracker"]["encoder"] == married["detector"]["encoder"] == learned
    out.mkdir()
    plain: dict[str, Any] = {"graphs": dict.fromkeys(GRAPHS, {"inputs": [], "outputs": []})}
    for trained in (alone, alone | {"detector": {"encoder": learned}}):
        (out / "model.json").write_text(json.dumps(plain | {"trained": trained}))
        with pytest.raises(BundleError, match=learned[:12]) if len(trained) > 1 else nullcontext():
            assert read_description(out)["trained"] == trained


def test_a_detector_without_a_record_is_let_through_with_a_warning(detector, tmp_path, capsys):
    model = load_checkpoint(TRACKER, "tiny", detector)
    model.detector_trained = Trained()
    save_checkpoint(model, detector, None, DETECTOR)
    capsys.readouterr()
    load_checkpoint(TRACKER, "tiny", detector)
    said = capsys.readouterr().err
    assert said.startswith("warning: ") and str(detector) in said and said.count("\n") == 1


def test_shipped_parts_say_that_they_belong_together(capsys):
    for name, precision in (("tiny", "float"), ("nano", "w4a4")):
        tracker = CHECKPOINTS / f"{name}_{precision}.safetensors"
        found = CHECKPOINTS / f"{name}_detector_{precision}.safetensors"
        assert load_checkpoint(tracker, name, found).detector_trained.encoder
    assert "warning" not in capsys.readouterr().err


def test_recording_changes_headers_alone(tmp_path, capsys):
    for path in CHECKPOINTS.glob("tiny_*.safetensors"):
        shutil.copy(path, tmp_path)
    path = tmp_path / "tiny_detector_w4a4.safetensors"
    model = load_checkpoint(TRACKER, "tiny", path)
    model.detector_trained = Trained("d")
    save_checkpoint(model, path, {"stage": "kept"}, DETECTOR)
    before = load_file(path)
    assert record(["--config", "tiny", "--folder", str(tmp_path)]) == 0
    after, header = load_file(path), read_header(path)
    assert before.keys() == after.keys() and json.loads(header["notes"]) == {"stage": "kept"}
    assert all(torch.equal(before[name], after[name]) for name in before)
    trained = Trained.from_header(header["trained"])
    assert trained.data == "d"
    assert trained.encoder == encoder_hash(load_checkpoint(TRACKER).image_encoder)
    capsys.readouterr()
    assert record(["--config", "tiny", "--folder", str(tmp_path)]) == 0
    assert capsys.readouterr().out == ""  # nothing more to write
    model.detector_trained = replace(trained, encoder=OLD)
    save_checkpoint(model, path, None, DETECTOR)
    assert record(["--config", "tiny", "--folder", str(tmp_path)]) == 2
    assert OLD[:12] in capsys.readouterr().err


def test_a_header_cut_short_is_refused_before_its_weights_are_read(tmp_path):
    whole = TRACKER.read_bytes()
    for length in (0, 7, 500, len(whole) - 1):
        cut = tmp_path / "cut.safetensors"
        cut.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="no readable checkpoint"):
            read_header(cut)


def test_parts_of_unknown_origin_pass_and_others_do_not():
    check_parts({})
    check_parts({"tracker": {"encoder": "a"}, "detector": {}})
    check_parts({"tracker": {"encoder": "a"}, "detector": {"encoder": "a"}})
    with pytest.raises(BundleError, match="DETECTOR=0"):
        check_parts({"tracker": {"encoder": "a"}, "detector": {"encoder": "b"}})


def test_a_bundle_that_marries_strangers_does_not_open(tmp_path):
    shipped = default_bundle("tiny", detector=True)
    shutil.copytree(shipped, tmp_path / "bundle")
    path = tmp_path / "bundle/manifest.json"
    plain = json.loads(path.read_text())
    plain["trained"] = {"tracker": {"encoder": "a" * 64}, "detector": {"encoder": "b" * 64}}
    path.write_text(json.dumps(plain))
    with pytest.raises(BundleError, match="aaaaaaaaaaaa"):
        load_manifest(tmp_path / "bundle")
    assert load_manifest(shipped).without_detector().trained.keys() <= {"tracker"}
