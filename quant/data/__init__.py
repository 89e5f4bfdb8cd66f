"""Data to train and score on: annotated videos, animated stills, and prompts drawn from masks."""

from quant.data.clips import sample_video_clip
from quant.data.errors import DataError
from quant.data.layouts.open_dataset import open_dataset
from quant.data.stills import Still, load_stills
from quant.data.synthetic import synthesize_clip
from quant.data.video import VideoSequence

__all__ = [
    "DataError",
    "Still",
    "VideoSequence",
    "load_stills",
    "open_dataset",
    "sample_video_clip",
    "synthesize_clip",
]
