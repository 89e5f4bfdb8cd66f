"""`python -m quant.concepts.train`: train the concept detector on the shipped tracker's frozen,
quantized image encoder: float, then W4A4, resumable at every step.

Views of the images are drawn and encoded once (`quant.concepts.cache`); each stage leaves
`<run>/<stage>.safetensors` and each precision's last `<run>/<config>_detector_<precision>`, which
`quant.training.publish` ships.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from host.devices.registry import default_bundle, open_device
from hw.spec.command_line import given_path
from hw.spec.manifest import load_manifest
from quant.concepts.cache import MAPS, build_views
from quant.concepts.calibration import calibrate_scores
from quant.concepts.data import ConceptData, ConceptSamples, collate, phrase_table
from quant.concepts.module import ConceptModule
from quant.config import FLOAT, PRECISIONS, W4A4, Precision, get_config
from quant.data.concepts.dataset import ConceptImage, load_concepts
from quant.data.concepts.scenes import drawn_scenes
from quant.data.concepts.vocabulary import shipped_vocabulary
from quant.data.listing import file_line
from quant.model.provenance import SHOWN, ProvenanceError, encoder_hash
from quant.model.tracker import (
    CHECKPOINTS,
    DETECTOR,
    Tracker,
    adopt_tracker,
    load_checkpoint,
    load_detector,
    read_header,
    save_checkpoint,
)
from quant.progress import Stages
from quant.runs import DATA, NOTHING, check_settings, digest, file_hash, keep_settings, warn
from quant.training.convert import Calibration, quantized_from_float
from quant.training.fitting import (
    Products,
    add_arguments,
    fit,
    is_done,
    prepare,
    run_command,
    shares_of_run,
    trained_on,
)
from quant.training.recipe import CONCEPT_RECIPES, STEPS_PER_EPOCH, ConceptRecipe, ConceptStage
from quant.training.settle import settle

CALIBRATION_BATCHES = 8


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m quant.concepts.train", description=__doc__)
    add_arguments(parser)
    parser.add_argument(
        "--out", type=given_path, help="folder of the finished detectors (the run's; then publish)"
    )
    parser.add_argument("--tracker", type=given_path, help="quantized tracker (the shipped one)")
    parser.add_argument(
        "--bundle", type=given_path, help="its bundle (the newest of the configuration)"
    )
    parser.add_argument(
        "--start",
        type=given_path,
        help="detector to begin with: float, e.g. of the encoder before, or quantized, which goes "
        "on with the quantized stages",
    )
    return parser.parse_args(argv)


def train(args: argparse.Namespace) -> None:
    """Run the recipe. Raises SamFabricError before any long work on bad input."""
    config, recipe = get_config(args.config), CONCEPT_RECIPES[get_config(args.config).name]
    stages = stages_from(recipe, args.start)
    run = prepare(args, [s.name for s in stages])
    tracker = load_checkpoint(
        args.tracker or CHECKPOINTS / f"{config.name}_{W4A4.name}.safetensors", config.name
    )
    images = [item for item in load_concepts(args.data) if item.split == "train"]
    begin = args.start and start_from(args.start, tracker)
    asked = settings(args, recipe, images, tracker)
    results = [run / f"{stage.name}.safetensors" for stage in stages]
    if args.resume:
        check_settings(run, asked, [*results, run / "views"])
    shares = shares_of_run({stage.name: stage.time for stage in stages}, args.until)
    told = Stages(run, list(shares), list(shares.values()))
    trained = replace(trained_on(asked), encoder=asked["encoder"])
    trained = replace(trained, float_encoder=tracker.trained.float_encoder)
    images += drawn_scenes(recipe.scenes)
    vocabulary = shipped_vocabulary()
    concepts = sorted(frozenset().union(*(item.annotated for item in images)))
    phrases = phrase_table(vocabulary, concepts, run)
    bundle = args.bundle or default_bundle(config.name)
    check_bundle(bundle, tracker)
    device = open_device("golden", bundle)
    made_of = digest([trained.data, trained.encoder, str(recipe.views), str(recipe.scenes)])
    keep_settings(run, asked)
    views = build_views(
        images, concepts, device, run / "views", recipe.views, 1, args.workers, made_of
    )
    device.close()
    if begin is None:
        begin = empty_detector(config.name, PRECISIONS[stages[0].precision])
        known = np.stack([phrases.embed(p) for p in vocabulary.phrases()])
        assert begin.concept_prompts is not None  # it was begun with a detector
        begin.concept_prompts.spread(torch.from_numpy(known))
    model: Tracker = begin
    for stage, result in zip(stages, results, strict=True):
        precision = PRECISIONS[stage.precision]
        count = STEPS_PER_EPOCH * recipe.batch
        seed = sum(stage.name.encode())
        samples = ConceptSamples(views, vocabulary, phrases, count, seed, stage.rarity)
        begun = start_model(precision, model, tracker, samples, recipe.batch)
        if is_done(result, trained, args.resume):
            model = load_detector(begun, result)
        else:
            steps = max(1, round(stage.epochs * args.epochs)) * STEPS_PER_EPOCH
            told.begin(stage.name, f"{stage.precision}, {steps:,} steps of {recipe.batch} images")
            minutes = None if args.minutes is None else args.minutes * shares[stage.name]
            module = ConceptModule(begun, stage.rate)
            data = ConceptData(samples, recipe.batch, args.workers)
            # Codes of 8 bits and more do not tolerate bfloat16 products.
            products: Products = "bf16-mixed" if precision.is_float else "32-true"
            fit(module, data, run, stage.name, stage.epochs, products, args, minutes)
            model = begun
            model.detector_trained = trained
            save_checkpoint(model, result, {"stage": stage.name}, DETECTOR)
            told.end(stage.name)
        if stage is [s for s in stages if s.precision == stage.precision][-1]:
            ship(model, tracker, samples, args.out or run, stage.name)
        if stage.name == args.until:
            break
    told.done()


def settings(
    args: argparse.Namespace,
    recipe: ConceptRecipe,
    images: Sequence[ConceptImage],
    tracker: Tracker,
) -> dict[str, str]:
    """What decides a run's result, by name: compared when the run goes on."""
    lines = sorted(
        f"{file_line(args.data, item.name)} {item.source} {sorted(item.annotated)}"
        for item in images
    )
    return {
        DATA: f"{digest(lines)[:16]} ({len(images)} images)",
        "EPOCHS": f"{args.epochs:g}",
        "MINUTES": NOTHING if args.minutes is None else f"{args.minutes:g}",
        "START": file_hash(args.start),
        "encoder": encoder_hash(tracker.image_encoder),
        "recipe": digest([str(recipe)])[:16],
    }


