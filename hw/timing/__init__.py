"""Static timing of mapped netlists: kernels, accelerators, the system."""
