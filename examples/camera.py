"""Follows what a box of the first frame shows, through any source that OpenCV opens.

python examples/camera.py 0 200,100,440,380        (camera 0; or a file, or an address)
"""

import sys
import time

import cv2

from samfabric import Prompt, Session, open_device

source, box = sys.argv[1], [float(edge) for edge in sys.argv[2].split(",")]
capture = cv2.VideoCapture(int(source) if source.isdigit() else source)
session = Session(open_device("golden"))

while True:
    good, picture = capture.read()
    if not good:
        break
    began = time.perf_counter()
    frame = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)  # the session wants RGB
    prompts = {}
    if not session.object_ids:
        prompts = {1: Prompt.from_pixels(*frame.shape[:2], box=box)}
    result = session.step(frame, prompts)
    found = result.objects[1]
    if found.present:
        rows, columns = found.mask().nonzero()
        where = f"around {columns.mean():.0f},{rows.mean():.0f}, {rows.size} pixels"
    else:
        where = "not there"
    print(f"frame {result.frame_index}: {where}, {1000 * (time.perf_counter() - began):.0f} ms")
capture.release()
