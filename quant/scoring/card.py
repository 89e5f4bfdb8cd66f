"""`python -m quant.scoring.card`: score a configuration's checkpoints and write its model card.

The card says what the weights are, what they were trained on and under which licences, the recipe,
J&F on the named splits for each kind of prompt, float beside quantized, W4A4 on dev2 by kind of
clip, size and event where the data hold it, and the curve of the training run where its folder
does. Scores come from `quant.scoring.sequence`, so through the session that drives a board.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from rich.progress import Progress
from rich.progress import track as track_progress

from host.device import Device
from host.devices.registry import open_device
from hw.spec.command_line import data_path, given_path, model_name
from hw.spec.errors import SpecError
from hw.spec.files import atomic_path
from hw.spec.manifest import GRAPHS
from quant.commands import exit_code
from quant.config import CONFIGS, ModelConfig, get_config
from quant.data import VideoSequence, open_dataset
from quant.data.dev2 import NAME as DEV2
from quant.data.dev2 import is_dev2
from quant.model.device import TorchDevice
from quant.model.tracker import CHECKPOINTS, Tracker
from quant.scoring.curve import FILE as CURVE
from quant.scoring.curve import curve_section, read_curve
from quant.scoring.evaluate import evaluate_sequence
from quant.scoring.evaluate_report import Reports, summarize, summary_rows
from quant.scoring.metrics import SequenceScore, benchmark_mean
from quant.scoring.recorded import keep
from quant.scoring.sequence import score_sequence
from quant.training.recipe import RECIPES, STEPS_PER_EPOCH

PRECISIONS = ("float", "w4a4")
PROMPTS = ("mask", "box", "click1", "click3")
DATA_LICENCES = """| data | used as | licence as published |
|---|---|---|
| DAVIS-2017, 24 training videos at 256p | clips with one merged foreground | CC BY-NC 4.0; 8 \
sequences keep YouTube terms |
| Xiph clips with Chen & Corso's labels | clips | clips free to redistribute; labels: cite |
| SegTrack v2, YouTube-Objects | clips | research |
| YouTube-VOS scenes | clips | non-commercial |
| CDnet highway | clips of a fixed camera | academic use |
| Pascal VOC with SBD's masks | animated stills | photos under Flickr terms, research; SBD: cite |
| COCO, 418 photos | animated stills | annotations CC BY 4.0; photos each their own, many NC or ND |
| COCO val2017, one person in each | animated stills | the same |
| SYSU-Shape | animated stills | cite (Lin et al. 2014) |
| Caltech-101, 24 classes | animated stills | CC BY 4.0 |
| Weizmann horses | animated stills | research (Borenstein & Ullman) |
| cars with parts | animated stills | cite (Pasupa et al. 2021) |
| CamVid | animated stills | research, non-commercial |
| Clothing Co-Parsing | animated stills | Apache-2.0 |
| Oxford-IIIT Pet (three breeds) | animated stills | CC BY-SA 4.0 |
| COCO train2017, first 128 images | animated stills | annotations CC BY 4.0, images under Flickr \
terms |
| DeepLabv3-MobileNetV2 on VOC (TFLite) | start of the image encoder | Apache-2.0 |

