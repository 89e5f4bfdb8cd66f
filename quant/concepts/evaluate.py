"""`python -m quant.concepts.evaluate`: pmF1, IL_MCC and cgF1 of a concept detector on held-out
images, text prompts, by the very session that drives a board.

Every image is asked for each concept that it surely shows, and for as many that it surely does not
(a seeded draw). Concepts that the detector was trained on are asked by their plain name; those with
phrases kept out of training also by each of these, to see how much of the plain name's score a
phrase never seen keeps.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from host.concepts.phrases import Phrases
from host.concepts.session import ConceptSession
from host.device import Device
from host.devices.registry import default_bundle, open_device
from hw.spec.command_line import any_case, data_path, given_path, model_name
from hw.spec.files import atomic_path
from quant.commands import exit_code
from quant.concepts.metrics import ConceptScore, ConceptScores
from quant.config import CONFIGS, PRECISIONS, get_config
from quant.data.concepts.contexts import UNSEEN, in_context
from quant.data.concepts.dataset import ConceptImage, load_concepts
from quant.data.concepts.stills import marks_of
from quant.data.concepts.vocabulary import shipped_vocabulary
from quant.data.errors import DataError
from quant.model.device import TorchDevice
from quant.model.tracker import CHECKPOINTS, load_checkpoint

MODELS = {"float": "float", "quantized": "w4a4", "golden": None}
ENOUGH, ENOUGH_OF = 20, {"voc": 15}
"""Instances of a tag from which its score says something, and where fewer have to do."""
CLASSES = {"voc": marks_of("voc_sbd").exhaustive - {"animal"}}
"""Sources whose own classes are reported, and not the kinds above them."""
BROAD = {"person"} | {kind for c in shipped_vocabulary().concepts.values() for kind in c.kinds}
"""Concepts that hold others, which no label map lists: they count twice, and are easier."""


def evaluate(
    device: Device,
    images: Sequence[ConceptImage],
    phrases: Phrases | None = None,
    seed: int = 0,
    twins: bool = True,
    contexts: bool = False,
) -> ConceptScores:
    """Scores by group: `<source>`, `<source>/<concept>`, and `near/<concept>` for phrases never
    seen beside `twin/<concept>` for the plain name on the same images. contexts: `context/…` does
    the same for the name among other words, which takes the sentence encoder.
    """
    session, vocabulary = ConceptSession(device, phrases), shipped_vocabulary()
    scores, rng = ConceptScores(), np.random.default_rng(seed)
    near = ConceptScores()
    for item in track(images, "scoring", console=Console(stderr=True)):
        image, instances = item.read()
        session.set_image(image)
        shown = sorted(item.present & item.exhaustive)
        absent = [c for c in item.absent if c in vocabulary.concepts]
        vain = rng.permutation(absent)[: len(shown)].tolist() if absent else []
        for concept in (*shown, *vain):
            truth = [i.mask for i in instances if i.concept == concept]
            found = session.detect(vocabulary[concept].train[0], overlapping=True)
            groups = (item.source, f"{item.source}/{concept}")
            score = scores.add(groups, found.masks, found.scores, truth)
            if twins and truth:
                _twins(near, session, "near", vocabulary[concept].near, concept, truth, score)
                if contexts:
                    asked = in_context(vocabulary, concept, UNSEEN)
                    _twins(near, session, "context", asked, concept, truth, score)
    scores.groups |= near.groups
    return scores


def _twins(
    near: ConceptScores,
    session: ConceptSession,
    kind: str,
    phrases: Sequence[str],
    concept: str,
    truth: list,
    score: ConceptScore,
) -> None:
    for phrase in phrases:
        found = session.detect(phrase, overlapping=True)
        near.add((f"{kind}/{concept}/{phrase}", kind), found.masks, found.scores, truth)
        for group in (f"twin/{concept}/{phrase}", f"{kind} twin"):
            near.groups[group] = near.groups.get(group, ConceptScore()) + score


def scored(images: Sequence[ConceptImage], split: str) -> list[ConceptImage]:
    """Images of a split that something is known of. Raises DataError where there is none."""
    chosen = [item for item in images if item.split == split and item.exhaustive]
    if not chosen:
        raise DataError(f"no {split} images", "expected stills with named masks")
    return chosen


def sources_of(scores: ConceptScores) -> list[str]:
    """Sources that were scored, the richest first."""
    tags = {g.split("/")[0] for g in scores.groups if "/" in g} - {"near", "context", "twin"}
    return sorted(tags, key=lambda source: -scores[source].instances)


def frequent(scores: ConceptScores, source: str) -> list[str]:
    """Groups of a source's concepts with instances enough."""
    groups, least = scores.groups.items(), ENOUGH_OF.get(source, ENOUGH)
    return [g for g, s in groups if g.startswith(f"{source}/") and s.instances >= least]


