"""Weights that track worse than copying the first mask say so before anybody scores them."""

import json
import re

import pytest

from quant.config import CONFIGS
from quant.model.tracker import CHECKPOINTS
from quant.scoring import evaluate, recorded


def stop(*_args):
    raise OSError("stop")


@pytest.mark.parametrize("model", ["float", "quantized", "golden", "Float"])
def test_a_shipped_model_that_bad_says_so_in_one_line(model, tmp_path, monkeypatch, capsys):
    """From its recorded score, before any frame is read."""
    monkeypatch.setattr(evaluate, "_chosen", lambda args: [])
    monkeypatch.setattr(
        evaluate, "open_model", lambda *args: (_ for _ in ()).throw(OSError("stop"))
    )
    asked = ["--config", "tiny", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert evaluate.main([*asked, "--model", model]) == 2
    first, last = capsys.readouterr().err.splitlines()
    score = {"float": "1.1"}.get(model.lower(), "21.7")
    assert first.startswith(f"note: tiny {'float' if score == '1.1' else 'w4a4'} is recorded with")
    assert f"J&F {score} on dev, copying the first mask gives 35.8" in first
    assert last == "error: stop"


def test_good_ones_and_files_of_ones_own_say_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(evaluate, "_chosen", lambda args: [])
    monkeypatch.setattr(
        evaluate, "open_model", lambda *args: (_ for _ in ()).throw(OSError("stop"))
    )
    for more in (["--config", "nano"], ["--config", "tiny", "--checkpoint", "mine"]):
        asked = ["--data", str(tmp_path), "--out", str(tmp_path / "out"), *more]
        assert evaluate.main(asked) == 2
        assert capsys.readouterr().err == "error: stop\n"


def test_every_shipped_checkpoint_has_the_score_of_its_card():
    known = json.loads((CHECKPOINTS / recorded.NAME).read_text(encoding="utf-8"))
    assert known.keys() == CONFIGS.keys()
    for name, scores in known.items():
        card = (CHECKPOINTS / f"{name}.md").read_text(encoding="utf-8")
        row = re.search(
            rf"\| {scores['split']} \(\d+ sequences\) \| mask \| (.*?) \| (.*?) \|", card
        )
        assert row is not None
        assert [f"**{scores[p]}**" for p in ("float", "w4a4")] == [
            c.split()[0] for c in row.groups()
        ]


def test_scores_of_one_model_leave_the_others(tmp_path):
    recorded.keep(tmp_path, "tiny", "dev", {"float": 1.14})
    recorded.keep(tmp_path, "nano", "dev2", {"float": 70.0})
    assert recorded.caution(tmp_path, "nano", "float") is None
    assert "J&F 1.1 on dev" in (recorded.caution(tmp_path, "tiny", "float") or "")
    assert recorded.caution(tmp_path, "tiny", "w4a4") is None
    assert recorded.caution(tmp_path / "none", "tiny", "float") is None
