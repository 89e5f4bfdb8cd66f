"""The training recipe of each configuration: stages in order, each with its length and what learns.

A stage starts from the weights that the one before it left; a float one after quantized ones from
their heads, on the image encoder of the float stage before them. So the whole recipe is resumable
stage by stage and, through Lightning's own checkpoints, epoch by epoch inside a stage. `EPOCHS=`
scales every stage; `--minutes` gives each its share of a fixed time, for a machine that rents by
the minute.
"""

from __future__ import annotations

from dataclasses import dataclass

from quant.config import PRECISIONS


@dataclass(frozen=True)
class Stage:
    """A stage is one part of a training with its own settings.

    Attributes:
        name: folder and log name.
        precision: "float" or "w4a4".
        epochs: epochs of STEPS_PER_EPOCH steps.
        rate: peak learning rate (one-cycle: short warm-up, cosine to zero).
        clips, frames: batch size and clip length.
        encoder: how the backbone takes part: "frozen" (with the neck: no gradient, norms fixed),
            "whole" (learns with all else) or "distill" (it alone learns, towards the float
            backbone's maps).
        objects: objects of a clip that are followed at once: one pass of the encoder serves all.
        backbone_rate: rate of a backbone that learns with all else, of the stage's.
        share: share of a run of fixed time.
        settled: the heads' norms keep their statistics, which are what the session and the
            quantized model see, where training frames come in batches of one kind. The backbone's
            always do: they have seen far more images than a batch holds.
    """

    name: str
    precision: str
    epochs: int
    rate: float
    clips: int
    frames: int
    encoder: str

    objects: int = 2
    backbone_rate: float = 0.25
    share: float = 0.25
    settled: bool = False

    @property
    def rendered(self) -> int:
        """Frames of a clip as it is rendered: a step sees a window of them, at some stride."""
        return self.frames if self.frames == 1 else max(8, self.frames)


STEPS_PER_EPOCH = 100

RECIPES: dict[str, tuple[Stage, ...]] = {
    "tiny": (
        Stage("whole", "float", 10, 2e-3, 8, 3, "whole", share=0.6),
        Stage("quantized", "w4a4", 5, 5e-4, 8, 3, "whole", share=0.4),
    ),
    "pico": (
        Stage("whole", "float", 400, 2e-3, 16, 4, "whole", share=0.45),
        Stage("longer", "float", 50, 7e-4, 8, 8, "whole", share=0.22, settled=True),
        Stage("distill", "w4a4", 20, 1.5e-3, 32, 1, "distill", share=0.08),
        Stage("quantized", "w4a4", 100, 5e-4, 8, 5, "whole", share=0.25),
    ),
    "nano": (
        Stage("whole", "float", 400, 2e-3, 8, 4, "whole", share=0.35),
        Stage("longer", "float", 50, 7e-4, 4, 8, "whole", share=0.2, settled=True),
        Stage("distill", "w4a4", 20, 1e-3, 8, 1, "distill", share=0.05),
        Stage("quantized", "w4a4", 100, 4e-4, 4, 5, "whole", share=0.2),
        # The encoder stays as it is from here on, so that a detector can be trained meanwhile.
        Stage("heads", "w4a4", 60, 4e-4, 4, 8, "frozen", share=0.2, settled=True),
        # What the heads learned in W4A4 comes back to the float model.
        Stage("float_heads", "float", 12, 4e-4, 4, 8, "frozen", share=0.05, settled=True),
    ),
}


QUANTIZED_COST = 3.7  # of a detector's step in W4A4, as a multiple of one in float


@dataclass(frozen=True)
class ConceptStage:
    """One cycle of training the concept detector: its precision, epochs and peak rate.

    rarity: a present concept is asked for with weight (instances in the set) ** -rarity; 0.5 so
    that all are learned, 0 so that each counts as often as it occurs, as scores do.
    """

    name: str
    precision: str
    epochs: int
    rate: float
    rarity: float = 0.0

    @property
    def time(self) -> float:
        """How long the stage takes, in float epochs."""
        return self.epochs * (1.0 if PRECISIONS[self.precision].is_float else QUANTIZED_COST)


@dataclass(frozen=True)
class ConceptRecipe:
    """Training of the concept detector: views to cache, questions a batch, stages; drawn scenes
    among the images.
    """

    views: int
    batch: int
    stages: tuple[ConceptStage, ...]
    scenes: int = 320


CONCEPT_RECIPES: dict[str, ConceptRecipe] = {
    "tiny": ConceptRecipe(
        2000,
        32,
        (
            ConceptStage("detector_float", "float", 6, 2e-3),
            ConceptStage("detector_w4a4", "w4a4", 3, 5e-4),
        ),
    ),
    "pico": ConceptRecipe(
        8000,
        32,
        (
            ConceptStage("detector_float", "float", 48, 2e-3),
            ConceptStage("detector_w4a4", "w4a4", 9, 6e-4),
        ),
    ),
    # A step in W4A4 costs QUANTIZED_COST float ones, so most of the learning is done in float. The
    # shipped checkpoint's first three stages saw 12,000 views without pasted objects, drawn scenes
    # and people of DAVIS.
    "nano": ConceptRecipe(
        18000,
        32,
        (
            ConceptStage("detector_float", "float", 30, 2e-3, rarity=0.5),
            ConceptStage("detector_float_more", "float", 20, 1.5e-3, rarity=0.5),
            ConceptStage("detector_float_frequent", "float", 14, 1.5e-3),
            ConceptStage("detector_float_longer", "float", 50, 2e-3, rarity=0.25),
            ConceptStage("detector_float_slower", "float", 40, 8e-4, rarity=0.25),
            ConceptStage("detector_w4a4", "w4a4", 11, 6e-4),
        ),
    ),
}
