"""What a run found is shipped beside what belongs to it, and nothing else is."""

import shutil

import pytest

from quant.config import FLOAT, get_config
from quant.model.provenance import Trained, encoder_hash
from quant.model.tracker import CHECKPOINTS, Tracker, load_checkpoint, save_checkpoint
from quant.training import publish
from tests.tiny import calibrated


def test_publishing_keeps_a_settled_encoder_and_names_strangers(tmp_path, capsys):
    """An encoder that did not learn since it was shipped stays what its detector was trained on."""
    out, runs = tmp_path / "out", _made(tmp_path / "run")
    floats, codes = Tracker(get_config("tiny"), FLOAT), calibrated("tiny")
    codes.trained = Trained("d", "r", "", encoder_hash(floats.image_encoder))
    save_checkpoint(floats, runs / "whole.safetensors")
    save_checkpoint(codes, runs / "quantized.safetensors")
    for name in ("float", "w4a4"):
        shutil.copy(CHECKPOINTS / f"tiny_detector_{name}.safetensors", _made(out))
    where = ["--config", "tiny", "--out", str(out)]
    assert publish.main([*where, "--run", str(runs)]) == 0
    said = capsys.readouterr().err
    assert said.count("was trained on image encoder") == 2 and "make concepts" in said
    shipped = load_checkpoint(out / "tiny_w4a4.safetensors")
    assert shipped.trained.encoder == encoder_hash(shipped.image_encoder)
    assert shipped.trained.float_encoder == encoder_hash(
        load_checkpoint(out / "tiny_float.safetensors").image_encoder
    )
    later = _made(tmp_path / "later")
    shutil.copy(out / "tiny_w4a4.safetensors", later / "quantized.safetensors")
    assert publish.main([*where, "--run", str(later)]) == 0  # settled again: the heads alone
    again = load_checkpoint(out / "tiny_w4a4.safetensors")
    assert encoder_hash(again.image_encoder) == shipped.trained.encoder
    save_checkpoint(Tracker(get_config("tiny"), FLOAT), later / "whole.safetensors")
    before = (out / "tiny_w4a4.safetensors").read_bytes()
    capsys.readouterr()
    assert publish.main([*where, "--run", str(later)]) == 2
    said = capsys.readouterr().err
    assert shipped.trained.float_encoder[:12] in said and "float_encoder" in said
    assert (out / "tiny_w4a4.safetensors").read_bytes() == before


def _made(folder):
    folder.mkdir(exist_ok=True)
    return folder


@pytest.mark.parametrize(
    ("extra", "message"),
    [([], "no finished stage in"), (["--config", "huge"], "unknown configuration 'huge'")],
)
def test_a_run_without_a_result_ships_nothing(tmp_path, capsys, extra, message):
    places = ["--run", str(tmp_path / "run"), "--out", str(tmp_path / "out")]
    assert publish.main(["--config", "tiny", *places, *extra]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()
