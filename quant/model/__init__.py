"""The network: each part of the tracker and of its detector, their ports, their checkpoints."""
