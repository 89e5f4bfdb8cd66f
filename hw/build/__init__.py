"""From kernels to a board: bundles of hardware, and bitstreams where there is Vivado."""
