"""How the tracker is trained: data, unrolled clips, losses, stages, and from float to 4 bits."""
