"""Which stage a run begins with, and from which weights."""

import json

import pytest
import torch

from quant.config import FLOAT, get_config
from quant.model.provenance import encoder_hash
from quant.model.tracker import CHECKPOINTS, Tracker, load_checkpoint, save_checkpoint
from quant.runs import file_hash
from quant.training import publish
from quant.training.convert import float_from_quantized
from quant.training.recipe import RECIPES, Stage
from tests.quant.training.short import SHORT, run
from tests.tiny import calibrated

DETECTOR = "tiny_detector_w4a4.safetensors"
FLOATS, CODES = (CHECKPOINTS / f"tiny_{name}.safetensors" for name in ("float", "w4a4"))
BACK = Stage("back", "float", 1, 1e-3, 2, 2, "frozen", settled=True)


@pytest.fixture
def with_back(short_recipe, monkeypatch):
    """The recipe of a few steps ends with a float stage, which takes quantized heads back."""
    monkeypatch.setitem(RECIPES, "tiny", (*SHORT, BACK))


def test_a_run_can_begin_with_a_later_stage(data, tmp_path, short_recipe, monkeypatch, capsys):
    """From shipped weights the heads go on learning, and what is published fits their detector."""
    heads = Stage("heads", "w4a4", 1, 1e-3, 2, 2, "frozen", settled=True)
    monkeypatch.setitem(RECIPES, "tiny", (*SHORT, heads))
    start = CHECKPOINTS / "tiny_w4a4.safetensors"
    code, runs = run(data, tmp_path, "--start", str(start), "--from", "heads")
    assert code == 0 and [path.stem for path in runs.glob("*.safetensors")] == ["heads"]
    assert publish.main(["--config", "tiny", "--run", str(runs), "--out", str(tmp_path)]) == 0
    before, after = (load_checkpoint(p, "tiny") for p in (start, tmp_path / start.name))
    assert encoder_hash(before.image_encoder) == encoder_hash(after.image_encoder)
    assert after.trained.float_encoder == before.trained.float_encoder
    assert load_checkpoint(tmp_path / start.name, "tiny", CHECKPOINTS / DETECTOR)
    capsys.readouterr()
    assert run(data, tmp_path)[0] == 2
    assert "from was heads, now " in capsys.readouterr().err

    # Half way back to where they began: in each weight, and the encoder to the bit.
    where = ["--config", "tiny", "--run", str(runs), "--out", str(tmp_path / "half")]
    assert publish.main([*where, "--average", str(start)]) == 0
    half = load_checkpoint(tmp_path / "half" / start.name, "tiny")
    assert encoder_hash(half.image_encoder) == encoder_hash(before.image_encoder)
    ends = [m.mask_decoder.state_dict() for m in (before, after, half)]
    weights = [name for name in ends[0] if name.endswith("conv.weight")]
    assert any(not torch.equal(ends[0][name], ends[1][name]) for name in weights)
    for name in weights:
        torch.testing.assert_close(ends[2][name], (ends[0][name] + ends[1][name]) / 2)
    capsys.readouterr()
    assert publish.main([*where, "--average", str(FLOATS)]) == 2
    assert "is float, the run's weights w4a4" in capsys.readouterr().err
    save_checkpoint(calibrated("tiny"), tmp_path / "other.safetensors")
    assert publish.main([*where, "--average", str(tmp_path / "other.safetensors")]) == 2
    assert "other.safetensors has the image encoder" in capsys.readouterr().err
    # Unless the run began with it, and its encoder went on learning.
    told = json.loads((runs / "run.json").read_text())
    told["START"] = file_hash(tmp_path / "other.safetensors")
    (runs / "run.json").write_text(json.dumps(told))
    assert publish.main([*where, "--average", str(tmp_path / "other.safetensors")]) == 0


