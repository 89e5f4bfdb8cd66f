"""SAM 2's video notebook as a script. Only the import differs from the original.

python examples/sam2_script.py clip.mp4 40,30,200,180
"""

import sys

import numpy as np

from samfabric import build_sam2_video_predictor  # was: from sam2.build_sam import …

video, box = sys.argv[1], np.array(sys.argv[2].split(","), dtype=np.float32)

predictor = build_sam2_video_predictor(
    "configs/sam2.1/sam2.1_hiera_t.yaml", "checkpoints/sam2.1_hiera_tiny.pt"
)
inference_state = predictor.init_state(video_path=video)
_, out_obj_ids, out_mask_logits = predictor.add_new_points_or_box(
    inference_state=inference_state, frame_idx=0, obj_id=1, box=box
)

video_segments = {}
for out_frame_idx, out_obj_ids, out_mask_logits in predictor.propagate_in_video(inference_state):
    video_segments[out_frame_idx] = {
        out_obj_id: (out_mask_logits[i] > 0.0).cpu().numpy()
        for i, out_obj_id in enumerate(out_obj_ids)
    }

for index, masks in video_segments.items():
    print(f"frame {index}: { ({i: int(mask.sum()) for i, mask in masks.items()}) }")
