"""The recipe on a small data set: trains, quantizes, resumes, and refuses bad input early."""

import cv2
import numpy as np
import pytest
import torch

from quant.config import FLOAT, W4A4
from quant.model.tracker import load_checkpoint
from quant.training import fitting, train
from quant.training.recipe import RECIPES, Stage

SHORT = (
    Stage("heads", "float", 1, 1e-3, 2, 2, "frozen"),
    Stage("distill", "w4a4", 1, 1e-3, 2, 1, "distill"),
    Stage("quantized", "w4a4", 2, 1e-3, 2, 2, "whole"),
)


@pytest.fixture
def data(tmp_path):
    """A DAVIS-shaped folder of one moving square."""
    rng = np.random.default_rng(0)
    root = tmp_path / "data" / "DAVIS"
    for part in ("JPEGImages/64p/square", "Annotations/64p/square", "ImageSets/64p"):
        (root / part).mkdir(parents=True)
    (root / "ImageSets/64p/train.txt").write_text("square\n")
    ground = rng.integers(0, 255, (64, 96, 3), dtype=np.uint8)
    for t in range(8):
        frame, mask = ground.copy(), np.zeros((64, 96), np.uint8)
        mask[20:44, 8 + 6 * t : 32 + 6 * t] = 255
        frame[mask > 0] = (20, 200, 230)
        cv2.imwrite(str(root / f"JPEGImages/64p/square/{t:05}.jpg"), frame)
        cv2.imwrite(str(root / f"Annotations/64p/square/{t:05}.png"), mask)
    return tmp_path / "data"


@pytest.fixture
def short_recipe(monkeypatch):
    monkeypatch.setitem(RECIPES, "tiny", SHORT)
    monkeypatch.setattr(fitting, "STEPS_PER_EPOCH", 3)


def run(data, tmp_path, *extra):
    out, runs = tmp_path / "out", tmp_path / "run"
    argv = ["--config", "tiny", "--data", str(data), "--run", str(runs), "--out", str(out)]
    return train.main([*argv, "--workers", "0", "--accelerator", "cpu", *extra]), out, runs


def test_recipe_trains_quantizes_and_resumes(data, tmp_path, short_recipe, capsys):
    code, out, runs = run(data, tmp_path, "--until", "heads")
    assert code == 0
    first = (runs / "heads.safetensors").read_bytes()
    code, out, runs = run(data, tmp_path)
    assert code == 0
    assert "stage heads: done" in capsys.readouterr().out
    assert (runs / "heads.safetensors").read_bytes() == first
    float_model = load_checkpoint(out / "tiny_float.safetensors", "tiny")
    quantized = load_checkpoint(out / "tiny_w4a4.safetensors", "tiny")
    assert (float_model.precision, quantized.precision) == (FLOAT, W4A4)
    weight = quantized.memory_encoder.fuse1.conv
    codes = weight.quant_weight().value / weight.quant_weight().scale
    assert codes.abs().max() < 7.001 and torch.allclose(codes, codes.round(), atol=1e-3)
    assert list((runs / "curves").rglob("events.*"))


@pytest.mark.parametrize("name", ["heads", "distill"])
def test_an_interrupted_stage_goes_on_from_its_checkpoint(
    name, data, tmp_path, short_recipe, monkeypatch
):
    """Stopped after its first epoch and started again, a stage ends as if it had never stopped."""
    stages = {
        "heads": (Stage("heads", "float", 2, 1e-3, 2, 2, "frozen"),),
        "distill": (SHORT[0], Stage("distill", "w4a4", 2, 1e-3, 2, 1, "distill")),
    }[name]
    monkeypatch.setitem(RECIPES, "tiny", stages)
    run(data, tmp_path / "whole")
    step = train.TrackerStage.training_step

    def stop(self, batch, index):
        if self.stage is stages[-1] and self.current_epoch == 1:
            raise KeyboardInterrupt
        return step(self, batch, index)

    monkeypatch.setattr(train.TrackerStage, "training_step", stop)
    assert run(data, tmp_path / "cut")[0] == 130
    monkeypatch.setattr(train.TrackerStage, "training_step", step)
    assert run(data, tmp_path / "cut")[0] == 0
    whole, cut = (
        load_checkpoint(tmp_path / place / "run" / f"{name}.safetensors").state_dict()
        for place in ("whole", "cut")
    )
    for key, value in whole.items():
        torch.testing.assert_close(cut[key], value, rtol=1e-3, atol=1e-4, msg=key)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--config", "huge"], "unknown configuration 'huge'"),
        (["--epochs", "0"], "EPOCHS=0"),
        (["--until", "nowhere"], "no stage 'nowhere'"),
        (["--pretrained", "none.tflite"], "no weight file at none.tflite"),
    ],
)
def test_bad_input_is_one_line_and_code_2(data, tmp_path, capsys, extra, message):
    code, out, runs = run(data, tmp_path, *extra)
    error = capsys.readouterr().err
    assert code == 2 and message in error and error.count("\n") == 1
    assert not out.exists() and not runs.exists()


def test_missing_data_is_named(tmp_path, capsys):
    code, *_ = run(tmp_path / "nowhere", tmp_path)
    assert code == 2 and "nowhere" in capsys.readouterr().err
