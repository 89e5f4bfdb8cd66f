"""A device that knows the answer: it reads objects off the colours of the written frames.

Object 1 is pure red and object 2 pure green on black, so a channel of the image is an object's
mask. Which object is meant it learns from prompts and carries in memories, as a real model must.
S is four times the frames' side, so that the mask grid and the video have the same pixels.
"""

import cv2
import numpy as np

from host.policy import AGE_BUCKETS, AGE_LANES, Policy
from host.spec import TOKENS, GraphPorts, ModelSpec, Tables
from hw.spec.port import Port

R = 64  # side of the frames and of the mask grid
S, G, WIDTH, LANES = 4 * R, R // 4, 4, 9


def make_spec():
    def ports(**shapes):
        return {name: Port(name, shape, None, 1.0) for name, shape in shapes.items()}

    features, skip8, skip4 = (1, WIDTH, G, G), (1, 3, 2 * G, 2 * G), (1, 3, R, R)
    memory = (1, 1, None, LANES)
    written = (1, 1, G * G, LANES)
    graphs = {
        "image_encoder": GraphPorts(
            ports(image=(1, 3, S, S)), ports(features=features, skip8=skip8, skip4=skip4)
        ),
        "memory_attention": GraphPorts(
            ports(features=features, memory_keys=memory, memory_values=memory),
            ports(conditioned=features),
        ),
        "mask_decoder": GraphPorts(
            ports(
                conditioned=features,
                skip8=skip8,
                skip4=skip4,
                dense_prompt=(1, 6, R, R),
                tokens=(1, WIDTH, TOKENS, 1),
            ),
            ports(masks=(1, 4, R, R), scores=(1, 1, TOKENS, 1), obj_ptr=(1, 2 * LANES, TOKENS, 1)),
        ),
        "memory_encoder": GraphPorts(
            ports(mask=(1, 1, R, R), features=features), ports(keys=written, values=written)
        ),
    }
    few, places = np.zeros((5, WIDTH), np.float32), np.zeros((R, WIDTH), np.float32)
    ages = np.zeros((3, AGE_BUCKETS, AGE_LANES), np.float32)
    tables = Tables(few, places, places.copy(), few, ages)
    return ModelSpec("oracle", "float", S, WIDTH, LANES, LANES, Policy(), graphs, tables)


class Oracle:
    """shift: pixels by which every answer lies too far right. `decoded` counts decoder calls."""

    name = "oracle"

    def __init__(self, shift=0):
        self.spec = make_spec()
        self.shift = shift
        self.decoded = 0
        self.prompts = []

    def allocate(self, shape, dtype):
        return np.zeros(shape, dtype)

    def close(self):
        pass

    def run(self, graph, inputs):
        ports = self.spec.ports[graph].inputs
        for name, port in ports.items():
            port.check(inputs[name])
        return getattr(self, f"_{graph}")(**inputs)

    def _image_encoder(self, image):
        picture = image[0].transpose(1, 2, 0)

        def at(side):
            small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
            return small.transpose(2, 0, 1)[None]

        features = np.zeros((1, WIDTH, G, G), np.float32)
        features[:, :3] = at(G)
        return {"features": features, "skip8": at(2 * G), "skip4": at(R)}

    def _memory_attention(self, features, memory_keys, memory_values):
        conditioned = features.copy()
        conditioned[0, 3] = np.median(memory_values[0, 0, :, 0])  # 1 + channel
        return {"conditioned": conditioned}

    def _mask_decoder(self, conditioned, skip8, skip4, dense_prompt, tokens):
        self.decoded += 1
        self.prompts.append(dense_prompt[0].copy())
        channel = int(conditioned[0, 3, 0, 0]) - 1
        if channel < 0:
            drawn = np.maximum(dense_prompt[0, [0, 1, 3]], 0).sum(0)
            channel = int(np.argmax([(plane + 1).ravel() @ drawn.ravel() for plane in skip4[0]]))
        mask = np.roll(skip4[0, channel] > 0, self.shift, axis=1)
        masks = np.broadcast_to(np.where(mask, 8.0, -8.0), (1, 4, R, R)).astype(np.float32)
        scores = np.zeros((1, 1, TOKENS, 1), np.float32)
        scores[0, 0, 4, 0] = 1 if mask.any() else -1
        obj_ptr = np.full((1, 2 * LANES, TOKENS, 1), channel + 1, np.float32)
        return {"masks": masks, "scores": scores, "obj_ptr": obj_ptr}

    def _memory_encoder(self, mask, features):
        small = cv2.resize(np.maximum(mask[0, 0], 0), (G, G), interpolation=cv2.INTER_AREA)
        shares = [(plane + 1).ravel() @ small.ravel() for plane in features[0, :3]]
        keys = np.zeros((1, 1, G * G, LANES), np.float32)
        return {"keys": keys, "values": np.full_like(keys, int(np.argmax(shares)) + 1)}
