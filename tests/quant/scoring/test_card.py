"""The model card holds the figures that scoring gives."""

import json
from dataclasses import replace

import cv2
import numpy as np
import torch

from quant.config import FLOAT, W4A4, get_config
from quant.data import open_dataset
from quant.model.device import TorchDevice
from quant.model.tracker import Tracker, save_checkpoint
from quant.scoring.card import DATA_LICENCES, PROMPTS, main, score
from quant.scoring.sequence import score_sequence
from quant.training.convert import quantized_from_float


def write_davis(root):
    rng = np.random.default_rng(0)
    for part in ("JPEGImages/64p/square", "Annotations/64p/square", "ImageSets/64p"):
        (root / part).mkdir(parents=True)
    for split in ("train", "dev"):
        (root / f"ImageSets/64p/{split}.txt").write_text("square\n")
    for t in range(4):
        mask = np.zeros((64, 96), np.uint8)
        mask[20:44, 8 + 3 * t : 32 + 3 * t] = 255
        frame = rng.integers(0, 255, (64, 96, 3), dtype=np.uint8)
        cv2.imwrite(str(root / f"JPEGImages/64p/square/{t:05}.jpg"), frame)
        cv2.imwrite(str(root / f"Annotations/64p/square/{t:05}.png"), mask)


def test_every_row_of_the_licences_is_a_row_of_a_table():
    table, _, rest = DATA_LICENCES.partition("\n\n")
    assert all(row.count("|") == 4 and row.endswith("|") for row in table.splitlines())
    assert rest.startswith("The weights inherit")


def test_card(tmp_path, capsys):
    torch.manual_seed(0)
    model = Tracker(get_config("tiny"), FLOAT).eval()
    save_checkpoint(model, tmp_path / "tiny_float.safetensors")
    save_checkpoint(quantized_from_float(model, W4A4), tmp_path / "tiny_w4a4.safetensors")
    write_davis(tmp_path / "data")
    argv = ["--config", "tiny", "--data", str(tmp_path / "data"), "--checkpoints", str(tmp_path)]
    assert main(argv) == 0
    card = (tmp_path / "tiny.md").read_text()
    device = TorchDevice.from_checkpoint(tmp_path / "tiny_float.safetensors")
    expected = score(device, open_dataset(tmp_path / "data", "dev"), "mask")
    assert f"| dev (1 sequences) | mask | {expected} |" in card
    assert card.count("| dev (1 sequences) |") == 4 and card.count("| train (1 sequences) |") == 1
    assert "CC BY-NC 4.0" in card and "whole | float" in card
    kept = json.loads((tmp_path / "scores.json").read_text())["tiny"]
    assert kept["split"] == "dev" and expected.startswith(f"**{kept['float']}**")
    assert 0 <= kept["w4a4"] <= 100
    assert "## Curve" not in card and "dev2" not in card
    assert main([*argv, "--splits", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_dev2_and_the_curve_are_on_the_card(tmp_path, monkeypatch, capsys):
    torch.manual_seed(0)
    model = Tracker(get_config("tiny"), FLOAT).eval()
    save_checkpoint(model, tmp_path / "tiny_float.safetensors")
    save_checkpoint(quantized_from_float(model, W4A4), tmp_path / "tiny_w4a4.safetensors")
    data = tmp_path / "data"
    write_davis(data / "DAVIS")
    (data / "videos").mkdir()
    (data / "stills").mkdir()
    (held,) = open_dataset(data / "DAVIS", "dev")
    monkeypatch.setattr(
        "quant.scoring.card.open_dataset",
        lambda root, split: (
            [replace(held, kind="crowd")] if split == "dev2" else open_dataset(root, split)
        ),
    )
    (tmp_path / "run").mkdir()
    argv = ["--config", "tiny", "--data", str(data), "--checkpoints", str(tmp_path)]
    argv += ["--splits", "dev", "--run", str(tmp_path / "run")]
    assert main(argv) == 2
    assert "no curve.csv" in capsys.readouterr().err
    (tmp_path / "run" / "curve.csv").write_text("step,stage,jf\n100,heads,40\n")
    assert main(argv) == 0
    card = (tmp_path / "tiny.md").read_text()
    device = TorchDevice.from_checkpoint(tmp_path / "tiny_w4a4.safetensors")
    expected = [f"{100 * score_sequence(device, held, p).jf:.1f}" for p in PROMPTS]
    assert f"| crowd | 1 | {' | '.join(expected)} |" in card
    assert f"| large objects (from 5 %) | 1 | {' | '.join(expected)} |" in card
    assert "| masks after an empty prompt: % of frames |  | 0.0 (0/4) | - | - | - |" in card
    assert "| heads | 100 | 40.0 | 40.0 |" in card
