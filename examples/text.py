"""Finds every instance of a phrase on the first frame of a video, and follows each of them.

python examples/text.py clip.mp4 "animal"
"""

import sys

from samfabric import ConceptSession, Prompt, open_device, open_source

source, phrase = sys.argv[1:3]
session = ConceptSession(open_device("golden", detector=True))

for frame in open_source(source):
    if frame.index == 0:
        session.set_image(frame.image)
        found = session.detect(phrase)
        print(f"{phrase}: {len(found)} found, scores {[round(float(s), 2) for s in found.scores]}")
        prompts = {n: Prompt(mask=mask) for n, mask in enumerate(found.masks, 1)}
        result = session.tracker.refine(prompts)  # the detector's session tracks, too
    else:
        result = session.tracker.step(frame.image)
    shown = {n: int(o.mask().sum()) for n, o in result.objects.items() if o.present}
    print(f"frame {frame.index}: pixels of each instance {shown}")