The weights inherit the strictest of these: research use, not commercial."""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m quant.scoring.card", description=__doc__)
    parser.add_argument(
        "--config", type=model_name, default="nano", help=f"one of {', '.join(CONFIGS)}"
    )
    parser.add_argument("--data", type=data_path, required=True, help="videos to score on")
    parser.add_argument("--splits", default="train,dev", help="splits to score (%(default)s)")
    parser.add_argument(
        "--run", type=given_path, help="training run whose curve.csv is shown (runs/<config>)"
    )
    parser.add_argument(
        "--bundle", type=given_path, help="score W4A4 on this bundle's golden device"
    )
    parser.add_argument("--checkpoints", type=given_path, default=CHECKPOINTS, help="(%(default)s)")
    parser.add_argument("--debug", action="store_true", help="tracebacks")
    args = parser.parse_args(argv)

    def write() -> None:
        config, splits = get_config(args.config), args.splits.split(",")
        if args.run is not None and not (args.run / CURVE).is_file():
            raise SpecError(f"no {CURVE} in {args.run}", "name a run that has one, or leave it out")
        run = args.run or Path("runs") / config.name
        path = write_card(config, args.data, splits, args.checkpoints, args.bundle, run)
        print(f"card: {path}")

    return exit_code(write, args.debug)


def write_card(
    config: ModelConfig,
    data: Path,
    splits: list[str],
    folder: Path,
    bundle: Path | None = None,
    run: Path | None = None,
) -> Path:
    """Score float and quantized checkpoints and write `<folder>/<config>.md`; returns its path.

    bundle: of the same weights, for its golden device; equal to the bit and ten times as fast.
    run: folder of the training run, whose curve is shown. Raises SamFabricError.
    """
    curve = curve_section(read_curve(run)) if run is not None else []
    networks = {
        p: TorchDevice.from_checkpoint(folder / f"{config.name}_{p}.safetensors", config.name)
        for p in PRECISIONS
    }
    model = networks["float"].model
    devices: dict[str, Device] = dict(networks)
    if bundle is not None:
        devices["w4a4"] = open_device("golden", bundle)
    sets = {split: open_dataset(data, split) for split in splits}
    # The last split gets every prompt; the others, which were trained on, the mask prompt only.
    wanted = [(s, p) for s in splits for p in (PROMPTS if s == splits[-1] else PROMPTS[:1])]
    rows, held = [], dict[str, float]()
    with Progress() as progress:
        task = progress.add_task("scoring", total=len(wanted) * len(PRECISIONS))
        for split, prompt in wanted:
            cells = [f"{split} ({len(sets[split])} sequences)", prompt]
            for name, device in devices.items():
                mean = mean_score(device, sets[split], prompt)
                cells.append(_cell(mean))
                if (split, prompt) == (splits[-1], PROMPTS[0]):
                    held[name] = 100 * mean.jf
                progress.advance(task)
            rows.append("| " + " | ".join(cells) + " |")
    more = []
    if is_dev2(data, DEV2):
        more = dev2_section(devices["w4a4"], open_dataset(data, DEV2))
    text = render(config, model, rows, folder, [*more, *curve])
    path = folder / f"{config.name}.md"
    with atomic_path(path) as scratch:
        scratch.write_text(text)
    keep(folder, config.name, splits[-1], held)
    return path


def score(device: Device, sequences: list[VideoSequence], prompt: str) -> str:
    """J&F (J, F) of one model and prompt, in per cent."""
    return _cell(mean_score(device, sequences, prompt))


def mean_score(device: Device, sequences: list[VideoSequence], prompt: str) -> SequenceScore:
    """The mean of one model and prompt."""
    return benchmark_mean(score_sequence(device, s, prompt) for s in sequences)


def _cell(mean: SequenceScore) -> str:
    return f"**{100 * mean.jf:.1f}** ({100 * mean.j:.1f}, {100 * mean.f:.1f})"


def dev2_section(device: Device, sequences: list[VideoSequence]) -> list[str]:
    """Lines of Markdown: all measures of a model on dev2, a column a kind of prompt."""
    reports: Reports = {prompt: [] for prompt in PROMPTS}
    for sequence in track_progress(sequences, description="dev2"):
        for prompt, report in evaluate_sequence(device, sequence, PROMPTS).items():
            reports[prompt].append(report)
    summaries = [summarize(found) for found in reports.values()]
    mean = [f"**{100 * summary.mean.jf:.1f}**" for summary in summaries]
    objects = str(len(summaries[0].mean.objects))
    rows = [("all objects", objects, mean), *summary_rows(summaries)]
    return [
        "## Held-out scores by size and event",
        f"W4A4 on dev2 ({len(sequences)} sequences): videos that no training reads, and clips",
        "drawn from stills that none reads (quant/data/dev2). J&F in per cent unless a row says",
        "otherwise; all objects of a clip are tracked at once.",
        "",
        f"| objects, event | objects | {' | '.join(PROMPTS)} |",
        "|---" * (2 + len(PROMPTS)) + "|",
        *(f"| {name} | {count} | {' | '.join(cells)} |" for name, count, cells in rows if name),
        "",
    ]


def render(
    config: ModelConfig, model: Tracker, rows: list[str], folder: Path, more: list[str]
) -> str:
    """The card's Markdown; `more` are lines that follow the scores."""
    sizes = {g: sum(p.numel() for p in getattr(model, g).parameters()) for g in GRAPHS}
    total = sum(p.numel() for p in model.parameters())
    files = [folder / f"{config.name}_{p}.safetensors" for p in PRECISIONS]
    stages = [
        f"| {s.name} | {s.precision} | {s.epochs * STEPS_PER_EPOCH} | {s.clips} x {s.frames} "
        f"| {s.rate:g} | {s.encoder} |"
        for s in RECIPES[config.name]
    ]
    return "\n".join(
        [
            f"# Model card: `{config.name}`",
            "",
            f"A promptable video tracker for {config.image_size} x {config.image_size} inputs: "
            "SAM 2's parts, small, for FPGA boards. Scored "
            f"{date.today():%Y-%m-%d}.",
            "",
            f"Parameters: {total:,} ("
            + ", ".join(f"{g} {n:,}" for g, n in sizes.items())
            + "). Shared quantizers count in each graph.",
            "",
            f"Files: {', '.join(f'`{f.name}` ({f.stat().st_size / 1e6:.1f} MB)' for f in files)}.",
            "W4A4: 4-bit weights (8-bit in the first layer), 4-bit activations, 8-bit on residual",
            "sums, attention operands and graph edges.",
            "",
            "## Scores",
            "J&F (J, F) by DAVIS's rules at 256p, first and last frame left out, through the",
            "host's session.",
            "",
            "| split | prompt | float | W4A4 |",
            "|---|---|---|---|",
            *rows,
            "",
            "The train split was trained on; dev was not. Copying the first mask gives 35.8 on "
            "dev, DIS optical flow 40.9.",
            "",
            *more,
            "## Recipe",
            "| stage | precision | steps | clips x frames | rate | encoder |",
            "|---|---|---|---|---|---|",
            *stages,
            "",
            "`make quantize` runs it: quant/training/recipe.py, quant/training/module.py. "
            "Losses as SAM 2: focal "
            "20, dice 1, IoU 1, object 1.",
            "",
            "## Data and licences",
            DATA_LICENCES,
            "",
            "## Limits",
            "Trained on few videos: similar objects side by side are confused, thin parts are "
            "lost below the mask grid (a quarter of the input's resolution), and long occlusions "
            "may end on the wrong object. Not for decisions about people.",
            "",
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
