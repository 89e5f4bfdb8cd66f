"""Follows several objects at once and writes one PNG a frame: 0 background, then the object's id.

python examples/several_objects.py clip.mp4 masks/ 10,20,80,90 120,40,200,160
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from samfabric import Prompt, Session, open_device, open_source

source, folder = sys.argv[1], Path(sys.argv[2])
boxes = [[float(edge) for edge in text.split(",")] for text in sys.argv[3:]]
folder.mkdir(parents=True, exist_ok=True)
session = Session(open_device("golden"))

for frame in open_source(source):
    size = frame.image.shape[:2]
    prompts = {}
    if frame.index == 0:
        prompts = {n: Prompt.from_pixels(*size, box=box) for n, box in enumerate(boxes, 1)}
    result = session.step(frame.image, prompts)
    ids = np.zeros(size, np.uint8)
    for object_id, found in result.objects.items():
        ids[found.mask()] = object_id  # masks share no pixel
    cv2.imwrite(str(folder / f"{frame.name}.png"), ids)
    print(frame.name, {int(n): int((ids == n).sum()) for n in np.unique(ids) if n})