def summary(scores: ConceptScores) -> dict[str, dict[str, Any]]:
    """What is reported, for JSON: by source, the frequent tags alone, and phrases never seen."""
    rows = {name: scores[name] for name in sources_of(scores)}
    rows["all"] = scores.overall
    for source in sources_of(scores):
        tags, least = frequent(scores, source), ENOUGH_OF.get(source, ENOUGH)
        if source in CLASSES:
            own = [g for g in tags if g.split("/")[1] in CLASSES[source]]
            if own:
                rows[f"{source}, classes of {least} and more"] = scores.together(own)
            continue
        if tags:
            rows[f"{source}, tags of {least} and more"] = scores.together(tags)
        narrow = [g for g in tags if g.split("/")[1] not in BROAD]
        if narrow and narrow != tags:
            rows[f"{source}, the narrowest of them"] = scores.together(narrow)
    plain: dict[str, dict[str, Any]] = {name: score.as_dict() for name, score in rows.items()}
    for group in ("near", "near twin", "context", "context twin"):
        if group in scores.groups:
            plain[group] = {"pmf1_50": scores[group].pmf1_50, "pairs": scores[group].pairs}
    tags = [g for g in scores.groups if "/" in g]
    plain["groups"] = {g: scores[g].as_dict() for g in tags}
    return plain


def table_of(scores: ConceptScores) -> Table:
    """Returns the summary of the scores as a table to print."""
    table = Table("set", "pmF1@0.5", "pmF1", "IL_MCC", "cgF1", "instances", "pairs")
    for name, row in summary(scores).items():
        if "cgf1" not in row:
            continue
        numbers = (row[n] for n in ("pmf1_50", "pmf1", "il_mcc"))
        table.add_row(
            name,
            *(f"{n:.3f}" for n in numbers),
            f"{row['cgf1']:.1f}",
            str(row["instances"]),
            str(row["pairs"]),
        )
    return table


def twin_table(scores: ConceptScores, least: int = 5) -> Table:
    """Each phrase never seen beside its concept's plain name."""
    table = Table("concept", "phrase", "pmF1@0.5", "plain name", "share", "instances")
    for group, score in sorted(scores.groups.items()):
        kind, *rest = group.split("/")
        if kind not in ("near", "context") or not rest or score.instances < least:
            continue
        twin = scores["/".join(["twin", *rest])].pmf1_50
        share = f"{score.pmf1_50 / twin:.2f}" if twin else "-"
        table.add_row(*rest, f"{score.pmf1_50:.3f}", f"{twin:.3f}", share, str(score.instances))
    return table


def open_model(model: str, config: str, bundle: Path | None, folder: Path) -> Device:
    """The device of a model name. Raises SamFabricError."""
    precision = MODELS[model]
    if precision is None:
        return open_device("golden", bundle or default_bundle(config, detector=True))
    assert precision in PRECISIONS
    return TorchDevice(
        load_checkpoint(
            folder / f"{config}_{precision}.safetensors",
            config,
            folder / f"{config}_detector_{precision}.safetensors",
        )
    )


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code, 2 on bad input."""
    parser = argparse.ArgumentParser(prog="python -m quant.concepts.evaluate", description=__doc__)
    parser.add_argument(
        "--config", type=model_name, default="nano", help=f"one of {', '.join(CONFIGS)}"
    )
    parser.add_argument(
        "--data", type=data_path, required=True, help="folder with annotated images"
    )
    parser.add_argument(
        "--model", default="golden", type=any_case(MODELS), choices=MODELS, help="(%(default)s)"
    )
    parser.add_argument("--bundle", type=given_path, help="of the golden device")
    parser.add_argument("--checkpoints", type=given_path, default=CHECKPOINTS, help="(%(default)s)")
    parser.add_argument(
        "--split", default="held", type=str.lower, choices=("held", "train"), help="(%(default)s)"
    )
    parser.add_argument("--images", type=int, help="this many, drawn at random")
    parser.add_argument("--out", type=given_path, help="JSON file for the scores")
    parser.add_argument(
        "--contexts", action="store_true", help='also ask with words around the noun ("tiny dog")'
    )
    parser.add_argument("--debug", action="store_true", help="tracebacks")
    args = parser.parse_args(argv)

    def score() -> None:
        config = get_config(args.config).name
        images = scored(load_concepts(args.data), args.split)
        if args.images:
            order = np.random.default_rng(0).permutation(len(images))[: args.images]
            images = [images[i] for i in order]
        device = open_model(args.model, config, args.bundle, args.checkpoints)
        # A checkpoint has no vocabulary beside it, a bundle has.
        phrases = None
        if args.model != "golden":
            phrases = Phrases.build(shipped_vocabulary().phrases())
        scores = evaluate(device, images, phrases, contexts=args.contexts)
        console = Console()
        console.print(f"{config} {args.model}, {args.split}: {len(images)} images")
        console.print(table_of(scores))
        console.print(twin_table(scores))
        if args.out:
            with atomic_path(args.out) as scratch:
                scratch.write_text(json.dumps(summary(scores), indent=1) + "\n", encoding="utf-8")

    return exit_code(score, args.debug)


if __name__ == "__main__":
    sys.exit(main())
