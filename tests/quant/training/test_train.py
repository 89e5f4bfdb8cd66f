"""The recipe on a small data set: trains, quantizes, resumes, and refuses bad input early."""

import re
import shutil

import pytest
import torch

from quant import progress
from quant.config import FLOAT, W4A4
from quant.model.provenance import Trained, encoder_hash
from quant.model.tracker import (
    CHECKPOINTS,
    load_checkpoint,
    read_header,
)
from quant.training import fitting, publish, train
from quant.training.recipe import RECIPES, Stage
from tests.quant.training.short import SHORT, run

CODES = CHECKPOINTS / "tiny_w4a4.safetensors"


def test_recipe_trains_quantizes_and_resumes(data, tmp_path, short_recipe, capsys):
    code, runs = run(data, tmp_path, "--until", "whole")
    assert code == 0
    first = (runs / "whole.safetensors").read_bytes()
    code, runs = run(data, tmp_path)
    assert code == 0
    assert "stage whole: done" in capsys.readouterr().out
    assert (runs / "whole.safetensors").read_bytes() == first
    out = tmp_path / "out"
    assert publish.main(["--config", "tiny", "--run", str(runs), "--out", str(out)]) == 0
    shipped = [out / "tiny_float.safetensors", out / "tiny_w4a4.safetensors"]
    said = capsys.readouterr().out
    assert "clear of rounding" in said and all(str(path) in said for path in shipped)
    longer = load_checkpoint(runs / "longer.safetensors", "tiny").state_dict()
    published = load_checkpoint(shipped[0], "tiny").state_dict()
    assert all(torch.equal(published[name], value) for name, value in longer.items())
    float_model = load_checkpoint(out / "tiny_float.safetensors", "tiny")
    quantized = load_checkpoint(out / "tiny_w4a4.safetensors", "tiny")
    assert (float_model.precision, quantized.precision) == (FLOAT, W4A4)
    weight = quantized.memory_encoder.fuse1.conv
    codes = weight.quant_weight().value / weight.quant_weight().scale
    assert codes.abs().max() < 7.001 and torch.allclose(codes, codes.round(), atol=1e-3)
    assert list((runs / "curves").rglob("events.*"))


def test_a_frozen_image_encoder_stays_to_the_bit(data, tmp_path, short_recipe, monkeypatch):
    """A detector is trained on its codes meanwhile."""
    heads = Stage("heads", "w4a4", 2, 1e-3, 2, 2, "frozen", settled=True)
    monkeypatch.setitem(RECIPES, "tiny", (*SHORT, heads))
    code, runs = run(data, tmp_path)
    assert code == 0
    before, after = (
        load_checkpoint(runs / f"{name}.safetensors", "tiny") for name in ("quantized", "heads")
    )
    now = after.image_encoder.state_dict()
    assert all(torch.equal(v, now[k]) for k, v in before.image_encoder.state_dict().items())
    assert encoder_hash(before.image_encoder) == encoder_hash(after.image_encoder)
    heads_moved = zip(
        before.mask_decoder.parameters(), after.mask_decoder.parameters(), strict=True
    )
    assert any(not torch.equal(a, b) for a, b in heads_moved)


def test_a_run_of_fixed_time_ends_each_stage_after_its_share(data, tmp_path, monkeypatch):
    stage = Stage("whole", "float", 1000, 1e-3, 2, 2, "whole", share=0.5)
    monkeypatch.setitem(RECIPES, "tiny", (stage,))
    monkeypatch.setattr(fitting, "STEPS_PER_EPOCH", 3)
    extra = ("--minutes", "0.1", "--pool", "8", "--snapshots", "1")
    code, runs = run(data, tmp_path, *extra)
    assert code == 0 and (runs / "whole.safetensors").exists()
    kept = sorted((runs / "whole").glob("step-*.safetensors"))
    assert 0 < len(kept) < 1000
    assert load_checkpoint(kept[0], "tiny").precision == FLOAT


