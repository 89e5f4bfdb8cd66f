"""What several kernels share: modules, base classes, cost models."""
