"""`python -m quant.evaluate_concepts`: pmF1, IL_MCC and cgF1 of a concept detector on held-out
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

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from host.concept import ConceptSession
from host.device import Device, default_bundle, open_device
from host.phrases import Phrases
from hw.spec.files import atomic_path
from quant.commands import exit_code
from quant.concept_metrics import ConceptScore, ConceptScores
from quant.config import CONFIGS, PRECISIONS, get_config
from quant.data.concepts import ConceptImage, load_concepts
from quant.data.errors import DataError
from quant.data.vocabulary import Vocabulary, shipped_vocabulary
from quant.device import TorchDevice
from quant.model import CHECKPOINTS, load_checkpoint

MODELS = {"float": "float", "quantized": "w4a4", "golden": None}
SOURCES = ("ccp", "pets")
ENOUGH = 20
"""Instances of a tag from which its score says something."""
BROAD = {"person"} | {kind for c in shipped_vocabulary().concepts.values() for kind in c.kinds}
"""Concepts that hold others, which no label map lists: they count twice, and are easier."""


def evaluate(
    device: Device,
    images: Sequence[ConceptImage],
    phrases: Phrases | None = None,
    seed: int = 0,
    twins: bool = True,
) -> ConceptScores:
    """Scores by group: `<source>`, `<source>/<concept>`, and `near/<concept>` for phrases never
    seen beside `twin/<concept>` for the plain name on the same images.
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
                _twins(near, session, vocabulary, concept, truth, score)
    scores.groups |= near.groups
    return scores


def _twins(
    near: ConceptScores,
    session: ConceptSession,
    vocabulary: Vocabulary,
    concept: str,
    truth: list,
    score: ConceptScore,
) -> None:
    for phrase in vocabulary[concept].near:
        found = session.detect(phrase, overlapping=True)
        near.add((f"near/{concept}/{phrase}", "near"), found.masks, found.scores, truth)
        for group in (f"twin/{concept}/{phrase}", "twin"):
            near.groups[group] = near.groups.get(group, ConceptScore()) + score


def frequent(scores: ConceptScores, source: str) -> list[str]:
    """Groups of a source's concepts with instances enough."""
    groups = scores.groups.items()
    return [g for g, s in groups if g.startswith(f"{source}/") and s.instances >= ENOUGH]


def summary(scores: ConceptScores) -> dict[str, dict]:
    """What is reported, for JSON: by source, the frequent tags alone, and phrases never seen."""
    rows = {name: scores[name] for name in SOURCES if name in scores.groups}
    rows["all"] = scores.overall
    for source in SOURCES:
        tags = frequent(scores, source)
        if tags:
            rows[f"{source}, tags of {ENOUGH} and more"] = scores.together(tags)
        narrow = [g for g in tags if g.split("/")[1] not in BROAD]
        if narrow and narrow != tags:
            rows[f"{source}, the narrowest of them"] = scores.together(narrow)
    plain = {name: score.as_dict() for name, score in rows.items()}
    for group in ("near", "twin"):
        if group in scores.groups:
            plain[group] = {"pmf1_50": scores[group].pmf1_50, "pairs": scores[group].pairs}
    tags = [g for g in scores.groups if "/" in g]
    plain["groups"] = {g: scores[g].as_dict() for g in tags}
    return plain


def table_of(scores: ConceptScores) -> Table:
    """The summary for people."""
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
        if kind != "near" or not rest or score.instances < least:
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
    """Command line; exit code 2 on bad input."""
    parser = argparse.ArgumentParser(prog="python -m quant.evaluate_concepts", description=__doc__)
    parser.add_argument("--config", default="nano", help=f"one of {', '.join(CONFIGS)}")
    parser.add_argument("--data", type=Path, required=True, help="folder with annotated images")
    parser.add_argument("--model", default="golden", choices=MODELS, help="(%(default)s)")
    parser.add_argument("--bundle", type=Path, help="of the golden device")
    parser.add_argument("--checkpoints", type=Path, default=CHECKPOINTS, help="(%(default)s)")
    parser.add_argument("--split", default="held", choices=("held", "train"), help="(%(default)s)")
    parser.add_argument("--images", type=int, help="this many, drawn at random")
    parser.add_argument("--out", type=Path, help="JSON file for the scores")
    parser.add_argument("--debug", action="store_true", help="tracebacks")
    args = parser.parse_args(argv)

    def score() -> None:
        config = get_config(args.config).name
        images = [
            i for i in load_concepts(args.data) if i.split == args.split and i.source in SOURCES
        ]
        if not images:
            raise DataError(f"no {args.split} images in {args.data}", "expected ccp or pets")
        if args.images:
            order = np.random.default_rng(0).permutation(len(images))[: args.images]
            images = [images[i] for i in order]
        device = open_model(args.model, config, args.bundle, args.checkpoints)
        # A checkpoint has no vocabulary beside it, a bundle has.
        phrases = None
        if args.model != "golden":
            phrases = Phrases.build(shipped_vocabulary().phrases())
        scores = evaluate(device, images, phrases)
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
