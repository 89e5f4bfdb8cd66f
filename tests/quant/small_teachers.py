"""SAM 2 and SAM 3 models of `transformers`, a few thousand times too small, with random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

SIDE, WIDTH = 56, 128  # 2 * 64: the width of SAM 3 video memories is fixed at 64
LAYERS = {"num_layers": 1, "num_attention_heads": 2, "intermediate_size": 64, "hidden_size": WIDTH}
WORDS = ("yellow", "taxi", "dog", "cat")


def sam3_config():
    from transformers import Sam3Config

    return Sam3Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam3_vit_model",
                "hidden_size": WIDTH,
                "intermediate_size": 64,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "image_size": SIDE,
                "pretrain_image_size": SIDE,
                "patch_size": 14,
                "window_size": 2,
                "global_attn_indexes": [1],
            },
            "fpn_hidden_size": WIDTH,
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
        },
        text_config={
            "model_type": "clip_text_model",
            "vocab_size": 32,
            "hidden_size": WIDTH,
            "intermediate_size": 64,
            "projection_dim": WIDTH,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "max_position_embeddings": 32,
            "bos_token_id": 0,
            "eos_token_id": 1,
        },
        geometry_encoder_config=LAYERS,
        detr_encoder_config=LAYERS,
        detr_decoder_config={**LAYERS, "num_queries": 5},
        mask_decoder_config={"hidden_size": WIDTH, "num_attention_heads": 2},
    )


def sam3(folder: Path) -> Path:
    from transformers import Sam3Model

    torch.manual_seed(0)
    Sam3Model(sam3_config()).save_pretrained(folder)
    return _tokenizer(folder)


def sam3_video(folder: Path) -> Path:
    from transformers import Sam3VideoConfig, Sam3VideoModel

    torch.manual_seed(0)
    detector = sam3_config()
    tracker = {
        "model_type": "sam3_tracker_video",
        "vision_config": detector.vision_config,
        "prompt_encoder_config": {
            "hidden_size": WIDTH,
            "image_size": SIDE,
            "patch_size": 14,
            "mask_input_channels": 8,
        },
        "mask_decoder_config": _sam_decoder(),
        **_memory(),
        "image_size": SIDE,
    }
    size: dict[str, Any] = {"image_size": SIDE}  # which the class takes, but does not list
    config = Sam3VideoConfig(
        detector_config=detector,
        tracker_config=tracker,
        **size,
        low_res_mask_size=16,
        # Random weights are sure of nothing: every detection counts, and none is withdrawn.
        score_threshold_detection=0.0,
        new_det_thresh=0.0,
        hotstart_delay=0,
        fill_hole_area=0,
    )
    Sam3VideoModel(config).save_pretrained(folder)
    return _tokenizer(folder)


def sam2(folder: Path) -> Path:
    from transformers import Sam2Config, Sam2Model

    torch.manual_seed(0)
    Sam2Model(Sam2Config(**_sam2_parts())).save_pretrained(folder)
    return folder


def sam2_video(folder: Path) -> Path:
    """What SAM 2's published checkpoints are: the image model, and a memory besides."""
    from transformers import Sam2VideoConfig, Sam2VideoModel

    torch.manual_seed(0)
    config = Sam2VideoConfig(**_sam2_parts(), **_memory(), image_size=64)
    Sam2VideoModel(config).save_pretrained(folder)
    return folder


def _sam2_parts():
    return {
        "vision_config": {
            "backbone_config": {
                "model_type": "sam2_hiera_det_model",
                "hidden_size": 8,
                "image_size": [64, 64],
                "blocks_per_stage": [1, 1, 2, 1],
                "embed_dim_per_stage": [8, 16, 32, 64],
                "num_attention_heads_per_stage": [1, 1, 1, 1],
                "window_size_per_stage": [8, 4, 4, 2],
                "global_attention_blocks": [3],
                "window_positional_embedding_background_size": [2, 2],
            },
            "backbone_channel_list": [64, 32, 16, 8],
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            "fpn_hidden_size": WIDTH,
        },
        "prompt_encoder_config": {
            "hidden_size": WIDTH,
            "image_size": 64,
            "patch_size": 16,
            "mask_input_channels": 8,
        },
        "mask_decoder_config": _sam_decoder(),
    }


def _memory():
    return {
        "memory_attention_hidden_size": WIDTH,
        "memory_attention_num_layers": 1,
        "memory_attention_feed_forward_hidden_size": 64,
        "memory_attention_num_attention_heads": 1,
        "memory_attention_rope_feat_sizes": [4, 4],
        "memory_encoder_hidden_size": WIDTH,
        "memory_encoder_output_channels": 64,
        "mask_downsampler_embed_dim": WIDTH,
        "memory_fuser_num_layers": 1,
        "memory_fuser_embed_dim": WIDTH,
        "memory_fuser_intermediate_dim": 64,
        "num_maskmem": 3,
    }


def _sam_decoder():
    return {
        "hidden_size": WIDTH,
        "mlp_dim": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "iou_head_depth": 2,
        "iou_head_hidden_dim": 32,
    }


def _tokenizer(folder: Path) -> Path:
    """CLIP's tokenizer for a handful of words."""
    from transformers import CLIPTokenizer

    letters = sorted({letter for word in WORDS for letter in word})
    names = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    names = names[:32]
    (folder / "vocab.json").write_text(json.dumps({name: i for i, name in enumerate(names)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    files = [str(folder / "vocab.json"), str(folder / "merges.txt")]
    CLIPTokenizer(*files).save_pretrained(folder)
    return folder