def test_a_stage_of_fixed_time_goes_on_with_the_time_that_is_left(data, tmp_path, monkeypatch):
    """An interrupted stage neither begins its rate anew nor trains for longer than was asked."""
    stage = Stage("whole", "float", 1000, 1e-3, 2, 2, "whole")
    monkeypatch.setitem(RECIPES, "tiny", (stage,))
    monkeypatch.setattr(fitting, "STEPS_PER_EPOCH", 3)
    step, taken = train.TrackerStage.training_step, []

    def stop(self, batch, index):
        timer, schedule = progress.stage_timer(self.trainer), self.lr_schedulers()
        assert timer is not None
        taken.append((timer.time_elapsed(), schedule.lr_lambdas[0].__self__.at(0)))
        if len(taken) % 5 == 0:
            raise KeyboardInterrupt
        return step(self, batch, index)

    monkeypatch.setattr(train.TrackerStage, "training_step", stop)
    extra = ("--minutes", "30", "--pool", "8")
    assert [run(data, tmp_path, *extra)[0] for _ in range(2)] == [130, 130]
    assert len(taken) == 10
    kept, resumed = taken[2][0], taken[5]  # the checkpoint is of the end of three steps
    assert resumed[0] >= kept > 0
    for seconds, share in taken:
        assert share == pytest.approx(seconds / 1800, abs=1e-3)


@pytest.mark.parametrize("name", ["whole", "distill"])
def test_an_interrupted_stage_goes_on_from_its_checkpoint(
    name, data, tmp_path, short_recipe, monkeypatch
):
    """Stopped after its first epoch and started again, a stage ends as if it had never stopped."""
    stages = {
        "whole": (Stage("whole", "float", 2, 1e-3, 2, 2, "whole"),),
        "distill": (SHORT[0], Stage("distill", "w4a4", 2, 1e-3, 2, 1, "distill")),
    }[name]
    monkeypatch.setitem(RECIPES, "tiny", stages)
    run(data, tmp_path / "whole")
    step = train.TrackerStage.training_step

    def stop(self, batch, index):
        if self.stage == stages[-1] and self.current_epoch == 1:
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


@pytest.fixture
def one_stage(monkeypatch):
    monkeypatch.setitem(RECIPES, "tiny", (Stage("whole", "float", 3, 1e-3, 2, 2, "whole"),))
    monkeypatch.setattr(fitting, "STEPS_PER_EPOCH", 1)


def test_a_finished_run_says_what_is_asked_otherwise(data, tmp_path, one_stage, capsys):
    """Other data or another recipe are no "done"; to begin anew or elsewhere is allowed."""
    assert run(data, tmp_path)[0] == 0
    first = (tmp_path / "run/whole.safetensors").read_bytes()
    trained = Trained.from_header(read_header(tmp_path / "run/whole.safetensors")["trained"])
    assert trained.data and trained.recipe
    capsys.readouterr()
    assert run(data, tmp_path, "--epochs", "2")[0] == 2
    said = capsys.readouterr().err
    assert "EPOCHS was 1, now 2" in said and "RESUME=0" in said and said.count("\n") == 1
    moved = tmp_path / "elsewhere"
    shutil.copytree(data, moved)
    assert run(moved, tmp_path)[0] == 0  # the same data, wherever it lies
    (moved / "DAVIS/Annotations/64p/square/00007.png").unlink()
    assert run(moved, tmp_path)[0] == 2
    assert "DATA was " in capsys.readouterr().err
    assert (tmp_path / "run/whole.safetensors").read_bytes() == first
    (tmp_path / "run/run.json").unlink()  # a run from before settings were kept
    assert run(data, tmp_path)[0] == 0
    assert "does not say on which data" in capsys.readouterr().err
    assert run(moved, tmp_path)[0] == 2  # its result does say it
    assert "whole.safetensors was trained with data" in capsys.readouterr().err
    assert run(moved, tmp_path, "--no-resume")[0] == 0
    again = Trained.from_header(read_header(tmp_path / "run/whole.safetensors")["trained"])
    assert again.data != trained.data and again.recipe == trained.recipe
    (tmp_path / "run/run.json").write_text("[")
    assert run(moved, tmp_path)[0] == 2
    assert "run.json cannot be read" in capsys.readouterr().err


