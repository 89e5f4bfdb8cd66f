"""A recipe of a few steps, and how a test runs it."""

from quant.training import train
from quant.training.recipe import Stage

SHORT = (
    Stage("whole", "float", 1, 1e-3, 2, 2, "whole"),
    Stage("longer", "float", 1, 1e-3, 2, 2, "whole", settled=True),
    Stage("distill", "w4a4", 1, 1e-3, 2, 1, "distill"),
    Stage("quantized", "w4a4", 2, 1e-3, 2, 2, "whole"),
)


def run(data, tmp_path, *extra):
    runs = tmp_path / "run"
    argv = ["--config", "tiny", "--data", str(data), "--run", str(runs)]
    return train.main([*argv, "--workers", "0", "--accelerator", "cpu", *extra]), runs
