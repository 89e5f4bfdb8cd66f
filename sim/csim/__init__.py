"""C simulation: HLS kernels and accelerators compiled by g++ and run beside their golden models."""
