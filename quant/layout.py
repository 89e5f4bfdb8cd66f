"""How maps should lie in memory on a device: measured, since depthwise convolutions differ by an
order of magnitude between the two layouts from device to device.
"""

from __future__ import annotations

import time

import torch
from torch.nn import functional as F

LAYOUTS = (torch.channels_last, torch.contiguous_format)
CHANNELS, SIDE, FRAMES = 144, 64, 32  # nano's largest stage after the stem
ROUNDS = 5


def fastest_layout(device: torch.device) -> torch.memory_format:
    """The layout in which a depthwise convolution and its gradient take least time; on a CPU
    channels last, which its bfloat16 kernels are made for.
    """
    if device.type != "cuda":
        return torch.channels_last
    spent = {layout: _time(device, layout) for layout in LAYOUTS}
    print("depthwise convolution:", {str(k): f"{v * 1e3:.2f} ms" for k, v in spent.items()})
    return min(spent, key=lambda layout: spent[layout])


def _time(device: torch.device, layout: torch.memory_format) -> float:
    """Seconds of a depthwise convolution with its gradient."""
    x = torch.randn(FRAMES, CHANNELS, SIDE, SIDE, device=device, dtype=torch.bfloat16)
    x = x.to(memory_format=layout).requires_grad_()
    weight = torch.randn(CHANNELS, 1, 3, 3, device=device, dtype=torch.bfloat16)
    weight = weight.to(memory_format=layout).requires_grad_()
    for number in range(ROUNDS + 2):
        if number == 2:  # the first ones load kernels
            torch.cuda.synchronize(device)
            began = time.perf_counter()
        F.conv2d(x, weight, padding=1, groups=CHANNELS).sum().backward()
    torch.cuda.synchronize(device)
    return (time.perf_counter() - began) / ROUNDS