def check_bundle(bundle: Path, tracker: Tracker) -> None:
    """That a bundle's encoder is the tracker's. Raises ProvenanceError, naming both hashes."""
    said = load_manifest(bundle).trained.get("tracker", {}).get("encoder")
    found = encoder_hash(tracker.image_encoder)
    if said is None:
        warn(f"{bundle} does not say which image encoder it holds; it counts as the tracker's")
    elif said != found:
        raise ProvenanceError(
            f"the bundle {bundle} has image encoder {said[:SHOWN]}, the tracker {found[:SHOWN]}",
            "give `--tracker` and `--bundle` of one model: `python -m quant.export --no-detector "
            "--checkpoint <tracker>`, then `python -m hw.lower`",
        )


def ship(model: Tracker, tracker: Tracker, samples: ConceptSamples, out: Path, stage: str) -> None:
    """Writes a precision's finished checkpoint: settled, where it is quantized, and with scores
    that are probabilities of which 0.5 decides best.
    """
    if not model.precision.is_float:
        print(f"settled {settle(model)} channels clear of rounding")
        adopt_tracker(model, tracker)  # which was settled when it was trained
    gain, offset, before, after = calibrate_scores(model, samples)
    print(f"scores: {gain:.2f} (logit {offset:+.2f}), cgF1 at IoU 0.5 {before:.1f} -> {after:.1f}")
    name = f"{model.config.name}_detector_{model.precision.name}.safetensors"
    save_checkpoint(model, out / name, {"stage": stage}, DETECTOR)


def empty_detector(config: str, precision: Precision) -> Tracker:
    """A model with a detector of random weights."""
    return Tracker(get_config(config), precision, detects=True)


def stages_from(recipe: ConceptRecipe, start: Path | None) -> list[ConceptStage]:
    """Returns the stages that a run goes through: all, or from the first quantized one on where it
    starts with a quantized detector. Raises CheckpointError for a start that cannot be read.
    """
    quantized = start is not None and not precision_of(start).is_float
    return [s for s in recipe.stages if not (quantized and PRECISIONS[s.precision].is_float)]


def precision_of(path: Path) -> Precision:
    """Returns a checkpoint's precision, float where it names none that is known, which loading it
    refuses. Raises CheckpointError.
    """
    return PRECISIONS.get(read_header(path).get("precision", ""), FLOAT)


def start_from(path: Path, tracker: Tracker) -> Tracker:
    """Returns the detector of a checkpoint, a quantized one with the tracker's own weights and
    scales beside it. Raises CheckpointError.
    """
    model = load_detector(empty_detector(tracker.config.name, precision_of(path)), path)
    if not model.precision.is_float:
        adopt_tracker(model, tracker)
    return model


def start_model(
    precision: Precision, previous: Tracker, tracker: Tracker, samples: ConceptSamples, batch: int
) -> Tracker:
    """What a stage begins with: the model that the stage before left, its weights turned into
    integers and calibrated where the precision changes.
    """
    if previous.precision == precision:
        return previous
    model = quantized_from_float(previous, precision)
    adopt_tracker(model, tracker)
    assert model.detector is not None and model.concept_prompts is not None
    with Calibration(model, model.image_encoder) as watch, torch.no_grad():
        for i in range(CALIBRATION_BATCHES):
            items = collate([samples[i * batch + j] for j in range(batch)])
            model.detector(*(items[name] for name in MAPS), *model.concept_prompts.ask(items))
    watch.apply()
    return model


def main(argv: list[str] | None = None) -> int:
    return run_command(train, parse(argv))


if __name__ == "__main__":
    raise SystemExit(main())
