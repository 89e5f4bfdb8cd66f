"""Stitching: kernels wired into one module."""