def test_a_float_stage_takes_the_heads_back_and_keeps_its_encoder(data, tmp_path, with_back):
    """So a float detector stays valid, and what is published belongs to the quantized weights."""
    code, runs = run(data, tmp_path, "--start", str(CODES), "--from", "back")
    assert code == 0
    before, codes, after = (
        load_checkpoint(path, "tiny") for path in (FLOATS, CODES, runs / "back.safetensors")
    )
    assert after.precision == FLOAT
    assert encoder_hash(after.image_encoder) == encoder_hash(before.image_encoder)
    weights = zip(
        (m for m in codes.mask_decoder.modules() if hasattr(m, "weight_levels")),
        (m for m in after.mask_decoder.modules() if hasattr(m, "weight_levels")),
        strict=True,
    )
    moved = [
        float((a.conv.quant_weight().value - b.conv.weight).detach().abs().max())
        for a, b in weights
    ]
    assert 0 < max(moved) < 0.05  # three steps from where the quantized ones are
    assert publish.main(["--config", "tiny", "--run", str(runs), "--out", str(tmp_path)]) == 0
    shipped = load_checkpoint(tmp_path / FLOATS.name, "tiny")
    assert encoder_hash(shipped.image_encoder) == codes.trained.float_encoder

    # Half way back to where it began: what the quantized heads are in float.
    where = ["--config", "tiny", "--run", str(runs), "--out", str(tmp_path / "half")]
    assert publish.main([*where, "--average", str(CODES)]) == 0
    half = load_checkpoint(tmp_path / "half" / FLOATS.name, "tiny")
    assert encoder_hash(half.image_encoder) == codes.trained.float_encoder
    began = float_from_quantized(codes, before).mask_decoder.state_dict()
    ends = half.mask_decoder.state_dict()
    for name, value in after.mask_decoder.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(ends[name], (value + began[name]) / 2, msg=name)


def test_a_whole_recipe_ends_with_the_float_heads(data, tmp_path, with_back):
    code, runs = run(data, tmp_path)
    assert code == 0
    longer, back = (load_checkpoint(runs / f"{n}.safetensors", "tiny") for n in ("longer", "back"))
    assert encoder_hash(back.image_encoder) == encoder_hash(longer.image_encoder)
    out = tmp_path / "out"
    assert publish.main(["--config", "tiny", "--run", str(runs), "--out", str(out)]) == 0
    shipped = load_checkpoint(out / FLOATS.name, "tiny").mask_decoder.state_dict()
    for name, value in back.mask_decoder.state_dict().items():
        assert torch.equal(shipped[name], value)


def test_distilling_begins_with_float_weights_too(data, tmp_path, with_back):
    where = ["--start", str(FLOATS), "--from", "distill", "--until", "distill"]
    code, runs = run(data, tmp_path, *where)
    assert code == 0
    after = load_checkpoint(runs / "distill.safetensors", "tiny")
    assert not after.precision.is_float
    floats = load_checkpoint(FLOATS, "tiny")
    assert after.trained.float_encoder == encoder_hash(floats.image_encoder)


def test_quantized_weights_need_the_floats_that_they_were_made_from(
    data, tmp_path, with_back, capsys
):
    stranger = tmp_path / "stranger.safetensors"
    save_checkpoint(Tracker(get_config("tiny"), FLOAT), stranger)
    given = ["--start", str(CODES), "--from", "quantized", "--float", str(stranger)]
    code, runs = run(data, tmp_path, *given)
    said = capsys.readouterr().err
    assert code == 2 and said.count("\n") == 1 and not runs.exists()
    assert load_checkpoint(CODES, "tiny").trained.float_encoder[:12] in said and "--float" in said
    assert run(data, tmp_path, *given, "--until", "quantized")[0] == 0  # no stage asks for them


def test_quantized_weights_do_not_begin_a_recipe(data, tmp_path, with_back, capsys):
    code, runs = run(data, tmp_path, "--start", str(CODES))
    assert code == 2 and "stage whole is float" in capsys.readouterr().err
    assert not runs.exists()
