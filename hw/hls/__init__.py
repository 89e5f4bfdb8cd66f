"""The second back end: kernels as HLS C++ templates, and the accelerators that are made of them."""