def test_a_result_cut_short_goes_on_from_the_last_whole_checkpoint(
    data, tmp_path, one_stage, capsys
):
    assert run(data, tmp_path)[0] == 0
    result = tmp_path / "run/whole.safetensors"
    first = load_checkpoint(result).state_dict()
    kept = sorted((tmp_path / "run/whole").glob("*.ckpt"))
    assert len(kept) == 2
    result.write_bytes(result.read_bytes()[:-100])
    capsys.readouterr()
    assert run(data, tmp_path)[0] == 0  # at the stage's end already: nothing is left to train
    said = capsys.readouterr().out
    assert "stage whole goes on from its last whole checkpoint" in said
    for name, value in load_checkpoint(result).state_dict().items():
        torch.testing.assert_close(value, first[name], msg=name)
    for broken in (lambda b: b[: len(b) // 2], lambda b: b[:999] + bytes([b[999] ^ 1]) + b[1000:]):
        result.write_bytes(b"")
        newest = max((tmp_path / "run/whole").glob("*.ckpt"), key=lambda p: p.stat().st_mtime_ns)
        newest.write_bytes(broken(newest.read_bytes()))
        assert run(data, tmp_path)[0] == 0
        said = capsys.readouterr().out
        assert f"{newest.resolve()} is cut short or damaged" in said
        for name, value in load_checkpoint(result).state_dict().items():
            torch.testing.assert_close(value, first[name], rtol=1e-3, atol=1e-4, msg=name)


def test_a_run_whose_checkpoints_are_all_cut_short_begins_its_stage_anew(
    data, tmp_path, one_stage, capsys
):
    folder = tmp_path / "run/whole"
    folder.mkdir(parents=True)
    (folder / "newest.ckpt").write_bytes(b"PK")
    (folder / "last.ckpt").symlink_to(folder / "newest.ckpt")
    assert run(data, tmp_path)[0] == 0
    assert "newest.ckpt is cut short" in capsys.readouterr().out
    assert load_checkpoint(tmp_path / "run/whole.safetensors", "tiny").precision == FLOAT


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--config", "huge"], "unknown configuration 'huge'"),
        (["--epochs", "0"], "EPOCHS=0"),
        (["--until", "nowhere"], "no stage 'nowhere'"),
        (["--seed", "-1"], "--seed -1"),
        (["--rate", "0"], "--rate 0"),
        (["--rate", "nan"], "--rate nan"),
        (["--pretrained", "none.tflite"], "no weight file at none.tflite"),
        (["--from", "nowhere"], "no stage 'nowhere'"),
        (["--from", "quantized"], "--from quantized without weights"),
        (["--start", str(CODES)], "stage whole is float"),
        (
            ["--from", "quantized", "--start", str(CODES), "--until", "whole"],
            "no stage 'whole'",
        ),
    ],
)
def test_bad_input_is_one_line_and_code_2(data, tmp_path, capsys, extra, message):
    code, runs = run(data, tmp_path, *extra)
    error = capsys.readouterr().err
    assert code == 2 and message in error and error.count("\n") == 1
    assert not runs.exists()


def test_missing_data_is_named(tmp_path, capsys):
    code, *_ = run(tmp_path / "nowhere", tmp_path)
    assert code == 2 and "nowhere" in capsys.readouterr().err


def test_a_run_names_its_stages_and_where_results_lie(data, tmp_path, short_recipe, capfd):
    """With their number and the time left; Lightning's banners, tips and warnings are left out."""
    code, runs = run(data, tmp_path, "--until", "longer")
    assert code == 0
    said = capfd.readouterr()
    lines = said.out.splitlines()
    assert f"run {runs}: 4 stages, whole, longer, distill, quantized" in lines
    (first,) = (n for n, line in enumerate(lines) if line.startswith("stage 1 of 4: whole (float,"))
    assert f"result {runs / 'whole.safetensors'}" in lines[first + 1]
    (second,) = (line for line in lines if line.startswith("stage 2 of 4: longer (float,"))
    assert re.search(r"about \d+ (s|min) left of the run$", second)
    assert lines[-1] == f"done: results and curves in {runs}"
    assert "stage_left=" in said.out
    for noise in ("GPU", "TPU", "Tip", "litlogger", "not empty", "train_dataloader", "max_epochs"):
        assert noise not in said.out + said.err, noise


def test_the_time_left_of_a_run_is_that_of_the_stages_so_far(tmp_path, monkeypatch):
    clock = iter([0.0, 10.0, 70.0, 100.0, 101.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    told = progress.Stages(tmp_path, ["a", "b", "c"], [1.0, 2.0, 1.0])
    assert told.left(0) is None
    told.begin("a", "x")
    told.end("a")
    assert told.left(1) == pytest.approx(60.0 / 1.0 * 3.0)
    assert [progress.duration(s) for s in (5, 89, 720, 11100)] == [
        "5 s",
        "89 s",
        "12 min",
        "3 h 05 min",
    ]


@pytest.mark.parametrize("given", ["", " "])
def test_no_data_is_told_before_anything_else(given, capsys):
    with pytest.raises(SystemExit, match="2"):
        train.main(["--config", "Tiny", "--data", given])
    assert "no data is named: give DATA=folder" in capsys.readouterr().err


def test_data_below_home_and_a_name_in_upper_case(data, tmp_path, short_recipe, monkeypatch):
    monkeypatch.setenv("HOME", str(data.parent))
    args = train.parse(["--config", "TINY", "--data", "~/data", "--run", "~/run"])
    assert (args.config, args.data, args.run) == ("tiny", data, data.parent / "run")
